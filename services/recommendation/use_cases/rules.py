"""The rules of a run, read from the versions it names; versions never change, so each is read once."""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from services.recommendation.domain import NEEDED, OPTIONAL, Catalogue, Purpose
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.assembly.terms import UNCHOSEN, Weighing
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.compose import compose
from services.recommendation.engine.matrix.hit_policies import with_default_row
from services.recommendation.engine.rulebook import Fields, read_matrix
from services.recommendation.ports import Rulebook

_REMEMBERED = 128
"""More than a cycle uses: five matrices with an override of each of seventeen cities."""
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Override:
    """The version of a city's override of the province's matrix of a purpose."""

    purpose: Purpose
    city: str
    matrix_id: str


@dataclass(frozen=True, slots=True)
class MatrixIds:
    """One version per purpose, empty where the province does without, and the overrides of cities."""

    priority: str
    retention: str
    new_service: str
    voice_usage: str = ""
    vpmn: str = ""
    overrides: tuple[Override, ...] = ()  # orders of old have none

    def of(self, purpose: Purpose) -> str:
        """Return the province's version; empty where there is none."""
        return str(getattr(self, purpose.value)) if purpose in (*NEEDED, *OPTIONAL) else ""

    def overrides_of(self, purpose: Purpose) -> tuple[str, ...]:
        """Return the versions of the cities' overrides."""
        return tuple(override.matrix_id for override in self.overrides if override.purpose is purpose)

    @property
    def all(self) -> tuple[str, ...]:
        """All versions: the province's in the order of the purposes, then the overrides."""
        provinces = [found for purpose in (*NEEDED, *OPTIONAL) if (found := self.of(purpose))]
        return (*provinces, *(override.matrix_id for override in self.overrides))


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What holds for a run from its first stage on: the day on which policies must be valid, the consent of those who were
    never asked, how many new services are offered at once, and what their value is made of."""

    day: date
    consent_default: bool
    most_at_once: int = 3
    weighing: Weighing = UNCHOSEN


@dataclass(frozen=True, slots=True)
class Readings:
    """Matrices and catalogues as read, the latest few of each kept."""

    rulebook: Rulebook
    fields: Fields
    _tables: OrderedDict[str, DecisionTable] = field(default_factory=OrderedDict)
    _composed: OrderedDict[str, DecisionTable] = field(default_factory=OrderedDict)
    _catalogues: OrderedDict[str, Catalogue] = field(default_factory=OrderedDict)

    async def matrix(self, matrix_id: str) -> DecisionTable:
        """Return a matrix. Raises NotFound."""
        if matrix_id not in self._tables:
            text = (await self.rulebook.matrix(matrix_id)).csv
            _remember(self._tables, matrix_id, lambda: read_matrix(text, fields=self.fields))
        return self._tables[matrix_id]

    async def composed(self, matrix_id: str, overrides: Sequence[str]) -> DecisionTable:
        """Return the province's matrix with overrides of its cities.

        Raises NotFound, InvalidInput (MATRIX_INVALID) where they do not fit together.
        """
        key = "\n".join((matrix_id, *overrides))
        if key not in self._composed:
            province, cities = await self.matrix(matrix_id), [await self.matrix(override) for override in overrides]
            _remember(self._composed, key, lambda: compose(province, cities))
        return self._composed[key]

    async def catalogue(self, catalogue_id: str) -> Catalogue:
        """Return a catalogue. Raises NotFound."""
        if catalogue_id not in self._catalogues:
            stored = await self.rulebook.catalogue(catalogue_id)
            _remember(self._catalogues, catalogue_id, lambda: read_catalogue(stored.csv, stored.products_csv))
        return self._catalogues[catalogue_id]

    async def rules(self, matrices: MatrixIds, catalogue_id: str, circumstances: Circumstances) -> Rules:
        """Return the rules of one assembly. Raises NotFound."""
        priority, retention, new_service = [await self._needed(matrices, purpose) for purpose in NEEDED]
        voice_usage, vpmn = [await self._optional(matrices, purpose) for purpose in OPTIONAL]
        return Rules(
            priority=priority,
            retention=retention,
            new_service=new_service,
            voice_usage=voice_usage,
            vpmn=vpmn,
            catalogue=await self.catalogue(catalogue_id),
            day=circumstances.day,
            consent_default=circumstances.consent_default,
            most_at_once=circumstances.most_at_once,
            weighing=circumstances.weighing,
        )

    async def _needed(self, matrices: MatrixIds, purpose: Purpose) -> DecisionTable:
        return with_default_row(await self.composed(matrices.of(purpose), matrices.overrides_of(purpose)))

    async def _optional(self, matrices: MatrixIds, purpose: Purpose) -> DecisionTable | None:
        return await self._needed(matrices, purpose) if matrices.of(purpose) else None


def _remember(known: OrderedDict[str, _Value], identifier: str, read: Callable[[], _Value]) -> None:
    while len(known) >= _REMEMBERED:
        known.popitem(last=False)
    known[identifier] = read()
