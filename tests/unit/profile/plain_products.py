"""Where a customer stands with products, in plain Python."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from services.profile.domain.months import Month
from tests.unit.profile.plain_people import NEEDS, Order, Person, Row, Use, months_between


def product_states(person: Person, month: Month) -> list[Row]:
    end = month.plus(1).first_day
    uses = [use for use in person.uses if use.month <= month]
    orders = [order for order in person.orders if order.ordered < end]
    names = sorted({use.product for use in uses} | {order.product for order in orders})
    return [
        _state(person, name, [o for o in orders if o.product == name], [u for u in uses if u.product == name], month)
        for name in names
    ]


def _state(person: Person, name: str, orders: Sequence[Order], uses: Sequence[Use], month: Month) -> Row:
    end = month.plus(1).first_day
    days = sum(use.days for use in uses if use.month == month)
    latest = max(orders, key=lambda order: order.ordered) if orders else None
    word = _word(latest, days, end)
    provisioned = not latest or latest.provisioned is not False
    contents = [use for use in uses if use.content and use.days]
    changes = [use.changed for use in uses if use.changed and use.changed < end]
    return {
        "product": name,
        "state": word,
        "active_days": days,
        "provisioned": provisioned,
        "cause": _cause(person, name, uses, end, provisioned=provisioned) if word == "inactive" else None,
        "trial_ends_on": latest.trial_ends if latest and word == "trial" else None,
        "months_held": _whole_months(latest.ordered, end) if latest else None,
        "cancel_reason": latest.reason if latest and word == "cancelled" else None,
        "content_category": max(contents, key=lambda use: use.month).content if contents else None,
        "content_age_months": min(99, months_between(max(changes), month)) if changes else None,
    }


def _word(latest: Order | None, days: int, end: date) -> str:
    if latest and latest.cancelled and latest.cancelled < end:
        return "cancelled"
    if latest and latest.how == "voice_plan":
        return "voice_plan"
    if latest and latest.how == "trial" and (latest.trial_ends is None or latest.trial_ends >= end):
        return "trial"
    return "active" if days else "inactive"


def _cause(person: Person, name: str, uses: Sequence[Use], end: date, *, provisioned: bool) -> str:
    need = NEEDS.get(name, "")
    if not provisioned:
        return "not_provisioned"
    if need and person.copied.get(need) is False:
        return "handset_missing" if need.startswith("handset") else "internet_missing"
    if not any(use.days for use in uses):
        return "never_used"
    said = [(c.reported, c.topic) for c in person.cases if c.product == name and c.topic in ("price", "fashion")]
    said += [(s.answered, s.answer) for s in person.surveys if s.question == name and s.answer in ("price", "fashion")]
    known = [(day, str(word)) for day, word in said if day < end]
    return max(known)[1] if known else "unaware"


def _whole_months(ordered: date, end: date) -> int:
    """Count how often the day of the month came round from the order to the first day behind the view's month."""
    return sum(
        1
        for year in range(ordered.year, end.year + 1)
        for number in range(1, 13)
        if date(ordered.year, ordered.month, 1) < date(year, number, 1) <= end
        and (date(year, number, 1) < end or ordered.day == 1)
    )


def used_most(uses: Sequence[Use], name: str, month: Month) -> str | None:
    """Return the value of attribute `name` on which most days of use fell in three months; the later among equals."""
    weights: dict[str, list[int]] = defaultdict(lambda: [0, -9])
    for use, value in _valued(uses, name):
        distance = months_between(use.month.first_day, month)
        if 0 <= distance < 3:
            weights[value] = [weights[value][0] + use.days, max(weights[value][1], -distance)]
    return max(weights, key=lambda value: (*weights[value], value)) if weights else None


def _valued(uses: Sequence[Use], name: str) -> Iterator[tuple[Use, str]]:
    yield from ((use, str(getattr(use, name))) for use in uses if use.days and getattr(use, name) is not None)
