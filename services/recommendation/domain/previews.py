"""What a preview tells of a draft set of matrices: every count twice, as things are published and as the drafts would have it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How an offer may reach a customer unasked."""

    SMS = "sms"
    CALL = "call"
    WAP_PUSH = "wap_push"
    MAIL_139 = "mail_139"


@dataclass(frozen=True, slots=True)
class Change:
    """A count by the published set and by the drafts."""

    before: int
    after: int


@dataclass(frozen=True, slots=True)
class RowAt:
    """A row of a matrix as people find it: its number in the file, and the city where the file is a city's override."""

    row: int
    city: str = ""


@dataclass(frozen=True, slots=True)
class RowCount:
    """The customers with a list for whom a row fired, of a matrix that meets each product at least once.

    `before` and `after` say where the row stands in the published and in the draft version, None where it does not; both are
    None in the count of those for whom no row fired. `gives` are the row's outputs.
    """

    matrix: str
    before: RowAt | None
    after: RowAt | None
    gives: str
    customers: Change


@dataclass(frozen=True, slots=True)
class Flow:
    """Customers who go from one answer to another; an empty one is none."""

    source: str
    target: str
    customers: int


@dataclass(frozen=True, slots=True)
class Flows:
    """Flows, the largest first; `others` are the customers of those too small to be told. All together are the whole base."""

    flows: tuple[Flow, ...]
    others: int = 0


@dataclass(frozen=True, slots=True)
class Recommended:
    """The customers to whom a policy, or a product, is recommended, and those who gain and lose it."""

    code: str
    customers: Change
    gained: int
    lost: int


@dataclass(frozen=True, slots=True)
class Load:
    """The persons whom a channel could bring the first offer of a zone, and how many it can contact; None where nobody said."""

    channel: Channel
    persons: Change
    capacity: int | None


@dataclass(frozen=True, slots=True)
class Money:
    """What is expected of offers, in fen. `accepted` counts ten-thousandths of an acceptance; `dilution_fen` is not above 0."""

    offers: int
    accepted: int
    cost_fen: int
    return_fen: int
    dilution_fen: int


@dataclass(frozen=True, slots=True)
class MoneyChange:
    """What is expected in a city, of a zone's offers to customers of a need level; that is empty where no product is offered."""

    city: str
    zone: str
    need_level: str
    before: Money
    after: Money


@dataclass(frozen=True, slots=True)
class Preview:
    """All counts of a preview. `rejects` and `blocked` are by reason."""

    customers: int
    changed: int
    lists: Change
    rejects: Mapping[str, Change]
    blocked: Mapping[str, Change]
    rows: tuple[RowCount, ...]
    zone_orders: Flows
    main_policies: Flows
    first_products: Flows
    policies: tuple[Recommended, ...]
    products: tuple[Recommended, ...]
    loads: tuple[Load, ...]
    money: tuple[MoneyChange, ...]
