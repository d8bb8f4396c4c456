"""Previews tell over RPC what drafts would change, for everybody, several at once, and leave nothing behind but their dataset."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import asyncpg
import pytest
import pytest_asyncio
from visavis.common.v1 import run_pb2
from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import matrix_preview_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from shared.db.embedded.address import ServerAddress
from shared.db.roles import service_url
from shared.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from shared.lake.lake import Lake
from shared.lake.messages import table_to_messages
from shared.lake.refs import from_ref
from shared.rpc.identity import Caller, Role, acting_as
from tests.databases import ROLE_SECRET, TestDatabases
from tests.factories.recommendation import Base, base_of, matrix_csv, member, sample, scores, view
from tests.integration.recommendation.service import Service, running_service

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST_ID = "6a9f1c1e-0000-4000-8000-000000000005"
GENEROUS = sample("retention").replace("group-6,contract-100-handset", "group-7,contract-150-vip")
"""A draft: all customers of `base_of` are offered something else than a handset."""
NOBODY_CARES = sample("retention").replace("group-3,care-60,多次投诉", "group-5,contract-240-480,多次投诉")
"""A draft: those are cared for better who complained, of whom there are none."""

CARED_FOR = "matrix,retention,FIRST,存量保有政策\ncity,wuhu\narpu,=> policy_group,=> main_policy\n> 0,group-3,care-60\n"
"""A draft: in wuhu everybody is cared for, whatever the province does."""
CITIES = ("hefei", "hefei", "wuhu")
ARMS = ("targeted", "random", "control", "targeted")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def lists(
    postgres: ServerAddress, databases: TestDatabases, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Service]:
    """A service that has lists of 24 customers: previews leave it as it is, so all tests of them share it."""
    name = await databases.migrated("recommendation")
    url, lake = service_url(postgres.url(name), "recommendation", ROLE_SECRET), Lake(tmp_path_factory.mktemp("lake"))
    ids = [f"c{number:05}" for number in range(24)]
    base = Base(
        [view(customer, city=CITIES[number % 3]) for number, customer in enumerate(ids)],
        [scores(customer) for customer in ids],
        [member(customer, ARMS[number % 4]) for number, customer in enumerate(ids)],
    )
    async with running_service(url, lake) as running:
        await running.assemble(base.publish(lake, "24"))
        yield running
    await databases.drop(name)


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


async def test_a_draft_is_previewed_on_the_lists_that_are_switched_in(lists: Service) -> None:
    draft = await drafted(lists, GENEROUS)
    asked = pb.PreviewMatrixRequest(
        matrices=[draft], capacities=[pb.ChannelCapacity(channel=contact_pb2.CHANNEL_CALL, capacity=4)]
    )
    preview = await lists.preview(asked)
    assert preview.status.state == run_pb2.RUN_STATE_SUCCEEDED, preview.status.failure
    (run,) = (await lists.recommendation.ListAssemblyRuns(recommendation_pb.ListAssemblyRunsRequest())).assembly_runs
    assert (preview.assembly_run, list(preview.drafts), set(preview.published)) == (run.name, [draft], {*run.matrices})
    assert preview.status.done_count == preview.status.total_count == 24
    assert (preview.customer_count, preview.changed_count, preview.lists.before, preview.lists.after) == (
        24,
        24,
        24,
        24,
    )
    flows = [(flow.source, flow.target, flow.customer_count) for flow in preview.main_policies.flows]
    assert flows == [("contract-100-handset", "contract-150-vip", 24)]
    calls = next(load for load in preview.loads if load.channel == contact_pb2.CHANNEL_CALL)
    assert (calls.persons.before, calls.persons.after, calls.capacity) == (12, 12, 4)
    assert not any(load.HasField("capacity") for load in preview.loads if load.channel != calls.channel)
    retention = {each.city: each for each in preview.money if each.zone == "retention"}
    assert {city: each.after.offer_count for city, each in retention.items()} == {"hefei": 8, "wuhu": 4}
    assert retention["hefei"].before.dilution_fen == -2_500 * 8 != retention["hefei"].after.dilution_fen
    row = next(row for row in preview.rows if row.matrix == "retention" and row.customers.after)
    assert row.row_before == row.row_after > 0
    assert (row.gives, row.customers.before) == ("group-7, contract-150-vip", 24)


async def test_a_draft_of_one_city_changes_that_city_alone(lists: Service) -> None:
    preview = await lists.preview(pb.PreviewMatrixRequest(matrices=[await drafted(lists, CARED_FOR)]))
    assert preview.status.state == run_pb2.RUN_STATE_SUCCEEDED, preview.status.failure
    assert {change.city for change in await changes(lists, preview)} == {"wuhu"}
    flows = {(flow.source, flow.target): flow.customer_count for flow in preview.main_policies.flows}
    handset = "contract-100-handset"
    assert flows == {(handset, handset): 16, (handset, "care-60"): 8}
    (row,) = [row for row in preview.rows if row.city == "wuhu"]
    assert (row.row_before, row.row_after, row.customers.before, row.customers.after) == (0, 4, 0, 8)


async def test_the_changed_customers_are_a_dataset_and_pages_of_the_callers_cities(lists: Service) -> None:
    preview = await lists.preview(pb.PreviewMatrixRequest(matrices=[await drafted(lists, GENEROUS)]))
    table = lists.lake.lookup(from_ref(preview.changes), "customer_id", [f"c{number:05}" for number in range(24)])
    stored = table_to_messages(table, pb.PreviewChange)
    assert stored == await changes(lists, preview, size=7)
    assert [change.place for change in stored] == list(range(1, 25))
    first = stored[0]
    assert (first.customer_id, first.city) == ("c00000", "hefei")
    assert (first.main_policy_before, first.main_policy_after) == ("contract-100-handset", "contract-150-vip")
    assert first.zone_order_before == first.zone_order_after
    assert "contract-150-vip" in first.policies_added
    assert "contract-100-handset" in first.policies_removed
    with acting_as(Caller("planner", Role.PLANNER, frozenset({"wuhu"}))):
        assert [change.city for change in await changes(lists, preview, size=5)] == ["wuhu"] * 8
        seen = (await lists.matrices.GetMatrixPreview(pb.GetMatrixPreviewRequest(name=preview.name))).matrix_preview
        assert {each.city for each in seen.money} == {"wuhu"}


async def test_a_draft_that_concerns_nobody_changes_nobody(lists: Service) -> None:
    preview = await lists.preview(pb.PreviewMatrixRequest(matrices=[await drafted(lists, NOBODY_CARES)]))
    assert (preview.customer_count, preview.changed_count, preview.changes.row_count) == (24, 0, 0)
    assert await changes(lists, preview) == []
    assert all(flow.source == flow.target for flow in preview.zone_orders.flows)


async def test_previews_at_once_leave_everything_else_as_it_was(lists: Service) -> None:
    drafts = [await drafted(lists, text) for text in (GENEROUS, NOBODY_CARES)]
    before, files = await rows(lists.url), datasets(lists.lake)
    asked = [pb.PreviewMatrixRequest(matrices=[draft]) for draft in drafts]
    previews = await asyncio.gather(*(lists.preview(each) for each in asked))
    assert [preview.changed_count for preview in previews] == [24, 0]
    after = await rows(lists.url)
    assert {name for name in after if after[name] != before[name]} == {"runs", "run_stages"}
    assert len({*after["runs"]} - {*before["runs"]}) == len(after["runs"]) - len(before["runs"]) == 2
    there = datasets(lists.lake)
    assert {name: there[name] for name in files} == files
    assert {str(Path(name).parent) for name in there.keys() - files.keys()} == {
        preview.changes.uri for preview in previews
    }


async def rows(url: str) -> Mapping[str, list[str]]:
    """Return all rows of all tables as texts."""
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        names = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'recommendation'")
        found = {
            name: await connection.fetch(f'SELECT CAST(t AS text) FROM recommendation."{name}" AS t ORDER BY 1')
            for (name,) in names
        }
    finally:
        await connection.close()
    return {name: [row[0] for row in of_table] for name, of_table in found.items()}


def datasets(lake: Lake) -> Mapping[str, bytes]:
    """Return all published files."""
    paths = (path for path in lake.root.rglob("*") if path.is_file())
    names = {str(path.relative_to(lake.root)): path for path in paths}
    return {name: path.read_bytes() for name, path in names.items() if not name.startswith(".")}


async def test_another_catalogue_is_previewed_with_the_published_matrices(lists: Service) -> None:
    lines = sample("policies").splitlines()
    text = "\n".join(
        line.replace("2027-07-01", "2026-11-02") if line.startswith("contract-100-handset,") else line for line in lines
    )
    asked = policy_pb.ImportPoliciesRequest(csv=text, products_content=sample("products").encode())
    catalogue = (await lists.policies.ImportPolicies(asked)).policy_catalogue
    preview = await lists.preview(pb.PreviewMatrixRequest(policy_catalogue=catalogue))
    assert preview.policy_catalogue_after == catalogue != preview.policy_catalogue_before
    assert {flow.source for flow in preview.main_policies.flows} == {"contract-100-handset"}
    assert "contract-100-handset" not in {flow.target for flow in preview.main_policies.flows}
    assert next(each.count.after for each in preview.blocked if each.reason == "not_valid") == 24


async def test_a_request_is_checked_at_the_door(lists: Service) -> None:
    draft = await drafted(lists, GENEROUS)
    with pytest.raises(InvalidInput, match="nothing to compare"):
        await lists.matrices.PreviewMatrix(pb.PreviewMatrixRequest())
    twice = pb.PreviewMatrixRequest(matrices=[draft, await drafted(lists, NOBODY_CARES)])
    with pytest.raises(InvalidInput, match="2 drafts of matrix retention of the province"):
        await lists.matrices.PreviewMatrix(twice)
    extraction = await drafted(lists, sample("extraction"))
    with pytest.raises(InvalidInput, match="picks targets, and makes no lists"):
        await lists.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[extraction]))
    unknown = await drafted(lists, GENEROUS.replace("contract-150-vip", "contract-150-vp"))
    with pytest.raises(InvalidInput, match="'contract-150-vp' is not in the policy catalogue") as refused:
        await lists.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[unknown]))
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    desk = pb.ChannelCapacity(channel=contact_pb2.CHANNEL_DESK, capacity=1)
    with pytest.raises(InvalidInput, match="sms, call, wap_push, mail_139"):
        await lists.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[draft], capacities=[desk]))
    fewer = pb.ChannelCapacity(channel=contact_pb2.CHANNEL_SMS, capacity=-1)
    with pytest.raises(InvalidInput, match="expected 0 or more contacts of sms"):
        await lists.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[draft], capacities=[fewer]))


async def test_rows_that_contradict_each_other_end_the_preview_with_an_example(lists: Service) -> None:
    lines = [["> 50", "retention", "new_service"], ["> 100", "new_service", "retention"]]
    draft = await drafted(lists, matrix_csv("priority", "UNIQUE", ["arpu", "=> first", "=> second"], lines))
    preview = await lists.preview(pb.PreviewMatrixRequest(matrices=[draft]))
    assert preview.status.state == run_pb2.RUN_STATE_FAILED
    assert "rows 3, 4 all match customer c00…00" in preview.status.failure.message
    with pytest.raises(WrongState, match="expected a run that has succeeded"):
        await changes(lists, preview)


@pytest.mark.asyncio(loop_scope="function")
async def test_a_request_told_twice_is_one_preview_whatever_is_published_meanwhile(service: Service) -> None:
    draft = await drafted(service, GENEROUS)
    with pytest.raises(NotFound, match="run a cycle first"):
        await service.matrices.PreviewMatrix(pb.PreviewMatrixRequest(matrices=[draft]))
    await service.assemble(base_of(3).publish(service.lake, "three"))
    asked = pb.PreviewMatrixRequest(request_id=REQUEST_ID, matrices=[draft])
    first = await service.preview(asked)
    await service.publish([draft])
    assert (await service.preview(asked)).main_policies == first.main_policies
    asked.matrices.append(await drafted(service, sample("priority")))
    with pytest.raises(AlreadyExists):
        await service.matrices.PreviewMatrix(asked)
    now_published = await service.preview(pb.PreviewMatrixRequest(matrices=[draft]))
    assert (first.changed_count, now_published.changed_count) == (3, 0)
    listed = (await service.matrices.ListMatrixPreviews(pb.ListMatrixPreviewsRequest())).matrix_previews
    assert {preview.name for preview in listed} == {now_published.name, first.name}
