"""Groups of customers by rule: comparisons of a view's fields with constants, checked first, then evaluated in SQL."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches

from services.scoring.domain.rules import Condition, Segment
from shared.errors import Violation
from shared.lake.matrix import Kind, MatrixColumn

_KINDS: Mapping[type, Kind] = {bool: "boolean", int: "number", Decimal: "number", str: "string", tuple: "string"}
_UNORDERED = ("=", "!=", "in")


def check_conditions(
    groups: Sequence[Sequence[Condition]], fields: Mapping[str, MatrixColumn], *, where: str
) -> Sequence[Violation]:
    """Return all that is wrong with groups of conditions, each by its place under `where`."""
    return [
        Violation(f"{where}.{i}.all.{j}.{part}", text)
        for i, group in enumerate(groups)
        for j, condition in enumerate(group)
        for part, text in _faults(condition, fields)
    ]


def segment_sql(segments: Sequence[Segment], fields: Mapping[str, MatrixColumn]) -> str:
    """Return the SQL of the name of the first group that holds; the last one holds for everybody."""
    *rules, last = segments
    if last.conditions:
        raise ValueError("the last group must be everybody's; the settings are read with a check of that")
    cases = "".join(f" WHEN {all_sql(rule.conditions, fields)} THEN {_literal(rule.name)}" for rule in rules)
    return f"CASE{cases} ELSE {_literal(last.name)} END" if cases else _literal(last.name)


def any_sql(groups: Sequence[Sequence[Condition]], fields: Mapping[str, MatrixColumn]) -> str:
    """Return the SQL of whether one of the groups of conditions holds."""
    return " OR ".join(f"({all_sql(group, fields)})" for group in groups) or "false"


def all_sql(conditions: Sequence[Condition], fields: Mapping[str, MatrixColumn]) -> str:
    """Return the SQL of whether all conditions hold, never null; true without conditions."""
    return " AND ".join(_condition_sql(condition, fields) for condition in conditions) or "true"


def _unknown_field(name: str, known: Sequence[str]) -> str:
    """Say that there is no such field, and which one may be meant."""
    close = get_close_matches(name, known, n=1)
    return f"the customer view has no field '{name}' to compare" + (f"; did you mean '{close[0]}'?" if close else "")


def _faults(condition: Condition, fields: Mapping[str, MatrixColumn]) -> Iterator[tuple[str, str]]:
    for part, name in (("field", condition.field), ("share_of", condition.share_of)):
        if name is not None and name not in fields:
            yield part, _unknown_field(name, list(fields))
    field = fields.get(condition.field)
    if field is None:
        return
    given = _KINDS[type(condition.constant)]
    if field.kind == "date":
        yield "field", f"{field.name} is a date, and dates cannot be compared here"
    elif field.kind != given:
        yield "value", f"{field.name} is a {field.kind}, and {condition.constant!r} is a {given}"
    elif field.kind != "number" and condition.operator not in _UNORDERED:
        yield "op", f"{field.name} is a {field.kind}: expected one of {', '.join(_UNORDERED)}"
    yield from _value_faults(condition, field)
    divisor = fields.get(condition.share_of or "")
    if divisor is not None and (divisor.kind, field.kind) != ("number", "number"):
        yield (
            "share_of",
            f"expected two numbers, but {field.name} is a {field.kind} and {divisor.name} a {divisor.kind}",
        )


def _value_faults(condition: Condition, field: MatrixColumn) -> Iterator[tuple[str, str]]:
    if (condition.operator == "in") != isinstance(condition.constant, tuple):
        yield "value", "expected a list with 'in', and only with it"
    named = condition.constant if isinstance(condition.constant, tuple) else (condition.constant,)
    for value in named:
        if field.domain and isinstance(value, str) and value not in field.domain:
            close = get_close_matches(value, field.domain, n=1)
            hint = f"; did you mean '{close[0]}'?" if close else ""
            yield "value", f"{field.name} is one of {', '.join(field.domain)}, not '{value}'{hint}"


def _condition_sql(condition: Condition, fields: Mapping[str, MatrixColumn]) -> str:
    left, right = fields[condition.field].sql, _literal(condition.constant)
    if condition.share_of is not None:
        whole = fields[condition.share_of].sql  # nothing is no share of nothing: who makes no calls, makes none abroad
        left, right = f"100 * {left}", f"{right} * CASE WHEN {whole} > 0 THEN {whole} END"
    operator = condition.operator.upper() if condition.operator == "in" else condition.operator
    return f"COALESCE({left} {operator} {right}, false)"


def _literal(constant: bool | int | Decimal | str | tuple[str, ...]) -> str:
    match constant:
        case bool():
            return str(constant).lower()
        case int():
            return str(constant)
        case Decimal():
            return f"{constant:f}"
        case str():
            return "'" + constant.replace("'", "''") + "'"
        case tuple():
            return f"({', '.join(_literal(value) for value in constant)})"
