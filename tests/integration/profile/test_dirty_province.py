"""A province with faults of every kind: each is found where it was planted and explained, and the rest goes through."""

from collections import Counter
from pathlib import Path

import pytest
from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as pb

from services.profile.domain.resources import ImportRequest
from services.sandbox.extracts.dirt.kinds import Dirt
from services.sandbox.extracts.dirt.ledger import Fault, read_ledger
from services.sandbox.extracts.folder import Destination, Request, write_extracts
from services.sandbox.extracts.form import FileFormat, Form, Split
from services.sandbox.extracts.mapping import MAPPING_FILE
from services.sandbox.extracts.sources import SOURCES
from services.sandbox.world.block import blocks_of
from tests.factories.sandbox import CYCLE
from tests.integration.profile.conftest import Profile

BELONGS_TO_NONE = "expected a customer of the customers table without a fault"
WITH_LINES = [kind for kind in Dirt if kind not in {Dirt.MISSING_MONTH, Dirt.LATE_FILE}]
IN_PARQUET = [Dirt.UNKNOWN_CUSTOMER, Dirt.DUPLICATE, Dirt.SWAPPED_COLUMNS, Dirt.OUT_OF_RANGE, Dirt.UNKNOWN_WORD]
HEADINGS = {source.table: source.columns for source in SOURCES}


def write(folder: Path, form: Form, kinds: list[Dirt]) -> tuple[ImportRequest, list[Fault]]:
    destination = Destination.of(folder / "extracts")
    request = Request(blocks_of(600, seed=7, cycle=CYCLE), form, dict.fromkeys(kinds, 0.004))
    write_extracts(request, destination, processes=1)
    mapping = (destination.extracts / MAPPING_FILE).read_text("utf-8")
    return ImportRequest(CYCLE, str(destination.extracts), mapping), read_ledger(destination.ledger)


async def rejects_of(profile: Profile, imported: pb.Import) -> list[pb.ImportReject]:
    found: list[pb.ImportReject] = []
    asked = pb.ListImportRejectsRequest(parent=imported.name, page_size=1000)
    while True:
        page = await profile.stub.ListImportRejects(asked)
        found += page.rejects
        if not page.next_page_token:
            return found
        asked.page_token = page.next_page_token


@pytest.mark.parametrize(
    ("form", "kinds"), [(Form(split=Split.MONTHLY), WITH_LINES), (Form(FileFormat.PARQUET), IN_PARQUET)]
)
async def test_each_planted_fault_is_found_and_nothing_else_but_rows_of_customers_with_one(
    profile: Profile, tmp_path: Path, form: Form, kinds: list[Dirt]
) -> None:
    request, faults = write(tmp_path, form, kinds)
    imported = await profile.import_extracts(request)
    assert imported.status.state == run_pb2.RUN_STATE_SUCCEEDED, imported.status.failure
    rejects = {(each.file, each.line): each for each in await rejects_of(profile, imported)}
    planted = {(fault.file, fault.line): fault for fault in faults if fault.line}
    assert {fault.kind for fault in faults} == set(kinds)
    assert set(planted) - set(rejects) == set(), "planted, and not found"
    assert {each.reason for place, each in rejects.items() if place not in planted} <= {BELONGS_TO_NONE}
    for place, fault in planted.items():
        named = {HEADINGS[fault.table].get(column, "") for column in (fault.column, fault.other_column)}
        by_itself = rejects[place].reason != BELONGS_TO_NONE and fault.kind is not Dirt.DUPLICATE
        assert not by_itself or rejects[place].column in {*named, ""}, f"{fault}: {rejects[place]}"


async def test_customers_and_rows_add_up_and_each_rule_counts_its_faults(profile: Profile, tmp_path: Path) -> None:
    request, faults = write(tmp_path, Form(), [Dirt.WRONG_TYPE, Dirt.DUPLICATE, Dirt.MISSING_MONTH])
    imported = await profile.import_extracts(request)
    planted = Counter((fault.table, fault.kind) for fault in faults)
    for table in imported.tables:
        assert table.accepted_count + table.reject_count == table.row_count
        if table.table == "customers":
            assert table.reject_count == planted["customers", Dirt.WRONG_TYPE] + planted["customers", Dirt.DUPLICATE]
        if table.table == "traffic":
            minutes = HEADINGS["traffic"]["minutes"]
            counted = [rule.count for rule in table.rules if rule.column == minutes]
            assert counted == [planted["traffic", Dirt.WRONG_TYPE]]
