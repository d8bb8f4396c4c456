"""One cell of a file as a typed value: the SQL that reads it, null where it cannot be, and what to say then."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from services.profile.domain.formats import example
from services.profile.domain.mapping import TableMapping
from services.profile.domain.months import Month
from services.profile.domain.source_tables import Kind, SourceColumn
from services.profile.engine.parameters import Bound

TEXT_LENGTH = 200
_BLANKS = "chr(32) || chr(9) || chr(12288)"  # space, tabulator, the full-width space of Chinese text
_FLAGS = {"true": "true", "1": "true", "false": "false", "0": "false"}


@dataclass(frozen=True, slots=True)
class CellReading:
    """How the cells of one column are read.

    `written` turns the cell as it stands in the file into one of our words, null if there is nothing in it; `typed` turns
    the column `written` into a value, null if it is none; `expected` ends the sentence "expected …".
    """

    written: str
    typed: str
    expected: str


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """A mapped column: where its words come from, and the months that its table may hold."""

    column: SourceColumn
    mapping: TableMapping
    months: tuple[Month, Month]

    @property
    def words(self) -> Mapping[str, str]:
        """Word in the file -> our word, for columns whose words the mapping lists."""
        return self.mapping.values.get(self.column.name, {})


def cell_reading(source: ColumnSource, cell: str, written: str, bound: Bound) -> CellReading:
    """Return how a column is read; `cell` and `written` are SQL for the cell and for what `CellReading.written` gave."""
    typed, expected = _READERS[source.column.kind](source, written, bound)
    return CellReading(_written(source, cell, bound), typed, expected)


def _written(source: ColumnSource, cell: str, bound: Bound) -> str:
    trimmed = f"trim({cell}, {_BLANKS})"
    if not source.words:
        return f"nullif({trimmed}, '')"
    cases = " ".join(f"WHEN {bound.bind(word)} THEN {bound.bind(ours)}" for word, ours in source.words.items())
    return f"nullif(CASE {trimmed} {cases} ELSE {trimmed} END, '')"


def _text(source: ColumnSource, written: str, bound: Bound) -> tuple[str, str]:
    allowed = source.column.domain or tuple(sorted({ours for ours in source.words.values() if ours}))
    if not allowed:
        return _if(f"length({written}) <= {TEXT_LENGTH}", written), f"a text of at most {TEXT_LENGTH} characters"
    return _if(f"{written} IN {bound.bind_all(allowed)}", written), _one_of(source.words or allowed)


def _number(source: ColumnSource, written: str, bound: Bound) -> tuple[str, str]:
    low, high = source.column.limits
    number = f"TRY_CAST({written} AS BIGINT)"
    digits = f"regexp_full_match({written}, '[0-9]{{1,9}}')"
    sql = _if(f"{digits} AND {number} BETWEEN {bound.bind(low)} AND {bound.bind(high)}", f"CAST({number} AS INTEGER)")
    whole = f"a whole number from {low} to {high}"
    return sql, f"{_one_of(source.words)}, or {whole}" if source.words else whole


def _flag(source: ColumnSource, written: str, _bound: Bound) -> tuple[str, str]:
    cases = " ".join(f"WHEN '{word}' THEN {flag}" for word, flag in _FLAGS.items())
    return f"CASE {written} {cases} END", _one_of(source.words or _FLAGS)


def _msisdn(_source: ColumnSource, written: str, _bound: Bound) -> tuple[str, str]:
    return _if(f"regexp_full_match({written}, '1[3-9][0-9]{{9}}')", written), "a mobile number of 11 digits from 13 on"


def _decimal(source: ColumnSource, written: str, _bound: Bound) -> tuple[str, str]:
    scale = source.column.scale
    sign = "-?" if source.column.signed else ""
    looks = f"regexp_full_match({written}, '{sign}[0-9]{{1,12}}([.][0-9]{{1,{scale}}})?')"
    typed = f"TRY_CAST({written} AS DECIMAL(18, {scale}))"
    return _if(looks, typed), f"a number like 12.5 with at most {scale} digits after the point"


def _money(source: ColumnSource, written: str, _bound: Bound) -> tuple[str, str]:
    if source.mapping.money_unit == "fen":
        looks = f"regexp_full_match({written}, '-?[0-9]{{1,12}}')"
        return _if(looks, f"TRY_CAST({written} AS BIGINT)"), "an amount in whole fen like 1250, of at most 12 digits"
    looks = f"regexp_full_match({written}, '-?[0-9]{{1,10}}([.][0-9]{{1,2}})?')"
    fen = f"CAST(TRY_CAST({written} AS DECIMAL(18, 2)) * 100 AS BIGINT)"
    return _if(looks, fen), "an amount in yuan like 12.50, of at most 10 digits before the point"


def _date(source: ColumnSource, written: str, bound: Bound) -> tuple[str, str]:
    written_as = source.mapping.date_format
    parsed, exact = _parsed(written, written_as, bound)
    return _if(f"{exact} AND year({parsed}) BETWEEN 1900 AND 2099", f"CAST({parsed} AS DATE)"), (
        f"a date like {example(written_as)}"
    )


def _month(source: ColumnSource, written: str, bound: Bound) -> tuple[str, str]:
    written_as = source.mapping.month_format
    parsed, exact = _parsed(written, written_as, bound)
    month = f"strftime({parsed}, '%Y-%m')"
    first, last = source.months
    within = f"{month} BETWEEN {bound.bind(str(first))} AND {bound.bind(str(last))}"
    shown = [month.first_day.strftime(written_as) for month in (first, last)]
    return _if(f"{exact} AND {within}", month), f"a month like {example(written_as)}, from {shown[0]} to {shown[1]}"


def _parsed(written: str, written_as: str, bound: Bound) -> tuple[str, str]:
    """Return SQL for the day, and for whether the text is exactly how that day is written: 2026-9-1 is not."""
    form = bound.bind(written_as)
    parsed = f"try_strptime({written}, {form})"
    return parsed, f"strftime({parsed}, {form}) = {written}"


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _one_of(words: Mapping[str, str] | tuple[str, ...]) -> str:
    return f"one of {', '.join(word for word in words if word)}"


_READERS: Mapping[Kind, Callable[[ColumnSource, str, Bound], tuple[str, str]]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.MSISDN: _msisdn,
    Kind.DECIMAL: _decimal,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.MONTH: _month,
}
