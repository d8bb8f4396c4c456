"""Makes a DuckDB expression of a computed input, for the whole base: exact decimals, null where anything in it is null."""

from collections.abc import Iterator, Mapping
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
from services.recommendation.engine.feel.sql import DIALECT, Substitute, Substitutes, operand
from services.recommendation.engine.feel.values import Kind

_JOINS: Mapping[Sign, type[exp.Binary]] = {Sign.PLUS: exp.Add, Sign.MINUS: exp.Sub, Sign.TIMES: exp.Mul}
_NARROW = 18
"""Digits of a decimal that the engine keeps in 64 bits."""


def computed_sql(expression: Expression, substitutes: Substitutes) -> Substitute:
    """Return what stands for a computed input over a relation with the fields as columns."""
    return Substitute(_value(expression, substitutes), _absent(expression, substitutes))


def _absent(expression: Expression, substitutes: Substitutes) -> exp.Expr | None:
    names = dict.fromkeys(_needed(expression))
    tests = [test for name in names if (test := operand(name, substitutes).absent) is not None]
    return exp.or_(*tests) if tests else None


def _needed(expression: Expression) -> Iterator[str]:
    """Yield the names without which there is no result."""
    for field in fields_of(expression):
        yield field.name
        if field.type.kind is Kind.DATE:
            yield DAY


def _value(expression: Expression, substitutes: Substitutes) -> exp.Expr:
    match expression:
        case Number(value):
            return _as_decimal(exp.Literal.string(f"{value:f}"), digits_of(expression))
        case Field(name):
            return _as_decimal(operand(name, substitutes).value, digits_of(expression))
        case Until(span, until):
            return _as_decimal(_until(span, operand(until.name, substitutes).value), digits_of(expression))
        case Operation():
            return _joined(expression, substitutes)
        case Extreme():
            return _extreme(expression, substitutes)
        case _:
            assert_never(expression)


def _joined(expression: Operation, substitutes: Substitutes) -> exp.Expr:
    """The engine gives a result the digits that `digits_of` counts, but no more than 18 to one of two operands that have no more
    themselves: it would fail where it needs them. So one of those is made wider first."""
    one, other = _value(expression.left, substitutes), _value(expression.right, substitutes)
    left, right, room = digits_of(expression.left), digits_of(expression.right), digits_of(expression)
    join = _JOINS[expression.sign]
    if room.precision <= _NARROW or max(left.precision, right.precision) > _NARROW:
        return exp.paren(join(this=one, expression=other))
    wider = Digits(_NARROW + 1 - left.scale, left.scale)
    return _as_decimal(exp.paren(join(this=_as_decimal(one, wider), expression=other)), room)


def _as_decimal(value: exp.Expr, room: Digits) -> exp.Expr:
    # Not exp.cast: it takes one decimal type for another and leaves out the second of two casts.
    return exp.Cast(this=value, to=exp.DataType.build(f"DECIMAL({room.precision}, {room.scale})", dialect=DIALECT))


def _until(span: Span, until: exp.Expr) -> exp.Expr:
    day = exp.column(DAY, quoted=True)
    if span is Span.DAYS:
        return exp.paren(exp.Sub(this=until, expression=day))
    return exp.func("datesub", exp.Literal.string("month"), day, until, dialect=DIALECT)


def _extreme(expression: Extreme, substitutes: Substitutes) -> exp.Expr:
    """LEAST and GREATEST pass nulls over; we do not."""
    function = "least" if expression.choice is Choice.MIN else "greatest"
    operands = [_value(each, substitutes) for each in expression.operands]
    chosen = _as_decimal(exp.Anonymous(this=function, expressions=operands), digits_of(expression))
    absent = _absent(expression, substitutes)
    return chosen if absent is None else exp.Case().when(absent, exp.null()).else_(chosen)
