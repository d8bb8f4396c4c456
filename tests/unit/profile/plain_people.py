"""Customers of a test with everything about them, as the source tables tell it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from services.profile.domain.months import Month

Row = dict[str, object]
NEEDS: Mapping[str, str] = {"mobile_newspaper": "handset_mms", "mobile_internet": "internet_access"}
"""What products of the tests need of a customer."""


@dataclass(frozen=True, slots=True)
class Bill:
    """`given_away` is spread over the five columns it may stand in; `parts` are the other columns, `change` the source's own."""

    month: Month
    total: int
    given_away: int = 0
    parts: Mapping[str, int | None] = field(default_factory=dict)
    change: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """Minutes in hundredths; `parts` are the other columns likewise, `change` the source's own."""

    month: Month
    minutes: int
    parts: Mapping[str, int | None] = field(default_factory=dict)
    change: Decimal | None = None
    counterpart: str | None = None


@dataclass(frozen=True, slots=True)
class Circle:
    month: Month
    breadth: int
    depth: int | None = None
    vpmn_breadth: int | None = None


@dataclass(frozen=True, slots=True)
class Order:
    product: str
    how: str
    ordered: date
    cancelled: date | None = None
    provisioned: bool | None = True
    trial_ends: date | None = None
    channel: str | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Use:
    product: str
    month: Month
    days: int
    content: str | None = None
    changed: date | None = None
    hours: str | None = None


@dataclass(frozen=True, slots=True)
class Case:
    """A complaint or consultation; `cases` in ten thousandths."""

    reported: date
    kind: str
    topic: str | None = None
    product: str | None = None
    cases: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    contacted: date
    channel: str | None
    answer: str
    contacts: int | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    answered: date
    question: str
    answer: str | None = None
    score: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One customer; at most one bill, talk and circle a month. `copied` are columns of the customers table as they are."""

    customer_id: str
    activated: date
    left: date | None = None
    birth_year: int | None = None
    contract_class: int = 0
    contract_ends: date | None = None
    owner: str | None = None
    owner_lines: int | None = None
    copied: Mapping[str, object] = field(default_factory=dict)
    bills: Sequence[Bill] = ()
    talks: Sequence[Talk] = ()
    circles: Sequence[Circle] = ()
    orders: Sequence[Order] = ()
    uses: Sequence[Use] = ()
    cases: Sequence[Case] = ()
    offers: Sequence[Offer] = ()
    surveys: Sequence[Survey] = ()


def is_customer(person: Person, month: Month) -> bool:
    end = month.plus(1).first_day
    return person.activated < end and not (person.left and person.left < end)


def months_between(day: date, month: Month) -> int:
    return month.year * 12 + month.number - day.year * 12 - day.month
