"""What recommendation needs of the outside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from services.recommendation.domain import Arm, Purpose, Zone
from shared.jsontypes import JsonObject
from shared.lake.dataset import Dataset
from shared.runs.domain import Run, RunPage, RunPlace

Entry_co = TypeVar("Entry_co", covariant=True)


@dataclass(frozen=True, slots=True)
class StoredMatrix:
    """One immutable version of a matrix: its text, and what its list shows of it."""

    matrix_id: str
    purpose: Purpose
    display_name: str
    hit_policy: str
    rule_count: int
    csv: str
    create_time: datetime
    author: str


@dataclass(frozen=True, slots=True)
class StoredCatalogue:
    """One immutable version of the catalogue; without products, those that policies name stand undescribed."""

    catalogue_id: str
    csv: str
    products_csv: str
    policy_count: int
    product_count: int
    create_time: datetime
    author: str


@dataclass(frozen=True, slots=True)
class Place:
    """A place in a list that is newest first: behind the version with these values."""

    create_time: datetime
    identifier: str


class Rulebook(Protocol):
    """Keeps the versions of matrices and catalogues."""

    async def add_matrix(self, matrix: StoredMatrix) -> StoredMatrix:
        """Store a version, or return the one that is there with the same id and text. Raises AlreadyExists."""
        ...

    async def matrix(self, matrix_id: str) -> StoredMatrix:
        """Return one version. Raises NotFound."""
        ...

    async def matrices(self, *, after: Place | None, limit: int) -> Sequence[StoredMatrix]:
        """Return up to `limit` versions, newest first."""
        ...

    async def add_catalogue(self, catalogue: StoredCatalogue) -> StoredCatalogue:
        """Store a version, or return the one that is there with the same id and text. Raises AlreadyExists."""
        ...

    async def catalogue(self, catalogue_id: str) -> StoredCatalogue:
        """Return one version. Raises NotFound."""
        ...

    async def newest_catalogue_id(self) -> str:
        """Return the id of the newest version. Raises NotFound when there is none."""
        ...


class Runs(Protocol):
    """The runs that the worker does, each call in a transaction of its own."""

    async def create(self, kind: str, run_id: str, request: JsonObject, *, principal: str, now: datetime) -> Run:
        """Queue a run, or return the one that is there with this id and request. Raises AlreadyExists."""
        ...

    async def get(self, kind: str, run_id: str) -> Run:
        """Return one run. Raises NotFound."""
        ...

    async def selection_of(self, targets: Dataset) -> Run:
        """Return the target selection that made these targets. Raises NotFound."""
        ...

    async def page(self, kind: str, *, after: RunPlace | None, limit: int) -> RunPage:
        """Return up to `limit` runs, newest first."""
        ...

    async def switched_in(self) -> str:
        """Return the id of the assembly run whose lists the desk reads. Raises NotFound before the first switch."""
        ...


@dataclass(frozen=True, slots=True)
class DeskItem:
    """One recommendation of a stored list."""

    zone: Zone
    policy: str
    need_level: str
    matrix: Purpose
    rule: int
    main: bool


@dataclass(frozen=True, slots=True)
class DeskList:
    """One customer's list as it was switched in; `withheld` is empty, `red_list` or `no_consent`."""

    run_id: str
    cycle: str
    catalogue_id: str
    switch_time: datetime
    customer_id: str
    msisdn: str
    city: str
    arm: Arm
    withheld: str
    items: tuple[DeskItem, ...]


class Desk(Protocol):
    """The lists that are switched in."""

    async def by_customer(self, customer_id: str) -> DeskList | None: ...

    async def by_msisdn(self, msisdn: str) -> DeskList | None: ...


class Answer(StrEnum):
    """What a customer said to an offer."""

    ACCEPTED = "accepted"
    CONSIDERING = "considering"
    DECLINED = "declined"
    OPTED_OUT = "opted_out"


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer to one policy."""

    policy: str
    answer: Answer
    time: datetime


@dataclass(frozen=True, slots=True)
class ContactRecord(Generic[Entry_co]):
    """What dispatch knows of one customer; the entries are passed on as they came, newest first."""

    entries: Sequence[Entry_co]
    answers: Sequence[Answered]
    opted_out: bool


class Contacts(Protocol[Entry_co]):
    """The contact ledger, in dispatch."""

    async def of(self, customer_id: str) -> ContactRecord[Entry_co]:
        """Return three months of contacts. Raises shared.errors.Failure when dispatch cannot be asked in time."""
        ...
