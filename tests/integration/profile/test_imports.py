"""Imports that are stopped, late or not described yet, over a real socket."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from visavis.common.v1 import error_reason_pb2, run_pb2
from visavis.profile.v1 import profile_service_pb2 as pb

from services.profile.domain.resources import ImportRequest
from shared.errors import InvalidInput, NotFound, WrongState
from tests.factories.profile import Cells, Extracts, bill, customer, heading, subscription, traffic
from tests.integration.profile.conftest import Profile, asking

MANY = [customer(f"c{number}", msisdn=f"139{number:08}") for number in range(200)]
LATE = """
[tables.billing]
file = "late.csv"
money_unit = "yuan"
[tables.billing.columns]
customer_id = "id"
month = "m"
revenue_total = "r"
"""


def written(folder: Path, **tables: list[Cells]) -> ImportRequest:
    """Write these tables and return what asks for their import; the mapping names no others."""
    request = Extracts(**tables).write(folder)
    sections = re.split(r"^(?=\[tables\.)", request.mapping, flags=re.MULTILINE)
    kept = [
        each for each in sections if any(each.startswith((f"[tables.{name}]", f"[tables.{name}.")) for name in tables)
    ]
    return replace(request, mapping="".join(kept))


def counts(imported: pb.Import, table: str) -> tuple[int, int, int]:
    found = next(each for each in imported.tables if each.table == table)
    return found.row_count, found.accepted_count, found.reject_count


async def rejects_of(profile: Profile, imported: pb.Import) -> list[pb.ImportReject]:
    return list((await profile.stub.ListImportRejects(pb.ListImportRejectsRequest(parent=imported.name))).rejects)


async def test_too_many_rejects_stop_an_import_and_can_still_be_looked_at(profile: Profile, tmp_path: Path) -> None:
    wrong = [bill(f"c{number}", revenue_total="?") for number in range(20, 60)]
    sound = [bill(f"c{number}") for number in range(60, 200)]
    stopped = await profile.import_extracts(written(tmp_path, customers=MANY, billing=[*wrong, *sound]))
    assert stopped.status.state == run_pb2.RUN_STATE_FAILED
    failure = stopped.status.failure
    assert failure.reason == error_reason_pb2.ERROR_REASON_EXTRACT_IMPLAUSIBLE
    assert "billing: 22.2% of 180 rows were set aside, at most 10.0% may be (most_rejected)" in failure.message
    assert f"40 times {heading('revenue_total')}: expected an amount in yuan like 12.50" in failure.message
    assert f"visavis import rejects {stopped.name}" in failure.message
    found = await rejects_of(profile, stopped)
    assert [(each.file, each.line) for each in found] == [("billing.csv", line) for line in range(2, 42)]
    with pytest.raises(WrongState):
        await profile.stub.CreateSnapshot(pb.CreateSnapshotRequest(import_run=stopped.name))


async def test_a_person_may_allow_more_rejects_of_one_table(profile: Profile, tmp_path: Path) -> None:
    bills = [bill(f"c{number}", revenue_total="?" if number < 40 else "1") for number in range(200)]
    request = written(tmp_path, customers=MANY, billing=bills)
    text = request.mapping + "\n[tables.billing.limits]\nmost_rejected = 0.2\n"
    imported = await profile.import_extracts(ImportRequest(request.cycle, request.source, text))
    assert counts(imported, "billing") == (200, 160, 40)
    (rule,) = next(each for each in imported.tables if each.table == "billing").rules
    assert (rule.column, rule.count) == (heading("revenue_total"), 40)


async def test_half_the_rows_of_the_month_before_stop_an_import(profile: Profile, tmp_path: Path) -> None:
    talks = [traffic(f"c{number}", "202609") for number in range(200)]
    before = written(tmp_path, customers=MANY, traffic=talks)
    assert (await profile.import_extracts(ImportRequest("2026-10", before.source, before.mapping))).tables
    profile.clock.advance(timedelta(minutes=1))
    stopped = await profile.import_extracts(written(tmp_path, customers=MANY, traffic=talks[:99]))
    assert stopped.status.failure.reason == error_reason_pb2.ERROR_REASON_EXTRACT_IMPLAUSIBLE
    assert "traffic: 99 rows are 49.5% of the 200 that imports/" in stopped.status.failure.message
    enough = await profile.import_extracts(written(tmp_path, customers=MANY, traffic=talks[:100]))
    assert enough.status.state == run_pb2.RUN_STATE_SUCCEEDED


async def test_customers_that_cannot_be_believed_stop_an_import_before_all_else(
    profile: Profile, tmp_path: Path
) -> None:
    nobody = [customer(f"c{number}", msisdn="1") for number in range(150)]
    stopped = await profile.import_extracts(written(tmp_path, customers=nobody, traffic=[traffic()]))
    assert "customers: 100.0% of 150 rows were set aside" in stopped.status.failure.message
    assert {each.file for each in await rejects_of(profile, stopped)} == {"customers.csv"}


async def test_a_late_file_makes_a_new_import_with_the_tables_of_the_first(profile: Profile, tmp_path: Path) -> None:
    request = written(tmp_path, customers=MANY[:2], billing=[], subscriptions=[subscription("c0", trial_ends_on="")])
    needs = '[products.ring_back_tone]\nhandset_needs = ["mms"]\n'
    first = await profile.import_extracts(replace(request, mapping=needs + request.mapping))
    (tmp_path / "late.csv").write_text("id,m,r\nc0,202610,5\nc1,202610,6\nc9,202610,7\n")
    asked = asking(ImportRequest("2026-11", str(tmp_path), LATE))
    asked.base_import = first.name
    late = await profile.end_of((await profile.stub.CreateImport(asked)).import_run.name)
    assert late.base_import == first.name
    assert counts(late, "billing") == (3, 2, 1)
    tables = {each.table: each.dataset for each in first.tables}
    assert all(each.dataset == tables[each.table] for each in late.tables if each.table != "billing")
    snapshot = await profile.snapshot_of(late)
    view = (
        await profile.stub.GetCustomerView(pb.GetCustomerViewRequest(customer_id="c0", snapshot=snapshot.name))
    ).view
    assert snapshot.views.row_count == 2
    assert view.arpu_fen == 500
    assert [(each.product, each.cause) for each in view.products] == [("ring_back_tone", "handset_missing")]


async def test_a_late_month_alone_does_not_replace_all_months_of_its_table(profile: Profile, tmp_path: Path) -> None:
    bills = [bill(f"c{number}", month) for number in range(100) for month in ("202607", "202608", "202609")]
    first = await profile.import_extracts(written(tmp_path, customers=MANY, billing=bills))
    rows = "".join(f"c{number},202610,5\n" for number in range(100))
    (tmp_path / "late.csv").write_text(f"id,m,r\n{rows}")
    asked = asking(ImportRequest("2026-11", str(tmp_path), LATE))
    asked.base_import = first.name
    stopped = await profile.end_of((await profile.stub.CreateImport(asked)).import_run.name)
    assert f"billing: 100 rows are 33.3% of the 300 that {first.name} of 2026-11 had" in stopped.status.failure.message


async def test_rows_taken_over_need_a_customer_who_is_still_there(profile: Profile, tmp_path: Path) -> None:
    talks = [traffic("c0"), traffic("c1"), traffic("stranger")]
    first = await profile.import_extracts(written(tmp_path, customers=MANY[:2], traffic=talks))
    corrected = written(tmp_path, customers=MANY[1:2])
    asked = asking(corrected)
    asked.base_import = first.name
    late = await profile.end_of((await profile.stub.CreateImport(asked)).import_run.name)
    assert counts(late, "traffic") == (3, 1, 2)
    found = [each for each in await rejects_of(profile, late) if "traffic" in each.file]
    assert [(each.file, each.value) for each in found] == [
        (f"{first.name}/traffic", "c0"),
        ("traffic.csv", "stranger"),
    ]
    assert "of the customers table; it was there in the import" in found[0].reason


async def test_a_base_has_to_be_a_finished_import_of_the_same_month(idle_profile: Profile, tmp_path: Path) -> None:
    request = Extracts().write(tmp_path)
    asked = asking(request)
    asked.base_import = "imports/none"
    with pytest.raises(NotFound):
        await idle_profile.stub.CreateImport(asked)
    asked.base_import = (await idle_profile.stub.CreateImport(asking(request))).import_run.name
    with pytest.raises(WrongState):
        await idle_profile.stub.CreateImport(asked)
    await idle_profile.start_worker()
    await idle_profile.end_of(asked.base_import)
    asked.cycle = "2026-12"
    with pytest.raises(InvalidInput, match="is of 2026-11, expected 2026-12"):
        await idle_profile.stub.CreateImport(asked)
    asked.base_import = "snapshots/x"
    with pytest.raises(InvalidInput, match="base_import"):
        await idle_profile.stub.CreateImport(asked)


async def test_a_folder_is_looked_at_and_its_mapping_compared(idle_profile: Profile, tmp_path: Path) -> None:
    request = Extracts().write(tmp_path)
    (tmp_path / "notes.txt").write_bytes("备注;x\n1;2\n".encode("gbk"))
    (tmp_path / "mapping.toml").write_text(request.mapping.replace("列 arrears", "欠费"))
    checked = await idle_profile.stub.CheckSource(pb.CheckSourceRequest(source_uri=str(tmp_path)))
    found = {each.file: each for each in checked.findings}
    assert "tables.billing.columns.arrears: billing.csv has no heading '欠费'" in found["mapping.toml"].layout
    assert found["notes.txt"].layout == "text, GB18030, delimiter ';', 2 columns"
    assert not found["notes.txt"].table
    assert "# ? no table looks like notes.txt" in checked.mapping
    with pytest.raises(InvalidInput) as refused:
        await idle_profile.stub.CheckSource(pb.CheckSourceRequest(source_uri=str(tmp_path / "none")))
    assert refused.value.reason == "ERROR_REASON_SOURCE_UNREADABLE"
    with pytest.raises(InvalidInput, match="expected the absolute path"):
        await idle_profile.stub.CheckSource(pb.CheckSourceRequest(source_uri="extracts"))
