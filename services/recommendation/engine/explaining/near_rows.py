"""The rows of a matrix that did not fire for a customer: which cells failed, and the smallest change by which they pass."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from services.recommendation.engine.explaining.changes import Change, NoChange, nearest_change
from services.recommendation.engine.feel import Anything, Row, to_predicate
from services.recommendation.engine.matrix import Cell, DecisionTable, FailedCell, Firing, Input, Rule, completed
from services.recommendation.engine.matrix.hit_policies import DEFAULT_ROW

NEAREST = 3
"""How many rows are told where none are asked about."""
_GIVEN = frozenset({"product", "product_class", "product_tier", "city"})
"""Inputs that say what is met and where, not how the customer stands to it: no change of theirs is of any use."""


@dataclass(frozen=True, slots=True)
class NearRow:
    """A row that did not fire.

    `failed` are its failed cells; `changes` the smallest change found by which all pass, empty with an `obstacle` where there is
    none; `overtaken_by` the row that fired instead where all cells passed.
    """

    rule: Rule
    failed: tuple[FailedCell, ...]
    changes: tuple[Change, ...]
    obstacle: str = ""
    overtaken_by: int | None = None

    @property
    def distance(self) -> tuple[bool, int, Fraction, int]:
        """What near rows are ordered by: few and small changes first."""
        gap = sum((change.gap for change in self.changes), Fraction(0))
        return bool(self.obstacle), len(self.changes) or len(self.failed), gap, self.rule.id


def near_rows(
    table: DecisionTable, row: Row, firing: Firing, *, asked: Collection[int] | None = None
) -> Sequence[NearRow]:
    """Return the rows with the ids `asked` that did not fire, nearest first; without any asked about, the few nearest ones.

    Those leave out rows that are about other products or cities, and those that all customers pass. Computed inputs count as
    inputs of their own.
    """
    seen = _Seen(table, row, completed(table))
    fired = () if firing.ambiguous else firing.rules
    others = [rule for rule in table.rules if rule.id not in (DEFAULT_ROW, *fired)]
    if asked is not None:
        found = [_near_row(seen, rule, fired) for rule in others if rule.id in asked]
        return sorted(found, key=lambda near: near.distance)
    met = [_near_row(seen, rule, fired) for rule in others if _has_tests(rule)]
    meant = [near for near in met if not any(cell.input in _GIVEN for cell in near.failed)]
    return sorted(meant, key=lambda near: near.distance)[:NEAREST]


@dataclass(frozen=True, slots=True)
class _Seen:
    """A table with the row that it met, and what completes a row with its parameters and computed inputs."""

    table: DecisionTable
    row: Row
    complete: Callable[[Row], Row]

    def with_changes(self, changes: Row) -> Row:
        return {**self.complete({**self.row, **changes}), **changes}

    def failing(self, rule: Rule, row: Row) -> list[tuple[Input, Cell]]:
        return [
            (column, cell)
            for column, cell in zip(self.table.inputs, rule.cells, strict=True)
            if not to_predicate(cell.tests)(row.get(column.name), row)
        ]


def _near_row(seen: _Seen, rule: Rule, fired: Sequence[int]) -> NearRow:
    row = seen.with_changes({})
    failed = tuple(FailedCell(column.name, cell.text, row.get(column.name)) for column, cell in seen.failing(rule, row))
    if not failed:
        return NearRow(rule, (), (), overtaken_by=fired[0] if fired else None)
    changes = _changes(seen, rule)
    if isinstance(changes, NoChange):
        return NearRow(rule, failed, (), changes.obstacle)
    return NearRow(rule, failed, changes)


def _changes(seen: _Seen, rule: Rule) -> tuple[Change, ...] | NoChange:
    """Return changes of single inputs by which the rule's cells pass all together.

    Where one input's cell names another input, changing the one may fail the other: then that is changed again.
    """
    before, changes = seen.with_changes({}), dict[str, Change]()
    for _ in range(len(seen.table.inputs) + 1):
        current = seen.with_changes({name: change.nearest for name, change in changes.items()})
        failing = seen.failing(rule, current)
        if not failing:
            return tuple(Change(name, before.get(name), last.nearest, last.wanted) for name, last in changes.items())
        for column, cell in failing:
            change = nearest_change(column.name, column.type, cell, current)
            if isinstance(change, NoChange):
                return change
            changes[column.name] = change
    return NoChange("its cells name each other, and no small change passes them all")


def _has_tests(rule: Rule) -> bool:
    return not all(isinstance(cell.tests, Anything) for cell in rule.cells)
