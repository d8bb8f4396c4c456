"""Assembly runs end with lists that are switched in whole, whatever dies on the way; or with a failure that says why."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import Awaitable, Callable
from pathlib import Path

import asyncpg
import pytest
from visavis.common.v1 import error_reason_pb2, run_pb2
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as pb
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from shared.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from shared.lake.lake import Lake
from shared.lake.messages import table_to_messages
from shared.lake.refs import from_ref, to_ref
from tests.factories.recommendation import Base, base_of, holding, matrix_csv, member, sample, scores, view
from tests.integration.recommendation.service import SAMPLE_MATRICES, Service, running_service

STAGES = ("pin circumstances", "assemble", "switch in", "drop old lists")
REQUEST_ID = "6a9f1c1e-0000-4000-8000-000000000001"


async def test_lists_and_rejects_add_up_to_the_views(service: Service) -> None:
    ids = ["c00000", "c00001", "c00002"]
    base = Base([view(c) for c in ids], [scores(c) for c in ids[:2]], [member(c) for c in ids[1:]])
    inputs = base.publish(service.lake, "holes")
    run = await service.assemble(inputs)
    assert (run.lists.row_count, run.rejects.row_count) == (1, 2)
    assert run.status.done_count == run.status.total_count > 0
    assert run.status.stage == STAGES[-1]
    with pytest.raises(NotFound):
        await service.list_of("c00000")
    told = await service.recommendation.ExplainPolicyList(pb.ExplainPolicyListRequest(customer_id="c00000"))
    assert (told.replays, told.arm, list(told.matrices)) == (True, "", [])


async def test_a_run_tells_what_its_main_policies_would_do_to_bills_and_what_the_guard_blocked(
    service: Service,
) -> None:
    # Three with bills of 120 yuan are offered a handset, which takes 25 yuan a month from each bill; one of them calls so much by
    # long distance that a pack without limits would only lower the bill.
    heavy = {"long_distance_minutes": 4_000, "age": 50}
    views = [view("c00000"), view("c00001"), view("c00002", **heavy)]
    scored = [scores(row.customer_id, voice_segment="calls_outside") for row in views]
    base = Base(views, scored, [member(row.customer_id) for row in views])
    run = await service.assemble(base.publish(service.lake, "dilution"))
    assert (run.dilution.expected_fen, run.dilution.blocked_count) == (-7_500, 1)
    told = await service.recommendation.ExplainPolicyList(pb.ExplainPolicyListRequest(customer_id="c00002"))
    assert ("pack-unlimited", "the policy would lower the customer's bill, which only retention may") in [
        (blocked.policy, blocked.reason) for blocked in told.blocked
    ]


async def test_a_request_told_twice_is_one_run_and_another_request_is_refused(service: Service) -> None:
    await service.assemble(base_of(2).publish(service.lake, "two"))
    asked = service.asked[0]
    asked.request_id = REQUEST_ID
    first = (await service.recommendation.CreateAssemblyRun(asked)).assembly_run
    again = (await service.recommendation.CreateAssemblyRun(asked)).assembly_run
    assert first.name == again.name == f"assemblyRuns/{REQUEST_ID}"
    asked.cycle = "2026-12"
    with pytest.raises(AlreadyExists):
        await service.recommendation.CreateAssemblyRun(asked)
    await service.finish(first)
    page = await service.recommendation.ListAssemblyRuns(pb.ListAssemblyRunsRequest(page_size=1))
    rest = await service.recommendation.ListAssemblyRuns(
        pb.ListAssemblyRunsRequest(page_size=1, page_token=page.next_page_token)
    )
    assert {page.assembly_runs[0].name, rest.assembly_runs[0].name} >= {first.name}
    assert rest.next_page_token == ""


async def test_a_request_is_checked_whole_at_the_door(service: Service) -> None:
    matrices, catalogue = await service.rules()
    asked = pb.CreateAssemblyRunRequest(cycle="november", matrices=matrices[:2], policy_catalogue=catalogue)
    with pytest.raises(InvalidInput) as refused:
        await service.recommendation.CreateAssemblyRun(asked)
    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["views", "scores", "membership", "cycle", "matrices"]
    asked.matrices[:] = [*matrices[:2], "matrices/unheard"]
    with pytest.raises(NotFound):
        await service.recommendation.CreateAssemblyRun(asked)


async def test_a_policy_that_a_matrix_names_and_nobody_knows_is_refused_with_its_row(service: Service) -> None:
    without = "\n".join(line for line in sample("policies").splitlines() if not line.startswith("newspaper-wake,"))
    matrices, catalogue = await service.rules(policies=without)
    base = base_of(1).publish(service.lake, "unknown-policy")
    asked = pb.CreateAssemblyRunRequest(
        cycle="2026-11",
        views=to_ref(base.views),
        scores=to_ref(base.scores),
        membership=to_ref(base.membership),
        matrices=matrices,
        policy_catalogue=catalogue,
    )
    with pytest.raises(InvalidInput, match=r"row \d+: 'newspaper-wake' is not in the policy catalogue") as refused:
        await service.recommendation.CreateAssemblyRun(asked)
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"


async def test_two_rows_of_a_unique_matrix_end_the_run_with_an_example(service: Service) -> None:
    lines = [["> 50", "retention", "new_service"], ["> 100", "new_service", "retention"]]
    ambiguous = matrix_csv("priority", "UNIQUE", ["arpu", "=> first", "=> second"], lines)
    inputs = base_of(2).publish(service.lake, "two")
    run = await service.finish(await service.order(inputs, matrices=[ambiguous, *SAMPLE_MATRICES[1:]]))
    assert run.status.failure.reason == error_reason_pb2.ERROR_REASON_MATRIX_AMBIGUOUS
    assert "rows 3, 4 all match customer c00…00" in run.status.failure.message
    with pytest.raises(WrongState):
        await service.recommendation.SelectTargets(
            pb.SelectTargetsRequest(assembly_run=run.name, zone=policy_pb.ZONE_RETENTION)
        )


async def test_scores_that_name_a_customer_twice_end_the_run(service: Service) -> None:
    base = Base([view("c00000")], [scores("c00000"), scores("c00000", value_tier="low")], [member("c00000")])
    run = await service.finish(await service.order(base.publish(service.lake, "twice")))
    assert run.status.state == run_pb2.RUN_STATE_FAILED
    assert "do not add up to 1 views" in run.status.failure.message


async def test_a_worker_killed_in_each_stage_leaves_a_run_that_completes_once(
    service_database_url: Callable[[str], Awaitable[str]], tmp_path: Path
) -> None:
    url, lake = await service_database_url("recommendation"), Lake(tmp_path / "lake")
    async with running_service(url, lake, worker=False) as service:
        pending = await service.order(base_of(50).publish(lake, "fifty"))
        command = ["-m", "tests.integration.recommendation.doomed", url, str(lake.root), *STAGES]
        process = await asyncio.create_subprocess_exec(sys.executable, *command, stdout=PIPE)
        told, _ = await process.communicate()
        ends = [line for line in told.decode().splitlines() if ": SIG" in line]
        assert ends == [f"{stage}: SIGKILL" for stage in STAGES]
    async with running_service(url, lake) as service:
        run = await service.finish(pending)
        assert run.status.state == run_pb2.RUN_STATE_SUCCEEDED
        assert run.lists.row_count == 50
        assert (await service.list_of("c00049")).assembly_run == run.name
    for pages in ("desk_pages", "desk_number_pages"):
        assert await counted(url, f"recommendation.{pages}, unnest(keys)") == 50
    assert await counted(url, "recommendation.switches") == 1


async def counted(url: str, relation: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval(f"SELECT count(*) FROM {relation}"))
    finally:
        await connection.close()


async def test_readers_see_the_old_list_or_the_new_one_and_old_ones_go(
    service: Service,
) -> None:
    inputs = base_of(400).publish(service.lake, "many")
    runs = [(await service.assemble(inputs)).name]
    seen: list[str] = []
    reading = True

    async def read(customer_id: str) -> None:
        while reading:
            found = await service.list_of(customer_id)
            assert len(found.zones) == 2
            seen.append(found.assembly_run)
            await asyncio.sleep(0.002)

    async with asyncio.TaskGroup() as tasks:
        for customer_id in ("c00000", "c00199", "c00399"):
            tasks.create_task(read(customer_id))
        runs.extend([(await service.assemble(inputs)).name for _ in range(3)])
        reading = False
    # Each reader goes from one run to the next and never back, so the first sightings are in the order of the switches.
    assert list(dict.fromkeys(seen)) == [name for name in runs if name in seen]
    assert seen[-1] == runs[-1]
    for pages in ("desk_pages", "desk_number_pages"):
        partitions = f"pg_inherits WHERE inhparent = 'recommendation.{pages}'::regclass"
        assert await counted(service.url, partitions) == 2
    old = await service.recommendation.ExplainPolicyList(
        pb.ExplainPolicyListRequest(customer_id="c00000", assembly_run=runs[0])
    )
    assert old.replays


async def test_an_explanation_names_inputs_fired_rows_and_the_first_cell_that_failed(service: Service) -> None:
    has_mail = [holding("active", "mail_139")]
    base = Base([view("c00000", handset_mms=None, products=has_mail)], [scores("c00000")], [member("c00000", "random")])
    run = await service.assemble(base.publish(service.lake, "one"))
    told = await service.recommendation.ExplainPolicyList(pb.ExplainPolicyListRequest(customer_id="c00000"))
    assert (told.assembly_run, told.snapshot, told.scoring_run) == (run.name, "snapshots/s1", "scoringRuns/r1")
    assert (told.arm, told.replays) == ("random", True)
    assert [(m.display_name, m.product) for m in told.matrices] == [
        ("营销优先级", ""),
        ("存量保有政策", ""),
        ("新业务推荐", "mail_139"),
        ("新业务推荐", "mobile_internet"),
        ("新业务推荐", "mobile_newspaper"),
        ("新业务推荐", "ring_back_tone"),
        ("话务激发语音包", ""),
        ("虚拟网方案", ""),
    ]
    retention, newspaper = told.matrices[1], told.matrices[4]
    assert {i.input: i.value for i in retention.inputs} == {
        "contract_ends_within_months": "null",
        "tenure_months": "30",
        "return_rate_score": "90.00",
        "arpu": "120.00",
        "portrait": '"healthy"',
        "warned": "false",
        "minutes_change": "null",
        "enterprise_warned": "null",
        "complaints": "0.0",
    }
    assert list(retention.fired_rows) == [22]
    assert [(f.row, f.input, f.cell) for f in retention.failed_rows][:3] == [
        (4, "contract_ends_within_months", "> 3"),
        (6, "return_rate_score", "null,< 50"),
        (8, "contract_ends_within_months", "<= 3"),
    ]
    assert [list(newspaper.fired_rows), {i.input: i.value for i in newspaper.inputs}["product_state"]] == [
        [6],
        '"potential"',
    ]
    (blocked,) = told.blocked
    assert (blocked.policy, blocked.row) == ("newspaper-trial", 6)
    assert blocked.reason == "the handset is not known to show MMS"


async def test_targets_are_picked_from_a_run_within_the_callers_cities(service: Service) -> None:
    arms = ("targeted", "targeted", "random", "control")
    run = await service.assemble(base_of(40, arms=arms).publish(service.lake, "forty"))
    asked = pb.SelectTargetsRequest(
        request_id=REQUEST_ID, assembly_run=run.name, zone=policy_pb.ZONE_NEW_SERVICE, limit=8
    )
    selection = await service.targets(asked)
    assert dict(selection.arm_counts) == {"targeted": 8, "random": 2, "control": 10}
    assert selection.targets.row_count == 20
    assert (await service.targets(asked)).targets == selection.targets
    with pytest.raises(InvalidInput):
        await service.recommendation.SelectTargets(pb.SelectTargetsRequest(assembly_run=run.name))
    with pytest.raises(NotFound):
        await service.recommendation.SelectTargets(
            pb.SelectTargetsRequest(assembly_run="assemblyRuns/x", zone=policy_pb.ZONE_RETENTION)
        )


async def test_a_selection_is_found_by_the_targets_it_made(service: Service) -> None:
    run = await service.assemble(base_of(4).publish(service.lake, "found"))
    asked = pb.SelectTargetsRequest(assembly_run=run.name, zone=policy_pb.ZONE_NEW_SERVICE)
    selection, other = await service.targets(asked), await service.targets(asked)
    assert selection.name != other.name
    get = service.recommendation.GetTargetSelection
    found = (await get(pb.GetTargetSelectionRequest(targets=selection.targets))).target_selection
    assert found == selection
    assert (found.assembly_run, found.zone, found.matrix) == (run.name, policy_pb.ZONE_NEW_SERVICE, "")
    with pytest.raises(NotFound):
        await get(pb.GetTargetSelectionRequest(targets=run.lists))
    with pytest.raises(InvalidInput, match="not both"):
        await get(pb.GetTargetSelectionRequest(name=selection.name, targets=selection.targets))


async def test_what_a_list_recommends_is_told_with_the_row_that_gave_it(service: Service) -> None:
    run = await service.assemble(base_of(2).publish(service.lake, "given"))
    shown = await service.list_of("c00001")
    selection = await service.targets(pb.SelectTargetsRequest(assembly_run=run.name, zone=policy_pb.ZONE_NEW_SERVICE))
    asked = pb.ExplainPolicyListRequest(customer_id="c00001", target_selection=selection.name)
    told = await service.recommendation.ExplainPolicyList(asked)
    offered = [(policy.policy.policy, policy.fired_rule) for zone in shown.zones for policy in zone.policies]
    assert [(given.policy, f"{given.matrix} row {given.row}") for given in told.given] == offered
    asked.assembly_run = "assemblyRuns/another"
    with pytest.raises(InvalidInput, match="target_selection"):
        await service.recommendation.ExplainPolicyList(asked)


async def test_an_extraction_matrix_picks_targets_whatever_lists_recommend(service: Service) -> None:
    views = [view("c00000", age=30), view("c00001", age=50), view("c00002", age=30, products=[holding("active")])]
    ids = [row.customer_id for row in views]
    base = Base(views, [scores(customer) for customer in ids], [member(customer) for customer in ids])
    run = await service.assemble(base.publish(service.lake, "extracted"))
    text = matrix_csv("extraction", "FIRST", ["age", "=> policy"], [["< 40", "newspaper-trial"], ["-", ""]])
    taken = await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(csv=text))
    asked = pb.SelectTargetsRequest(assembly_run=run.name, matrix=taken.matrix.name)
    with pytest.raises(WrongState, match="visavis matrix check"):
        await service.targets(asked)
    await service.approve(taken.matrix.name)
    selection = await service.targets(asked)
    assert dict(selection.arm_counts) == {"targeted": 1, "random": 0, "control": 0}
    (row,) = table_to_messages(service.lake.lookup(from_ref(selection.targets), "customer_id", ids), TargetRow)
    assert (row.customer_id, row.policy, row.product) == ("c00000", "newspaper-trial", "mobile_newspaper")
    told = await service.recommendation.ExplainPolicyList(
        pb.ExplainPolicyListRequest(customer_id="c00000", target_selection=selection.name)
    )
    picked = told.matrices[-1]
    assert (told.assembly_run, picked.matrix, list(picked.fired_rows)) == (run.name, taken.matrix.name, [3])
    assert {matrix.purpose for matrix in told.matrices} >= {"priority", "new_service", "extraction"}
    assert [(value.input, value.value) for value in picked.inputs] == [("age", "30")]
    asked.zone = policy_pb.ZONE_RETENTION
    with pytest.raises(InvalidInput, match="leave zone and policy out"):
        await service.recommendation.SelectTargets(asked)
