"""The demonstration's report finds every broken promise."""

from dataclasses import replace

import pytest

from services.console.demo.report import ARMS, ArmFigures, DemoReport

FIGURES = ArmFigures(60, 60, 30, 12, 20.0, 5.0, 50.0)
STATES = dict.fromkeys(
    ("planned", "held", "claimed", "leased", "sent", "suppressed", "failed", "indeterminate", "expired", "cancelled"), 0
)
GOOD = DemoReport(
    time="2026-11-23T09:31:00+08:00",
    customers=100,
    lists=90,
    rejects=10,
    targets={"Retention by call": 20},
    pushes={"Retention by call": {**STATES, "sent": 18, "held": 2}},
    calls_leased=3,
    calls_reported=2,
    calls_returned=1,
    arms={"Retention by call": dict.fromkeys(ARMS, FIGURES)},
    channels=(),
    trace_id="",
    seconds={},
)


def test_a_good_report_has_no_problems() -> None:
    assert list(GOOD.problems()) == []


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (replace(GOOD, rejects=9), "lists and rejects add up to 99"),
        (replace(GOOD, pushes={"Retention by call": {**STATES, "sent": 19}}), "add up to 19 of 20"),
        (
            replace(GOOD, pushes={"Retention by call": {**STATES, "sent": 19, "claimed": 1}}),
            "1 pushes are still in work",
        ),
        (replace(GOOD, calls_reported=1), "3 calls were lent, 1 reported, 1 returned"),
        (
            replace(
                GOOD,
                arms={"Retention by call": {**dict.fromkeys(ARMS, FIGURES), "control": replace(FIGURES, outcomes=0)}},
            ),
            "control",
        ),
    ],
)
def test_each_broken_promise_is_said(broken: DemoReport, said: str) -> None:
    assert said in "; ".join(broken.problems())


def test_arms_too_small_to_compare_may_be_silent() -> None:
    silent = replace(FIGURES, members=49, outcomes=0)
    assert not replace(GOOD, arms={"Retention by call": dict.fromkeys(ARMS, silent)}).problems()
