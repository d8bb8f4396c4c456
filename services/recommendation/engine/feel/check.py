"""Checks a parsed cell against the type of its column, so that no wrong comparison reaches a customer."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from services.recommendation.engine.feel.problems import CellProblem, Finding, did_you_mean, listed
from services.recommendation.engine.feel.syntax import (
    COMPARISONS,
    Anything,
    Compare,
    Endpoint,
    Literal,
    Name,
    Operator,
    Range,
    Test,
    UnaryTests,
    endpoints_of,
)
from services.recommendation.engine.feel.values import MAX_DIGITS, FieldType, Kind

_EXAMPLES = {
    Kind.STRING: '"text"',
    Kind.NUMBER: "12",
    Kind.BOOLEAN: "true or false",
    Kind.DATE: 'date("2026-01-31")',
    Kind.DATETIME: 'date and time("2026-01-31T08:30:00")',
    Kind.TIME: 'time("08:30:00")',
    Kind.DAYS_DURATION: 'duration("P30D")',
    Kind.MONTHS_DURATION: 'duration("P1Y6M")',
    Kind.NULL: "null",
}


def check(text: str, tests: UnaryTests, column: FieldType, fields: Mapping[str, FieldType]) -> tuple[CellProblem, ...]:
    """Return all that is wrong with the cell `text`, parsed as `tests`, in a column of the given type.

    `fields` are those an endpoint may name. A cell without problems compares values of one kind only and needs no
    number that the columnar engine would turn into a float.
    """
    if isinstance(tests, Anything):
        return ()
    problems = (problem for test in tests.tests for problem in _test_problems(test, column, fields))
    return tuple(problem.in_cell(text) for problem in problems)


def check_literal(literal: Literal, column: FieldType) -> str | None:
    """Return what is wrong with a constant as a value of this type; null belongs to every type."""
    if literal.kind is Kind.NULL:
        return None
    if literal.kind is not column.kind:
        return f"{expected_value(column)}, not a {literal.kind}"
    if column.domain and literal.value not in column.domain:
        return _not_in_domain(str(literal.value), column)
    return _number_problem(literal.value, column) if isinstance(literal.value, Decimal) else None


def expected_value(column: FieldType) -> str:
    """Return what kind of value belongs here, with an example."""
    return f"expected a {column.kind}, such as {_EXAMPLES[column.kind]}"


def _not_in_domain(word: str, column: FieldType) -> str:
    return f'"{word}" is not one of {listed(column.domain)}{did_you_mean(word, column.domain)}'


def _number_problem(value: Decimal, column: FieldType) -> str | None:
    _, _, fraction = f"{value:f}".partition(".")
    places = len(fraction.rstrip("0"))
    if places > column.scale:
        allowed = f"at most {column.scale} decimals" if column.scale else "a whole number"
        return f"the column holds {allowed}, and {value:f} has {places}"
    if value.adjusted() + 1 + column.scale > MAX_DIGITS:
        return f"the number is too large: with {column.scale} decimals it needs more than {MAX_DIGITS} digits"
    return None


def _test_problems(test: Test, column: FieldType, fields: Mapping[str, FieldType]) -> Iterator[Finding]:
    wrong = [problem for point in endpoints_of(test) if (problem := _endpoint_problem(point, column, fields))]
    yield from wrong
    if wrong:
        return
    if unordered := _order_problem(test, column):
        yield Finding(endpoints_of(test)[0].at, unordered)
    elif isinstance(test, Range) and _is_empty(test):
        yield Finding(test.low.at, "no value lies in this interval: write the smaller end first")


def _endpoint_problem(point: Endpoint, column: FieldType, fields: Mapping[str, FieldType]) -> Finding | None:
    problem = check_literal(point, column) if isinstance(point, Literal) else _name_problem(point.name, column, fields)
    return Finding(point.at, problem) if problem else None


def _name_problem(name: str, column: FieldType, fields: Mapping[str, FieldType]) -> str | None:
    other = fields.get(name)
    if other is None:
        return _unknown_name(name, column, fields)
    if other.kind is not column.kind:
        return f"the field {name} is a {other.kind}; this column is a {column.kind}, and they cannot be compared"
    digits = max(column.precision - column.scale, other.precision - other.scale) + max(column.scale, other.scale)
    if column.kind is Kind.NUMBER and digits > MAX_DIGITS:
        return f"comparing with {name} needs more than {MAX_DIGITS} digits"
    return None


def _unknown_name(name: str, column: FieldType, fields: Mapping[str, FieldType]) -> str:
    if name.lower() in {"true", "false", "null"}:
        return f"write {name.lower()} in small letters"
    if column.kind is Kind.STRING:
        in_quotes = _not_in_domain(name, column) if column.domain and name not in column.domain else f'write "{name}"'
        texts = [known for known, field in fields.items() if field.kind is Kind.STRING]
        near = "" if name in column.domain else did_you_mean(name, texts)
        return f"a text stands in double quotes, and no field is called {name}: {in_quotes}{near.replace(':', ';', 1)}"
    return f"no field is called {name}{did_you_mean(name, fields)}"


def _order_problem(test: Test, column: FieldType) -> str | None:
    if isinstance(test, Compare) and test.operator is Operator.EQUAL:
        return None
    if column.kind is Kind.BOOLEAN:
        return "true and false have no order: write true, false or -"
    if column.domain:
        return f"these values have no order: list those that are meant, such as {_quoted(column.domain[:2])}"
    return None


def _quoted(words: tuple[str, ...]) -> str:
    return ",".join(f'"{word}"' for word in words)


def _is_empty(test: Range) -> bool:
    if isinstance(test.low, Name) or isinstance(test.high, Name):
        return False
    both_closed = test.low_closed and test.high_closed
    ordered = COMPARISONS[Operator.LESS_OR_EQUAL if both_closed else Operator.LESS]
    return not ordered(test.low.value, test.high.value)
