"""Previews tell over RPC what drafts would change, for everybody, several at once, and leave nothing behind but their dataset."""

import asyncio
from collections.abc import Mapping
from pathlib import Path

import asyncpg
import pytest
from visavis.common.v1 import run_pb2
from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import matrix_preview_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from shared.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from shared.lake.lake import Lake
from shared.lake.messages import table_to_messages
from shared.lake.refs import from_ref
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.recommendation import base_of, matrix_csv, sample
from tests.integration.recommendation.service import Service

REQUEST_ID = "6a9f1c1e-0000-4000-8000-000000000005"
GENEROUS = sample("retention").replace("group-6,contract-100-handset", "group-7,contract-150-vip")
"""A draft: all customers of `base_of` are offered something else than a handset."""
NOBODY_CARES = sample("retention").replace("group-3,care-60,多次投诉", "group-5,contract-240-480,多次投诉")
"""A draft: those are cared for better who complained, of whom there are none."""


async def drafted(service: Service, text: str) -> str:
    """Take a draft in, and leave it a draft."""
    return (await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(csv=text))).matrix.name


async def changes(service: Service, preview: pb.MatrixPreview, size: int = 0) -> list[pb.PreviewChange]:
    """Return all changed customers, page by page."""
    found: list[pb.PreviewChange] = []
    token = ""
    while True:
        asked = pb.ListPreviewChangesRequest(parent=preview.name, page_size=size, page_token=token)
        page = await service.matrices.ListPreviewChanges(asked)
        found += page.changes
        token = page.next_page_token
        if not token:
            return found


async def test_a_draft_is_previewed_on_the_lists_that_are_switched_in(service: Service) -> None:
    run = await service.assemble(base_of(30, arms=("targeted", "random", "control")).publish(service.lake, "thirty"))
    draft = await drafted(service, GENEROUS)
    asked = pb.PreviewMatrixRequest(
        matrices=[draft], capacities=[pb.ChannelCapacity(channel=contact_pb2.CHANNEL_CALL, capacity=4)]
    )
    preview = await service.preview(asked)
    assert preview.status.state == run_pb2.RUN_STATE_SUCCEEDED, preview.status.failure
    assert (preview.assembly_run, list(preview.drafts), len(preview.published)) == (run.name, [draft], 5)
    assert preview.status.done_count == preview.status.total_count == 30
    assert (preview.customer_count, preview.changed_count, preview.lists.before, preview.lists.after) == (
        30,
        30,
        30,
        30,
    )
    flows = [(flow.source, flow.target, flow.customer_count) for flow in preview.main_policies.flows]
    assert flows == [("contract-100-handset", "contract-150-vip", 30)]
    calls = next(load for load in preview.loads if load.channel == contact_pb2.CHANNEL_CALL)
    assert (calls.persons.before, calls.persons.after, calls.capacity) == (10, 10, 4)
    assert not any(load.HasField("capacity") for load in preview.loads if load.channel != calls.channel)
    retention = next(each for each in preview.money if each.zone == "retention")
    assert (retention.before.offer_count, retention.after.offer_count) == (10, 10)
    assert retention.before.dilution_fen != retention.after.dilution_fen
    row = next(row for row in preview.rows if row.matrix == "retention" and row.customers.after)
    assert (row.row_before, row.row_after, row.customers.before) == (22, 22, 30)
    assert row.gives == "group-7, contract-150-vip"


async def test_the_changed_customers_are_a_dataset_and_pages(service: Service) -> None:
    await service.assemble(base_of(7).publish(service.lake, "seven"))
    preview = await service.preview(pb.PreviewMatrixRequest(matrices=[await drafted(service, GENEROUS)]))
    table = service.lake.lookup(from_ref(preview.changes), "customer_id", [f"c{number:05}" for number in range(7)])
    stored = table_to_messages(table, pb.PreviewChange)
    assert stored == await changes(service, preview, size=3)
    assert [change.place for change in stored] == list(range(1, 8))
    first = stored[0]
    assert (first.customer_id, first.city, first.main_policy_before, first.main_policy_after) == (
        "c00000", "hefei", "contract-100-handset", "contract-150-vip",
    )  # fmt: skip
    assert first.zone_order_before == first.zone_order_after
    assert "contract-150-vip" in first.policies_added
    assert "contract-100-handset" in first.policies_removed
    with acting_as(Caller("planner", Role.PLANNER, frozenset({"wuhu"}))):
        assert await changes(service, preview, size=3) == []
        asked = pb.GetMatrixPreviewRequest(name=preview.name)
        assert not (await service.matrices.GetMatrixPreview(asked)).matrix_preview.money


async def test_a_draft_that_concerns_nobody_changes_nobody(service: Service) -> None:
    await service.assemble(base_of(5).publish(service.lake, "five"))
    preview = await service.preview(pb.PreviewMatrixRequest(matrices=[await drafted(service, NOBODY_CARES)]))
    assert (preview.customer_count, preview.changed_count, preview.changes.row_count) == (5, 0, 0)
    assert await changes(service, preview) == []
    assert [flow.source == flow.target for flow in preview.zone_orders.flows] == [True]


async def test_previews_at_once_leave_everything_else_as_it_was(service: Service) -> None:
    await service.assemble(base_of(20).publish(service.lake, "twenty"))
    drafts = [await drafted(service, text) for text in (GENEROUS, NOBODY_CARES)]
    before, files = await rows(service.url), datasets(service.lake)
    asked = [pb.PreviewMatrixRequest(matrices=[draft]) for draft in drafts]
    previews = await asyncio.gather(*(service.preview(each) for each in asked))
    assert [preview.changed_count for preview in previews] == [20, 0]
    after = await rows(service.url)
    assert {name for name in after if after[name] != before[name]} == {"runs", "run_stages"}
    ended = [row for row in after["runs"] if row not in before["runs"]]
    assert len(ended) == len(after["runs"]) - len(before["runs"]) == 2
    there = datasets(service.lake)
    published = {from_ref(preview.changes).uri for preview in previews}
    assert {name: there[name] for name in files} == files
    assert {str(Path(name).parent) for name in there.keys() - files.keys()} == published


async def rows(url: str) -> Mapping[str, list[str]]:
    """Return all rows of all tables as texts."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'recommendation'")
        return {
            name: [
                row["text"]
                for row in await connection.fetch(
                    f'SELECT t::text AS text FROM recommendation."{name}" AS t ORDER BY 1'
                )
            ]
            for (name,) in tables
        }
    finally:
        await connection.close()


def datasets(lake: Lake) -> Mapping[str, bytes]:
    """Return all files of the lake."""
    paths = [
        path
        for path in lake.root.rglob("*")
        if path.is_file() and ".staging" not in path.parts and ".spill" not in path.parts
    ]
    return {str(path.relative_to(lake.root)): path.read_bytes() for path in paths}


async def test_a_request_told_twice_is_one_preview_whatever_is_published_meanwhile(service: Service) -> None:
    await service.assemble(base_of(3).publish(service.lake, "three"))
    draft = await drafted(service, GENEROUS)
    asked = pb.PreviewMatrixRequest(request_id=REQUEST_ID, matrices=[draft])
    first = await service.preview(asked)
    await service.publish([draft])
    assert (await service.preview(asked)).main_policies == first.main_policies
    asked.matrices.append(await drafted(service, sample("priority")))
    with pytest.raises(AlreadyExists):
        await service.matrices.PreviewMatrix(asked)
    now_published = await service.preview(pb.PreviewMatrixRequest(matrices=[draft]))
    assert now_published.changed_count == 0
    listed = (await service.matrices.ListMatrixPreviews(pb.ListMatrixPreviewsRequest())).matrix_previews
    assert [preview.name for preview in listed] == [now_published.name, first.name]


async def test_another_catalogue_is_previewed_with_the_published_matrices(service: Service) -> None:
    await service.assemble(base_of(3).publish(service.lake, "three"))
    text = "\n".join(
        line.replace("2027-07-01", "2026-11-02") if line.startswith("contract-100-handset,") else line
        for line in sample("policies").splitlines()
    )
    catalogue = (
        await service.policies.ImportPolicies(
            policy_pb.ImportPoliciesRequest(csv=text, products_content=sample("products").encode())
        )
    ).policy_catalogue
    preview = await service.preview(pb.PreviewMatrixRequest(policy_catalogue=catalogue))
    assert preview.policy_catalogue_after == catalogue != preview.policy_catalogue_before
    assert {flow.source for flow in preview.main_policies.flows} == {"contract-100-handset"}
    assert "contract-100-handset" not in {flow.target for flow in preview.main_policies.flows}
    assert next(each.count.after for each in preview.blocked if each.reason == "not_valid") == 3


async def test_a_request_is_checked_at_the_door(service: Service) -> None:
    draft = await drafted(service, GENEROUS)
    with pytest.raises(NotFound, match="run a cycle first"):
        await service.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[draft]))
    run = await service.assemble(base_of(1).publish(service.lake, "one"))
    with pytest.raises(InvalidInput, match="nothing to compare"):
        await service.matrices.PreviewMatrix(pb.PreviewMatrixRequest(assembly_run=run.name))
    twice = pb.PreviewMatrixRequest(matrices=[draft, await drafted(service, NOBODY_CARES)])
    with pytest.raises(InvalidInput, match="2 drafts of matrix retention of the province"):
        await service.matrices.PreviewMatrix(twice)
    unknown = await drafted(service, GENEROUS.replace("contract-150-vip", "contract-150-vp"))
    with pytest.raises(InvalidInput, match="'contract-150-vp' is not in the policy catalogue") as refused:
        await service.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[unknown]))
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    desk = pb.ChannelCapacity(channel=contact_pb2.CHANNEL_DESK, capacity=1)
    with pytest.raises(InvalidInput, match="sms, call, wap_push, mail_139"):
        await service.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[draft], capacities=[desk]))


async def test_rows_that_contradict_each_other_end_the_preview_with_an_example(service: Service) -> None:
    await service.assemble(base_of(2).publish(service.lake, "two"))
    lines = [["> 50", "retention", "new_service"], ["> 100", "new_service", "retention"]]
    draft = await drafted(service, matrix_csv("priority", "UNIQUE", ["arpu", "=> first", "=> second"], lines))
    preview = await service.preview(pb.PreviewMatrixRequest(matrices=[draft]))
    assert preview.status.state == run_pb2.RUN_STATE_FAILED
    assert "rows 3, 4 all match customer c00…00" in preview.status.failure.message
    with pytest.raises(WrongState, match="expected a run that has succeeded"):
        await changes(service, preview)
    asked = recommendation_pb.ListAssemblyRunsRequest()
    assert len((await service.recommendation.ListAssemblyRuns(asked)).assembly_runs) == 1
