"""The main job, end to end, as a manager, a clerk and an operator see it."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any, cast

import google.rpc
import pytest

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
