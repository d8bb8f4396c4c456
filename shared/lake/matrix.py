"""The view of a row message that decision tables are typed by: exact values only, money in yuan."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from google.protobuf.descriptor import Descriptor

from shared.lake.schema import DECIMAL_DIGITS, MONEY_SUFFIX, Column, Logical, columns

Kind = Literal["string", "number", "boolean", "date"]
_KINDS: Mapping[Logical, Kind] = {
    Logical.TEXT: "string",
    Logical.CATEGORY: "string",
    Logical.MONTH: "string",
    Logical.INTEGER: "number",
    Logical.DECIMAL: "number",
    Logical.MONEY: "number",
    Logical.BOOLEAN: "boolean",
    Logical.DATE: "date",
}


@dataclass(frozen=True, slots=True)
class MatrixColumn:
    """One input that a matrix may name. `sql` computes its value from the stored row, `value` from the same row in Python.

    `source` is the stored column; for money it differs from `name`. `domain` is empty when open; `title` is what
    planners call the input.
    """

    name: str
    kind: Kind
    source: str
    sql: str
    nullable: bool
    unit: str
    domain: tuple[str, ...]
    null_meaning: str
    title: str

    def value(self, row: Mapping[str, object]) -> object:
        """Return what `sql` gives for this row, as str, int, Decimal, bool, date or None."""
        stored = row[self.source]
        return yuan(stored) if self.name != self.source and isinstance(stored, int) else stored


def yuan(fen: int) -> Decimal:
    """Return integer fen as exact yuan with two digits."""
    return Decimal(fen).scaleb(-2)


def matrix_columns(descriptor: Descriptor) -> list[MatrixColumn]:
    """Return the inputs that a row message offers to matrices, in field order.

    Floats, instants, bytes, lists and records are not offered: no rule may compare them (DESIGN §2).
    """
    return [
        _matrix_column(column, _KINDS[column.logical]) for column in columns(descriptor) if column.logical in _KINDS
    ]


def _matrix_column(column: Column, kind: Kind) -> MatrixColumn:
    money = column.logical is Logical.MONEY
    render: Callable[[str], str] = _yuan_sql if money else _quoted
    return MatrixColumn(
        name=column.name.removesuffix(MONEY_SUFFIX) if money else column.name,
        kind=kind,
        source=column.name,
        sql=render(column.name),
        nullable=column.nullable,
        unit="yuan" if money else column.unit,
        domain=column.domain,
        null_meaning=column.null_meaning,
        title=column.title,
    )


def _quoted(name: str) -> str:
    return f'"{name}"'


def _yuan_sql(name: str) -> str:
    # Times 0.01, not over 100: a quotient of decimals is a float in DuckDB, a product is exact.
    scaled = f'CAST("{name}" AS DECIMAL({DECIMAL_DIGITS}, 0)) * CAST(0.01 AS DECIMAL(3, 2))'
    return f"CAST({scaled} AS DECIMAL({DECIMAL_DIGITS}, 2))"
