"""ExplainPolicyList says all that made a list and kept policies out of it, replays months later, and changes nothing."""

import hashlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import asyncpg
import pytest
from visavis.recommendation.v1 import explanation_pb2, policy_service_pb2
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from shared.errors import InvalidInput, NotFound
from tests.factories.recommendation import (
    Base,
    holding,
    matrix_csv,
    member,
    need,
    sample,
    scores,
    view,
)
from tests.integration.recommendation.service import SAMPLE_MATRICES, Service


def asked(customer: str = "c00000", **fields: object) -> pb.ExplainPolicyListRequest:
    return pb.ExplainPolicyListRequest(customer_id=customer, **fields)  # type: ignore[arg-type]  # fields by name


def rows(purpose: str, *numbers: int) -> explanation_pb2.AskedRows:
    return explanation_pb2.AskedRows(purpose=purpose, rows=numbers)


async def three(service: Service) -> pb.AssemblyRun:
    """Assemble lists of a customer with needs, of one in the control group on the red list, and of one without scores."""
    needs = [need(), need("ring_back_tone", "sensitive", 6_000), need("mail_139", "ordinary", 900)]
    has_internet = [holding("active", "mobile_internet")]
    views = [
        view("c00000", handset_mms=None, products=has_internet),
        view("c00001", red_list=True),
        view("c00002"),
    ]
    base = Base(
        views, [scores("c00000", needs=needs), scores("c00001")], [member("c00000"), member("c00001", "control")]
    )
    return await service.assemble(base.publish(service.lake, "three"))


async def test_an_explanation_names_what_the_list_was_made_of(service: Service) -> None:
    run = await three(service)
    told = await service.recommendation.ExplainPolicyList(asked())
    assert (told.assembly_run, told.cycle, told.city, told.replays) == (run.name, "2026-11", "hefei", True)
    assert list(told.models) == ["models/m1", "models/m2"]
    assert (told.circumstances.day, told.circumstances.most_at_once) == ("2026-11-09", 3)
    assert told.circumstances.affinity_percent == 20
    assert [version.purpose for version in told.versions] == [
        "priority",
        "retention",
        "new_service",
        "voice_usage",
        "vpmn",
        "",
    ]
    assert [version.name for version in told.versions] == [*run.matrices, run.policy_catalogue]
    matrices = told.versions[:-1]
    assert {version.state for version in matrices} == {"published"}
    for version in matrices:
        approved = next(step for step in version.steps if step.kind == "approved")
        assert approved.principal != version.author
        assert ("published", "2026-11") in [(step.kind, step.cycle) for step in version.steps]


async def test_every_term_of_what_was_found_is_told_with_what_it_lost_by(service: Service) -> None:
    await three(service)
    told = await service.recommendation.ExplainPolicyList(asked())
    new = {found.policy: found for found in told.weighed if found.zone == policy_service_pb2.ZONE_NEW_SERVICE}
    ring, mail, paper = new["ring-trial"], new["mail-139-free"], new["newspaper-trial"]
    assert [(term.term, term.value, term.counts, term.source) for term in mail.terms] == [
        ("probability", "0.0900", True, ""),
        ("margin", "3.00", True, ""),
        ("weight", "1.00", True, ""),
        ("affinity", "1.20", True, "has mobile_internet"),
    ]
    assert (mail.value_fen, ring.value_fen) == (32, 540)
    assert (ring.rank, ring.tier, ring.behind, ring.lost_by) == (1, "instant", "", "")
    assert (mail.rank, mail.blocked_by, mail.behind, mail.lost_by) == (0, "ladder", "ring-trial", "tier")
    assert (paper.rank, paper.blocked_by, paper.behind) == (0, "handset_mms", "")
    ladder = next(found for found in told.blocked if found.policy == "mail-139-free")
    assert (ladder.code, ladder.by, ladder.reason) == ("ladder", "ring-trial", "an easier product comes first")
    retention = [found for found in told.weighed if found.zone == policy_service_pb2.ZONE_RETENTION]
    assert [(found.rank, found.lost_by) for found in retention] == [(1, ""), (2, "place"), (3, "place")]


async def test_near_rows_say_what_would_have_had_to_differ(service: Service) -> None:
    await three(service)
    told = await service.recommendation.ExplainPolicyList(asked(rows=[rows("retention", 4, 6, 8)]))
    retention = next(matrix for matrix in told.matrices if matrix.purpose == "retention")
    assert retention.fired[0].matrix_row == retention.fired_rows[0] == 22
    assert set(retention.fired[0].gives) == {"policy_group", "main_policy"}
    near = {row.row.row: row for row in retention.near_rows}
    assert set(near) == {4, 6, 8}
    first = near[4].failed_cells[0]
    assert (first.input, first.value, first.cell) == ("contract_ends_within_months", "null", "> 3")
    change = near[4].changes[0]
    assert (change.input, change.value, change.nearest, change.wanted) == (
        "contract_ends_within_months",
        "null",
        "4",
        "> 3",
    )
    assert len(near[6].failed_cells) == len({cell.input for cell in near[6].failed_cells}) >= 1
    others = [matrix for matrix in told.matrices if matrix.purpose != "retention"]
    assert all(len(matrix.near_rows) <= 3 for matrix in others)
    assert any(matrix.near_rows for matrix in others)


OVERRIDE = """matrix,retention,FIRST,hefei's own
city,hefei
arpu,=> policy_group,=> main_policy
>= 150,group-7,contract-150-vip
>= 100,group-6,contract-100-gift
"""


async def test_rows_of_a_citys_override_are_told_by_where_they_stand(service: Service) -> None:
    base = Base([view("c00000")], [scores("c00000")], [member("c00000")])
    inputs = base.publish(service.lake, "override")
    run = await service.assemble(inputs, matrices=[*SAMPLE_MATRICES, OVERRIDE])
    wanted = explanation_pb2.AskedRows(purpose="retention", rows=[4], city="hefei")
    told = await service.recommendation.ExplainPolicyList(asked(rows=[wanted, rows("retention", 22)]))
    assert told.replays
    retention = next(matrix for matrix in told.matrices if matrix.purpose == "retention")
    (fired,) = retention.fired
    override = next(version for version in told.versions if version.city == "hefei")
    assert (fired.city, fired.matrix_row, fired.matrix) == ("hefei", 5, override.name)
    assert override.name in run.matrices
    near = {(row.row.city, row.row.matrix_row): row for row in retention.near_rows}
    assert set(near) == {("hefei", 4), ("", 22)}
    change = near["hefei", 4].changes[0]
    assert (change.input, change.value, change.wanted) == ("arpu", "120.00", ">= 150")
    assert near["", 22].overtaken_by == fired.row
    assert near["", 22].row.matrix == retention.matrix
    with pytest.raises(InvalidInput, match="matrix retention of hefei has no rule in row 22"):
        await service.recommendation.ExplainPolicyList(
            asked(rows=[explanation_pb2.AskedRows(purpose="retention", rows=[22], city="hefei")])
        )


async def test_who_is_withheld_or_rejected_is_told_why_and_what_holds_now(service: Service) -> None:
    await three(service)
    service.contacts.capped.add("c00000")
    capped = await service.recommendation.ExplainPolicyList(asked())
    assert [(check.channel, check.allowed, check.rule) for check in capped.standing.channels] == [("sms", False, "cap")]
    service.contacts.opted_out.add("c00000")
    assert (await service.recommendation.ExplainPolicyList(asked())).standing.opted_out
    control = await service.recommendation.ExplainPolicyList(asked("c00001"))
    assert (control.withheld_reason, control.arm) == ("on the red list", "control")
    assert control.standing.channels[0].rule == "control_arm"
    rejected = await service.recommendation.ExplainPolicyList(asked("c00002"))
    assert rejected.reject_reason == "the scoring run has no scores of the customer"
    assert (rejected.replays, list(rejected.given), list(rejected.zone_order)) == (True, [], [])
    service.stop_dispatch.set()
    alone = await service.recommendation.ExplainPolicyList(asked())
    assert alone.replays
    assert alone.standing.missing


async def test_asking_for_rows_runs_and_cycles_that_are_not_there_is_refused(service: Service) -> None:
    run = await three(service)
    explain = service.recommendation.ExplainPolicyList
    assert (await explain(asked(cycle="2026-11"))).assembly_run == run.name
    with pytest.raises(NotFound, match="2026-10"):
        await explain(asked(cycle="2026-10"))
    with pytest.raises(InvalidInput, match="not several"):
        await explain(asked(cycle="2026-11", assembly_run=run.name))
    with pytest.raises(InvalidInput) as refused:
        await explain(asked(rows=[rows("retention", 4, 99), rows("extraction")]))
    assert [violation.description for violation in refused.value.violations] == [
        "matrix retention has no rule in row 99",
        "the customer met no matrix extraction",
    ]
    with pytest.raises(InvalidInput, match="expected one of priority"):
        await explain(asked(rows=[rows("retentoin", 4)]))


async def test_months_later_the_answer_is_the_same_and_nothing_was_written(service: Service) -> None:
    run = await three(service)
    request = asked(assembly_run=run.name, rows=[rows("retention", 4)])
    before = await service.recommendation.ExplainPolicyList(request)
    service.clock.advance(timedelta(days=400))
    newer = matrix_csv("retention", "FIRST", ["arpu", "=> policy_group", "=> main_policy"], [["-", "", ""]])
    changed = sample("policies").replace(
        ",1500,300,0,2026-01-01,2027-07-01,mms,", ",9,300,0,2026-01-01,2027-07-01,mms,"
    )
    assert changed != sample("policies")
    base = Base([view("c00000")], [scores("c00000")], [member("c00000")])
    newest = await service.assemble(
        base.publish(service.lake, "later"),
        matrices=[SAMPLE_MATRICES[0], newer, *SAMPLE_MATRICES[2:]],
        policies=changed,
    )
    (retired,) = (await service.matrices.ListMatrices(matrix_pb.ListMatricesRequest(page_size=1))).matrices
    assert retired.name in newest.matrices
    written = await contents(service)
    after = await service.recommendation.ExplainPolicyList(request)
    assert await contents(service) == written
    assert after.standing.expired_policies
    assert not before.standing.expired_policies
    for answer in (before, after):
        answer.ClearField("standing")
    assert after == before
    assert (await service.recommendation.ExplainPolicyList(asked())).assembly_run == newest.name


async def contents(service: Service) -> Mapping[str, object]:
    """Return a fingerprint of every row of every table, and of every file in the lake."""
    connection = await asyncpg.connect(service.url)
    try:
        tables = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information)'"
        )
        rows_of = {
            f"{table['schemaname']}.{table['tablename']}": await connection.fetchval(
                f"SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM {table['schemaname']}.{table['tablename']} AS t"
            )
            for table in tables
        }
    finally:
        await connection.close()
    return {**rows_of, **files_of(service.lake.root)}


def files_of(root: Path) -> Mapping[str, str]:
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in root.rglob("*") if path.is_file()}
