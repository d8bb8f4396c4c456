"""Reads the text of a computed input into its tree, and tells planners where they are wrong and what to write instead."""

import re
from collections.abc import Mapping
from functools import cache, reduce
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args
from lark.exceptions import VisitError

from services.recommendation.engine.feel.advice import refuse_full_width
from services.recommendation.engine.feel.expressions import (
    Choice,
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
from services.recommendation.engine.feel.literals import LiteralError, decode_number
from services.recommendation.engine.feel.problems import CellError, CellProblem, Finding, FindingError, did_you_mean
from services.recommendation.engine.feel.values import MAX_DIGITS, FieldType, Kind

# Words are functions only before a bracket: a field may be called `min`.
_GRAMMAR = r"""
?start: sum
?sum: product (SIGN product)*
?product: factor (TIMES factor)*
?factor: NUMBER -> number
       | SIGN factor -> signed
       | "(" sum ")"
       | EXTREME "(" sum ("," sum)* ")" -> extreme
       | UNTIL "(" NAME ")" -> until
       | NAME -> name
SIGN: "+" | "-"
TIMES: "*"
NUMBER: /(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)/
EXTREME.3: /(?:min|max)(?=\s*\()/
UNTIL.3: /(?:months|days)\s+until(?=\s*\()/
NAME: /[^\W\d]\w*(?:\.[^\W\d]\w*)*/
%ignore /[\s\u180e\u200b\ufeff]+/
"""
_EXPECTED = (
    "expected numbers and names of fields joined by + - *, min( … ), max( … ), months until( … ) or days until( … )"
)
_FUNCTIONS = ("min", "max", "months until", "days until")
_CALL = re.compile(r"([^\W\d]\w*(?:\s+[^\W\d]\w*)*)\s*\(")


def read_expression(text: str, fields: Mapping[str, FieldType]) -> tuple[Expression, FieldType]:
    """Return the tree of an expression and the type of its results.

    `fields` are those it may name, also by their titles: fields of the row, parameters, inputs computed before it. Raises
    CellError at the first thing that is wrong.
    """
    try:
        refuse_full_width(text)
        expression = _TreeBuilder(fields).transform(_parser().parse(text))
        return expression, _type_of(expression)
    except FindingError as error:
        finding = error.finding
    except VisitError as error:
        if not isinstance(error.orig_exc, FindingError):
            raise
        finding = error.orig_exc.finding
    except UnexpectedToken as unexpected:
        at = len(text) if unexpected.token.type == "$END" else unexpected.token.start_pos or 0
        finding = Finding(at, _advice(text, at))
    except UnexpectedCharacters as unexpected:
        at = cast("int", unexpected.pos_in_stream)  # declared None by lark, always set by its lexer
        finding = Finding(at, _advice(text, at))
    raise CellError(CellProblem(text, finding.at + 1, finding.expected))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr")


def _advice(text: str, at: int) -> str:
    rest = text[at:]
    if not text.strip():
        return f"an empty expression: {_EXPECTED}"
    if rest.startswith("/"):
        return "there is no division, for it is not exact: multiply the other side of the comparison instead"
    if rest.startswith("%"):
        return "write the number in the unit of the field, without the percent sign"
    for call in _CALL.finditer(text):
        name = " ".join(call[1].split())
        if call.start() <= at <= call.end() and name not in _FUNCTIONS:
            return (
                f"{name}( … ) cannot be called here: only {', '.join(_FUNCTIONS)} can{did_you_mean(name, _FUNCTIONS)}"
            )
    if not rest:
        return f"the expression ends too soon: {_EXPECTED}"
    return _EXPECTED


def _type_of(expression: Expression) -> FieldType:
    named = list(fields_of(expression))
    if not named:
        raise FindingError(0, "this is the same for every customer: name at least one field, or write a parameter")
    room = digits_of(expression)
    if room.precision > MAX_DIGITS:
        why = f"a result may need {room.precision} digits, and {MAX_DIGITS} is the most"
        raise FindingError(0, f"{why}: multiply fewer fields, or numbers with fewer decimals")
    return FieldType(Kind.NUMBER, room.precision, room.scale, unit=_unit(expression))


def _unit(expression: Expression) -> str:
    """Return the unit that all of a sum has; a product has none that could be told."""
    match expression:
        case Until(span):
            return span.value
        case Field(_, known):
            return known.unit
        case Operation(Sign.PLUS | Sign.MINUS, left, right):
            return _shared_unit(left, right)
        case Extreme(_, operands):
            return _shared_unit(*operands)
        case _:
            return ""


def _shared_unit(*operands: Expression) -> str:
    """Return the one unit of the operands; constants take that of the others."""
    units = {_unit(operand) for operand in operands if not isinstance(operand, Number)}
    return units.pop() if len(units) == 1 else ""


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, Expression]):
    """Builds our tree from lark's rules; each method is named after the rule or its alias."""

    def __init__(self, fields: Mapping[str, FieldType]) -> None:
        super().__init__()
        self._fields = fields
        self._titles = {known.title: name for name, known in fields.items() if known.title}

    def number(self, token: Token) -> Number:
        try:
            return Number(decode_number(token.value))
        except LiteralError as error:
            raise FindingError(token.start_pos or 0, str(error)) from None

    def name(self, token: Token) -> Field:
        field = self._field(token)
        if field.type.kind is not Kind.NUMBER:
            until = f": write months until({token}) or days until({token})" if field.type.kind is Kind.DATE else ""
            raise FindingError(field.at, f"expected a number, and the field {token} is a {field.type.kind}{until}")
        return field

    def signed(self, sign: Token, operand: Expression) -> Expression:
        if sign == Sign.PLUS:
            return operand
        if isinstance(operand, Number):
            return Number(-operand.value)
        return Operation(Sign.MINUS, Number(decode_number("0")), operand)

    def sum(self, first: Expression, *rest: Token | Expression) -> Expression:
        return _joined(first, *rest)

    def product(self, first: Expression, *rest: Token | Expression) -> Expression:
        return _joined(first, *rest)

    def extreme(self, choice: Token, *operands: Expression) -> Extreme:
        return Extreme(Choice(choice.value), operands)

    def until(self, words: Token, name: Token) -> Until:
        field = self._field(name)
        if field.type.kind is not Kind.DATE:
            raise FindingError(field.at, f"expected a date, and the field {name} is a {field.type.kind}")
        return Until(Span(words.value.split()[0]), field)

    def _field(self, token: Token) -> Field:
        name = token.value if token.value in self._fields else self._titles.get(token.value, "")
        if not name:
            known = [*self._fields, *self._titles]
            raise FindingError(token.start_pos or 0, f"no field is called {token}{did_you_mean(token.value, known)}")
        return Field(name, self._fields[name], token.start_pos or 0)


def _joined(first: Expression, *rest: Token | Expression) -> Expression:
    """Return operands and signs, by turns, joined from the left."""
    pairs = cast("list[tuple[Token, Expression]]", list(zip(rest[::2], rest[1::2], strict=True)))
    return reduce(lambda left, pair: Operation(Sign(pair[0].value), left, pair[1]), pairs, first)
