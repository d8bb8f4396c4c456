"""What hit policies make of the order and the outputs of rules: all of it is known before the first customer comes."""

from collections.abc import Sequence
from dataclasses import replace

from services.recommendation.engine.feel import Anything, Kind, Value
from services.recommendation.engine.matrix.table import Aggregation, Cell, DecisionTable, HitPolicy, Output, Rule

LISTING = frozenset({HitPolicy.RULE_ORDER, HitPolicy.OUTPUT_ORDER, HitPolicy.COLLECT})
"""The hit policies that fire all matching rules; each other one fires at most one."""
DOUBTING = frozenset({HitPolicy.UNIQUE, HitPolicy.ANY})
"""The hit policies by which matching rules can contradict each other."""

DEFAULT_ROW = 0
"""The id of the row that stands for the default outputs, where a table has one: it fires where no other row does."""


def with_default_row(table: DecisionTable) -> DecisionTable:
    """Return the table with its default outputs, if it has any, as a row that gives them: for those who look up what rows give."""
    defaults = tuple(output.default for output in table.outputs)
    if all(value is None for value in defaults):
        return table
    anything = tuple(Cell("-", Anything()) for _ in table.inputs)
    return replace(table, rules=(Rule(DEFAULT_ROW, anything, defaults), *table.rules))


def without_default_row(table: DecisionTable) -> DecisionTable:
    """Return the table with the rules that are matched only."""
    if not table.rules or table.rules[0].id != DEFAULT_ROW:
        return table
    return replace(table, rules=table.rules[1:])


def in_firing_order(table: DecisionTable) -> tuple[Rule, ...]:
    """Return the rules as the hit policy ranks them: by their outputs for PRIORITY and OUTPUT ORDER, else as in the file.

    Compound outputs rank as DMN 1.3 §8.2.11 says: by the first output that has a list of values, then by the next one.
    A value that is not in the list ranks behind all that are.
    """
    if table.hit_policy not in {HitPolicy.PRIORITY, HitPolicy.OUTPUT_ORDER}:
        return table.rules
    return tuple(sorted(table.rules, key=lambda rule: _rank(table.outputs, rule)))


def _rank(outputs: Sequence[Output], rule: Rule) -> tuple[int, ...]:
    return tuple(
        output.values.index(value) if value in output.values else len(output.values)
        for output, value in zip(outputs, rule.outputs, strict=True)
        if output.values
    )


def by_outputs(table: DecisionTable) -> tuple[tuple[Rule, ...], ...]:
    """Return the rules in groups that give the same, in the order of the file inside each group and by first rules among them."""
    groups: dict[tuple[Value, ...], list[Rule]] = {}
    for rule in table.rules:
        groups.setdefault(rule.outputs, []).append(rule)
    return tuple(map(tuple, groups.values()))


def hit_policy_problem(policy: HitPolicy, aggregation: Aggregation | None, outputs: Sequence[Output]) -> str | None:
    """Return why a table with these outputs cannot have this hit policy, in words that say what to do."""
    if policy in {HitPolicy.PRIORITY, HitPolicy.OUTPUT_ORDER} and not any(output.values for output in outputs):
        return (
            f"{policy} goes by the values of an output: list them, highest priority first, in a line values,<output>,…"
        )
    if aggregation is None:
        return None
    if policy is not HitPolicy.COLLECT:
        return f"only COLLECT can be followed by {aggregation}, not {policy}"
    if len(outputs) > 1:
        return f"COLLECT {aggregation} adds up one output, and this table has {len(outputs)}: split it, or use COLLECT"
    if aggregation is not Aggregation.COUNT and outputs and outputs[0].type.kind is not Kind.NUMBER:
        return f"COLLECT {aggregation} adds up numbers, and {outputs[0].name} is a {outputs[0].type.kind}: use COLLECT COUNT"
    return None
