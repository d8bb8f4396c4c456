"""Draws whole tables and customers: every hit policy, parameters by city, computed inputs, lists, and values that lie on boundaries.

Cells and rows take their values from the same small pools, so that rows often lie exactly on an end of an interval.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal

from hypothesis import strategies as st

from services.recommendation.engine.feel import (
    Anything,
    CellError,
    FieldType,
    Kind,
    Row,
    UnaryTests,
    Value,
    YearsMonths,
    check,
    parse,
)
from services.recommendation.engine.feel.expression_parser import read_expression
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import (
    Aggregation,
    Cell,
    Computed,
    DecisionTable,
    HitPolicy,
    Input,
    Output,
    Parameter,
    Rule,
)
from tests.unit.recommendation.feel.generated import FIELDS

CITIES = ("合肥", "芜湖", "it's here")
_DECIMALS = [Decimal(text) for text in ("-3", "0", "0.01", "99.99", "100", "100.01", "1200", "9999999.99")]
_INTEGERS = [-13, -1, 0, 1, 2, 12, 100, 2**63 - 1]
_DATES = [date(2026, 11, 30), date(2027, 2, 28), date(2028, 2, 29), date(2026, 10, 31), date(2026, 12, 31)]
_POOLS: Mapping[str, Sequence[Value]] = {
    "arpu": _DECIMALS,
    "平均话费": _DECIMALS,
    "tenure": _INTEGERS,
    "age": _INTEGERS,
    "brand": ["", "GoTone", "M-Zone", "全球通", 'a "b"', "it's"],
    "last.brand": ["GoTone", "全球通", "null"],
    "need": ["rigid", "sensitive", "ordinary", "none"],
    "active": [True, False],
    "warned": [True, False],
    "joined": _DATES,
    "date": _DATES,
    "last_call": [datetime(2026, 1, 1, 0, 0, 0, micro) for micro in (0, 1, 2)],  # noqa: DTZ001 - fields hold naive values
    "busy_hour": [time(), time(8), time(23, 59, 59, 999999)],
    "silence": [timedelta(), timedelta(days=1), timedelta(hours=24, microseconds=1), timedelta(days=-31)],
    "contract": [YearsMonths(months) for months in (-1, 0, 11, 12)],
    "city": CITIES,
    "day": _DATES[:3],
}
ROW_FIELDS: Mapping[str, FieldType] = {name: FIELDS[name] for name in _POOLS}
_PARAMETERS = {"threshold": "arpu", "最低在网": "tenure", "favourite": "brand", "cutoff": "joined", "open": "active"}
"""Parameters by the field whose values they take."""
_NUMBERS = ("arpu", "平均话费", "tenure", "age", "0", "12", "1.5", "months until(joined)", "days until(date)")
_RESULTS = [*_DECIMALS, Decimal(-2), Decimal(1), Decimal(3), Decimal(36), Decimal("150.000"), Decimal(10**19)]


def tables() -> st.SearchStrategy[DecisionTable]:
    """Draw tables of one to seven rules; about half of the cells are `-`, so that rules overlap."""
    return _tables()


def rows() -> st.SearchStrategy[Row]:
    """Draw a row with every field, each null now and then; all but `day`, which a run always has."""
    values: dict[str, st.SearchStrategy[Value]] = {
        name: st.sampled_from([*pool, *pool, None]) for name, pool in _POOLS.items()
    }
    return st.fixed_dictionaries(values | {"day": st.sampled_from(_POOLS["day"])})


@st.composite
def _tables(draw: st.DrawFn) -> DecisionTable:
    parameters = tuple(draw(_parameter(name)) for name in draw(_some(list(_PARAMETERS))))
    fields = {**ROW_FIELDS, **{parameter.name: parameter.type for parameter in parameters}}
    computed = []
    for name in draw(_some(["left_months", "值"])):
        computed.append(draw(_computed(name, fields)))
        fields[name] = computed[-1].type
    lists = {name: tuple(draw(st.lists(_of("brand"), min_size=1, max_size=3))) for name in draw(_some(["sticky"]))}
    names = draw(st.lists(st.sampled_from(_testable(fields, parameters)), min_size=1, max_size=4, unique=True))
    columns = tuple(Input(name, fields[name]) for name in names)
    policy = draw(st.sampled_from(HitPolicy))
    aggregation = draw(st.sampled_from([None, *Aggregation])) if policy is HitPolicy.COLLECT else None
    outputs = draw(_outputs(aggregation))
    rules, row = [], 2
    for _ in range(draw(st.integers(1, 7))):
        row += draw(st.sampled_from([1, 1, 2]))
        cells = tuple(draw(_cell(column, fields, lists)) for column in columns)
        rules.append(Rule(row, cells, tuple(draw(_given(output)) for output in outputs)))
    return DecisionTable(
        "drawn", "drawn", policy, columns, outputs, tuple(rules), aggregation, parameters, tuple(computed), lists
    )


def _some(names: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(names), max_size=2, unique=True)


def _of(name: str) -> st.SearchStrategy[Value]:
    return st.sampled_from(_POOLS.get(name, _RESULTS))


def _testable(fields: Mapping[str, FieldType], parameters: Sequence[Parameter]) -> list[str]:
    """Return what a column may test, computed inputs by preference."""
    declared = {parameter.name for parameter in parameters}
    computed = [name for name in fields if name not in _POOLS and name not in declared]
    return [*(name for name in fields if name not in declared), *computed * 8]


@st.composite
def _parameter(draw: st.DrawFn, name: str) -> Parameter:
    of = _PARAMETERS[name]
    value = st.one_of(_of(of), _of(of), _of(of), st.none())
    cities = draw(st.lists(st.sampled_from(CITIES), max_size=2, unique=True))
    return Parameter(name, FIELDS[of], draw(value), {city: draw(value) for city in cities})


@st.composite
def _computed(draw: st.DrawFn, name: str, fields: Mapping[str, FieldType]) -> Computed:
    operands = [*_NUMBERS, *(known for known in fields if known not in _POOLS and fields[known].kind is Kind.NUMBER)]
    text = draw(st.sampled_from(operands))
    for _ in range(draw(st.integers(0, 3))):
        other = draw(st.sampled_from(operands))
        shape = draw(
            st.sampled_from(["{0} + {1}", "{1} - ({0})", "({0}) * {1}", "min({0},{1})", "max({1}, {0}, 1)", "-({0})"])
        )
        text = shape.format(text, other)
    try:
        expression, result = read_expression(text, fields)
    except CellError:  # no field in it, or too many digits
        text = "arpu * 12"
        expression, result = read_expression(text, fields)
    return Computed(name, result, text, expression)


@st.composite
def _cell(
    draw: st.DrawFn, column: Input, fields: Mapping[str, FieldType], lists: Mapping[str, tuple[Value, ...]]
) -> Cell:
    if draw(st.booleans()):
        return Cell("-", Anything())
    tests = [draw(_test(column, fields)) for _ in range(draw(st.sampled_from([1, 1, 2, 3])))]
    if column.name == "brand" and lists:
        tests += [feel_text(value) for values in lists.values() for value in values]
    text = draw(st.sampled_from(["{}", "{}", "not({})"])).format(", ".join(tests))
    understood = parse(text)
    return Cell(text, understood) if fits(text, understood, column, fields) else Cell("-", Anything())


def fits(text: str, tests: UnaryTests, column: Input, fields: Mapping[str, FieldType]) -> bool:
    return check(text, tests, column.type, fields) == ()


@st.composite
def _test(draw: st.DrawFn, column: Input, fields: Mapping[str, FieldType]) -> str:
    ends = _end(column, fields)
    if column.type.domain or column.type.kind is Kind.BOOLEAN:
        return draw(st.one_of(ends, ends, st.just("null")))
    shape = draw(st.sampled_from(["null", "{0}", "< {0}", "<= {0}", "> {0}", ">= {0}", *_INTERVALS]))
    return shape.format(draw(ends), draw(ends))


_INTERVALS = ["[{0}..{1}]", "({0}..{1}]", "]{0}..{1}]", "[{0}..{1})", "[{0}..{1}[", "({0}..{1})", "]{0}..{1}["]


def _end(column: Input, fields: Mapping[str, FieldType]) -> st.SearchStrategy[str]:
    places = column.type.scale
    literals = [
        feel_text(value)
        for value in _POOLS.get(column.name, _RESULTS)
        if not isinstance(value, Decimal) or round(value, places) == value
    ]
    twins = [name for name, known in fields.items() if known.kind is column.type.kind and name != column.name]
    declared = [name for name in twins if name not in _POOLS]
    return st.sampled_from([*literals, *literals, *twins, *declared * 4])


@st.composite
def _outputs(draw: st.DrawFn, aggregation: Aggregation | None) -> tuple[Output, ...]:
    number = Output("gift", FieldType.decimal(7, 2), draw(st.sampled_from([None, Decimal("1.50")])))
    if aggregation is not None:
        return (number,)
    values: tuple[Value, ...] = draw(st.sampled_from([(), ("b", "a", "never given"), ("a",)]))
    text = Output("policy", FieldType.string(), draw(st.sampled_from([None, "a"])), values=values)
    months = Output("months", FieldType.integer(), values=draw(st.sampled_from([(), (12, -1)])))
    return draw(st.sampled_from([(text,), (text, number), (number, text, months)]))


def _given(output: Output) -> st.SearchStrategy[Value]:
    pools: Mapping[str, list[Value]] = {
        "gift": [None, Decimal("12.50"), Decimal(-3), Decimal("99999.99")],
        "policy": ["a", "b", "c", "it's"],
        "months": [None, 12, -1],
    }
    return st.sampled_from(pools[output.name])
