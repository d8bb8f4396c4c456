"""The same rows in every form that operators hand over: what is accepted, and what is said of the rest, does not differ."""

import gzip
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.profile.domain.mapping import TableMapping, sound_mapping
from services.profile.domain.places import LINE_BITS
from services.profile.domain.source_tables import BILLING, SUBSCRIPTIONS
from services.profile.engine.row_source import ParquetRows, cells_of
from services.profile.engine.taken_rows import TakenRows
from services.profile.ports import SourceUnreadable
from shared.clock import LEGAL_ZONE
from shared.errors import Failure
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from tests.factories.profile import Cells, Extracts, bill, heading, mapping_of, subscription, take_files

ROWS = [
    bill(month="202608", revenue_total="1,234.50", revenue_voice="￥12.5", discounts=".5"),
    bill(month="202609", revenue_total="x", arrears="-3.25"),
    bill(month="202610", revenue_total="", revenue_sms="１２.00"),
    bill(month="202610"),
    bill("stranger"),
    bill(month="202608"),
]
PRODUCTS = ("手机报", "彩铃", "手机上网")
Found = tuple[list[dict[str, object]], list[tuple[object, ...]]]


@pytest.fixture(autouse=True)
def customers(engine: ColumnarEngine) -> None:
    engine.execute("CREATE OR REPLACE TABLE customers AS SELECT 'c1' AS customer_id")


def found_in(engine: ColumnarEngine, taken: TakenRows) -> Found:
    sql = f"SELECT * EXCLUDE (place) FROM ({taken.accepted.sql}) ORDER BY ALL"
    accepted = engine.fetch(sql, taken.accepted.parameters or None).to_pylist()
    rejects = engine.fetch("SELECT heading, value, rule FROM rejects ORDER BY ALL").to_pylist()
    return accepted, [tuple(row.values()) for row in rejects]


def as_gbk(folder: Path, text: str) -> TableMapping:
    (folder / "billing.csv").write_bytes(text.encode("gb18030"))
    return mapping_of(BILLING, encoding="gb18030")


def as_gzip_with_bars(folder: Path, text: str) -> TableMapping:
    bars = "\n".join("||".join(line.split(",")) for line in text.replace('"1,234.50"', "1234.50").split("\n"))
    (folder / "billing.csv.gz").write_bytes(gzip.compress(bars.encode()))
    return mapping_of(BILLING, files=("billing.csv.gz",), delimiter="||")


def as_zip_of_two(folder: Path, text: str) -> TableMapping:
    headings, *lines = text.splitlines()
    with zipfile.ZipFile(folder / "billing.zip", "w") as archive:
        archive.writestr("1.csv", "\n".join([headings, *lines[:2]]))
        archive.writestr("2.txt", "\n".join([headings, *lines[2:]]))
    return mapping_of(BILLING, files=("billing.zip",))


def as_parquet_of_texts(folder: Path, text: str) -> TableMapping:
    headings, *lines = [line.replace('"1,234.50"', "1234.50").split(",") for line in text.splitlines()]
    columns = {heading: [line[index] for line in lines] for index, heading in enumerate(headings)}
    pq.write_table(pa.table(columns), folder / "billing.parquet")
    return mapping_of(BILLING, files=("billing.parquet",))


@pytest.mark.parametrize("write", [as_gbk, as_gzip_with_bars, as_zip_of_two, as_parquet_of_texts])
def test_forms_do_not_change_what_is_taken(
    engine: ColumnarEngine, tmp_path: Path, write: Callable[[Path, str], TableMapping]
) -> None:
    Extracts(
        billing=[
            {
                **row,
                "revenue_total": f'"{row["revenue_total"]}"' if "," in row["revenue_total"] else row["revenue_total"],
            }
            for row in ROWS
        ]
    ).write(tmp_path)
    plain = found_in(engine, take_files(engine, tmp_path, mapping_of(BILLING)))
    assert [row["revenue_total_fen"] for row in plain[0]] == [123_450, 6_600]
    assert [rule for *_, rule in plain[1]][-1].startswith("expected an amount in yuan")  # type: ignore[attr-defined]  # a text
    text = (tmp_path / "billing.csv").read_text()
    (tmp_path / "billing.csv").unlink()
    assert found_in(engine, take_files(engine, tmp_path, write(tmp_path, text))) == plain


def test_rules_add_up_to_the_cells_set_aside(engine: ColumnarEngine, tmp_path: Path) -> None:
    Extracts(billing=[*ROWS, bill("stranger", "202609")]).write(tmp_path)
    lines = (tmp_path / "billing.csv").read_text().splitlines()
    lines[1] = lines[1].replace("1,234.50", "1234.50")
    (tmp_path / "billing.csv").write_text("\n".join(lines))
    taken = take_files(engine, tmp_path, mapping_of(BILLING))
    (cells,) = engine.fetch("SELECT count(*) AS cells FROM rejects").to_pylist()
    assert sum(rule.count for rule in taken.rules) == cells["cells"]
    assert [rule.count for rule in taken.rules] == sorted((rule.count for rule in taken.rules), reverse=True)
    most = taken.rules[0]
    assert (most.column, most.reason, most.count) == (
        "列 customer_id",
        "expected a customer of the customers table without a fault",
        2,
    )


def test_a_repeated_row_is_told_the_file_that_has_it_already(engine: ColumnarEngine, tmp_path: Path) -> None:
    Extracts(billing=[bill()]).write(tmp_path)
    (tmp_path / "billing_2.csv").write_bytes((tmp_path / "billing.csv").read_bytes())
    taken = take_files(engine, tmp_path, mapping_of(BILLING, files=("billing*.csv",)))
    (reject,) = engine.fetch("SELECT place >> 40 AS file, rule || detail AS reason FROM rejects").to_pylist()
    assert reject == {
        "file": 1,
        "reason": "expected one row per customer_id, month; line 2 of billing.csv has it already",
    }
    assert [rule.reason for rule in taken.rules] == ["expected one row per customer_id, month"]


amounts = st.one_of(
    st.none(),
    st.decimals(-(10**11), 10**11, places=2),
    st.decimals(-9, 9, places=4),
)


AMOUNT_TYPES = (pa.float64(), pa.int64(), pa.int32(), pa.decimal128(18, 4), pa.decimal128(18, 2), pa.decimal128(12, 2))


def stored_as(cell: Decimal | None, kind: pa.DataType) -> float | int | Decimal | None:
    """Return an amount, or what is left of it in a column of this type."""
    if cell is None:
        return None
    if isinstance(kind, pa.Decimal128Type):
        return cell.quantize(Decimal(1).scaleb(-kind.scale)) % Decimal(1).scaleb(kind.precision - kind.scale)
    return float(cell) if kind == pa.float64() else int(cell) % 2**31


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(amounts, min_size=1, max_size=8),
    unit=st.sampled_from(["yuan", "fen"]),
    kind=st.sampled_from(AMOUNT_TYPES),
)
def test_typed_amounts_are_taken_like_the_same_amounts_as_text(
    engine: ColumnarEngine, tmp_path: Path, cells: Sequence[Decimal | None], unit: str, kind: pa.DataType
) -> None:
    written = [stored_as(cell, kind) for cell in cells]
    engine.execute(f"CREATE OR REPLACE TABLE customers AS SELECT 'c' || range AS customer_id FROM range({len(cells)})")
    columns = {"id": [f"c{index}" for index in range(len(cells))], "m": [date(2026, 10, 1)] * len(cells)}
    pq.write_table(pa.table({**columns, "r": pa.array(written, kind)}), tmp_path / "billing.parquet")
    shown = [
        "" if cell is None else format(Decimal(repr(cell)) if isinstance(cell, float) else cell, "f")
        for cell in written
    ]
    lines = [f"c{index},202610,{cell}" for index, cell in enumerate(shown)]
    (tmp_path / "billing.csv").write_text("\n".join(["id,m,r", *lines]))
    mapping = TableMapping(
        BILLING,
        ("billing.csv",),
        {"customer_id": "id", "month": "m", "revenue_total": "r"},
        money_unit=unit,  # type: ignore[arg-type]  # one of the two
    )
    text = found_in(engine, take_files(engine, tmp_path, mapping))
    typed = found_in(engine, take_files(engine, tmp_path, replace(mapping, files=("billing.parquet",))))
    assert typed[0] == text[0]
    assert [(heading, rule) for heading, _, rule in typed[1]] == [(heading, rule) for heading, _, rule in text[1]]


def test_typed_days_and_flags_are_taken_as_they_are(engine: ColumnarEngine, tmp_path: Path) -> None:
    table = pa.table(
        {
            "id": ["c1", "c1"],
            "p": ["a", "b"],
            "h": ["self", "self"],
            "on": [date(2026, 1, 15), date(1800, 1, 1)],
            "off": [datetime(2026, 2, 1, 10), None],  # noqa: DTZ001 - what the operator wrote
            "ok": [True, None],
        }
    )
    pq.write_table(table, tmp_path / "s.parquet")
    columns = {
        "customer_id": "id",
        "product": "p",
        "how_ordered": "h",
        "ordered_on": "on",
        "cancelled_on": "off",
        "provisioned": "ok",
    }
    accepted, rejects = found_in(
        engine, take_files(engine, tmp_path, TableMapping(SUBSCRIPTIONS, ("s.parquet",), columns))
    )
    assert [(row["ordered_on"], row["cancelled_on"], row["provisioned"]) for row in accepted] == [
        (date(2026, 1, 15), date(2026, 2, 1), True)
    ]
    assert rejects == [("on", "1800-01-01", "expected a date like 2026-09-14")]


def taken_bills(engine: ColumnarEngine, folder: Path, file: str) -> Found:
    columns = {"customer_id": "id", "month": "m", "revenue_total": "r"}
    return found_in(engine, take_files(engine, folder, TableMapping(BILLING, (file,), columns)))


def test_a_moment_is_of_the_day_that_it_is_in_china(engine: ColumnarEngine, tmp_path: Path) -> None:
    midnight = datetime(2026, 10, 1, tzinfo=LEGAL_ZONE)
    moments = pa.array([midnight], pa.timestamp("us", tz="UTC"))
    pq.write_table(pa.table({"id": ["c1"], "m": moments, "r": [1]}), tmp_path / "b.parquet")
    accepted, rejects = taken_bills(engine, tmp_path, "b.parquet")
    assert ([row["month"] for row in accepted], rejects) == (["2026-10"], [])


def test_a_parquet_file_is_read_itself_whatever_its_path_looks_like(engine: ColumnarEngine, tmp_path: Path) -> None:
    folder = tmp_path / "m=202609"
    folder.mkdir()
    for name, amount in (("b1.parquet", 1), ("b[1].parquet", 2)):
        pq.write_table(pa.table({"id": ["c1"], "m": ["202610"], "r": [amount]}), folder / name)
    accepted, rejects = taken_bills(engine, tmp_path, "m=202609/b[1].parquet")
    assert ([(row["month"], row["revenue_total_fen"]) for row in accepted], rejects) == ([("2026-10", 200)], [])


def test_parquet_files_with_columns_of_other_types_and_order_are_one_table_and_a_bad_row_has_its_place(
    engine: ColumnarEngine, tmp_path: Path
) -> None:
    pq.write_table(pa.table({"id": ["c1"], "m": ["202610"], "r": [1]}), tmp_path / "b1.parquet")
    texts = {"r": ["2.50", "much"], "m": ["202609", "202608"], "id": ["c1", "c1"]}
    pq.write_table(pa.table(texts), tmp_path / "b2.parquet")
    accepted, rejects = taken_bills(engine, tmp_path, "b*.parquet")
    assert sorted((row["month"], row["revenue_total_fen"]) for row in accepted) == [("2026-09", 250), ("2026-10", 100)]
    assert [value for _, value, _ in rejects] == ["much"]
    assert engine.fetch("SELECT place FROM rejects").to_pylist() == [{"place": (1 << LINE_BITS) + 2}]


def test_a_column_of_the_name_that_rows_are_counted_by_is_refused(engine: ColumnarEngine, tmp_path: Path) -> None:
    rows = {"id": ["c1"], "m": ["202610"], "r": [1], "file_index": [7]}
    pq.write_table(pa.table(rows), tmp_path / "b.parquet")
    with pytest.raises(Failure, match="has a column file_index, by which rows are counted"):
        taken_bills(engine, tmp_path, "b.parquet")


def test_memory_does_not_grow_with_the_number_of_files(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    lake.root.mkdir()
    rows = pa.table({f"n{column}": pa.array(range(4_000), pa.int64()) for column in range(40)})
    paths = tuple(tmp_path / f"{number:03}.parquet" for number in range(240))
    for path in paths:
        pq.write_table(rows, path)
    with (
        open_engine(lake, memory_limit="192MB", folders=[tmp_path]) as engine,
        cells_of(engine, ParquetRows(paths), rows.column_names) as cells,
    ):
        engine.execute(f"COPY ({cells.sql}) TO '{lake.root / 'all.parquet'}' (FORMAT parquet)")
    assert pq.read_metadata(lake.root / "all.parquet").num_rows == 960_000


def test_headings_of_parquet_that_differ_only_in_capitals_are_refused(engine: ColumnarEngine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"ID": ["x"], "id": ["c1"], "m": ["202610"], "r": [1]}), tmp_path / "b.parquet")
    with pytest.raises(SourceUnreadable, match="'id' and 'ID', which differ only in capitals"):
        taken_bills(engine, tmp_path, "b.parquet")


def test_texts_in_parquet_that_are_not_marked_as_texts_are_read_as_texts(
    engine: ColumnarEngine, tmp_path: Path
) -> None:
    rows = {"id": pa.array(["客户".encode()], pa.binary()), "m": ["202610"], "r": pa.array([-128], pa.int8())}
    pq.write_table(pa.table(rows), tmp_path / "b.parquet")
    engine.execute("CREATE OR REPLACE TABLE customers AS SELECT '客户' AS customer_id")
    accepted, rejects = taken_bills(engine, tmp_path, "b.parquet")
    assert ([(row["customer_id"], row["revenue_total_fen"]) for row in accepted], rejects) == ([("客户", -12800)], [])


UNITS = """
[tables.traffic]
file = "t.csv"
nothing = ["NA"]
[tables.traffic.columns]
customer_id = "id"
minutes = "secs"
roaming_minutes = "roam"
unit_price = "price"
[tables.traffic.units]
minutes = "seconds"
roaming_minutes = "hours"
unit_price = "fen"
[tables.traffic.defaults]
month = "2026-10"
local_minutes = 1.5
roaming_minutes = 9
[tables.traffic.expressions]
outbound_minutes = '''round("secs" / 60, 1) - coalesce("roam", 0)'''
"""


def test_units_defaults_and_expressions_make_our_values(engine: ColumnarEngine, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("id,secs,roam,price\nc1,125,0.5,25\nc1,NA,NA,2.5\nc1,60,x,1\n")
    (mapping,) = sound_mapping(UNITS, is_partial=True)
    accepted, rejects = found_in(engine, take_files(engine, tmp_path, mapping))
    (row,) = accepted
    wanted = ("month", "minutes", "roaming_minutes", "unit_price", "local_minutes", "outbound_minutes")
    assert [str(row[name]) for name in wanted] == ["2026-10", "2.08", "30.00", "0.2500", "1.50", "1.60"]
    assert rejects == [
        ("roam", "x", "expected a number of hours like 12.5"),
        ("secs", "NA", "expected a number of seconds like 12.5, found nothing"),
    ]


def test_sums_of_cells_are_checked_like_cells(engine: ColumnarEngine, tmp_path: Path) -> None:
    rows: Sequence[Cells] = [subscription()]
    Extracts(subscriptions=rows, billing=[bill(revenue_voice="1.005")]).write(tmp_path)
    text = """[tables.billing]
file = "billing.csv"
money_unit = "yuan"
[tables.billing.columns]
customer_id = "列 customer_id"
month = "列 month"
[tables.billing.expressions]
revenue_total = '''"列 revenue_voice" + 1'''
"""
    (mapping,) = sound_mapping(text, is_partial=True)
    assert found_in(engine, take_files(engine, tmp_path, mapping))[1] == [
        (
            '"列 revenue_voice" + 1',
            "2.005",
            "expected an amount in yuan like 12.50, of at most 10 digits before the point",
        )
    ]


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"cancelled_on": date(2026, 1, 14)}, "expected a day not before the order"),
        ({"ordered_on": None}, "expected a date like 2026-09-14, found nothing"),
        ({"how_ordered": "?"}, "expected one of 自主订购, 套餐包含, 免费体验"),
        ({"customer_id": "stranger"}, "expected a customer of the customers table without a fault"),
        ({"product": PRODUCTS[0]}, "expected one row per customer_id, product, ordered_on"),
        ({"cancel_reason": " \N{IDEOGRAPHIC SPACE}"}, ""),
    ],
)
def test_one_fault_among_sound_rows_of_parquet_is_found(
    engine: ColumnarEngine, tmp_path: Path, wrong: dict[str, object], rule: str
) -> None:
    days = {"ordered_on": date(2026, 1, 15), "cancelled_on": None, "trial_ends_on": None, "channel": None}
    rows: list[dict[str, object]] = [{**subscription(product=each, cancel_reason="贵"), **days} for each in PRODUCTS]
    rows[1] |= wrong
    table = pa.table({heading(name): [row[name] for row in rows] for name in rows[0]})
    pq.write_table(table, tmp_path / "subscriptions.parquet")
    taken = take_files(engine, tmp_path, mapping_of(SUBSCRIPTIONS, files=("subscriptions.parquet",)))
    accepted, rejects = found_in(engine, taken)
    assert (len(accepted), [found[2] for found in rejects]) == ((2, [rule]) if rule else (3, []))


@pytest.mark.parametrize("lines", [["c1", "c1"], ["c1", "c2", "stranger", "c1"], ["stranger", "c1", "stranger"]])
def test_strangers_do_not_hide_what_is_there_twice(engine: ColumnarEngine, tmp_path: Path, lines: list[str]) -> None:
    """Without the check of each, two rows that are alike and one that is missing would look like none of either."""
    engine.execute("CREATE OR REPLACE TABLE customers AS SELECT unnest(['c1', 'c2']) AS customer_id")
    Extracts(billing=[bill(each) for each in lines]).write(tmp_path)
    accepted, rejects = found_in(engine, take_files(engine, tmp_path, mapping_of(BILLING)))
    assert [row["customer_id"] for row in accepted] == sorted(set(lines) - {"stranger"})
    assert len(rejects) == len(lines) - len(accepted)
