"""Customer views and labels in plain Python, customer by customer: what the SQL is compared with."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from typing import Self

from services.profile.domain.months import Month
from tests.unit.profile.plain_people import Bill, Person, Row, Talk, is_customer, months_between
from tests.unit.profile.plain_products import product_states, used_most

KNOWN_TODAY_ONLY = (
    "balance_fen",
    "handset_days",
    "handsets_owned",
    "handset_models_owned",
    "answers_mail",
    "referrals",
)
BILL_PARTS: Mapping[str, str] = {
    "revenue_fixed_fen": "fixed_revenue_fen",
    "revenue_voice_fen": "voice_revenue_fen",
    "revenue_data_fen": "data_revenue_fen",
    "revenue_sms_fen": "sms_revenue_fen",
    "payments_fen": "payments_fen",
    "arrears_fen": "arrears_fen",
}
"""Columns of a bill that a view shows for the last month -> what it calls them."""
MOST_CHANGE = Fraction(10**15)
"""In percent; beyond it no view can say."""


def reject_reason(person: Person, month: Month) -> str:
    if person.left and person.left < month.plus(1).first_day:
        return f"left the network on {person.left}"
    return f"activated on {person.activated}, after the month of the views"


@dataclass(frozen=True)
class Told:
    """The months of which the extracts have any traffic, bills and circles."""

    traffic: set[Month]
    bills: set[Month]
    circles: set[Month]

    @classmethod
    def by(cls, persons: Sequence[Person]) -> Self:
        return cls(
            {talk.month for person in persons for talk in person.talks},
            {bill.month for person in persons for bill in person.bills},
            {circle.month for person in persons for circle in person.circles},
        )


def view(person: Person, month: Month, *, is_extract_month: bool, told: Told, lines: int) -> Row:
    """Return all columns of a view but those that other tables than the customer's own give.

    `lines` is how many customers of the month the owner has.
    """
    products = product_states(person, month)
    columns = {
        **{name: value for name, value in person.copied.items() if is_extract_month or name not in KNOWN_TODAY_ONLY},
        **{name: None for name in KNOWN_TODAY_ONLY if name in person.copied and not is_extract_month},
        "owner_id": person.owner or person.customer_id,
        "owner_lines": max(1, lines, person.owner_lines or 0),
        "age": month.year - person.birth_year if person.birth_year else None,
        "tenure_months": months_between(person.activated, month),
        "in_contract": contract_runs(person, month),
        "contract_months_left": whole_months_left(person, month) if contract_runs(person, month) else None,
        "contract_ends_on": person.contract_ends if contract_runs(person, month) else None,
        **billed(person, month, is_told=month in told.bills),
        **talked(person, month, is_told=month in told.traffic),
        **circle(person, month, is_told=month in told.circles),
        **told_by_customer(person, month),
        "products": products,
        "active_products": sum(product["state"] == "active" for product in products),
        "content_preference": used_most(person.uses, "content", month),
        "preferred_hours": used_most(person.uses, "hours", month),
        "silent_months": silent_months(person, month, told.traffic),
    }
    changes = columns["minutes_change"], columns["revenue_change"]
    columns["portrait"] = portrait(
        silent=month in told.traffic
        and not (minutes_of(person, month) or any(product["active_days"] for product in products)),
        changes=[Decimal(str(change)) for change in changes if change is not None],
        tenure=months_between(person.activated, month),
    )
    return columns


def billed(person: Person, month: Month, *, is_told: bool) -> Row:
    bills = {bill.month: bill for bill in person.bills if bill.month <= month}
    before = [bills[each] for each in three_before(month) if each in bills]
    bill = bills.get(month)
    revenue_change = change(bill.total if bill else 0, [each.total for each in before]) if is_told else None
    own = bill.change if bill else None
    return {
        "billed_months": sum(each > month.plus(-6) for each in bills),
        "arpu_fen": bill and bill.total,
        "arpu_before_fen": mean([each.total for each in before]),
        **{ours: bill.parts.get(name) if bill else None for name, ours in BILL_PARTS.items()},
        "return_rate_score": return_rate([each for each in bills.values() if each.month > month.plus(-9)]),
        "contribution_rate_before": contribution(before),
        "revenue_change": own and rounded(Fraction(own), 1) if revenue_change is None else rounded(revenue_change, 1),
    }


def talked(person: Person, month: Month, *, is_told: bool) -> Row:
    talks = {talk.month: talk for talk in person.talks}
    talk = talks.get(month)
    minutes_before = [talks[each].minutes for each in three_before(month) if each in talks]
    minutes_change = change(talk.minutes if talk else 0, minutes_before) if is_told else None
    parts = talk.parts if talk else {}
    own = talk.change if talk else None
    return {
        "minutes": talk and tenths(talk.minutes),
        **{name: tenths(value) if talk else None for name, value in parts.items() if name != "vpmn_roaming_minutes"},
        "long_distance_minutes": tenths(whole_or_sum(talk, "long_distance_minutes")),
        "roaming_minutes": tenths(whole_or_sum(talk, "roaming_minutes")),
        "top_counterpart": talk and talk.counterpart,
        "minutes_change": own and rounded(Fraction(own), 1) if minutes_change is None else rounded(minutes_change, 1),
    }


def whole_or_sum(talk: Talk | None, name: str) -> int | None:
    if talk is None or talk.parts.get(name) is not None:
        return talk.parts[name] if talk else None
    parts = [talk.parts.get(f"{scope}_{name}") for scope in ("in_province", "inter_province", "international")]
    known = [part for part in parts if part is not None]
    return sum(known) if known else None


def circle(person: Person, month: Month, *, is_told: bool) -> Row:
    circles = {each.month: each for each in person.circles}
    last = circles.get(month)
    before = [circles[each].breadth for each in three_before(month) if each in circles]
    found = change(last.breadth if last else 0, before) if is_told else None
    talk = next((each for each in person.talks if each.month == month), None)
    in_vpmn = [talk.parts.get("vpmn_minutes"), talk.parts.get("vpmn_roaming_minutes")] if talk else []
    return {
        "circle_breadth": last and last.breadth,
        "circle_depth": tenths(last.depth) if last else None,
        "circle_change": None if found is None else rounded(found, 1),
        "vpmn_breadth": last and last.vpmn_breadth,
        "vpmn_member": any([*in_vpmn, last and last.vpmn_breadth]),
    }


def told_by_customer(person: Person, month: Month) -> Row:
    end = month.plus(1).first_day
    recent = [case for case in person.cases if month.plus(-2).first_day <= case.reported < end]
    offers = [offer for offer in person.offers if month.plus(-5).first_day <= offer.contacted < end]
    scores = [(each.answered, each.question, each.score) for each in person.surveys if each.score is not None]
    return {
        "complaints": cases_of([case.cases for case in recent if case.kind == "complaint"]),
        "consultations": cases_of([case.cases for case in recent if case.kind == "consultation"]),
        "offers_made": sum(offer.contacts or 1 for offer in offers),
        "offers_accepted": sum(offer.contacts or 1 for offer in offers if offer.answer == "accepted"),
        "survey_score": max([each for each in scores if each[0] < end], default=(0, 0, None))[2],
        "preferred_channel": preferred_channel(person, end),
    }


def preferred_channel(person: Person, end: date) -> str | None:
    agreed = [(o.channel, o.contacted, o.contacts or 1) for o in person.offers if o.answer == "accepted"]
    agreed += [(order.channel, order.ordered, 1) for order in person.orders]
    weights: dict[str, tuple[int, date]] = defaultdict(lambda: (0, date.min))
    for channel, day, times in agreed:
        if channel is not None and day < end:
            weights[channel] = weights[channel][0] + times, max(weights[channel][1], day)
    return max(weights, key=lambda channel: (*weights[channel], channel)) if weights else None


def silent_months(person: Person, month: Month, told: set[Month]) -> int:
    def is_silent(each: Month) -> bool:
        has_used = any(use.month == each and use.days for use in person.uses)
        return (
            each in told and months_between(person.activated, each) >= 0 and not (minutes_of(person, each) or has_used)
        )

    return sum(is_silent(month.plus(-distance)) for distance in range(6))


def labels(person: Person, month: Month, told: Told) -> Row:
    after = [month.plus(distance) for distance in (1, 2, 3)]
    bills = {bill.month: bill.total for bill in person.bills}
    before = [bills[each] for each in (month.plus(-2), month.plus(-1), month) if each in bills]
    billed_after = [bills[each] for each in after if each in bills]
    has_left = person.left is not None and person.left < month.plus(4).first_day
    average = Fraction(sum(before), len(before)) if before else Fraction(0)
    taken = {
        order.product
        for order in person.orders
        if order.how != "voice_plan" and after[0].first_day <= order.ordered < month.plus(4).first_day
    }
    return {
        "churned": has_left or (sum(billed_after) <= 0 and any(each in told.bills for each in after)),
        "stayed": not has_left
        and average > 0
        and len(billed_after) == 3
        and all(total >= average * Fraction(8, 10) for total in billed_after),
        "products_taken": sorted(taken),
    }


def owner_lines(persons: Sequence[Person], person: Person, month: Month) -> int:
    return sum(each.owner == person.owner for each in persons if each.owner and is_customer(each, month))


def three_before(month: Month) -> list[Month]:
    return [month.plus(-distance) for distance in (1, 2, 3)]


def minutes_of(person: Person, month: Month) -> int:
    return sum(talk.minutes for talk in person.talks if talk.month == month)


def change(last: int, before: Sequence[int]) -> Fraction | None:
    """Return the change against the mean of the months before, in percent; a change beyond what is stored is told as the most."""
    if not before or sum(before) <= 0:
        return None
    return min(Fraction(100 * last * len(before), sum(before)) - 100, MOST_CHANGE)


def portrait(*, silent: bool, changes: Sequence[Decimal], tenure: int) -> str:
    if silent:
        return "silent"
    if any(each <= -30 for each in changes):
        return "warning"
    if len(changes) == 2 and min(changes) >= 0 and tenure >= 12:
        return "healthy"
    return "active"


def return_rate(bills: Sequence[Bill]) -> Decimal | None:
    total = sum(bill.total for bill in bills)
    return points(total - sum(bill.given_away for bill in bills), total) if total > 0 else None


def contribution(bills: Sequence[Bill]) -> Decimal | None:
    rates = [Fraction(points(bill.total - bill.given_away, bill.total)) for bill in bills if bill.total > 0]
    return Decimal(rounded(sum(rates, Fraction(0)) / len(rates), 2)) if rates else None


def points(kept: int, total: int) -> Decimal:
    return Decimal(rounded(max(Fraction(0), min(Fraction(100), Fraction(100 * kept, total))), 2))


def contract_runs(person: Person, month: Month) -> bool:
    ends = person.contract_ends
    return person.contract_class == 1 and ends is not None and ends >= month.plus(1).first_day


def whole_months_left(person: Person, month: Month) -> int:
    """Count full months from the day after the view's month to the contract's last day."""
    assert person.contract_ends is not None
    over, count = person.contract_ends + timedelta(days=1), 0
    while month.plus(count + 2).first_day <= over:
        count += 1
    return count


def mean(values: Sequence[int]) -> Decimal | int | None:
    return rounded(Fraction(sum(values), len(values)), 0) if values else None


def cases_of(counts: Sequence[int | None]) -> Decimal | int:
    return rounded(Fraction(sum(10_000 if count is None else count for count in counts), 10_000), 1)


def tenths(hundredths: int | None) -> Decimal | int | None:
    return None if hundredths is None else rounded(Fraction(hundredths, 100), 1)


def rounded(value: Fraction, digits: int) -> Decimal | int:
    """Round half away from zero, exactly."""
    scaled = value * 10**digits
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    signed = whole if value >= 0 else -whole
    return Decimal(signed).scaleb(-digits).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) if digits else signed
