"""Draws cells with their meaning, and rows: the reference that parser, closures and SQL are all held against.

A drawn cell knows its text and, apart from the product's tree, what it accepts.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import duckdb
from hypothesis import strategies as st

from services.recommendation.engine.feel import FieldType, Kind, Row, Value, YearsMonths

FIELDS: Mapping[str, FieldType] = {
    "arpu": FieldType.decimal(9, 2, "yuan"),
    "平均话费": FieldType.decimal(12, 3),
    "tenure": FieldType.integer("months"),
    "age": FieldType.integer(),
    "brand": FieldType.string(),
    "last.brand": FieldType.string(),
    "need": FieldType.string("rigid", "sensitive", "ordinary", "none"),
    "active": FieldType(Kind.BOOLEAN),
    "warned": FieldType(Kind.BOOLEAN),
    "joined": FieldType(Kind.DATE),
    "date": FieldType(Kind.DATE),
    "last_call": FieldType(Kind.DATETIME),
    "last_data": FieldType(Kind.DATETIME),
    "busy_hour": FieldType(Kind.TIME),
    "quiet_hour": FieldType(Kind.TIME),
    "silence": FieldType(Kind.DAYS_DURATION),
    "absence": FieldType(Kind.DAYS_DURATION),
    "contract": FieldType(Kind.MONTHS_DURATION),
    "handset_age": FieldType(Kind.MONTHS_DURATION),
    "city": FieldType.string(),
    "day": FieldType(Kind.DATE),
}
_COLUMN_SQL = {
    "arpu": "DECIMAL(9, 2)",
    "平均话费": "DECIMAL(12, 3)",
    Kind.NUMBER: "BIGINT",
    Kind.STRING: "VARCHAR",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.DATE: "DATE",
    Kind.DATETIME: "TIMESTAMP",
    Kind.TIME: "TIME",
    Kind.DAYS_DURATION: "INTERVAL",
}


@dataclass(frozen=True)
class DrawnCell:
    """A cell as a planner writes it, what it means, and the constants in it: the values where a mistake would show."""

    text: str
    accepts: Callable[[Value, Row], bool]
    constants: tuple[Value, ...] = ()


def near(middle: Decimal, step: Decimal) -> st.SearchStrategy[Value]:
    """Few values, so that drawn rows often lie exactly on a drawn boundary."""
    return st.integers(-4, 4).map(lambda steps: middle + steps * step)


def values_of(name: str) -> st.SearchStrategy[Value]:
    """Values that the field can hold, null apart: mostly from a small pool, some from its whole range."""
    field = FIELDS[name]
    if field.kind is Kind.NUMBER and field.scale:
        limit = Decimal(10) ** (9 - 2) - 1
        anywhere = st.decimals(-limit, limit, places=2, allow_nan=False)
        return st.one_of(near(Decimal(100), Decimal("0.01")), anywhere)
    pools: Mapping[Kind, st.SearchStrategy[Value]] = {
        Kind.NUMBER: st.one_of(st.integers(-3, 3), st.integers(-(2**63), 2**63 - 1)),
        Kind.STRING: st.sampled_from(field.domain) if field.domain else _texts(),
        Kind.BOOLEAN: st.booleans(),
        Kind.DATE: st.one_of(st.dates(date(2026, 2, 26), date(2026, 3, 3)), st.dates()),
        Kind.DATETIME: st.one_of(
            st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 0, 3)),  # noqa: DTZ001 - fields hold naive values
            st.datetimes(),
        ),
        Kind.TIME: st.one_of(st.sampled_from([time(), time(8), time(23, 59, 59, 999999)]), st.times()),
        Kind.DAYS_DURATION: st.one_of(
            st.sampled_from([timedelta(), timedelta(days=1), timedelta(hours=24, microseconds=1), timedelta(days=-31)]),
            st.timedeltas(timedelta(days=-40000), timedelta(days=40000)),
        ),
        Kind.MONTHS_DURATION: st.one_of(st.integers(-2, 2), st.integers(-90000, 90000)).map(YearsMonths),
    }
    return pools[field.kind]


def _texts() -> st.SearchStrategy[str]:
    tricky = [
        "",
        "GoTone",
        "M-Zone",
        "全球通",
        "it's",
        'a "b"',
        "back\\slash",
        "\\n",
        "line\nbreak",
        "😀",
        "null",
        "-",
        "é",
    ]
    encodable = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.one_of(st.sampled_from(tricky), st.text(encodable, max_size=5))


def literal_text(value: Value) -> str:
    """Write a value as an S-FEEL literal."""
    match value:
        case None | bool():
            return "null" if value is None else str(value).lower()
        case int() | Decimal():
            return f"{value:f}" if isinstance(value, Decimal) else str(value)
        case str():
            escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("😀", "\\uD83D\\uDE00")
            return f'"{escaped}"'
        case timedelta() | YearsMonths():
            return f'duration("{_duration_text(value)}")'
        case date() | time():
            function = {datetime: "date and time", date: "date", time: "time"}[type(value)]
            return f'{function}("{value.isoformat()}")'


def _duration_text(value: timedelta | YearsMonths) -> str:
    if isinstance(value, YearsMonths):
        return f"{'-' if value.months < 0 else ''}P{abs(value.months) // 12}Y{abs(value.months) % 12}M"
    length = abs(value)
    seconds = f"{length.seconds}.{length.microseconds:06d}"
    return f"{'-' if value < timedelta() else ''}P{length.days}DT{seconds}S"


@dataclass(frozen=True)
class _End:
    text: str
    value_in: Callable[[Row], Value]
    constant: Value


@st.composite
def _ends(draw: st.DrawFn, name: str) -> _End:
    twins = [other for other, kind in FIELDS.items() if kind.kind is FIELDS[name].kind and other != name]
    if twins and not FIELDS[name].domain and draw(st.integers(0, 3)) == 0:
        other = draw(st.sampled_from(twins))
        return _End(other, lambda row: row[other], None)
    constant = draw(values_of(name))
    return _End(literal_text(constant), lambda row: constant, constant)


_HOLDS: Mapping[str, Callable[..., bool]] = {
    "": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
}


def _relation(symbol: str, end: _End) -> Callable[[Value, Row], bool]:
    def accepts(value: Value, row: Row) -> bool:
        other = end.value_in(row)
        return value is not None and other is not None and _HOLDS[symbol](value, other)

    return accepts


@st.composite
def _comparisons(draw: st.DrawFn, name: str) -> DrawnCell:
    ordered = not FIELDS[name].domain and FIELDS[name].kind is not Kind.BOOLEAN
    symbol = draw(st.sampled_from(list(_HOLDS) if ordered else [""]))
    end = draw(_ends(name))
    return DrawnCell(symbol + draw(_space()) + end.text, _relation(symbol, end), (end.constant,))


@st.composite
def _intervals(draw: st.DrawFn, name: str) -> DrawnCell:
    low, high = draw(_ends(name)), draw(_ends(name))
    low_closed, high_closed = draw(st.booleans()), draw(st.booleans())
    if low.constant is not None and high.constant is not None:
        if low.constant == high.constant:
            low_closed = high_closed = True
        elif not _HOLDS["<"](low.constant, high.constant):
            low, high = high, low
    left = "[" if low_closed else draw(st.sampled_from("(]"))
    right = "]" if high_closed else draw(st.sampled_from(")["))
    above, below = _relation(">=" if low_closed else ">", low), _relation("<=" if high_closed else "<", high)
    text = f"{left}{draw(_space())}{low.text}{draw(_space())}..{draw(_space())}{high.text}{draw(_space())}{right}"
    return DrawnCell(text, lambda value, row: above(value, row) and below(value, row), (low.constant, high.constant))


def _space() -> st.SearchStrategy[str]:
    return st.sampled_from(["", " ", "\u3000", "\u00a0\t"])


def _tests(name: str) -> st.SearchStrategy[DrawnCell]:
    null = st.just(DrawnCell("null", lambda value, row: value is None))
    if FIELDS[name].domain or FIELDS[name].kind is Kind.BOOLEAN:
        return st.one_of(_comparisons(name), _comparisons(name), null)
    return st.one_of(_comparisons(name), _comparisons(name), _intervals(name), _intervals(name), null)


@st.composite
def cells(draw: st.DrawFn, name: str) -> DrawnCell:
    """Draw a cell of any S-FEEL form for the field."""
    shape = draw(st.sampled_from(["any", "or", "or", "not"]))
    if shape == "any":
        return DrawnCell("-", lambda value, row: True)
    tests = draw(st.lists(_tests(name), min_size=1, max_size=4))
    text = f",{draw(_space())}".join(test.text for test in tests)
    constants = tuple(constant for test in tests for constant in test.constants)
    if shape == "or":
        return DrawnCell(text, lambda value, row: any(test.accepts(value, row) for test in tests), constants)
    return DrawnCell(
        f"not{draw(_space())}({text})",
        lambda value, row: value is not None and not any(test.accepts(value, row) for test in tests),
        constants,
    )


def rows(names: Sequence[str]) -> st.SearchStrategy[Row]:
    """Draw a row of these fields, each null now and then."""
    return st.fixed_dictionaries({name: st.one_of(values_of(name), values_of(name), st.none()) for name in names})


def select(connection: duckdb.DuckDBPyConnection, expressions: str, drawn: Sequence[Row]) -> list[tuple[object, ...]]:
    """Evaluate SQL expressions over the rows, in their order."""
    source, bound = relation(drawn)
    return connection.execute(f"SELECT {expressions} FROM {source} ORDER BY place", bound).fetchall()


def relation(drawn: Sequence[Row]) -> tuple[str, list[object]]:
    """Return the rows as SQL, their order in the column `place`, and the values to bind."""
    names = list(drawn[0])
    line = ", ".join(_parameter(name) for name in names)
    values = ", ".join(f"({place}, {line})" for place in range(len(drawn)))
    columns = ", ".join(f'"{name}"' for name in names)
    values_in_order = [row[name] for row in drawn for name in names]
    bound: list[object] = [value.months if isinstance(value, YearsMonths) else value for value in values_in_order]
    return f"(VALUES {values}) AS t(place, {columns})", bound


def _parameter(name: str) -> str:
    kind = FIELDS[name].kind
    if kind is Kind.MONTHS_DURATION:
        return "to_months(?::INTEGER)"
    return f"?::{_COLUMN_SQL.get(name) or _COLUMN_SQL[kind]}"
