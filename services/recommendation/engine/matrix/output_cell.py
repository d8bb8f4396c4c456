"""Reads constants as planners write them: a text need not stand in quotes."""

import re

from services.recommendation.engine.feel import (
    CellError,
    FieldType,
    Kind,
    Literal,
    Value,
    check_literal,
    constant_of,
    parse,
)

_WORD = re.compile(r'[^\W\d][^"]*')


class OutputCellError(ValueError):
    """The cell is no value of the output's type; the message quotes it and says what was expected."""


def read_output(text: str, output: FieldType) -> Value:
    """Return the value of a cell: a text with or without quotes, any other constant as in S-FEEL, empty or `null` for null.

    Raises OutputCellError.
    """
    if text in {"", "null"}:
        return None
    plain = output.kind is Kind.STRING and not text.startswith('"')
    literal = Literal(Kind.STRING, text) if plain else _constant(text)
    if problem := check_literal(literal, output):
        raise OutputCellError(f"{text}: {problem}")
    return literal.value


def read_constant(text: str) -> Literal:
    """Return the one value of a parameter or of a list: as in S-FEEL, or a text without quotes that begins with a letter.

    Raises OutputCellError.
    """
    try:
        literal = _constant(text or "null")
    except OutputCellError:
        if not _WORD.fullmatch(text):
            raise
        return Literal(Kind.STRING, text)
    if literal.kind is Kind.NULL:
        raise OutputCellError(f'"{text}": expected a value, such as 12, "text" or date("2026-01-31")')
    return literal


def _constant(text: str) -> Literal:
    try:
        literal = constant_of(parse(text))
    except CellError as error:
        raise OutputCellError(str(error)) from None
    if literal is None:
        raise OutputCellError(f"{text}: expected one constant value")
    return literal
