"""Fires a matrix for one row: which rules, what they give, and why the others did not."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import reduce
from typing import assert_never, cast

from services.recommendation.engine.feel import Anything, Predicate, Row, Value, to_predicate
from services.recommendation.engine.feel.expressions import EXACT, to_function
from services.recommendation.engine.matrix.hit_policies import (
    DEFAULT_ROW,
    by_outputs,
    in_firing_order,
    without_default_row,
)
from services.recommendation.engine.matrix.table import CITY, Aggregation, DecisionTable, HitPolicy, Outputs, Rule


@dataclass(frozen=True, slots=True)
class Firing:
    """The ids of the rules that fired, in the order of the hit policy.

    `ambiguous`: more than one rule of a UNIQUE table matched, or rules of an ANY table that give different outputs. Then
    `rules` names all that matched, in the order of the table, and none of them counts.
    """

    rules: tuple[int, ...]
    ambiguous: bool = False


@dataclass(frozen=True, slots=True)
class FailedCell:
    """The first cell of a rule that the row did not pass."""

    input: str
    text: str
    value: Value


@dataclass(frozen=True, slots=True)
class RuleExplanation:
    """Why a rule fired or not: where all cells passed (`failed` is None) and it still did not fire, another rule barred it."""

    rule: int
    fired: bool
    failed: FailedCell | None


_Step = tuple[str, Predicate]
_CompiledRule = tuple[int, tuple[_Step, ...]]


def compile_closure(table: DecisionTable) -> Callable[[Row], Firing]:
    """Return the function that fires the table for one row, in which neither parameters nor computed inputs stand yet."""
    fire = _fire(table)
    if not table.parameters and not table.computed:
        return fire
    complete = completed(table)
    return lambda row: fire(complete(row))


def completed(table: DecisionTable) -> Callable[[Row], Row]:
    """Return what completes a row with all that the table's cells may name: parameters of its city, computed inputs."""
    computed = [(each.name, to_function(each.expression)) for each in table.computed]

    def complete(row: Row) -> Row:
        city = cast("str | None", row.get(CITY))
        names: dict[str, Value] = dict(row)
        for parameter in table.parameters:
            names[parameter.name] = parameter.value if city is None else parameter.by_city.get(city, parameter.value)
        for name, function in computed:
            names[name] = function(names)
        return names

    return complete


def _fire(table: DecisionTable) -> Callable[[Row], Firing]:
    fire = _fire_matched(matched := without_default_row(table))
    if matched is table:
        return fire
    return lambda row: firing if (firing := fire(row)).rules else Firing((DEFAULT_ROW,))


def _fire_matched(table: DecisionTable) -> Callable[[Row], Firing]:
    rules = tuple((rule.id, _steps(table, rule)) for rule in in_firing_order(table))
    match table.hit_policy:
        case HitPolicy.FIRST | HitPolicy.PRIORITY:
            return lambda row: Firing(_first(rules, row))
        case HitPolicy.COLLECT | HitPolicy.RULE_ORDER | HitPolicy.OUTPUT_ORDER:
            return lambda row: Firing(_all(rules, row))
        case HitPolicy.UNIQUE:
            return lambda row: Firing(matching := _all(rules, row), ambiguous=len(matching) > 1)
        case HitPolicy.ANY:
            group = {rule.id: number for number, rules in enumerate(by_outputs(table)) for rule in rules}
            return lambda row: _agreed(_all(rules, row), group)
        case _:
            assert_never(table.hit_policy)


def _agreed(matching: tuple[int, ...], group: Mapping[int, int]) -> Firing:
    """Return the first of the matching rules where all of them give the same."""
    differ = len({group[rule] for rule in matching}) > 1
    return Firing(matching if differ else matching[:1], ambiguous=differ)


def results(table: DecisionTable, firing: Firing) -> tuple[Outputs, ...]:
    """Return the outputs of each fired rule, or the defaults where none fired and the table has any.

    An aggregating table gives one. An ambiguous firing gives nothing.
    """
    if firing.ambiguous:
        return ()
    names = [output.name for output in table.outputs]
    if not firing.rules:
        defaults = [output.default for output in table.outputs]
        return () if all(default is None for default in defaults) else (dict(zip(names, defaults, strict=True)),)
    by_id = {rule.id: rule for rule in table.rules}
    given = [by_id[rule].outputs for rule in firing.rules]
    if table.aggregation is not None:
        return ({names[0]: aggregate(table.aggregation, [first for first, *_ in given])},)
    return tuple(dict(zip(names, outputs, strict=True)) for outputs in given)


def aggregate(aggregation: Aggregation, values: Sequence[Value]) -> Value:
    """Return what the outputs of the fired rules add up to; null where there is nothing to add up."""
    if aggregation is Aggregation.COUNT:
        return len(values)
    numbers = [Decimal(cast("Decimal | int", value)) for value in values if value is not None]
    if not numbers:
        return None
    match aggregation:
        case Aggregation.SUM:
            return reduce(EXACT.add, numbers)
        case Aggregation.MIN:
            return min(numbers)
        case Aggregation.MAX:
            return max(numbers)
        case _:
            assert_never(aggregation)


def explain(table: DecisionTable, row: Row) -> tuple[RuleExplanation, ...]:
    """Return for each rule, in the order of the table, whether it fired and which cell failed first."""
    row = completed(table)(row)
    firing = _fire(table)(row)
    fired = () if firing.ambiguous else firing.rules
    return tuple(RuleExplanation(rule.id, rule.id in fired, _failed(table, rule, row)) for rule in table.rules)


def _steps(table: DecisionTable, rule: Rule) -> tuple[_Step, ...]:
    return tuple(
        (column.name, to_predicate(cell.tests))
        for column, cell in zip(table.inputs, rule.cells, strict=True)
        if not isinstance(cell.tests, Anything)
    )


def _passes(steps: tuple[_Step, ...], row: Row) -> bool:
    # A plain loop: half the time of all() over a generator, and this is on the desk's read path.
    for name, passes in steps:  # noqa: SIM110 - see above
        if not passes(row.get(name), row):
            return False
    return True


def _first(rules: tuple[_CompiledRule, ...], row: Row) -> tuple[int, ...]:
    for rule, steps in rules:
        if _passes(steps, row):
            return (rule,)
    return ()


def _all(rules: tuple[_CompiledRule, ...], row: Row) -> tuple[int, ...]:
    return tuple(rule for rule, steps in rules if _passes(steps, row))


def _failed(table: DecisionTable, rule: Rule, row: Row) -> FailedCell | None:
    for column, cell in zip(table.inputs, rule.cells, strict=True):
        value = row.get(column.name)
        if not to_predicate(cell.tests)(value, row):
            return FailedCell(column.name, cell.text, value)
    return None
