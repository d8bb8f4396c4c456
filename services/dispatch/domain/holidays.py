"""The days on which a province is left alone, as its planners write them down: one or a span per line, for all channels or some."""

import re
from collections.abc import Collection, Mapping
from datetime import date, timedelta
from difflib import get_close_matches

from services.dispatch.domain.plans import PLAN_CHANNELS, Channel
from shared.errors import InvalidInput, Violation

LONGEST_CLOSURE = 366
"""Days that one channel may be closed in all: hours that never open would hold every push back in silence."""

_SPAN = re.compile(r"(?P<first>\d{4}-\d\d-\d\d)(\.\.(?P<last>\d{4}-\d\d-\d\d))?", re.ASCII)


def read_holidays(text: str, *, source: str) -> Mapping[Channel, frozenset[date]]:
    """Return each channel's holidays. Example of a line: `2027-02-06..2027-02-12 call sms  # Spring Festival`.

    A span holds its last day, too; a line without channels is about all; what follows `#` is for people.
    Raises InvalidInput with all that is wrong, by `source` and line.
    """
    closed: dict[Channel, set[date]] = {channel: set() for channel in PLAN_CHANNELS}
    violations: list[Violation] = []
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        said = line.split("#")[0].split()
        try:
            for channel in _channels(said[1:]) if said else ():
                closed[channel] |= _days(said[0])
        except ValueError as wrong:
            violations.append(Violation(f"{source} line {number}", str(wrong)))
    too_long = [channel for channel, days in closed.items() if len(days) > LONGEST_CLOSURE]
    violations += [
        Violation(source, f"{name} has over {LONGEST_CLOSURE} holidays; leave past ones out") for name in too_long
    ]
    if violations:
        raise InvalidInput(violations)
    return {channel: frozenset(days) for channel, days in closed.items()}


def _days(span: str) -> set[date]:
    found = _SPAN.fullmatch(span)
    if found is None:
        raise ValueError(f"expected a day like 2027-02-06 or a span like 2027-02-06..2027-02-12, got {span!r}")
    first = date.fromisoformat(found["first"])
    length = (date.fromisoformat(found["last"] or found["first"]) - first).days
    if not 0 <= length < LONGEST_CLOSURE:
        raise ValueError(f"expected a span of 1 to {LONGEST_CLOSURE} days, got {span}")
    return {first + timedelta(days=day) for day in range(length + 1)}


def _channels(names: Collection[str]) -> Collection[Channel]:
    if not names:
        return PLAN_CHANNELS
    for name in names:
        if name not in PLAN_CHANNELS:
            close = get_close_matches(name, PLAN_CHANNELS, 1)
            meant = f"; did you mean {close[0]}?" if close else ""
            raise ValueError(f"{name!r} is no channel; known are {', '.join(PLAN_CHANNELS)}{meant}")
    return [Channel(name) for name in names]
