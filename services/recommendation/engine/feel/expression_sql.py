"""Makes a DuckDB expression of a computed input, for the whole base: exact decimals, null where anything in it is null."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import assert_never

from sqlglot import exp

from services.recommendation.engine.feel.expressions import (
    DAY,
    Choice,
    Digits,
    Expression,
    Extreme,
    Field,
    Number,
    Operation,
    Sign,
    Span,
    Until,
    digits_of,
    fields_of,
)
from services.recommendation.engine.feel.sql import DIALECT
from services.recommendation.engine.feel.values import Kind

_JOINS: Mapping[Sign, type[exp.Binary]] = {Sign.PLUS: exp.Add, Sign.MINUS: exp.Sub, Sign.TIMES: exp.Mul}


def expression_sql(expression: Expression, names: Mapping[str, exp.Expr]) -> exp.Expr:
    """Return the expression over a relation with the fields as columns; `names` are those that stand for something else."""
    match expression:
        case Number(value):
            return _constant(value)
        case Field(name):
            return _as_decimal(_column(name, names), digits_of(expression))
        case Until(span, until):
            return _as_decimal(_until(span, _column(until.name, names)), digits_of(expression))
        case Operation(sign, left, right):
            # The engine gives sums and products the digits that `digits_of` counts: no need to cast them.
            return exp.paren(_JOINS[sign](this=expression_sql(left, names), expression=expression_sql(right, names)))
        case Extreme():
            return _extreme(expression, names)
        case _:
            assert_never(expression)


def _column(name: str, names: Mapping[str, exp.Expr]) -> exp.Expr:
    return names[name].copy() if name in names else exp.column(name, quoted=True)


def _constant(value: Decimal) -> exp.Expr:
    return _as_decimal(exp.Literal.string(f"{value:f}"), digits_of(Number(value)))


def _as_decimal(value: exp.Expr, room: Digits) -> exp.Expr:
    return exp.cast(value, f"DECIMAL({room.precision}, {room.scale})", dialect=DIALECT)


def _until(span: Span, until: exp.Expr) -> exp.Expr:
    day = exp.column(DAY, quoted=True)
    if span is Span.DAYS:
        return exp.paren(exp.Sub(this=until, expression=day))
    return exp.func("datesub", exp.Literal.string("month"), day, until, dialect=DIALECT)


def _extreme(expression: Extreme, names: Mapping[str, exp.Expr]) -> exp.Expr:
    """LEAST and GREATEST pass nulls over; we do not."""
    function = "least" if expression.choice is Choice.MIN else "greatest"
    chosen = exp.Anonymous(
        this=function, expressions=[expression_sql(operand, names) for operand in expression.operands]
    )
    needed = dict.fromkeys(name for operand in expression.operands for name in _needed(operand))
    absent = [exp.Is(this=_column(name, names), expression=exp.null()) for name in needed]
    given = _as_decimal(chosen, digits_of(expression))
    return exp.Case().when(exp.or_(*absent), exp.null()).else_(given) if absent else given


def _needed(expression: Expression) -> Iterator[str]:
    """Yield the names of the columns without which there is no result."""
    for field in fields_of(expression):
        yield field.name
        if field.type.kind is Kind.DATE:
            yield DAY
