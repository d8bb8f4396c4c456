"""Rows that did not fire: which cells failed, and the smallest change by which they pass; told changes do what they say."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.recommendation.engine.explaining.changes import Change, NoChange, nearest_change
from services.recommendation.engine.explaining.near_rows import NEAREST, NearRow, near_rows
from services.recommendation.engine.feel import FieldType, Kind, Row, Value, parse, to_predicate
from services.recommendation.engine.matrix import Cell, DecisionTable, Output, compile_closure, completed, read_csv
from tests.factories.recommendation import matrix_csv
from tests.unit.recommendation.feel.generated import FIELDS, rows
from tests.unit.recommendation.matrix.generated import INPUTS, OUTPUTS, DrawnTable, tables

YUAN = FieldType.decimal(9, 2)
SEGMENTS = FieldType.string("high", "mid_high", "mid", "low")


def table_of(headers: Sequence[str], rules: Sequence[Sequence[str]], hit_policy: str = "FIRST") -> DecisionTable:
    fields = {
        "arpu": YUAN,
        "balance": YUAN,
        "tenure": FieldType.integer(),
        "tier": SEGMENTS,
        "city": FieldType.string(),
        "product": FieldType.string(),
    }
    text = matrix_csv("retention", hit_policy, [*headers, "=> policy"], [[*rule, "p"] for rule in rules])
    return read_csv(text, fields=fields, outputs={"retention": [Output("policy", FieldType.string())]})


def near(table: DecisionTable, row: Row, **asked: object) -> Sequence[NearRow]:
    return near_rows(table, row, compile_closure(table)(row), **asked)  # type: ignore[arg-type]  # the keyword


@pytest.mark.parametrize(
    ("kind", "text", "value", "nearest", "wanted"),
    [
        (YUAN, ">= 100", Decimal("88.00"), Decimal("100.00"), ">= 100"),
        (YUAN, "> 100", Decimal("88.00"), Decimal("100.01"), "> 100"),
        (FieldType.integer(), "> 12", 3, 13, "> 12"),
        (YUAN, "< 30,[100..150)", Decimal("200"), Decimal("149.99"), "[100..150)"),
        (YUAN, "< 30,[100..150)", Decimal("40"), Decimal("29.99"), "< 30"),
        (YUAN, "not([10..20])", Decimal("19"), Decimal("20.01"), "not([10..20])"),
        (YUAN, "null,>= 50", Decimal("1"), Decimal("50.00"), ">= 50"),
        (YUAN, "null", Decimal("1"), None, "null"),
        (YUAN, ">= 50", None, Decimal("50.00"), ">= 50"),
        (YUAN, "> balance", Decimal("1"), Decimal("20.51"), "> 20.50"),
        (SEGMENTS, '"high","mid_high"', "low", "high", '"high","mid_high"'),
        (SEGMENTS, 'not("low","mid")', "low", "high", 'not("low","mid")'),
        (FieldType.string(), 'not("hefei")', "hefei", "…", 'not("hefei")'),
        (FieldType(Kind.BOOLEAN), "false", True, False, "false"),
        (FieldType(Kind.DATE), '< date("2026-03-01")', date(2026, 5, 1), date(2026, 2, 28), '< date("2026-03-01")'),
    ],
)
def test_the_nearest_value_that_passes_is_told_with_what_is_wanted(
    kind: FieldType, text: str, value: Value, nearest: Value, wanted: str
) -> None:
    row = {"x": value, "balance": Decimal("20.50")}
    assert nearest_change("x", kind, Cell(text, parse(text)), row) == Change("x", value, nearest, wanted)


def test_a_cell_that_names_what_is_not_known_says_so() -> None:
    cell = Cell("> balance", parse("> balance"))
    assert nearest_change("x", YUAN, cell, {"x": Decimal(1), "balance": None}) == NoChange("balance is not known")
    empty = Cell("(100.00..100.01)", parse("(100.00..100.01)"))
    assert nearest_change("x", YUAN, empty, {"x": Decimal(1)}) == NoChange("no value passes this cell")


NUMBERS = st.decimals(Decimal(-2), Decimal(2), places=1, allow_nan=False)
_ENDS = NUMBERS.map(str)
_TESTS = st.one_of(
    st.tuples(st.sampled_from(["", "<", "<=", ">", ">="]), _ENDS).map("".join),
    st.tuples(st.sampled_from("[("), _ENDS, st.just(".."), _ENDS, st.sampled_from("])")).map("".join),
)
_CELLS = st.tuples(st.lists(_TESTS, min_size=1, max_size=3).map(",".join), st.booleans()).map(
    lambda drawn: f"not({drawn[0]})" if drawn[1] else drawn[0]
)


@given(text=_CELLS, value=NUMBERS)
def test_no_other_value_of_the_field_is_nearer(text: str, value: Decimal) -> None:
    cell, grid = Cell(text, parse(text)), [Decimal(tenth) / 10 for tenth in range(-60, 61)]
    passes = to_predicate(cell.tests)
    assume(not passes(value, {}))
    nearest = min((abs(other - value) for other in grid if passes(other, {})), default=None)
    change = nearest_change("x", FieldType.decimal(4, 1), cell, {"x": value})
    if nearest is None:
        assert isinstance(change, NoChange)
    else:
        assert isinstance(change, Change)
        assert isinstance(change.nearest, Decimal)
        assert abs(change.nearest - value) == nearest


@settings(max_examples=40, deadline=None)
@given(drawn=tables(), row=rows(list(FIELDS)))
def test_changed_as_told_every_near_row_passes(drawn: DrawnTable, row: Row) -> None:
    table = read_csv(drawn.text(), fields=FIELDS, outputs=OUTPUTS)
    told = near(table, row, asked=[rule.id for rule in table.rules])
    by_id = {rule.row: rule for rule in drawn.rules}
    for one in told:
        changed = {**row, **{change.input: change.nearest for change in one.changes}}
        failed = [
            name
            for name, cell in zip(INPUTS, by_id[one.rule.id].cells, strict=True)
            if not cell.accepts(row[name], row)
        ]
        assert [cell.input for cell in one.failed] == failed
        if not one.obstacle:
            assert by_id[one.rule.id].matches(changed)
    assert [one.distance for one in told] == sorted(one.distance for one in told)


def test_rows_with_few_and_small_changes_come_first() -> None:
    table = table_of(
        ["arpu", "tier"],
        [[">= 200", "-"], [">= 100", "-"], [">= 90", '"high"'], ["< 80", "-"], ["[90..95]", "-"], ["-", "-"]],
    )
    told = near(table, {"arpu": Decimal("88.00"), "tier": "mid"})
    assert [one.rule.id for one in told] == [7, 6, 4]
    assert len(told) == NEAREST
    assert told[0].changes == (Change("arpu", Decimal("88.00"), Decimal("90.00"), "[90..95]"),)


def test_all_failed_cells_of_a_row_that_is_asked_about_are_told() -> None:
    table = table_of(["arpu", "tenure", "tier"], [[">= 100", "-", '"high"'], ["-", "-", "-"]])
    (told,) = near(table, {"arpu": Decimal(88), "tenure": 3, "tier": "mid"}, asked=[3])
    assert [(cell.input, cell.text, cell.value) for cell in told.failed] == [
        ("arpu", ">= 100", Decimal(88)),
        ("tier", '"high"', "mid"),
    ]
    assert [(change.input, change.nearest) for change in told.changes] == [
        ("arpu", Decimal("100.00")),
        ("tier", "high"),
    ]


def test_a_row_that_was_overtaken_says_by_which() -> None:
    table = table_of(["arpu"], [["> 10"], ["> 50"], ["-"]])
    told = near(table, {"arpu": Decimal(88)})
    assert [(one.rule.id, one.overtaken_by, one.changes) for one in told] == [(4, 3, ())]


def test_rows_of_other_products_and_cities_are_told_only_where_they_are_asked_about() -> None:
    table = table_of(["product", "city", "arpu"], [['"a"', "-", "> 1"], ["-", '"芜湖"', "> 1"], ["-", "-", "> 5"]])
    row: Row = {"product": "b", "city": "合肥", "arpu": Decimal(1)}
    assert [one.rule.id for one in near(table, row)] == [5]
    assert [one.rule.id for one in near(table, row, asked=[3, 4])] == [3, 4]


def test_where_cells_name_other_inputs_both_are_changed_until_they_fit() -> None:
    table = table_of(["arpu", "balance"], [["> balance", ">= 20"], ["-", "-"]])
    row = {"arpu": Decimal(18), "balance": Decimal(15)}
    (told,) = near(table, row, asked=[3])
    changes = {change.input: change.nearest for change in told.changes}
    assert changes == {"balance": Decimal("20.00"), "arpu": Decimal("20.01")}
    assert [cell.input for cell in told.failed] == ["balance"]
    assert compile_closure(table)({**completed(table)(row), **changes}).rules == (3,)
