"""The plainest reading of a decision table: every cell of every rule looked at in turn, sharing nothing with what compiles tables.

Written to be seen to be right, not to be quick. Numbers are fractions, which nothing rounds.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

from services.recommendation.engine.feel import Anything, Literal, Not, Row, UnaryTests, Value
from services.recommendation.engine.feel.expressions import Expression, Extreme, Field, Number, Operation, Until
from services.recommendation.engine.feel.syntax import Compare, Endpoint, Name, Test
from services.recommendation.engine.matrix import Aggregation, DecisionTable, HitPolicy, Rule


@dataclass(frozen=True)
class Outcome:
    """The rules that fired in order, whether matching rules contradict each other, and what is given, one mapping per fired rule."""

    fired: tuple[int, ...]
    ambiguous: bool
    given: tuple[Mapping[str, Any], ...]


def evaluate(table: DecisionTable, row: Row) -> Outcome:
    """Return what the table makes of a row."""
    known = complete(table, row)
    matching = [rule for rule in table.rules if matches(table, rule, known)]
    if contradict(table, matching):
        return Outcome(tuple(rule.id for rule in matching), True, ())
    fired = fire(table, matching)
    return Outcome(tuple(rule.id for rule in fired), False, give(table, fired))


def complete(table: DecisionTable, row: Row) -> dict[str, Any]:
    known = {name: exact(value) for name, value in row.items()}
    for parameter in table.parameters:
        in_city = parameter.by_city[str(row["city"])] if row["city"] in parameter.by_city else parameter.value
        known[parameter.name] = exact(in_city)
    for computed in table.computed:
        known[computed.name] = compute(computed.expression, known)
    return known


def exact(value: Value) -> Any:
    return Fraction(value) if isinstance(value, int | Decimal) and not isinstance(value, bool) else value


def compute(expression: Expression, known: Mapping[str, Any]) -> Fraction | None:
    if isinstance(expression, Number):
        return Fraction(expression.value)
    if isinstance(expression, Field):
        value: Fraction | None = known[expression.name]
        return value
    if isinstance(expression, Until):
        return until(expression.span, known["day"], known[expression.date.name])
    if isinstance(expression, Extreme):
        operands = [compute(each, known) for each in expression.operands]
        there = [each for each in operands if each is not None]
        if len(there) < len(operands):
            return None
        return min(there) if expression.choice == "min" else max(there)
    return join(expression, known)


def join(expression: Operation, known: Mapping[str, Any]) -> Fraction | None:
    left, right = compute(expression.left, known), compute(expression.right, known)
    if left is None or right is None:
        return None
    return {"+": left + right, "-": left - right, "*": left * right}[expression.sign]


def until(span: str, day: date | None, end: date | None) -> Fraction | None:
    if day is None or end is None:
        return None
    if span == "days":
        return Fraction(end.toordinal() - day.toordinal())
    return Fraction(months(day, end) if day <= end else -months(end, day))


def months(start: date, end: date) -> int:
    """Return how often a month can be added to the start without passing the end."""
    count = 0
    while months_later(start, count + 1) <= end:
        count += 1
    return count


def months_later(day: date, count: int) -> date:
    """Return the same day of a later month, or its last one where the month is too short."""
    years, month = divmod(day.month - 1 + count, 12)
    for number in (day.day, 30, 29, 28):
        try:
            return date(day.year + years, month + 1, number)
        except ValueError:
            continue
    raise AssertionError("every month has 28 days")


def matches(table: DecisionTable, rule: Rule, known: Mapping[str, Any]) -> bool:
    return all(
        passes(cell.tests, known[column.name], known) for column, cell in zip(table.inputs, rule.cells, strict=True)
    )


def passes(tests: UnaryTests, value: Any, known: Mapping[str, Any]) -> bool:
    """The one null rule: null passes only `-` and `null`."""
    if isinstance(tests, Anything):
        return True
    if value is None:
        return not isinstance(tests, Not) and any(says_null(test) for test in tests.tests)
    one_holds = any(not says_null(test) and holds(test, value, known) for test in tests.tests)
    return not one_holds if isinstance(tests, Not) else one_holds


def says_null(test: Test) -> bool:
    return isinstance(test, Compare) and isinstance(test.endpoint, Literal) and test.endpoint.value is None


def holds(test: Test, value: Any, known: Mapping[str, Any]) -> bool:
    if isinstance(test, Compare):
        return compare(value, test.operator.value, end(test.endpoint, known))
    above = compare(value, ">=" if test.low_closed else ">", end(test.low, known))
    below = compare(value, "<=" if test.high_closed else "<", end(test.high, known))
    return above and below


def end(endpoint: Endpoint, known: Mapping[str, Any]) -> Any:
    return known[endpoint.name] if isinstance(endpoint, Name) else exact(endpoint.value)


def compare(value: Any, sign: str, other: Any) -> bool:
    if other is None:
        return False
    if sign == "=":
        return bool(value == other)
    if sign in {"<", "<="}:
        return bool(value < other) or (sign == "<=" and value == other)
    return bool(value > other) or (sign == ">=" and value == other)


def contradict(table: DecisionTable, matching: list[Rule]) -> bool:
    if table.hit_policy is HitPolicy.UNIQUE:
        return len(matching) > 1
    return table.hit_policy is HitPolicy.ANY and any(rule.outputs != matching[0].outputs for rule in matching)


def fire(table: DecisionTable, matching: list[Rule]) -> list[Rule]:
    if table.hit_policy in {HitPolicy.RULE_ORDER, HitPolicy.COLLECT}:
        return matching
    if table.hit_policy is HitPolicy.OUTPUT_ORDER:
        return by_priority(table, matching)
    if table.hit_policy is HitPolicy.PRIORITY:
        return by_priority(table, matching)[:1]
    return matching[:1]


def by_priority(table: DecisionTable, rules: list[Rule]) -> list[Rule]:
    """Sort by the last output that has a list of values, then by the one before it: sorting keeps the order of equals."""
    for place in reversed(range(len(table.outputs))):
        listed = table.outputs[place].values
        rules = [rule for value in listed for rule in rules if rule.outputs[place] == value] + [
            rule for rule in rules if rule.outputs[place] not in listed
        ]
    return rules


def give(table: DecisionTable, fired: list[Rule]) -> tuple[Mapping[str, Any], ...]:
    if not fired:
        defaults = {output.name: exact(output.default) for output in table.outputs}
        return () if all(value is None for value in defaults.values()) else (defaults,)
    if table.aggregation is not None:
        return ({table.outputs[0].name: add_up(table.aggregation, [exact(rule.outputs[0]) for rule in fired])},)
    names = [output.name for output in table.outputs]
    return tuple(dict(zip(names, map(exact, rule.outputs), strict=True)) for rule in fired)


def add_up(aggregation: Aggregation, values: list[Any]) -> Any:
    if aggregation is Aggregation.COUNT:
        return len(values)
    there = [value for value in values if value is not None]
    if not there:
        return None
    if aggregation is Aggregation.SUM:
        return sum(there)
    return min(there) if aggregation is Aggregation.MIN else max(there)
