"""Reads the text of one matrix cell, an S-FEEL unary test (DMN 1.3 §9.2), into its syntax tree."""

from collections.abc import Callable
from functools import cache
from typing import cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedToken, v_args

from services.recommendation.engine.feel.advice import advise, refuse_full_width
from services.recommendation.engine.feel.literals import (
    LiteralError,
    decode_at,
    decode_call,
    decode_number,
    decode_string,
)
from services.recommendation.engine.feel.problems import CellError, Finding, FindingError
from services.recommendation.engine.feel.syntax import (
    Anything,
    Compare,
    Endpoint,
    Literal,
    Name,
    Not,
    Operator,
    Or,
    Range,
    Test,
    UnaryTests,
    is_null,
)
from services.recommendation.engine.feel.values import Kind, Value

# A field may be called `date` or `time`: these words are functions only before a bracket.
# White space is FEEL's own list, with the ideographic and the no-break space that spreadsheets leave behind.
_GRAMMAR = r"""
?start: "-" -> anything
      | "not" "(" tests ")" -> none_of
      | tests -> one_of
tests: test ("," test)*
?test: endpoint -> equal
     | COMPARISON endpoint -> compare
     | opening endpoint _TO endpoint closing -> interval
opening: "[" -> closed_side
       | "]" -> open_side
       | "(" -> open_side
closing: "]" -> closed_side
       | "[" -> open_side
       | ")" -> open_side
?endpoint: NUMBER -> number
         | STRING -> string
         | CONSTANT -> constant
         | FUNCTION "(" STRING ")" -> call
         | "@" STRING -> at
         | NAME -> name
_TO: ".."
COMPARISON: "<=" | ">=" | "<" | ">"
NUMBER.2: /-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?/
STRING: /"(?:[^"\\]|\\.)*"/s
CONSTANT.2: /(?:true|false|null)\b(?!\.\w)/
FUNCTION.3: /(?:date\s+and\s+time|date|time|duration)(?=\s*\()/
NAME: /(?!(?:not|true|false|null)\b)[^\W\d]\w*(?:\.[^\W\d]\w*)*/
%ignore /[\s\u180e\u200b\ufeff]+/
"""
_CONSTANTS = {"true": (Kind.BOOLEAN, True), "false": (Kind.BOOLEAN, False), "null": (Kind.NULL, None)}


def parse(text: str) -> UnaryTests:
    """Return the tree of one cell.

    Raises CellError at the first thing that is not S-FEEL. Two readings are stricter than the standard, because they
    would silently change what a planner meant: a number may not begin with 0 (`1,000` is a list), and an empty cell is
    not `-`.
    """
    try:
        refuse_full_width(text)
        return cast("UnaryTests", _parser().parse(text))
    except FindingError as error:
        finding = error.finding
    except UnexpectedToken as unexpected:
        at = len(text) if unexpected.token.type == "$END" else unexpected.token.start_pos or 0
        finding = Finding(at, advise(text, at, unexpected.accepts or unexpected.expected))
    except UnexpectedCharacters as unexpected:
        at = cast("int", unexpected.pos_in_stream)  # declared None by lark, always set by its lexer
        finding = Finding(at, advise(text, at, unexpected.allowed or set()))
    raise CellError(finding.in_cell(text))


@cache
def _parser() -> Lark:
    return Lark(_GRAMMAR, parser="lalr", transformer=_TreeBuilder())


@v_args(inline=True)
class _TreeBuilder(Transformer[Token, UnaryTests]):
    """Builds our tree from lark's rules; each method is named after the rule or its alias."""

    def anything(self) -> Anything:
        return Anything()

    def one_of(self, tests: tuple[Test, ...]) -> Or:
        return Or(tests)

    def none_of(self, tests: tuple[Test, ...]) -> Not:
        return Not(tests)

    def tests(self, *tests: Test) -> tuple[Test, ...]:
        return tests

    def equal(self, endpoint: Endpoint) -> Compare:
        return Compare(Operator.EQUAL, endpoint)

    def compare(self, operator: Token, endpoint: Endpoint) -> Compare:
        return Compare(Operator(operator.value), _not_null(endpoint))

    def interval(self, low_closed: bool, low: Endpoint, high: Endpoint, high_closed: bool) -> Range:
        return Range(_not_null(low), low_closed, _not_null(high), high_closed)

    def closed_side(self) -> bool:
        return True

    def open_side(self) -> bool:
        return False

    def number(self, token: Token) -> Literal:
        return _literal(token, lambda: (Kind.NUMBER, decode_number(token.value)))

    def string(self, token: Token) -> Literal:
        return _literal(token, lambda: (Kind.STRING, decode_string(token.value)))

    def constant(self, token: Token) -> Literal:
        return _literal(token, lambda: _CONSTANTS[token.value])

    def call(self, function: Token, text: Token) -> Literal:
        return _literal(function, lambda: decode_call(" ".join(function.value.split()), decode_string(text.value)))

    def at(self, text: Token) -> Literal:
        return _literal(text, lambda: decode_at(decode_string(text.value)))

    def name(self, token: Token) -> Name:
        return Name(token.value, at=token.start_pos or 0)


def _literal(token: Token, decode: Callable[[], tuple[Kind, Value]]) -> Literal:
    at = token.start_pos or 0
    try:
        kind, value = decode()
    except LiteralError as error:
        raise FindingError(at, str(error)) from None
    return Literal(kind, value, at=at)


def _not_null(endpoint: Endpoint) -> Endpoint:
    if isinstance(endpoint, Literal) and is_null(endpoint):
        raise FindingError(endpoint.at, "null has no order: it can stand only by itself, in a list or in not(null)")
    return endpoint
