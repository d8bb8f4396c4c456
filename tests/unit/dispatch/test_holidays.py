"""Holidays: read with a clear answer to every slip, and nothing leaves on them."""

from datetime import date, datetime, time, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.holidays import LONGEST_CLOSURE, read_holidays
from services.dispatch.domain.plans import PLAN_CHANNELS, Channel
from services.dispatch.domain.rules import Allow, Gate, Hold, Hours
from services.dispatch.settings import ContactRuleSettings
from shared.clock import LEGAL_ZONE
from shared.errors import InvalidInput
from tests.factories.dispatch import MORNING, WEEK_LATER, target

FILE = """
# the province's holidays
2026-11-09  call sms   # a day off for some
2027-02-06..2027-02-12 # Spring Festival, both ends included
"""


def test_days_and_spans_are_read_for_some_channels_or_all() -> None:
    found = read_holidays(FILE, source="holidays")
    festival = {date(2027, 2, day) for day in range(6, 13)}
    assert found.keys() == set(PLAN_CHANNELS)
    assert found[Channel.WAP_PUSH] == festival
    assert found[Channel.SMS] == found[Channel.CALL] == festival | {date(2026, 11, 9)}


def test_every_slip_is_told_with_its_line() -> None:
    text = "2026-02-30\n2026-11-09 smss\nsoon\n2026-11-09..2026-11-08\n2026-11-09 sms"
    with pytest.raises(InvalidInput) as wrong:
        read_holidays(text, source="days.txt")
    told = {violation.field: violation.description for violation in wrong.value.violations}
    assert list(told) == [f"days.txt line {number}" for number in (1, 2, 3, 4)]
    assert "did you mean sms?" in told["days.txt line 2"]
    with pytest.raises(InvalidInput, match="over 366 holidays"):
        read_holidays("2026-01-01..2026-12-31\n2027-01-01..2027-12-31", source="days.txt")


@given(st.text(max_size=60))
def test_whatever_is_written_there_is_read_or_refused_with_words(text: str) -> None:
    try:
        found = read_holidays(text, source="s")
    except InvalidInput:
        return
    assert found.keys() == set(PLAN_CHANNELS)


@given(
    closed=st.sets(st.dates(date(2026, 11, 1), date(2026, 11, 20))),
    now=st.datetimes(datetime(2026, 11, 1), datetime(2026, 11, 21)),  # noqa: DTZ001 - hypothesis wants them naive
)
def test_the_next_opening_is_the_first_of_a_day_that_is_no_holiday(closed: set[date], now: datetime) -> None:
    hours, local = Hours(time(8), time(21), frozenset(closed)), now.replace(tzinfo=LEGAL_ZONE)
    opening = hours.next_opening(local)
    assert local < opening
    assert hours.are_open(opening)
    mornings = [opening - timedelta(days=days) for days in range(1, 30)]
    assert not any(hours.are_open(morning) for morning in mornings if morning > local)
    assert hours.are_open(hours.earliest(local))
    assert hours.are_open(local) == (8 <= local.hour < 21 and local.date() not in closed)


def test_a_year_of_holidays_still_ends() -> None:
    first = MORNING.date()
    closed = frozenset(first + timedelta(days=day) for day in range(LONGEST_CLOSURE))
    opening = Hours(time(8), time(21), closed).next_opening(MORNING)
    assert opening.date() == first + timedelta(days=LONGEST_CLOSURE)


def test_a_push_is_held_over_the_holidays_of_its_channel_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "holidays.txt"
    file.write_text(FILE, encoding="utf-8")
    monkeypatch.setenv("VISAVIS_DISPATCH_HOLIDAYS_FILE", str(file))
    province = ContactRuleSettings().rules()
    verdict = Gate(province, Channel.SMS, WEEK_LATER, MORNING).judge(target(1), [], opted_out=False)
    tomorrow = datetime.combine(MORNING.date() + timedelta(days=1), time(8), LEGAL_ZONE)
    assert isinstance(verdict, Hold)
    assert (verdict.until, verdict.why) == (tomorrow, "2026-11-09 is a holiday")
    assert isinstance(
        Gate(province, Channel.WAP_PUSH, WEEK_LATER, MORNING).judge(target(1), [], opted_out=False), Allow
    )


def test_a_file_that_is_not_there_stops_the_process_with_words(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_DISPATCH_HOLIDAYS_FILE", str(tmp_path / "none.txt"))
    with pytest.raises(InvalidInput, match="VISAVIS_DISPATCH_HOLIDAYS_FILE"):
        ContactRuleSettings().rules()
