"""Reads an output cell: a plain value of the output's type."""

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


def _constant(text: str) -> Literal:
    try:
        literal = constant_of(parse(text))
    except CellError as error:
        raise OutputCellError(str(error)) from None
    if literal is None:
        raise OutputCellError(f"{text}: an output is one constant value")
    return literal
