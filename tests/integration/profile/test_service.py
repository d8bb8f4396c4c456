"""Profile over a real socket: extracts in, rejects and views out."""

import shutil
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from visavis.common.v1 import error_reason_pb2, run_pb2
from visavis.profile.v1 import customer_view_pb2 as view_pb
from visavis.profile.v1 import profile_service_pb2 as pb

from services.profile.engine import customer_views
from services.profile.tables import metadata
from shared.db.engine import Database
from shared.errors import AlreadyExists, Denied, InvalidInput, NotFound, WrongState
from shared.lake.messages import row_to_message
from shared.lake.refs import from_ref
from shared.rpc.identity import Caller, Role
from shared.rpc.pages import encode_token
from tests.databases import schema_differences
from tests.factories.profile import Extracts, bill, customer, heading, subscription, traffic, usage
from tests.integration.profile.conftest import Profile, asking, calling, new_id

PEOPLE = Extracts(
    customers=[
        customer("c1", msisdn="13900000001", city="合肥"),
        customer("c2", msisdn="13900000002", city="芜湖", contract_class="1", contract_end_date="2027-01-15"),
        customer("gone", msisdn="13900000003", status="离网", left_date="2026-09-14"),
        customer("bad", msisdn="1"),
    ],
    traffic=[traffic("c1"), traffic("c2"), traffic("bad")],
    subscriptions=[
        subscription("c1"),
        subscription("c1", "手机报", ordered_on="2026-08-01"),
        subscription("c2", "手机上网"),
    ],
    billing=[bill(who, month) for who in ("c1", "c2") for month in ("202607", "202608", "202609", "202610")],
    product_usage=[usage("c1"), usage("c1", active_days="32")],
)


async def test_an_import_accounts_for_every_row_of_every_table(profile: Profile, tmp_path: Path) -> None:
    imported = await profile.import_extracts(PEOPLE.write(tmp_path))
    assert imported.status.state == run_pb2.RUN_STATE_SUCCEEDED
    counts = {each.table: (each.row_count, each.accepted_count, each.reject_count) for each in imported.tables}
    assert counts == {
        "customers": (4, 3, 1),
        "traffic": (3, 2, 1),
        "subscriptions": (3, 3, 0),
        "billing": (8, 8, 0),
        "product_usage": (2, 1, 1),
        **dict.fromkeys(("circle", "vip_customers", "enterprises", "enterprise_members"), (0, 0, 0)),
        **dict.fromkeys(("complaints", "marketing_feedback", "surveys", "outcomes"), (0, 0, 0)),
    }
    assert [each.dataset.row_count for each in imported.tables] == [each.accepted_count for each in imported.tables]
    assert imported.status.done_count == imported.status.total_count == 20
    assert imported.cycle == "2026-11"
    assert imported.source_uri == str(tmp_path)


async def test_rejects_are_listed_by_file_and_line_page_by_page(profile: Profile, tmp_path: Path) -> None:
    imported = await profile.import_extracts(PEOPLE.write(tmp_path))
    found: list[pb.ImportReject] = []
    asked = pb.ListImportRejectsRequest(parent=imported.name, page_size=2)
    while True:
        page = await profile.stub.ListImportRejects(asked)
        found += page.rejects
        if not page.next_page_token:
            break
        asked.page_token = page.next_page_token
    assert [(each.file, each.line, each.column, each.value) for each in found] == [
        ("customers.csv", 5, heading("msisdn"), "1"),
        ("product_usage.csv", 3, heading("active_days"), "32"),
        ("traffic.csv", 4, heading("customer_id"), "bad"),
    ]
    assert found[0].reason == "expected a mobile number of 11 digits from 13 on"
    clerk = Caller("clerk 7", Role.CLERK, frozenset({"芜湖"}))
    async with calling(profile.port, clerk) as stub:
        with pytest.raises(Denied, match="all cities"):
            await stub.ListImportRejects(pb.ListImportRejectsRequest(parent=imported.name))
    forged = pb.ListImportRejectsRequest(parent=imported.name, page_token=encode_token(["1"], imported.name))
    with pytest.raises(InvalidInput) as refused:
        await profile.stub.ListImportRejects(forged)
    assert refused.value.reason == "ERROR_REASON_PAGE_TOKEN_INVALID"


async def test_a_snapshot_has_a_view_or_a_reason_for_each_customer(profile: Profile, tmp_path: Path) -> None:
    snapshot = await profile.snapshot_of(await profile.import_extracts(PEOPLE.write(tmp_path)))
    assert snapshot.status.state == run_pb2.RUN_STATE_SUCCEEDED
    (reject,) = profile.lake.lookup(from_ref(snapshot.rejects), "customer_id", ["gone"]).to_pylist()
    assert reject["reason"] == "left the network on 2026-09-14"
    assert (snapshot.views.row_count, snapshot.rejects.row_count, snapshot.history_views.row_count) == (2, 1, 3)
    assert snapshot.views.schema == "visavis.profile.v1.CustomerView"
    label = profile.lake.lookup(from_ref(snapshot.history_labels), "customer_id", ["c1"]).to_pylist()[0]
    assert row_to_message(label, view_pb.CustomerLabels) == view_pb.CustomerLabels(
        customer_id="c1", churned=False, stayed=True, products_taken=["mobile_newspaper"]
    )


async def test_views_of_a_large_base_are_sorted_in_parts_and_found_all_the_same(
    profile: Profile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(customer_views, "_SORTED_TOGETHER", 2)
    ids = [f"c{number}" for number in range(7)]
    people = [customer(each, msisdn=f"1390000000{place}") for place, each in enumerate(ids)]
    snapshot = await profile.snapshot_of(await profile.import_extracts(Extracts(customers=people).write(tmp_path)))
    views = from_ref(snapshot.views)
    parts = [pq.read_table(path)["customer_id"].to_pylist() for path in profile.lake.open(views)]
    assert [len(part) for part in parts] == [1, 2, 2, 2]
    assert [each for part in parts for each in part] == ids
    assert profile.lake.lookup(views, "customer_id", ids)["customer_id"].to_pylist() == ids
    by_number = await profile.stub.GetCustomerView(pb.GetCustomerViewRequest(msisdn="13900000006"))
    assert by_number.view.customer_id == "c6"


async def test_a_view_is_found_by_id_and_by_number_in_the_newest_snapshot(profile: Profile, tmp_path: Path) -> None:
    imported = await profile.import_extracts(PEOPLE.write(tmp_path))
    older = await profile.snapshot_of(imported)
    profile.clock.advance(timedelta(minutes=1))
    newest = await profile.snapshot_of(imported)
    by_number = await profile.stub.GetCustomerView(pb.GetCustomerViewRequest(msisdn="+8613900000002"))
    by_id = await profile.stub.GetCustomerView(pb.GetCustomerViewRequest(customer_id="c2", snapshot=older.name))
    assert (by_number.snapshot, by_id.snapshot) == (newest.name, older.name)
    assert by_number.view == by_id.view
    view = by_id.view
    assert (view.customer_id, view.brand, view.in_contract, view.contract_months_left) == ("c2", "GoTone", True, 2)
    assert (view.arpu_fen, view.minutes, view.revenue_change) == (6600, 1205, 0)
    assert not view.HasField("minutes_change")
    assert [(each.product, each.state) for each in view.products] == [("mobile_internet", "inactive")]


async def test_a_view_outside_the_callers_cities_is_denied(profile: Profile, tmp_path: Path) -> None:
    await profile.snapshot_of(await profile.import_extracts(PEOPLE.write(tmp_path)))
    clerk = Caller("clerk 7", Role.CLERK, frozenset({"芜湖"}))
    async with calling(profile.port, clerk) as stub:
        assert (await stub.GetCustomerView(pb.GetCustomerViewRequest(customer_id="c2"))).view.city == "芜湖"
        with pytest.raises(Denied, match="clerk 7"):
            await stub.GetCustomerView(pb.GetCustomerViewRequest(msisdn="13900000001"))


async def test_look_ups_of_what_is_not_there_say_so(profile: Profile, tmp_path: Path) -> None:
    get_view = profile.stub.GetCustomerView
    with pytest.raises(NotFound):
        await get_view(pb.GetCustomerViewRequest(customer_id="c1"))
    await profile.snapshot_of(await profile.import_extracts(PEOPLE.write(tmp_path)))
    for missing in (
        {"customer_id": "gone"},
        {"msisdn": "13900000003"},
        {"customer_id": "c1", "snapshot": "snapshots/x"},
    ):
        with pytest.raises(NotFound) as caught:
            await get_view(pb.GetCustomerViewRequest(**missing))
        assert "13900000003" not in caught.value.message
    for field, wrong in (
        ("msisdn", {"msisdn": "12345"}),
        ("customer", {}),
        ("snapshot", {"customer_id": "c", "snapshot": "x"}),
    ):
        with pytest.raises(InvalidInput) as invalid:
            await get_view(pb.GetCustomerViewRequest(**wrong))
        assert [violation.field for violation in invalid.value.violations] == [field]
    with pytest.raises(NotFound):
        await profile.stub.GetImport(pb.GetImportRequest(name="imports/none"))


async def test_a_wrong_request_is_told_with_all_violations(idle_profile: Profile, tmp_path: Path) -> None:
    asked = pb.CreateImportRequest(request_id="7", cycle="2026-13", source_uri="extracts", mapping="")
    with pytest.raises(InvalidInput) as caught:
        await idle_profile.stub.CreateImport(asked)
    assert [violation.field for violation in caught.value.violations] == ["request_id", "cycle", "source_uri"]
    with pytest.raises(InvalidInput) as caught:
        await idle_profile.stub.CreateSnapshot(pb.CreateSnapshotRequest(request_id="7", import_run="snapshots/x"))
    assert [violation.field for violation in caught.value.violations] == ["request_id", "import_run"]


async def test_mapping_and_headings_are_checked_at_the_door_together(idle_profile: Profile, tmp_path: Path) -> None:
    request = asking(PEOPLE.write(tmp_path))
    request.mapping = request.mapping.replace("列 arrears", "欠费").replace("[tables.traffic]", "[tables.trafic]")
    with pytest.raises(InvalidInput) as caught:
        await idle_profile.stub.CreateImport(request)
    assert caught.value.reason == "ERROR_REASON_MAPPING_INVALID"
    fields = {violation.field for violation in caught.value.violations}
    assert {"tables.trafic", "tables.traffic.file", "tables.billing.columns.arrears"} <= fields


async def test_missing_files_are_told_at_the_door(idle_profile: Profile, tmp_path: Path) -> None:
    request = PEOPLE.write(tmp_path)
    (tmp_path / "traffic.csv").unlink()
    (tmp_path / "billing.csv").unlink()
    with pytest.raises(InvalidInput) as caught:
        await idle_profile.stub.CreateImport(asking(request))
    assert caught.value.reason == "ERROR_REASON_SOURCE_UNREADABLE"
    assert [violation.field for violation in caught.value.violations] == ["tables.traffic.file", "tables.billing.file"]


async def test_a_file_that_vanishes_later_fails_the_run_with_its_name(idle_profile: Profile, tmp_path: Path) -> None:
    request = PEOPLE.write(tmp_path)
    created = await idle_profile.stub.CreateImport(asking(request, new_id()))
    (tmp_path / "billing.csv").unlink()
    await idle_profile.start_worker()
    failed = await idle_profile.import_extracts(request, created.import_run.name.removeprefix("imports/"))
    assert failed.status.state == run_pb2.RUN_STATE_FAILED
    assert failed.status.failure.reason == error_reason_pb2.ERROR_REASON_SOURCE_UNREADABLE
    assert "billing.csv does not exist" in failed.status.failure.message


async def test_the_same_request_id_returns_the_same_import_even_without_its_files(
    profile: Profile, tmp_path: Path
) -> None:
    request, request_id = PEOPLE.write(tmp_path), new_id()
    first = await profile.import_extracts(request, request_id)
    shutil.move(tmp_path / "billing.csv", tmp_path / "elsewhere.csv")
    assert await profile.import_extracts(request, request_id) == first
    other = asking(request, request_id)
    other.cycle = "2026-10"
    with pytest.raises(AlreadyExists):
        await profile.stub.CreateImport(other)


async def test_what_is_not_finished_can_be_looked_at_only(idle_profile: Profile, tmp_path: Path) -> None:
    created = (await idle_profile.stub.CreateImport(asking(PEOPLE.write(tmp_path)))).import_run
    assert created.status.state == run_pb2.RUN_STATE_PENDING
    with pytest.raises(WrongState):
        await idle_profile.stub.CreateSnapshot(pb.CreateSnapshotRequest(import_run=created.name))
    with pytest.raises(WrongState):
        await idle_profile.stub.ListImportRejects(pb.ListImportRejectsRequest(parent=created.name))


async def test_imports_and_snapshots_are_listed_newest_first(profile: Profile, tmp_path: Path) -> None:
    request = PEOPLE.write(tmp_path)
    names = []
    for _ in range(2):
        imported = await profile.import_extracts(request)
        snapshot = await profile.snapshot_of(imported)
        names.append((imported.name, snapshot.name))
        profile.clock.advance(timedelta(minutes=1))
    first = await profile.stub.ListImports(pb.ListImportsRequest(page_size=1))
    second = await profile.stub.ListImports(pb.ListImportsRequest(page_token=first.next_page_token))
    assert [each.name for each in (*first.imports, *second.imports)] == [name for name, _ in reversed(names)]
    assert not second.next_page_token
    snapshots = await profile.stub.ListSnapshots(pb.ListSnapshotsRequest())
    assert [each.name for each in snapshots.snapshots] == [name for _, name in reversed(names)]
    with pytest.raises(InvalidInput) as caught:
        await profile.stub.ListSnapshots(pb.ListSnapshotsRequest(page_token=first.next_page_token))
    assert caught.value.reason == "ERROR_REASON_PAGE_TOKEN_INVALID"


async def test_the_same_extracts_give_the_same_fingerprints(profile: Profile, tmp_path: Path) -> None:
    request = PEOPLE.write(tmp_path)
    imports = [await profile.import_extracts(request) for _ in range(2)]
    snapshots = [await profile.snapshot_of(imported) for imported in imports]
    tables = [[each.dataset.fingerprint for each in imported.tables] for imported in imports]
    assert tables[0] == tables[1]
    for name in ("views", "rejects", "history_views", "history_labels"):
        assert len({getattr(snapshot, name).fingerprint for snapshot in snapshots}) == 1


async def test_an_import_of_empty_tables_succeeds(profile: Profile, tmp_path: Path) -> None:
    nobody = Extracts(customers=[], traffic=[], subscriptions=[], billing=[], product_usage=[])
    imported = await profile.import_extracts(nobody.write(tmp_path))
    assert {each.row_count for each in imported.tables} == {0}
    rejects = await profile.stub.ListImportRejects(pb.ListImportRejectsRequest(parent=imported.name))
    assert not rejects.rejects
    assert (await profile.snapshot_of(imported)).views.row_count == 0


async def test_the_migrations_make_the_tables_that_are_declared(
    service_database: Callable[[str], Awaitable[Database]],
) -> None:
    assert await schema_differences(await service_database("profile"), metadata) == []
