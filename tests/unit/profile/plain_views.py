"""Customer views and labels in plain Python, customer by customer: what the SQL is compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

from services.profile.domain.months import Month

Row = dict[str, object]


@dataclass(frozen=True, slots=True)
class Bill:
    month: Month
    total: int
    data: int = 0
    given_away: int = 0
    arrears: int = 0


@dataclass(frozen=True, slots=True)
class Talk:
    """Minutes in hundredths."""

    month: Month
    minutes: int
    long_distance: int = 0
    roaming: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    product: str
    how: str
    ordered: date
    cancelled: date | None = None
    provisioned: bool = True


@dataclass(frozen=True, slots=True)
class Use:
    product: str
    month: Month
    days: int


@dataclass(frozen=True, slots=True)
class Person:
    """One customer with everything about them; at most one bill and one talk a month."""

    customer_id: str
    activated: date
    left: date | None = None
    birth_year: int | None = None
    contract_class: int = 0
    contract_ends: date | None = None
    balance: int | None = None
    bills: Sequence[Bill] = ()
    talks: Sequence[Talk] = ()
    orders: Sequence[Order] = ()
    uses: Sequence[Use] = ()


def is_customer(person: Person, month: Month) -> bool:
    end = month.plus(1).first_day
    return person.activated < end and not (person.left and person.left < end)


def reject_reason(person: Person, month: Month) -> str:
    if person.left and person.left < month.plus(1).first_day:
        return f"left the network on {person.left}"
    return f"activated on {person.activated}, after the month of the views"


def view(person: Person, month: Month, *, is_extract_month: bool) -> Row:
    """Return the computed columns of a view; those that are copied are not here."""
    bills = {bill.month: bill for bill in person.bills if month.plus(-5) <= bill.month <= month}
    talks = {talk.month: talk for talk in person.talks}
    before = [month.plus(-distance) for distance in (1, 2, 3)]
    billed_before = [bills[each].total for each in before if each in bills]
    talked_before = [talks[each].minutes for each in before if each in talks]
    bill, talk = bills.get(month), talks.get(month)
    revenue_change = change(bill.total if bill else 0, billed_before)
    minutes_change = change(talk.minutes if talk else 0, talked_before)
    products = product_states(person, month)
    return {
        "age": month.year - person.birth_year if person.birth_year else None,
        "tenure_months": months_between(person.activated, month),
        "in_contract": contract_runs(person, month),
        "contract_months_left": whole_months_left(person, month) if contract_runs(person, month) else None,
        "balance_fen": person.balance if is_extract_month else None,
        "billed_months": len(bills),
        "arpu_fen": bill and bill.total,
        "arpu_before_fen": rounded(Fraction(sum(billed_before), len(billed_before)), 0) if billed_before else None,
        "data_revenue_fen": bill and bill.data,
        "arrears_fen": bill and bill.arrears,
        "return_rate_score": return_rate(list(bills.values())),
        "minutes": talk and rounded(Fraction(talk.minutes, 100), 1),
        "long_distance_minutes": talk and rounded(Fraction(talk.long_distance, 100), 1),
        "roaming_minutes": talk and rounded(Fraction(talk.roaming, 100), 1),
        "revenue_change": None if revenue_change is None else rounded(revenue_change, 1),
        "minutes_change": None if minutes_change is None else rounded(minutes_change, 1),
        "portrait": portrait(
            used=bool(talk and talk.minutes) or any(product["active_days"] for product in products),
            changes=[minutes_change, revenue_change],
            tenure=months_between(person.activated, month),
        ),
        "products": products,
    }


def labels(person: Person, month: Month) -> Row:
    after = [month.plus(distance) for distance in (1, 2, 3)]
    bills = {bill.month: bill.total for bill in person.bills}
    before = [bills[each] for each in (month.plus(-2), month.plus(-1), month) if each in bills]
    billed_after = [bills[each] for each in after if each in bills]
    has_left = person.left is not None and person.left < month.plus(4).first_day
    mean = Fraction(sum(before), len(before)) if before else Fraction(0)
    taken = {
        order.product
        for order in person.orders
        if order.how != "voice_plan" and after[0].first_day <= order.ordered < month.plus(4).first_day
    }
    return {
        "churned": has_left or sum(billed_after) <= 0,
        "stayed": not has_left
        and mean > 0
        and len(billed_after) == 3
        and all(total >= mean * Fraction(8, 10) for total in billed_after),
        "products_taken": sorted(taken),
    }


def change(last: int, before: Sequence[int]) -> Fraction | None:
    """Return the change against the mean of the months before, in percent."""
    return Fraction(100 * last * len(before), sum(before)) - 100 if before and sum(before) > 0 else None


def portrait(*, used: bool, changes: Sequence[Fraction | None], tenure: int) -> str:
    shown = [rounded(each, 1) for each in changes if each is not None]
    if not used:
        return "silent"
    if any(each <= -30 for each in shown):
        return "warning"
    if len(shown) == 2 and min(shown) >= 0 and tenure >= 12:
        return "healthy"
    return "active"


def return_rate(bills: Sequence[Bill]) -> Decimal | None:
    billed = sum(bill.total for bill in bills)
    if billed <= 0:
        return None
    rate = Fraction(100 * (billed - sum(bill.given_away for bill in bills)), billed)
    return Decimal(rounded(max(Fraction(0), min(Fraction(100), rate)), 2))


def product_states(person: Person, month: Month) -> list[Row]:
    end = month.plus(1).first_day
    uses = [use for use in person.uses if month.plus(-5) <= use.month <= month]
    orders = [order for order in person.orders if order.ordered < end]
    names = sorted({use.product for use in uses} | {order.product for order in orders})
    return [product_state(name, orders, uses, month) for name in names]


def product_state(name: str, orders: Sequence[Order], uses: Sequence[Use], month: Month) -> Row:
    days = sum(use.days for use in uses if (use.product, use.month) == (name, month))
    own = [order for order in orders if order.product == name]
    latest = max(own, key=lambda order: order.ordered) if own else None
    if latest and latest.cancelled and latest.cancelled < month.plus(1).first_day:
        state = "cancelled"
    elif latest and latest.how != "self":
        state = "trial"
    else:
        state = "active" if days else "inactive"
    return {
        "product": name,
        "state": state,
        "active_days": days,
        "provisioned": latest.provisioned if latest else True,
    }


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


def months_between(day: date, month: Month) -> int:
    return month.year * 12 + month.number - day.year * 12 - day.month


def rounded(value: Fraction, digits: int) -> Decimal | int:
    """Round half away from zero, exactly."""
    scaled = value * 10**digits
    whole = (2 * abs(scaled.numerator) + scaled.denominator) // (2 * scaled.denominator)
    signed = whole if value >= 0 else -whole
    return Decimal(signed).scaleb(-digits).quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP) if digits else signed
