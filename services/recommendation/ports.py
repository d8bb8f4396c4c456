"""What recommendation needs of the outside."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from services.recommendation.domain import Arm, Life, Purpose, Slot, SlotStep, State, Step, Zone
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
    city: str = ""
    parent: str = ""


@dataclass(frozen=True, slots=True)
class Version:
    """A version of a matrix, where it stands, and what has happened to it, in order."""

    matrix: StoredMatrix
    life: Life
    steps: tuple[Step, ...] = ()

    @property
    def matrix_id(self) -> str:
        return self.matrix.matrix_id

    @property
    def etag(self) -> str:
        return self.life.etag(self.matrix_id)

    @property
    def words(self) -> str:
        """The version for people: `"存量保有政策" (matrices/7c1f)`."""
        return f'"{self.matrix.display_name}" (matrices/{self.matrix_id})'


@dataclass(frozen=True, slots=True)
class Seen:
    """A version as the caller has seen it; an empty etag stands for whatever happened to it since."""

    matrix_id: str
    etag: str = ""


@dataclass(frozen=True, slots=True)
class VersionFilter:
    """Which versions a list shows; an empty field lets all through."""

    purpose: Purpose | None = None
    state: State | None = None
    cycle: str = ""
    city: str = ""


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

    async def add_matrices(self, matrices: Sequence[StoredMatrix], *, etags: Mapping[str, str]) -> None:
        """Store versions, all or none; those that are there with the same id and text stay as they are.

        Raises AlreadyExists; Conflict where a parent was edited before, or its etag is not the one in `etags` (if any is).
        """
        ...

    async def matrix(self, matrix_id: str) -> StoredMatrix:
        """Return one version. Raises NotFound."""
        ...

    async def add_catalogue(self, catalogue: StoredCatalogue) -> StoredCatalogue:
        """Store a version, or return the one that is there with the same id and text. Raises AlreadyExists."""
        ...

    async def catalogue(self, catalogue_id: str) -> StoredCatalogue:
        """Return one version. Raises NotFound."""
        ...

    async def catalogues(self, *, after: Place | None, limit: int) -> Sequence[StoredCatalogue]:
        """Return up to `limit` versions, newest first."""
        ...

    async def newest_catalogue_id(self) -> str:
        """Return the id of the newest version. Raises NotFound when there is none."""
        ...


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a version that stands where `version` says."""

    version: Version
    step: Step


@dataclass(frozen=True, slots=True)
class Published:
    """What was published in a cycle for some purposes when a change was decided: it must still be so when the change is made."""

    cycle: str
    matrix_ids: Mapping[Purpose, frozenset[str]]


class Versions(Protocol):
    """Tells where versions of matrices stand."""

    async def version(self, matrix_id: str) -> Version:
        """Return one version with its steps. Raises NotFound."""
        ...


class Logbook(Versions, Protocol):
    """Keeps the steps of versions of matrices, and what is published."""

    async def versions(self, wanted: VersionFilter, *, after: Place | None, limit: int) -> Sequence[Version]:
        """Return up to `limit` versions with their steps, newest first."""
        ...

    async def published(self, cycle: str) -> Sequence[Version]:
        """Return what is published for a cycle, with its steps, by purpose, the province's first, then by city."""
        ...

    async def of_slot(self, slot: Slot) -> Sequence[SlotStep]:
        """Return what has happened to the versions that were ever published for a slot, in order."""
        ...

    async def record(self, moves: Sequence[Move], *, seen: Sequence[Published] = ()) -> None:
        """Write steps down and publish what they publish, all or none.

        Raises Conflict where a version has taken another step meanwhile, or what is published is no longer what was `seen`.
        """
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

    async def last_of(self, cycle: str) -> str:
        """Return the id of the assembly run of a cycle that was switched in last. Raises NotFound."""
        ...

    async def switched_in(self) -> str:
        """Return the id of the assembly run whose lists the desk reads. Raises NotFound before the first switch."""
        ...


@dataclass(frozen=True, slots=True)
class DeskItem:
    """One recommendation of a stored list; `rule` is a row of the province's matrix, or of the override of `city`."""

    zone: Zone
    policy: str
    need_level: str
    matrix: Purpose
    rule: int
    main: bool
    city: str = ""


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


@dataclass(frozen=True, slots=True)
class Candidate:
    """A customer of whom somebody asks whether they may be contacted; `number_since` is None where it is not known."""

    customer_id: str
    owner_id: str
    msisdn: str
    number_since: date | None
    city: str
    arm: Arm


@dataclass(frozen=True, slots=True)
class ContactCheck:
    """What the contact rules say of one channel now: `rule` and `reason` are empty where it is allowed, `until` is None for good."""

    channel: str
    allowed: bool
    rule: str
    reason: str
    until: datetime | None


class ContactChecks(Protocol):
    """The contact rules, in dispatch."""

    async def check(self, candidate: Candidate) -> Sequence[ContactCheck]:
        """Return what holds now, by channel. Raises shared.errors.Failure when dispatch cannot be asked in time."""
        ...
