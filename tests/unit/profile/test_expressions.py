"""Expressions of a mapping file: what they compute, and that nothing but a row's cells can be reached by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.profile.domain.mapping.expressions import LONGEST, ExpressionFault, parse_expression
from shared.lake.engine import ColumnarEngine

CELLS = {"a": "7", "b": "1,200.5", "c": "是", "d": None, "月 租": "x"}


def computed(engine: ColumnarEngine, text: str) -> str | None:
    expression = parse_expression(text)
    cells = {name: "CAST(NULL AS VARCHAR)" if cell is None else f"'{cell}'" for name, cell in CELLS.items()}
    value: str | None = engine.fetch(f"SELECT {expression.sql(cells)} AS value").to_pylist()[0]["value"]
    return value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"a" + coalesce("d", 0) * 2', "7"),
        ('"b" / 2 - 0.25', "600"),
        ('"a" % 4', "3"),
        ('"a" / 0', None),
        ('"c" + 1', None),
        ('round("a" / 3, 2)', "2.33"),
        ("CASE WHEN \"c\" = '是' AND \"d\" IS NULL THEN 'x' ELSE 'y' END", "x"),
        ("CASE \"a\" WHEN 7 THEN 'seven' END", "seven"),
        ("\"c\" IN ('是', 'Y')", "true"),
        ('"a" BETWEEN 8 AND 9', "false"),
        ('"c" LIKE \'否%\' OR NOT "a" > 7', "true"),
        ('"月 租" || \'-\' || upper("月 租")', "x-X"),
        ("nullif(\"c\", '是')", None),
        ('substr("b", 1, 1) || left("a", 1) || right("b", 2) || length("c")', "17.51"),
        ("replace(concat(\"a\", 'it''s'), '7', '\"')", "\"it's"),
        ("days_before('2026-11-01', \"a\")", "2026-10-25"),
        ("months_before('2026-10-31', 8)", "2026-02-28"),
        ("months_before('no day', 8)", None),
        ("days_before('2026-11-01', 1e9)", None),
        ("months_before('5000000-01-01', -9)", None),
        ('greatest("a", 9) + least("a", 9) + abs(-1) + floor(1.5) + ceil(0.5)', "19"),
        ("1e300 * 1e300", "inf"),
    ],
)
def test_expressions_compute_texts_of_a_rows_cells(engine: ColumnarEngine, text: str, value: str | None) -> None:
    assert computed(engine, text) == value


@pytest.mark.parametrize(
    "text",
    [
        "(SELECT 1)",
        "\"a\" IN (SELECT 'x')",
        "EXISTS (SELECT 1)",
        "read_text('mapping.toml')",
        "(SELECT content FROM read_text('mapping.toml'))",
        "getenv('HOME')",
        "printf('%s', \"a\")",
        'repeat("a", 1000000000)',
        'count("a")',
        "random()",
        "current_setting('threads')",
        '"a"::INT',
        'CAST("a" AS DATE)',
        "a + 1",
        '"t"."a"',
        "$1",
        "? + 1",
        "1; DROP TABLE rejects",
        '"a" +',
        "'open",
        "*",
        '"a" COLLATE NOCASE',
        "list_value(1)",
        'left("a", "b")',
        'round("a", 100)',
        '"a" AND true',
        "('a' = 'b') + 1",
        "1e999",
        '"a" IS TRUE',
        "trim('x' FROM \"a\")",
        "x" * (LONGEST + 1),
        "(" * 900 + "1" + ")" * 900,
        "",
    ],
)
def test_whatever_is_not_listed_is_refused(text: str) -> None:
    with pytest.raises(ExpressionFault):
        parse_expression(text)


@given(st.text(st.sampled_from("'\"a;-/*()1 ,\\\x00%"), max_size=12))
def test_a_text_stays_the_text_it_is(engine: ColumnarEngine, word: str) -> None:
    quoted = "'" + word.replace("'", "''") + "'"
    if "\x00" in word:
        with pytest.raises(ExpressionFault):
            parse_expression(quoted)
        return
    assert computed(engine, f"concat({quoted}, '')") == word
