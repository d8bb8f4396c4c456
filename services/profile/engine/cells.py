"""One cell of a file as a typed value: the SQL that reads it, null where it cannot be, and what to say then.

Most cells are written plainly, and those are read without ado; whatever else may be tolerated is tried on the rest.
"""

import re
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
_WORDED = (Kind.TEXT, Kind.FLAG)
_FEW_WORDS = 40
_NUMERIC = (Kind.NUMBER, Kind.DECIMAL, Kind.MONEY, Kind.MSISDN)
LOOKS_NUMERIC = re.compile(r"[-+.,0-9]+")
_FACTORS = {"seconds": "/ 60", "hours": "* 60", "fen": "/ 100"}
_ISO_DAY, _ISO_MONTH = ("%Y-%m-%d",), ("%Y-%m",)

MACROS = f"""
    CREATE OR REPLACE MACRO tidied(cell) AS nullif(trim(cell, {_BLANKS}), '');
    CREATE OR REPLACE MACRO with_plain_digits(word) AS translate(word, '０１２３４５６７８９，．－', '0123456789,.-');
    CREATE OR REPLACE MACRO ungrouped(word) AS
        CASE WHEN regexp_full_match(word, '-?[0-9]{{1,3}}(,[0-9]{{3}})+([.][0-9]*)?') THEN replace(word, ',', '') ELSE word END;
    CREATE OR REPLACE MACRO numeral(word) AS ungrouped(with_plain_digits(word));
    CREATE OR REPLACE MACRO amount(word) AS numeral(regexp_replace(word, '^(-?)[¥￥] ?|元$', '\\1', 'g'));
"""
"""What the SQL of this module calls: blanks off, full-width digits and thousands separators understood, currency signs off."""


@dataclass(frozen=True, slots=True)
class CellReading:
    """How the cells of one column are read.

    `typed` is their value, null where there is none; `cell` is what it is read from; `is_empty` tells, of those without a
    value, where nothing was written; `shown` is what stands in the file; `expected` ends the sentence "expected …".
    """

    typed: str
    cell: str
    is_empty: str
    shown: str
    expected: str


@dataclass(frozen=True, slots=True)
class ColumnSource:
    """A column of the file or of an expression: `cell` is SQL for it, of the engine's type `type`; `months` its table may hold."""

    column: SourceColumn
    mapping: TableMapping
    months: tuple[Month, Month]
    cell: str
    type: str = "VARCHAR"

    @property
    def words(self) -> Mapping[str, str]:
        """Word in the file -> our word, for columns whose words the mapping lists."""
        return self.mapping.values.get(self.column.name, {})

    @property
    def is_computed(self) -> bool:
        return self.column.name in self.mapping.expressions

    @property
    def date_formats(self) -> tuple[str, ...]:
        return _ISO_DAY if self.is_computed else self.mapping.date_formats

    @property
    def month_formats(self) -> tuple[str, ...]:
        return _ISO_MONTH if self.is_computed else self.mapping.month_formats

    @property
    def unit(self) -> str:
        """The unit of the cells, nothing where it is ours; money has one always."""
        said = self.mapping.unit(self.column.name)
        return said or (self.mapping.money_unit if self.column.kind is Kind.MONEY else "")


@dataclass(frozen=True, slots=True)
class _Reader:
    """How texts of one kind are read, as SQL over `$$`: `plain` pairs a condition with the value where it holds, `tolerant`
    is the value of what is written otherwise."""

    plain: tuple[tuple[str, str], ...]
    tolerant: str
    expected: str

    def typed(self, cell: str, written: str, *, is_plain_safe: bool) -> str:
        """Return SQL of the value. The tolerant way stands behind ELSE: in a coalesce the engine tries it on every cell."""
        tolerant = self.tolerant.replace("$$", written)
        if not is_plain_safe:
            return f"CASE WHEN {cell} IS NOT NULL THEN {tolerant} END"
        plain = " ".join(f"WHEN {condition} THEN {value}" for condition, value in self.plain).replace("$$", cell)
        return f"CASE WHEN {cell} IS NULL THEN NULL {plain} ELSE {tolerant} END"


def cell_reading(source: ColumnSource, bound: Bound) -> CellReading:
    """Return how a column of texts is read."""
    reader = _READERS[source.column.kind](source, bound)
    written = written_as(source.cell, source.mapping.nothing, bound)
    if source.words:
        cases = " ".join(f"WHEN {bound.bind(word)} THEN {bound.bind(ours)}" for word, ours in source.words.items())
        written = f"nullif(CASE {written} {cases} ELSE {written} END, '')"
    typed = reader.typed(source.cell, written, is_plain_safe=_is_plain_safe(source))
    return CellReading(typed, source.cell, f"{written} IS NULL", source.cell, reader.expected)


def _is_plain_safe(source: ColumnSource) -> bool:
    """Whether no word of the mapping can look like what the plain way reads."""
    special = [*source.words, *source.mapping.nothing]
    if source.column.kind in _NUMERIC:
        return not any(LOOKS_NUMERIC.fullmatch(word) for word in special)
    return not source.mapping.nothing and (not source.words or source.column.kind in _WORDED)


def written_as(cell: str, nothing: tuple[str, ...], bound: Bound) -> str:
    """Return SQL for what is written in a cell, null if there is nothing, or a word that stands for nothing."""
    tidied = f"tidied({cell})"
    return f"CASE WHEN {tidied} NOT IN {bound.bind_all(nothing)} THEN {tidied} END" if nothing else tidied


def _text(source: ColumnSource, bound: Bound) -> _Reader:
    allowed = source.column.domain or tuple(sorted({ours for ours in source.words.values() if ours}))
    if not allowed:
        fits = f"length($$) <= {TEXT_LENGTH}"
        # Looking for each blank by itself takes a fifth of the time that one pattern takes.
        plain = ((f"{fits} AND NOT (contains($$, ' ') OR contains($$, chr(9)) OR contains($$, '　'))", "$$"),)
        return _Reader(plain, _if(fits, "$$"), f"a text of at most {TEXT_LENGTH} characters")
    spelled = {**{word: word for word in allowed}, **source.words}
    among = _if(f"$$ IN {bound.bind_all(allowed)}", "$$")
    return _Reader(_spelled(spelled, bound), among, _one_of(source.words or allowed))


def _number(source: ColumnSource, bound: Bound) -> _Reader:
    low, high = source.column.limits
    limits = f"BETWEEN {bound.bind(low)} AND {bound.bind(high)}"

    def within(number: str) -> str:
        value = f"CAST(TRY_CAST({number} AS DECIMAL(18, 1)) AS INTEGER)"
        return _if(f"{value} {limits}", value)

    whole = f"a whole number from {low} to {high}"
    expected = f"{_one_of(source.words)}, or {whole}" if source.words else whole
    tolerant = _if("regexp_full_match(numeral($$), '[0-9]{1,9}([.]0*)?')", within("numeral($$)"))
    return _Reader((("regexp_full_match($$, '[0-9]{1,9}')", within("$$")),), tolerant, expected)


def _flag(source: ColumnSource, bound: Bound) -> _Reader:
    cases = " ".join(f"WHEN '{word}' THEN {flag}" for word, flag in _FLAGS.items())
    spelled = {**_FLAGS, **{word: _FLAGS.get(ours, "") for word, ours in source.words.items()}}
    plain = tuple((f"$$ = {bound.bind(word)}", flag or "NULL") for word, flag in spelled.items())
    return _Reader(plain, f"CASE $$ {cases} END", _one_of(source.words or _FLAGS))


def _msisdn(_source: ColumnSource, _bound: Bound) -> _Reader:
    is_number = "regexp_full_match($$, '1[3-9][0-9]{9}')"
    return _Reader(((is_number, "$$"),), _if(is_number, "$$"), "a mobile number of 11 digits from 13 on")


def _decimal(source: ColumnSource, _bound: Bound) -> _Reader:
    scale, sign = source.column.scale, "-?" if source.column.signed else ""
    if source.unit in _FACTORS:
        converted = f"round(TRY_CAST(numeral($$) AS DECIMAL(18, 6)) {_FACTORS[source.unit]}, {scale})"
        value = _if(_looks("numeral($$)", sign, 12, 6), f"CAST({converted} AS DECIMAL(18, {scale}))")
        return _Reader((), value, f"a number of {source.unit} like 12.5")
    return _Reader(
        ((_looks_plain(sign, 12, scale), f"TRY_CAST($$ AS DECIMAL(18, {scale}))"),),
        _if(_looks("numeral($$)", sign, 12, scale), f"TRY_CAST(numeral($$) AS DECIMAL(18, {scale}))"),
        f"a number like 12.5 with at most {scale} digits after the point",
    )


def _money(source: ColumnSource, _bound: Bound) -> _Reader:
    if source.unit == "fen":
        whole = "regexp_full_match(amount($$), '-?[0-9]{1,12}([.]0*)?')"
        return _Reader(
            (("regexp_full_match($$, '-?[0-9]{1,12}')", "TRY_CAST($$ AS BIGINT)"),),
            _if(whole, "CAST(TRY_CAST(amount($$) AS DECIMAL(18, 1)) AS BIGINT)"),
            "an amount in whole fen like 1250, of at most 12 digits",
        )
    return _Reader(
        ((_looks_plain("-?", 10, 2), "CAST(TRY_CAST($$ AS DECIMAL(18, 2)) * 100 AS BIGINT)"),),
        _if(_looks("amount($$)", "-?", 10, 2), "CAST(TRY_CAST(amount($$) AS DECIMAL(18, 2)) * 100 AS BIGINT)"),
        "an amount in yuan like 12.50, of at most 10 digits before the point",
    )


def _date(source: ColumnSource, bound: Bound) -> _Reader:
    """A text has to be exactly how its day is written: 2026-9-1 is not."""
    days = []
    for written_in in source.date_formats:
        form = bound.bind(written_in)
        parsed = f"try_strptime($$, {form})"
        exact = f"strftime({parsed}, {form}) = $$ AND year({parsed}) BETWEEN 1900 AND 2099"
        days.append((exact, f"CAST({parsed} AS DATE)"))
    cases = " ".join(f"WHEN {exact} THEN {day}" for exact, day in days)
    return _Reader(tuple(days), f"CASE {cases} END", f"a date like {_examples(source.date_formats)}")


def _month(source: ColumnSource, bound: Bound) -> _Reader:
    first, last = source.months
    months = [first]
    while months[-1] < last:
        months.append(months[-1].plus(1))
    spelled = {month.first_day.strftime(form): str(month) for form in source.month_formats for month in months}
    plain = _spelled(spelled, bound)
    shown = [month.first_day.strftime(source.month_formats[0]) for month in (first, last)]
    expected = f"a month like {_examples(source.month_formats)}, from {shown[0]} to {shown[1]}"
    return _Reader(plain, f"CASE {' '.join(f'WHEN {when} THEN {then}' for when, then in plain)} END", expected)


def _spelled(words: Mapping[str, str], bound: Bound) -> tuple[tuple[str, str], ...]:
    """Return a branch for each word; of very many, one search of a list is quicker than all of them."""
    if len(words) > _FEW_WORDS:
        return ()
    return tuple((f"$$ = {bound.bind(word)}", bound.bind(ours) if ours else "NULL") for word, ours in words.items())


def _looks_plain(sign: str, digits: int, scale: int) -> str:
    return f"regexp_full_match($$, '{sign}[0-9]{{1,{digits}}}([.][0-9]{{1,{scale}}})?')"


def _looks(word: str, sign: str, digits: int, scale: int) -> str:
    """Return SQL for whether a word is a decimal without loss at this scale; .5 is how databases often print one half."""
    whole = f"[0-9]{{1,{digits}}}([.][0-9]{{0,{scale}}}0*)?"
    return f"regexp_full_match({word}, '{sign}({whole}|[.][0-9]{{1,{scale}}}0*)')"


def _if(condition: str, value: str) -> str:
    return f"CASE WHEN {condition} THEN {value} END"


def _one_of(words: Mapping[str, str] | tuple[str, ...]) -> str:
    return f"one of {', '.join(word for word in words if word)}"


def _examples(formats: tuple[str, ...]) -> str:
    return " or ".join(example(form) for form in formats)


_READERS: Mapping[Kind, Callable[[ColumnSource, Bound], _Reader]] = {
    Kind.TEXT: _text,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.MSISDN: _msisdn,
    Kind.DECIMAL: _decimal,
    Kind.MONEY: _money,
    Kind.DATE: _date,
    Kind.MONTH: _month,
}
