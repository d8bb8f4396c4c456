"""`visavis import`: what was set aside, and why."""

from pathlib import Path

import pytest
from visavis.profile.v1 import profile_service_pb2 as profile_pb

from services.console.extracts import MAPPING
from tests.factories.runs import PENDING, SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis


@pytest.fixture
def extracts(tmp_path: Path) -> str:
    (tmp_path / MAPPING).write_text("mapping", encoding="utf-8")
    return str(tmp_path)


def prepare_import(services: FakeServices) -> None:
    pending = profile_pb.Import(name="imports/1", cycle="2026-11", status=PENDING)
    taken = profile_pb.Import(name="imports/1", cycle="2026-11", status=SUCCEEDED)
    services.will("CreateImport", profile_pb.CreateImportResponse(import_run=pending))
    services.will("GetImport", profile_pb.GetImportResponse(import_run=taken))


def test_an_import_shows_what_was_set_aside(visavis: Visavis, services: FakeServices, extracts: str) -> None:
    prepare_import(services)
    table = profile_pb.TableImport(table="billing", row_count=10, accepted_count=9, reject_count=1)
    taken = profile_pb.Import(name="imports/1", cycle="2026-11", status=SUCCEEDED, tables=[table])
    reject = profile_pb.ImportReject(file="billing.csv", line=3, column="月份", value="[x]", reason="expected a month")
    services.will("GetImport", profile_pb.GetImportResponse(import_run=taken))
    services.will("ListImportRejects", profile_pb.ListImportRejectsResponse(rejects=[reject]))
    arguments = ("import", extracts, "--cycle", "2026-11")
    page = visavis(*arguments).page
    assert "expected a month" in page
    assert "[x]" in page
    value = visavis(*arguments, "--json").value
    assert isinstance(value, dict)
    assert value["import"]["tables"][0]["reject_count"] == "1"
    assert value["first_rejects"][0]["line"] == "3"


def test_an_import_shows_every_kind_of_fault_and_not_a_page_of_one(
    visavis: Visavis, services: FakeServices, extracts: str
) -> None:
    prepare_import(services)
    of_the_same = [profile_pb.ImportReject(file="billing.csv", line=2 + n, reason="no customer") for n in range(500)]
    date = profile_pb.ImportReject(file="customers.csv", line=2, column="入网日期", reason="expected a date")
    first = profile_pb.ListImportRejectsResponse(rejects=of_the_same, next_page_token="more")  # noqa: S106 - a place in a list
    services.will("ListImportRejects", first, profile_pb.ListImportRejectsResponse(rejects=[date]))
    page = visavis("import", extracts, "--cycle", "2026-11").page
    assert page.count("no customer") == 3
    assert "expected a date" in page
    assert "… and 497 more of the same kinds" in page
