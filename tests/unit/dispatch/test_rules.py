"""The gate: hours, caps, repeats, opt-outs; judged by a plain reading of the rules."""

from collections.abc import Sequence
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.rules import (
    Allow,
    Expire,
    Gate,
    Hold,
    Hours,
    PastContact,
    Record,
    Rule,
    Suppress,
)
from shared.clock import LEGAL_ZONE
from tests.factories.dispatch import MORNING, rules, target

FAR = MORNING + timedelta(days=365)
SMS = Hours(time(8), time(21))


def gate(now: datetime = MORNING, *, cap: int = 2, expire_time: datetime = FAR) -> Gate:
    return Gate(rules(cap=cap), Channel.SMS, expire_time, now)


def past(*ages: timedelta, policy: str = "another") -> list[PastContact]:
    return [PastContact("c-other", policy, MORNING - age) for age in ages]


@pytest.mark.parametrize(
    ("clock", "is_open"),
    [("07:59:59.999999", False), ("08:00:00", True), ("20:59:59.999999", True), ("21:00:00", False)],
)
def test_hours_are_half_open(clock: str, *, is_open: bool) -> None:
    now = datetime.combine(MORNING.date(), time.fromisoformat(clock), LEGAL_ZONE)
    assert SMS.are_open(now.astimezone(UTC)) is is_open


@given(st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - hypothesis adds the zone
def test_the_next_opening_is_the_first_open_moment_after_now(now: datetime) -> None:
    opening = SMS.next_opening(now)
    assert now < opening <= now + timedelta(days=1)
    assert SMS.are_open(opening)
    assert not SMS.are_open(opening - timedelta(microseconds=1))
    if SMS.are_open(now):
        assert now < SMS.closing(now) < opening


def test_what_may_leave_must_do_so_before_the_hours_or_the_plan_end() -> None:
    closing = MORNING.replace(hour=21)
    assert gate().judge(target(1), [], opted_out=False) == Allow(closing)
    soon = MORNING + timedelta(minutes=5)
    assert gate(expire_time=soon).judge(target(1), [], opted_out=False) == Allow(soon)


def test_the_control_arm_and_those_who_opted_out_are_suppressed() -> None:
    verdicts = [
        gate().judge(target(1, arm="control"), [], opted_out=False),
        gate().judge(target(1), [], opted_out=True),
    ]
    assert [verdict.rule for verdict in verdicts if isinstance(verdict, Suppress)] == [Rule.CONTROL_ARM, Rule.OPT_OUT]


def test_an_owner_over_the_cap_is_held_until_the_oldest_contact_that_matters_leaves_the_window() -> None:
    contacts = past(timedelta(days=6), timedelta(days=2), timedelta(days=1), timedelta(days=7))
    verdict = gate().judge(target(1), contacts, opted_out=False)
    assert isinstance(verdict, Hold)
    assert (verdict.rule, verdict.until) == (Rule.CAP, MORNING + timedelta(days=5))


def test_a_contact_counts_until_the_very_end_of_its_window() -> None:
    just = timedelta(days=7) - timedelta(microseconds=1)
    assert isinstance(gate(cap=1).judge(target(1), past(just), opted_out=False), Hold)
    assert isinstance(gate(cap=1).judge(target(1), past(timedelta(days=7)), opted_out=False), Allow)


def test_the_same_policy_is_not_offered_again_within_the_window() -> None:
    offered = [PastContact("c-1", target(1).policy, MORNING - timedelta(days=3))]
    verdict = gate(cap=9).judge(target(1), offered, opted_out=False)
    assert isinstance(verdict, Hold)
    assert (verdict.rule, verdict.until) == (Rule.SAME_POLICY, MORNING + timedelta(days=4))
    assert isinstance(gate(cap=9).judge(target(2), offered, opted_out=False), Allow)


def test_what_cannot_leave_before_the_plan_ends_expires() -> None:
    night = MORNING.replace(hour=22)
    verdict = gate(night, expire_time=night + timedelta(hours=3)).judge(target(1), [], opted_out=False)
    assert isinstance(verdict, Expire)
    ended = gate(expire_time=MORNING).judge(target(1), [], opted_out=False)
    assert ended == Expire(Rule.PLAN_END, "the plan has ended")


AGES = st.lists(st.integers(0, 10 * 24).map(lambda hours: timedelta(hours=hours)), max_size=6)


@given(ages=AGES, cap=st.integers(1, 4), owners=st.lists(st.sampled_from("ab"), max_size=8), enough=st.integers(1, 8))
def test_a_batch_never_takes_an_owner_over_the_cap(
    ages: Sequence[timedelta], cap: int, owners: Sequence[str], enough: int
) -> None:
    targets = [target(n, owner=owner) for n, owner in enumerate(owners, 1)]
    record = Record({"a": past(*ages)}, frozenset())
    verdicts = gate(cap=cap).judge_all(targets, record, enough=enough)
    allowed = [one.owner_id for one, verdict in zip(targets, verdicts, strict=False) if isinstance(verdict, Allow)]
    before = sum(age < timedelta(days=7) for age in ages)
    assert allowed.count("a") <= max(0, cap - before)
    assert allowed.count("b") <= cap
    assert len(allowed) <= enough
    if len(verdicts) == len(targets):
        assert allowed.count("b") == min(cap, list(owners).count("b")) or len(allowed) == enough
    else:
        assert len(allowed) == enough
