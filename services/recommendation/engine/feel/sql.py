"""Makes a DuckDB expression of a cell, for the whole base: always TRUE or FALSE, never NULL, and never by floats."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import assert_never

from sqlglot import exp

from services.recommendation.engine.feel.syntax import (
    Anything,
    Compare,
    Endpoint,
    Name,
    Not,
    Operator,
    Test,
    UnaryTests,
    endpoints_of,
    is_null,
)
from services.recommendation.engine.feel.values import FieldType, Kind, Value, YearsMonths

DIALECT = "duckdb"
_OPERATORS: dict[Operator, type[exp.Binary]] = {
    Operator.EQUAL: exp.EQ,
    Operator.LESS: exp.LT,
    Operator.LESS_OR_EQUAL: exp.LTE,
    Operator.GREATER: exp.GT,
    Operator.GREATER_OR_EQUAL: exp.GTE,
}
_SQL_TYPES = {
    Kind.STRING: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.DATETIME: "TIMESTAMP",
    Kind.TIME: "TIME",
    Kind.DAYS_DURATION: "INTERVAL",
    Kind.MONTHS_DURATION: "INTERVAL",
    Kind.NULL: "VARCHAR",
}


@dataclass(frozen=True, slots=True, eq=False)
class Substitute:
    """What stands for a name that is no column: a parameter or a computed input. `absent` tests it for null; None: it never is."""

    value: exp.Expr
    absent: exp.Expr | None


Substitutes = Mapping[str, Substitute]
_NONE: Substitutes = {}


def operand(name: str, substitutes: Substitutes) -> Substitute:
    """Return what a name stands for, a column where nothing else is said."""
    column = exp.column(name, quoted=True)
    return substitutes.get(name) or Substitute(column, _is_null(column))


def to_sql(tests: UnaryTests, column: str, column_type: FieldType, substitutes: Substitutes = _NONE) -> exp.Expr:
    """Return the boolean expression that tests `column`; the tests have passed `check`.

    Fields are referred to by their quoted, unqualified names, so the caller's FROM clause offers them as columns:
    numbers as integers or DECIMAL, date-times and times without zone, durations as INTERVAL.
    """
    if isinstance(tests, Anything):
        return exp.true()
    tested = operand(column, substitutes)
    is_absent = tested.absent or exp.false()
    is_there = exp.not_(is_absent)
    plain = [test for test in tests.tests if not is_null(endpoints_of(test)[0])]
    if not plain:
        return is_there if isinstance(tests, Not) else is_absent
    passes = _any_of(plain, tested.value, column_type, substitutes)
    # Guards by IS NULL run 2.5 times as fast as COALESCE(…, FALSE) around each test.
    if isinstance(tests, Not):
        return exp.and_(is_there, exp.not_(passes))
    return exp.or_(is_absent, passes) if len(plain) < len(tests.tests) else exp.and_(is_there, passes)


def literal_sql(value: Value, value_type: FieldType) -> exp.Expr:
    """Return a value as a constant of its type."""
    if value is None:
        return exp.cast(exp.null(), sql_type(value_type), dialect=DIALECT)
    if isinstance(value, bool):
        return exp.true() if value else exp.false()
    if isinstance(value, str):
        return exp.Literal.string(value)
    if isinstance(value, int | Decimal):
        return _number(Decimal(value), value_type)
    return exp.cast(exp.Literal.string(_text(value)), sql_type(value_type), dialect=DIALECT)


def sql_type(value_type: FieldType) -> str:
    """Return the DuckDB type that holds values of this type."""
    if value_type.kind is not Kind.NUMBER:
        return _SQL_TYPES[value_type.kind]
    return f"DECIMAL({value_type.precision}, {value_type.scale})" if value_type.scale else "BIGINT"


def _number(value: Decimal, value_type: FieldType) -> exp.Expr:
    """A whole number takes the width of the integer it meets; a decimal takes the column's type, wider where it must."""
    if not value_type.scale:
        return exp.Literal.number(f"{value:f}")
    precision = max(value_type.precision, value.adjusted() + 1 + value_type.scale)
    return exp.cast(exp.Literal.string(f"{value:f}"), f"DECIMAL({precision}, {value_type.scale})", dialect=DIALECT)


def _text(value: date | time | timedelta | YearsMonths) -> str:
    match value:
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return f"{value // timedelta(microseconds=1)} microseconds"
        case YearsMonths():
            return f"{value.months} months"
        case _:
            assert_never(value)


def _any_of(tests: list[Test], tested: exp.Expr, column_type: FieldType, substitutes: Substitutes) -> exp.Expr:
    """Return whether one of the tests holds; NULL only where the tested field is."""
    constants = [literal_sql(constant, column_type) for test in tests if (constant := _constant(test)) is not None]
    alternatives: list[exp.Expr] = [
        _test(test, tested, column_type, substitutes) for test in tests if _constant(test) is None
    ]
    if len(constants) == 1:
        alternatives.append(exp.EQ(this=tested, expression=constants[0]))
    elif constants:
        alternatives.append(exp.In(this=tested, expressions=constants))
    return exp.or_(*alternatives)


def _is_null(tested: exp.Expr) -> exp.Expr:
    return exp.Is(this=tested, expression=exp.null())


def _constant(test: Test) -> Value:
    """Return the value of a plain constant, or None for any other test."""
    if isinstance(test, Compare) and test.operator is Operator.EQUAL and not isinstance(test.endpoint, Name):
        return test.endpoint.value
    return None


def _test(test: Test, tested: exp.Expr, column_type: FieldType, substitutes: Substitutes) -> exp.Expr:
    if isinstance(test, Compare):
        return _relation(test.operator, test.endpoint, tested, column_type, substitutes)
    above = Operator.GREATER_OR_EQUAL if test.low_closed else Operator.GREATER
    below = Operator.LESS_OR_EQUAL if test.high_closed else Operator.LESS
    return exp.and_(
        _relation(above, test.low, tested, column_type, substitutes),
        _relation(below, test.high, tested, column_type, substitutes),
    )


def _relation(
    symbol: Operator, endpoint: Endpoint, tested: exp.Expr, column_type: FieldType, substitutes: Substitutes
) -> exp.Expr:
    operator = _OPERATORS[symbol]
    if not isinstance(endpoint, Name):
        return operator(this=tested, expression=literal_sql(endpoint.value, column_type))
    other = operand(endpoint.name, substitutes)
    holds = operator(this=tested, expression=other.value)
    return holds if other.absent is None else exp.and_(exp.not_(other.absent), holds)
