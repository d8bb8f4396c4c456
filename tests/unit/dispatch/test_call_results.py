"""What the end of a call makes of its push and its contact, result by result."""

from dataclasses import replace
from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.call_results import lapsed, outcome_of
from services.dispatch.domain.calls import (
    MAX_CALL_BACKS,
    BusinessResult,
    Call,
    CallId,
    CallPhase,
    Lease,
    Report,
    SystemResult,
)
from services.dispatch.domain.plans import PlanId
from services.dispatch.domain.pushes import ContactId, ContactState, PushId, PushState
from services.dispatch.domain.rules import Hours
from tests.factories.dispatch import MORNING, WEEK_LATER

HOURS = Hours(time(9), time(20, 30))
TOMORROW = (MORNING + timedelta(days=1)).replace(hour=9)
CALL = Call(
    call_id=CallId(1),
    plan_id=PlanId("p"),
    push_id=PushId(1),
    contact_id=ContactId(1),
    customer_id="c-1",
    msisdn="13800000001",
    city="A",
    attempt=1,
    not_after=MORNING + timedelta(minutes=10),
    phase=CallPhase.STARTED,
    result=(None, None, None),
    agreed=False,
    call_backs=0,
    push_state=PushState.LEASED,
    push_contact=ContactId(1),
    plan_expire_time=WEEK_LATER,
    traceparent="",
)


def report(system: str, business: BusinessResult | None = None, at: datetime | None = None) -> Report:
    return Report(CallId(1), SystemResult(system), business, at)


def called_back(at: datetime) -> Report:
    return report("answered", BusinessResult.CALL_BACK, at)


@pytest.mark.parametrize(
    ("result", "state", "until"),
    [
        ("no_answer", "held", TOMORROW),
        ("busy", "held", MORNING + timedelta(minutes=15)),
        ("subscriber_absent", "held", TOMORROW),
        ("answering_machine", "held", MORNING + timedelta(hours=4)),
        ("rejected", "held", TOMORROW),
        ("congestion", "held", MORNING + timedelta(minutes=15)),
        ("abandoned", "held", TOMORROW),
        ("error", "held", MORNING + timedelta(minutes=15)),
        ("invalid_number", "failed", None),
        ("fax", "failed", None),
        ("blocked", "failed", None),
    ],
)
def test_a_call_without_a_talk_is_no_contact_and_is_tried_again_when_its_result_says_so(
    result: str, state: str, until: datetime | None
) -> None:
    outcome = outcome_of(CALL, report(result), hours=HOURS, now=MORNING)
    assert (outcome.push, outcome.hold_until) == (state, until)
    assert (outcome.contact, outcome.event) == (ContactState.RELEASED, None)


def test_a_machine_late_in_the_day_is_tried_the_next_morning_and_an_abandoned_call_never_on_the_same_day() -> None:
    evening, early = MORNING.replace(hour=18), MORNING.replace(hour=7)
    assert outcome_of(CALL, report("answering_machine"), hours=HOURS, now=evening).hold_until == TOMORROW
    assert outcome_of(CALL, report("abandoned"), hours=HOURS, now=early).hold_until == TOMORROW


@pytest.mark.parametrize(("result", "attempts"), [("no_answer", 3), ("rejected", 2), ("error", 3)])
def test_who_does_not_answer_is_left_alone_after_so_many_attempts(result: str, attempts: int) -> None:
    states = [
        outcome_of(replace(CALL, attempt=n), report(result), hours=HOURS, now=MORNING).push
        for n in range(1, attempts + 1)
    ]
    assert states == [*["held"] * (attempts - 1), "failed"]


def test_an_agreed_call_back_holds_the_push_until_then_within_the_hours() -> None:
    at = MORNING + timedelta(days=1, hours=3)
    outcome = outcome_of(CALL, called_back(at), hours=HOURS, now=MORNING)
    assert (outcome.push, outcome.hold_until, outcome.call_back_at) == ("held", at, at)
    assert (outcome.contact, outcome.sent_at) == (ContactState.SENT, MORNING)
    night = MORNING.replace(hour=22)
    outcome = outcome_of(CALL, called_back(night), hours=HOURS, now=MORNING)
    assert (outcome.hold_until, outcome.call_back_at) == (TOMORROW, night)
    outcome = outcome_of(CALL, called_back(MORNING - timedelta(hours=1)), hours=HOURS, now=MORNING)
    assert outcome.hold_until == MORNING


def test_a_call_back_after_the_plan_or_once_too_often_ends_the_push() -> None:
    late = outcome_of(CALL, called_back(WEEK_LATER), hours=HOURS, now=MORNING)
    assert (late.push, late.detail) == (
        "sent",
        "answered; agreed to be called at 2026-11-16 10:00, but the plan ends before",
    )
    often = replace(CALL, call_backs=MAX_CALL_BACKS)
    assert outcome_of(often, called_back(TOMORROW), hours=HOURS, now=MORNING).push == "sent"


@pytest.mark.parametrize("state", ["cancelled", "suppressed"])
def test_who_is_not_to_be_contacted_any_more_is_not_called_back(state: str) -> None:
    withdrawn = replace(CALL, push_state=PushState(state))
    outcome = outcome_of(withdrawn, called_back(TOMORROW), hours=HOURS, now=MORNING)
    assert (outcome.push, outcome.hold_until, outcome.call_back_at) == ("sent", None, None)


@given(
    result=st.sampled_from(sorted(SystemResult)),
    attempt=st.integers(1, 8),
    call_backs=st.integers(1, MAX_CALL_BACKS),
    plan_ends=st.timedeltas(timedelta(minutes=1), timedelta(days=5)),
)
def test_a_push_whose_customer_was_talked_to_waits_or_was_sent(
    result: SystemResult, attempt: int, call_backs: int, plan_ends: timedelta
) -> None:
    call = replace(CALL, agreed=True, attempt=attempt, call_backs=call_backs, plan_expire_time=MORNING + plan_ends)
    outcome = outcome_of(call, Report(CallId(1), result), hours=HOURS, now=MORNING)
    assert outcome.push in {PushState.HELD, PushState.SENT}
    if outcome.push is PushState.HELD:
        assert outcome.hold_until is not None
        assert MORNING < outcome.hold_until < call.plan_expire_time
    assert lapsed(call).push is PushState.SENT
    assert lapsed(call).contact is ContactState.INDETERMINATE


@given(
    renewals=st.lists(
        st.tuples(
            st.timedeltas(timedelta(), timedelta(minutes=30)), st.timedeltas(timedelta(seconds=30), timedelta(hours=1))
        )
    )
)
def test_a_lease_that_is_renewed_never_ends_sooner_nor_after_four_hours(
    renewals: list[tuple[timedelta, timedelta]],
) -> None:
    lease = Lease("r", PlanId("p"), "dialer", 10, timedelta(minutes=10), MORNING, MORNING + timedelta(minutes=10))
    now = MORNING
    for pause, duration in renewals:
        now += pause
        end_time = lease.renewed(duration, now)
        assert lease.end_time <= end_time <= MORNING + timedelta(hours=4)
        assert end_time == lease.end_time or end_time - now <= duration
        lease = replace(lease, end_time=end_time)
