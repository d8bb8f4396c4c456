"""Cells as typed values: the generated SQL against plain Python, over cells that are good, bad and nearly good."""

import csv
import io
import re
import tempfile
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import cast

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.profile.datasets.source_files.text_blocks import read_block
from services.profile.datasets.source_files.text_layout import TextLayout
from services.profile.domain.mapping import TableMapping
from services.profile.domain.months import Month
from services.profile.domain.source_tables import Kind, SourceColumn, SourceTable
from services.profile.engine.checked_rows import FileLayout, check_rows
from services.profile.engine.row_source import TextRows
from shared.lake.engine import ColumnarEngine

MONTHS = (Month(2026, 2), Month(2026, 10))
NAMES = ("words", "brand", "number", "flag", "msisdn", "decimal", "money", "date", "month")
COLUMNS = (
    SourceColumn("words", Kind.TEXT, optional=True),
    SourceColumn("brand", Kind.TEXT, optional=True, domain=("GoTone", "Easyown")),
    SourceColumn("number", Kind.NUMBER, optional=True, limits=(1, 5)),
    SourceColumn("flag", Kind.FLAG, optional=True),
    SourceColumn("msisdn", Kind.MSISDN, optional=True),
    SourceColumn("decimal", Kind.DECIMAL, optional=True, scale=2),
    SourceColumn("money", Kind.MONEY, optional=True),
    SourceColumn("date", Kind.DATE, optional=True),
    SourceColumn("month", Kind.MONTH, optional=True),
)
TABLE = SourceTable("cells", ("words",), COLUMNS)
MAPPING = TableMapping(
    TABLE,
    ("cells.csv",),
    {name: name for name in NAMES},
    {"brand": {"全球通": "GoTone", "无": ""}},
    date_formats=("%Y/%m/%d",),
)
CENT = Decimal("0.01")
SCRATCH: Path  # one that the engine may read


@pytest.fixture(scope="module", autouse=True)
def scratch(tmp_path_factory: pytest.TempPathFactory) -> None:
    global SCRATCH  # noqa: PLW0603 - hypothesis takes no fixtures of its own
    SCRATCH = tmp_path_factory.mktemp("scratch")


def as_date(text: str, written_as: str) -> date | None:
    try:
        day = datetime.strptime(text, written_as).date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return None
    return day if day.strftime(written_as) == text and 1900 <= day.year <= 2099 else None


def as_month(text: str) -> str | None:
    day = as_date(text, "%Y%m")
    return f"{day:%Y-%m}" if day and MONTHS[0].first_day <= day <= MONTHS[1].first_day else None


def when(pattern: str, value: Callable[[str], object]) -> Callable[[str], object]:
    return lambda text: value(text) if re.fullmatch(pattern, text, re.ASCII) else None


def plain(text: str) -> str:
    digits = text.translate(str.maketrans("０１２３４５６７８９，．－", "0123456789,.-"))
    return digits.replace(",", "") if re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", digits) else digits


REFERENCE: dict[str, Callable[[str], object]] = {
    "words": lambda text: text if len(text) <= 200 else None,
    "brand": {"全球通": "GoTone", "GoTone": "GoTone", "Easyown": "Easyown"}.get,
    "number": lambda text: when(
        r"\d{1,9}(\.0*)?", lambda digits: int(float(digits)) if 1 <= float(digits) <= 5 else None
    )(plain(text)),
    "flag": {"true": True, "1": True, "false": False, "0": False}.get,
    "msisdn": when(r"1[3-9]\d{9}", str),
    "decimal": lambda text: when(r"\d{1,12}(\.\d{0,2}0*)?|\.\d{1,2}0*", lambda digits: Decimal(digits).quantize(CENT))(
        plain(text)
    ),
    "money": lambda text: when(r"-?(\d{1,10}(\.\d{0,2}0*)?|\.\d{1,2}0*)", lambda digits: int(Decimal(digits) * 100))(
        plain(re.sub(r"^(-?)[¥￥] ?|元$", r"\1", text))
    ),
    "date": lambda text: as_date(text, "%Y/%m/%d"),
    "month": as_month,
}

numerals = st.one_of(
    st.integers(-(10**13), 10**13).map(str),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**11), max_value=10**11).map(str),
    st.sampled_from(
        [
            "0",
            "-0.5",
            "1.",
            ".5",
            "1e3",
            "+5",
            "00012.30",
            "1,000",
            "999999999999",
            "9999999999.99",
            "０",
            "￥1,234.50",
            "-¥.5",
            "12元",
            "1,23",
            "１，２３４",
        ]
    ),
)
days = st.dates(date(1890, 1, 1), date(2110, 1, 1)).flatmap(
    lambda day: st.sampled_from(
        [f"{day:%Y/%m/%d}", f"{day:%Y-%m-%d}", f"{day.year}/{day.month}/{day.day}", f"{day:%Y%m}", f"{day:%Y/%m/%d} 0"]
    )
)
near_misses = st.sampled_from(
    [
        "2026/02/29",
        "2028/02/29",
        "2026/13/01",
        "202613",
        "20261",
        "202602",
        "202610",
        "202611",
        "202601",
        "真",
        "TRUE",
        "true",
        "false",
        "1",
        "0",
        "GoTone",
        "gotone",
        "全球通",
        "无",
        "13900000001",
        "12900000001",
        "139000000011",
    ]
)
cells = st.one_of(
    numerals, days, near_misses, st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)
).flatmap(lambda cell: st.sampled_from([cell, f" {cell}\t", f"\u3000{cell}"]))


def check(engine: ColumnarEngine, rows: list[list[str]]) -> list[dict[str, object]]:
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows(rows)
    return check_lines(engine, out.getvalue().removesuffix("\n").split("\n"))


def check_lines(engine: ColumnarEngine, lines: list[str]) -> list[dict[str, object]]:
    layout = TextLayout("utf-8", ",", len(NAMES), range(len(NAMES)))
    batches = read_block("\n".join(lines).encode(), 2, layout)
    with tempfile.TemporaryDirectory(dir=SCRATCH) as scratch:
        rows = TextRows(pa.RecordBatchReader.from_batches(layout.schema, batches))
        check_rows(engine, FileLayout(MAPPING, ["cells.csv"], MONTHS), rows, Path(scratch))
        kept = f"SELECT * FROM read_parquet('{scratch}/checked.parquet') ORDER BY place"
        found: list[dict[str, object]] = engine.fetch(kept).to_pylist()
    return found


def faults_of(row: dict[str, object]) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", row["faults"] or [])


@settings(max_examples=30, deadline=None)
@given(cell=st.lists(cells, min_size=1, max_size=20))
def test_cells_are_read_as_plain_python_reads_them(engine: ColumnarEngine, cell: list[str]) -> None:
    for text, row in zip(cell, check(engine, [[text] * len(NAMES) for text in cell]), strict=True):
        trimmed = text.strip(" \t\u3000")
        nothing = {name for name in NAMES if not trimmed or (name == "brand" and trimmed == "无")}
        expected = {name: None if name in nothing else REFERENCE[name](trimmed) for name in NAMES}
        assert {name: row["money_fen" if name == "money" else name] for name in NAMES} == expected
        faults = faults_of(row)
        bad = [name for name in NAMES if name not in nothing and expected[name] is None]
        assert [fault["heading"] for fault in faults] == bad
        assert all(fault["value"] == text and str(fault["rule"]).startswith("expected ") for fault in faults)


@settings(max_examples=30, deadline=None)
@given(values=st.lists(st.text('",; a全', max_size=5), min_size=len(NAMES), max_size=len(NAMES)))
def test_quoted_fields_are_split_as_the_csv_module_does(engine: ColumnarEngine, values: list[str]) -> None:
    (row,) = check(engine, [values])
    assert row["words"] == (values[0].strip(" ") or None)
    assert all(fault["value"] == values[NAMES.index(str(fault["heading"]))] for fault in faults_of(row))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("a,b", "expected 9 fields, found 2"),
        (",,,,,,,,,", "expected 9 fields, found 10"),
        ('a,"b,,,,,,,', "expected each quotation mark around a whole field"),
        ('a,b"c",,,,,,,', "expected each quotation mark around a whole field"),
        ('a,"b"c,,,,,,,', "expected each quotation mark around a whole field"),
    ],
)
def test_a_line_whose_fields_cannot_be_told_apart_has_one_fault(engine: ColumnarEngine, line: str, reason: str) -> None:
    (row,) = check_lines(engine, [line])
    (fault,) = faults_of(row)
    assert (fault["position"], fault["heading"], fault["value"]) == (0, "", line)
    assert str(fault["rule"]).startswith(reason)


def test_reasons_say_what_was_expected_in_the_words_of_the_file(engine: ColumnarEngine) -> None:
    (row,) = check(engine, [["x" * 201, "动感地带", "6", "yes", "1", "1.234", "1.005", "2026-09-14", "202611"]])
    assert [fault["rule"] for fault in faults_of(row)] == [
        "expected a text of at most 200 characters",
        "expected one of 全球通, 无",
        "expected a whole number from 1 to 5",
        "expected one of true, 1, false, 0",
        "expected a mobile number of 11 digits from 13 on",
        "expected a number like 12.5 with at most 2 digits after the point",
        "expected an amount in yuan like 12.50, of at most 10 digits before the point",
        "expected a date like 2026/09/14",
        "expected a month like 202609, from 202602 to 202610",
    ]
