"""The rules of a run, read from the versions it names; versions never change, so each is read once."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from services.recommendation.domain import Catalogue
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.policies import read_policies
from services.recommendation.engine.rulebook import Fields, read_matrix
from services.recommendation.ports import Rulebook

_REMEMBERED = 16
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class MatrixIds:
    """One version per purpose; empty where the province does without."""

    priority: str
    retention: str
    new_service: str
    voice_usage: str = ""
    vpmn: str = ""


@dataclass(frozen=True, slots=True)
class Readings:
    """Matrices and catalogues as read, the latest few of each kept."""

    rulebook: Rulebook
    fields: Fields
    _tables: OrderedDict[str, DecisionTable] = field(default_factory=OrderedDict)
    _catalogues: OrderedDict[str, Catalogue] = field(default_factory=OrderedDict)

    async def matrix(self, matrix_id: str) -> DecisionTable:
        """Return a matrix. Raises NotFound."""
        if matrix_id not in self._tables:
            text = (await self.rulebook.matrix(matrix_id)).csv
            _remember(self._tables, matrix_id, lambda: read_matrix(text, fields=self.fields))
        return self._tables[matrix_id]

    async def catalogue(self, catalogue_id: str) -> Catalogue:
        """Return a catalogue. Raises NotFound."""
        if catalogue_id not in self._catalogues:
            text = (await self.rulebook.catalogue(catalogue_id)).csv
            _remember(self._catalogues, catalogue_id, lambda: read_policies(text))
        return self._catalogues[catalogue_id]

    async def rules(self, matrices: MatrixIds, catalogue_id: str, *, day: date, consent_default: bool) -> Rules:
        """Return the rules of one assembly. Raises NotFound."""
        return Rules(
            priority=await self.matrix(matrices.priority),
            retention=await self.matrix(matrices.retention),
            new_service=await self.matrix(matrices.new_service),
            catalogue=await self.catalogue(catalogue_id),
            day=day,
            consent_default=consent_default,
        )


def _remember(known: OrderedDict[str, _Value], identifier: str, read: Callable[[], _Value]) -> None:
    while len(known) >= _REMEMBERED:
        known.popitem(last=False)
    known[identifier] = read()
