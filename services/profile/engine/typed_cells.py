"""Cells of Parquet files that are typed already: checked as what they are, without a detour over text."""

import re

from services.profile.domain.source_tables import Kind
from services.profile.engine.cells import LOOKS_NUMERIC, CellReading, ColumnSource, cell_reading
from services.profile.engine.parameters import Bound

_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"})
_NARROW_DECIMAL = re.compile(r"DECIMAL\((\d|1[0-8]),(\d+)\)")
_MOST_DIGITS = {Kind.DECIMAL: 12, Kind.MONEY: 10}


def typed_reading(source: ColumnSource, bound: Bound) -> CellReading:
    """Return how a column is read, as its type where that fits its kind, as text where not.

    What is accepted, and what is said of the rest, is the same as if the values were written as text.
    """
    typed = "" if source.words else _typed(source)
    if not typed and source.type == "VARCHAR":
        return cell_reading(source, bound)
    shown = f"CAST({source.cell} AS VARCHAR)"
    as_text = cell_reading(ColumnSource(source.column, source.mapping, source.months, shown), bound)
    if not typed or any(LOOKS_NUMERIC.fullmatch(word) for word in source.mapping.nothing):
        return as_text
    return CellReading(typed, source.cell, f"{source.cell} IS NULL", shown, as_text.expected)


def _typed(source: ColumnSource) -> str:
    """Return SQL for the value of a cell whose type fits, nothing where it does not."""
    type_ = source.type
    if type_ in _WHOLE or type_ == "DOUBLE" or _NARROW_DECIMAL.fullmatch(type_):
        return _number(source)
    if type_ == "DATE" or type_.startswith("TIMESTAMP"):
        return _day(source)
    return source.cell if type_ == "BOOLEAN" and source.column.kind is Kind.FLAG else ""


def _number(source: ColumnSource) -> str:
    cell, scale = source.cell, source.column.scale
    match source.column.kind, source.unit:
        case Kind.NUMBER, _:
            low, high = source.column.limits
            limits = f"{cell} BETWEEN {low} AND {high}"
            return _if(" AND ".join([limits, *_keeps(source, 0)]), f"CAST({cell} AS INTEGER)")
        case Kind.DECIMAL, "":
            return _if(_is_exact(source, scale), f"CAST({cell} AS DECIMAL(18, {scale}))")
        case Kind.MONEY, "fen":
            return _if(" AND ".join([_is_below(cell, 12), *_keeps(source, 0)]), f"CAST({cell} AS BIGINT)")
        case Kind.MONEY, _:
            # The product of a small whole number and a literal would have to be as small.
            wide = f"CAST({cell} AS BIGINT)" if source.type in _WHOLE else cell
            fen = f"{wide} * 100" if _digits(source.type)[1] <= 2 else f"round({wide} * 100, 0)"
            return _if(_is_exact(source, 2), f"CAST({fen} AS BIGINT)")
        case _:
            return ""


def _day(source: ColumnSource) -> str:
    cell = source.cell
    match source.column.kind:
        case Kind.DATE:
            return _if(f"year({cell}) BETWEEN 1900 AND 2099", f"CAST({cell} AS DATE)")
        case Kind.MONTH:
            first, last = source.months
            month = f"strftime({cell}, '%Y-%m')"
            return _if(f"{month} BETWEEN '{first}' AND '{last}'", month)
        case _:
            return ""


def _is_exact(source: ColumnSource, scale: int) -> str:
    """Return SQL for whether a number is within bounds and nothing of it is lost at this scale.

    What its type rules out is not asked again.
    """
    cell, digits = source.cell, _MOST_DIGITS[source.column.kind]
    is_signed = source.column.signed or source.column.kind is Kind.MONEY
    before, _ = _digits(source.type)
    conditions = [] if is_signed else [f"{cell} >= 0"]
    if before > digits:
        conditions.append(_is_below(cell, digits))
    return " AND ".join([*conditions, *_keeps(source, scale)]) or f"{cell} IS NOT NULL"


def _keeps(source: ColumnSource, scale: int) -> list[str]:
    """Return SQL for whether nothing of a number is lost at this scale, nothing where its type says so already.

    A double that was written with so few digits rounds to itself.
    """
    return [f"round({source.cell}, {scale}) = {source.cell}"] if _digits(source.type)[1] > scale else []


def _is_below(cell: str, digits: int) -> str:
    """Return SQL for whether a number has at most so many digits before the point; abs has no answer to a type's least."""
    return f"{cell} > -{10**digits} AND {cell} < {10**digits}"


def _digits(type_: str) -> tuple[int, int]:
    """Return how many digits a number of this type may have before and after the point."""
    if found := _NARROW_DECIMAL.fullmatch(type_):
        precision, scale = int(found[1]), int(found[2])
        return precision - scale, scale
    return (20, 20) if type_ == "DOUBLE" else (20, 0)


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"
