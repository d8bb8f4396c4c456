"""The main job, end to end, as a manager, a clerk and an operator see it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import google.rpc
import pytest
import xlsxwriter
from python_calamine import CalamineWorkbook

from tests.e2e.installation import ROOT, Installation

pytestmark = [pytest.mark.timeout(240)]

NODE = Path(__file__).parent / "node"


def some_customer(installation: Installation) -> str:
    lines = (installation.home / "extracts" / "customers.csv").read_text("gb18030").splitlines()
    return lines[1].split(",")[0]


def plan_of(installation: Installation, channel: str) -> dict[str, Any]:
    plans = cast("dict[str, list[dict[str, Any]]]", installation.ask("plan", "list"))["push_plans"]
    return next(plan for plan in plans if plan["channel"] == f"CHANNEL_{channel.upper()}")


def test_every_promise_of_the_report_holds(installation: Installation) -> None:
    report = installation.report()
    assert report["problems"] == [], installation.logs()
    assert report["customers"] == 2000
    assert report["customers"] == cast("int", report["lists"]) + cast("int", report["rejects"])


def test_targeting_beats_the_lot_or_at_least_is_compared_with_it(installation: Installation) -> None:
    arms = cast("dict[str, dict[str, dict[str, float]]]", installation.report()["arms"])
    for plan in ("New services by SMS", "Retention by call"):
        assert arms[plan]["control"]["sent"] == 0
        assert all(arms[plan][arm]["members"] > 0 for arm in ("targeted", "random", "control"))
        assert all(arms[plan][arm]["outcomes"] > 0 for arm in ("targeted", "random", "control"))


def test_a_clerk_gets_a_list_and_the_reasons(installation: Installation) -> None:
    customer = some_customer(installation)
    shown = cast("dict[str, Any]", installation.ask("list", customer))
    explained = cast("dict[str, Any]", installation.ask("why", customer))
    assert shown["customer_id"] == customer
    assert explained["replays"] is True
    assert "*" in shown["masked_msisdn"]


def test_a_person_reads_every_page_without_json(installation: Installation) -> None:
    customer = some_customer(installation)
    name = str(plan_of(installation, "sms")["display_name"])
    pages = (
        ("list", customer),
        ("why", customer),
        ("contacts", customer),
        ("plan", "list"),
        ("plan", "show", name),
        ("plan", "pushes", name, "--limit", "3"),
        ("report", name),
        ("trace",),
        ("cycle", "show", "2026-11"),
    )
    for page in pages:
        done = installation.visavis(*page)
        assert done.returncode == 0, f"{page}: {done.stdout}{done.stderr}"
        assert done.stdout.strip(), page


def test_an_unknown_customer_is_said_in_words_with_exit_code_one(installation: Installation) -> None:
    done = installation.visavis("list", "nobody")
    assert done.returncode == 1
    assert "nobody" in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stdout + done.stderr


def test_one_trace_runs_from_import_to_lists_across_the_services(installation: Installation) -> None:
    trace = cast("dict[str, Any]", installation.ask("trace", str(installation.report()["trace_id"])))
    names = {span["name"] for span in trace["spans"]}
    services = {span["service"] for span in trace["spans"]}
    assert {
        "run imports",
        "run snapshots",
        "run models",
        "run scoringRuns",
        "run controlGroups",
        "run assemblyRuns",
    } <= names
    assert {"profile-worker", "scoring-worker", "recommendation-worker", "feedback-worker", "console"} <= services


@pytest.mark.parametrize(
    "plan",
    [
        "New services by SMS",
        "Voice packs by WAP push",
        "Newspaper trial for the young by mail",
        "Retention by call",
    ],
)
def test_one_look_tells_a_push_from_the_extract_to_what_came_of_it(installation: Installation, plan: str) -> None:
    listed = cast("dict[str, Any]", installation.ask("plan", "pushes", plan, "--state", "sent", "--limit", "1"))
    push = listed["pushes"][0]
    told = cast("dict[str, Any]", installation.ask("why", "--push", push["name"]))
    record, explained, selection = told["record"], told["explanation"], told["target_selection"]
    assert told["missing"] == {}
    assert told["push"]["customer_id"] == push["customer_id"]
    assert (told["import"]["cycle"], told["snapshot"]["import_run"]) == ("2026-11", told["import"]["name"])
    assert told["assembly_run"]["snapshot"] == told["snapshot"]["name"]
    assert told["scores"]["customer_id"] == push["customer_id"]
    assert {model["kind"] for model in told["models"]} >= {"MODEL_KIND_CHURN_WARNING", "MODEL_KIND_NEED"}
    assert explained["replays"] is True
    gave = {given["policy"] for given in explained["given"]}
    picked = {matrix["matrix"] for matrix in explained["matrices"] if matrix.get("fired_rows")}
    assert selection["matrix"] in picked if "matrix" in selection else push["policy"] in gave
    assert selection["targets"] == record["targets"]
    assert record["plan_display_name"] == plan
    assert record["words"]["message"]
    assert "CONTACT_STATE_SENT" in {entry["contact"]["state"] for entry in record["contacts"]}
    if record["channel"] == "CHANNEL_CALL":
        assert "SYSTEM_RESULT_ANSWERED" in {call.get("system_result") for call in record["calls"]}
    else:
        assert record["contacts"][-1]["message_ids"]
    assert told["outcome"]["sent"] is True
    assert told["traces"]["push"]
    assert told["traces"]["lists"] == installation.report()["trace_id"]


def test_no_number_stands_in_a_log_or_a_trace(installation: Installation) -> None:
    lines = (installation.home / "extracts" / "customers.csv").read_text("gb18030").splitlines()[1:]
    numbers = {line.split(",")[1] for line in lines}
    folders = (installation.home / "logs", installation.home / "telemetry", installation.home / "postgres")
    for folder in folders:
        for path in folder.glob("*.log") if folder.name == "postgres" else folder.rglob("*"):
            if path.is_file():
                text = path.read_text(errors="replace")
                assert not [number for number in numbers if number in text], path


@pytest.mark.skipif(shutil.which("npm") is None, reason="node and npm are not installed on this machine")
def test_a_client_in_another_language_works_and_reads_refusals(installation: Installation) -> None:
    subprocess.run(
        ["npm", "ci", "--ignore-scripts", "--no-progress"], cwd=NODE, check=True, capture_output=True, timeout=120
    )
    arguments = [
        str(ROOT / "protos"),
        str(Path(next(iter(google.rpc.__path__))).parents[1]),
        installation.address("recommendation"),
        installation.address("dispatch"),
        some_customer(installation),
        str(plan_of(installation, "call")["name"]),
    ]
    done = subprocess.run(
        ["node", "client.js", *arguments], cwd=NODE, check=True, capture_output=True, text=True, timeout=60
    )
    said = json.loads(done.stdout)
    assert said["health"] == {"status": "SERVING"}
    assert said["list"]["policy_list"]["customer_id"] == some_customer(installation)
    assert isinstance(said["lease"]["calls"], list)
    for refused, field in ((said["wrong"], "msisdn"), (said["too_many"], "max_calls")):
        assert refused["code"] == "INVALID_ARGUMENT"
        details = {detail["type"]: detail for detail in refused["details"]}
        assert details["ErrorInfo"]["domain"] == "visavis"
        assert details["BadRequest"]["field_violations"][0]["field"] == field


def test_a_planner_mends_a_matrix_in_a_spreadsheet_and_lists_are_made_by_it(
    installation: Installation, tmp_path: Path
) -> None:
    """The tour of the README, in its order; the last test here, since it changes what the others look at."""
    own, mended = tmp_path / "retention.xlsx", tmp_path / "mended.xlsx"
    installation.ask("matrix", "export", "retention", "--out", str(own))
    rows = _sheet(own)
    gapped = _saved(rows[:-1], tmp_path / "gapped.xlsx")
    found = installation.visavis("matrix", "check", str(gapped), "--json")
    assert found.returncode == 1, found.stdout + found.stderr
    gaps = [each for each in json.loads(found.stdout)["findings"] if each["kind"] == "MATRIX_FINDING_KIND_GAP"]
    assert sum(int(gap["customer_count"]) for gap in gaps) > 0
    mistyped = _saved([[cell.replace("[100..150)", "[100..15O)") for cell in row] for row in rows], tmp_path / "o.xlsx")
    refused = installation.visavis("matrix", "check", str(mistyped))
    assert (refused.returncode, "[100..15O)" in refused.stderr) == (1, True), refused.stdout + refused.stderr

    _saved([[cell.replace("[100..150)", "[80..150)") for cell in row] for row in rows], mended)
    checked = cast("dict[str, Any]", installation.ask("matrix", "check", str(mended)))
    (version,) = checked["matrices"]
    changed = tmp_path / "changed.csv"
    installation.ask("matrix", "preview", version, "--out", str(changed))
    customers = [line.split(",")[0] for line in changed.read_text("utf-8-sig").splitlines()[1:]]
    assert customers

    why = ("--reason", "the bill of 80 to 100 yuan was left out")
    assert installation.visavis("matrix", "approve", version, *why).returncode == 1, "the author may not"
    for step in (("approve", version), ("publish", version, "--cycle", "2026-11")):
        installation.ask("matrix", *step, *why, "--as", "reviewer")
    installation.ask("cycle", "run", "2026-11", "--extracts", str(installation.home / "extracts"))
    explained = cast("dict[str, Any]", installation.ask("why", customers[0]))
    by = next(matrix for matrix in explained["matrices"] if matrix["purpose"] == "retention")
    assert (by["matrix"], explained["replays"]) == (version, True)
    assert "contract-100-handset" in [given["policy"] for given in explained["given"]]


def _sheet(path: Path) -> list[list[str]]:
    (name,) = (name for name in CalamineWorkbook.from_path(path).sheet_names if not name.startswith("#"))
    rows = CalamineWorkbook.from_path(path).get_sheet_by_name(name).to_python(skip_empty_area=False)
    return [[str(cell) for cell in row] for row in rows]


def _saved(rows: list[list[str]], path: Path) -> Path:
    with xlsxwriter.Workbook(path) as workbook:
        sheet = workbook.add_worksheet("retention")
        for number, row in enumerate(rows):
            for place, cell in enumerate(row):
                sheet.write_string(number, place, cell)
    return path
