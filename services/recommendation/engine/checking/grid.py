"""How the rules of a table lie to one another, worked out once from its columns."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.recommendation.engine.checking.columns import Column, Mask
from services.recommendation.engine.checking.findings import Conjunction
from services.recommendation.engine.checking.search import Region
from services.recommendation.engine.matrix import DecisionTable, HitPolicy, Rule
from services.recommendation.engine.matrix.hit_policies import LISTING, in_firing_order

Box = tuple[frozenset[int], ...]
"""Of each column the numbers of the segments that a rule matches."""


@dataclass(frozen=True)
class Grid:
    """A table without parameters, and its columns. Rules go by their places in the table."""

    table: DecisionTable
    columns: tuple[Column, ...]

    @property
    def rules(self) -> Sequence[Rule]:
        return self.table.rules

    @property
    def everyone(self) -> Mask:
        return (1 << len(self.rules)) - 1

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """Where each rule matches."""
        of_columns = [_by_rule(column, len(self.rules)) for column in self.columns]
        return tuple(tuple(frozenset(each[place]) for each in of_columns) for place in range(len(self.rules)))

    @cached_property
    def present(self) -> Mask:
        """The rules that match anything."""
        return sum(1 << place for place, box in enumerate(self.boxes) if all(box))

    @cached_property
    def overlapping(self) -> tuple[Mask, ...]:
        """For each rule those that match something that it matches; itself is one of them."""
        found = []
        for box in self.boxes:
            mask = self.everyone
            for column, numbers in zip(self.columns, box, strict=True):
                mask &= _any(column, numbers)
            found.append(mask & self.present)
        return tuple(found)

    @cached_property
    def containing(self) -> tuple[Mask, ...]:
        """For each rule those that match all that it matches; itself is one of them."""
        found = []
        for box in self.boxes:
            mask = self.everyone
            for column, numbers in zip(self.columns, box, strict=True):
                for number in numbers:
                    mask &= column.segments[number].mask
            found.append(mask)
        return tuple(found)

    @cached_property
    def rest(self) -> Mask:
        """The rules that match everything."""
        mask = self.everyone
        for column in self.columns:
            mask &= column.whole
        return mask

    @cached_property
    def before(self) -> tuple[Mask, ...]:
        """For each rule those that win over it, by hit policies that fire one of several; otherwise none."""
        found = [0] * len(self.rules)
        if self.table.hit_policy in LISTING or self.table.hit_policy in {HitPolicy.UNIQUE, HitPolicy.ANY}:
            return tuple(found)
        places, seen = {rule.id: place for place, rule in enumerate(self.rules)}, 0
        for rule in in_firing_order(self.table):
            found[places[rule.id]] = seen
            seen |= 1 << places[rule.id]
        return tuple(found)

    def shared(self, *places: int) -> tuple[tuple[Conjunction, ...], ...]:
        """Return where all of these rules match."""
        chosen = tuple(
            frozenset.intersection(*each) for each in zip(*(self.boxes[place] for place in places), strict=True)
        )
        return Region(self.columns, chosen).where

    def narrowness(self, one: int, other: int) -> int:
        """Return how many columns it takes to say where both of these rules match."""
        boxes = zip(self.columns, self.boxes[one], self.boxes[other], strict=True)
        return sum(len(first & second) < len(column.segments) for column, first, second in boxes)

    def differ(self, one: int, other: int) -> bool:
        """Tell whether two rules give different outputs."""
        return self.rules[one].outputs != self.rules[other].outputs

    def strangers(self, one: int, other: int) -> bool:
        """Tell whether two rules are of the province's matrix and of an override, or of two overrides."""
        first, second = self.rules[one].origin, self.rules[other].origin
        return first is not None and second is not None and first.city != second.city


def places_of(mask: Mask) -> Iterator[int]:
    """Yield the places of the rules in a mask, in order."""
    place = 0
    while mask:
        if mask & 1:
            yield place
        mask >>= 1
        place += 1


def smallest(where: tuple[tuple[Conjunction, ...], ...]) -> Conjunction:
    """Return one conjunction that lies in it: of each entry the one with the fewest tests."""
    return tuple(test for alternatives in where for test in min(alternatives, key=len))


def _by_rule(column: Column, count: int) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in range(count)]
    for number, segment in enumerate(column.segments):
        for place in places_of(segment.mask & ((1 << count) - 1)):
            found[place].append(number)
    return found


def _any(column: Column, numbers: frozenset[int]) -> Mask:
    mask = 0
    for number in numbers:
        mask |= column.segments[number].mask
    return mask
