"""The columnar engine computes exactly, stays inside its folders, and fails without quoting values."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.duckdb import DuckDbEngine, open_engine
from shared.lake.engine import ColumnarEngine, EngineFailure
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table, table_to_messages
from shared.lake.schema import arrow_schema
from tests.unit.lake.contract import OldRow, Row, descriptor

AT = datetime(2026, 11, 21, tzinfo=UTC)
STORED: list[tuple[str, pa.DataType]] = [("k", pa.int64()), ("v", pa.decimal128(18, 2)), ("t", pa.string())]
SCHEMA = pa.schema(STORED).set(0, pa.field("k", pa.int64(), nullable=False))


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


@pytest.fixture
def engine(lake: Lake) -> Iterator[DuckDbEngine]:
    with open_engine(lake, memory_limit="256MB") as opened:
        port: ColumnarEngine = opened
        assert port is opened
        yield opened


def publish_table(lake: Lake, uri: str, table: pa.Table) -> Dataset:
    with lake.publish(uri, schema="x.Row", created_at=AT) as draft:
        pq.write_table(table, draft.path("rows.parquet"))
        return draft.commit(table.num_rows)


def write(engine: DuckDbEngine, lake: Lake, sql: str, name: str = "out.parquet") -> Path:
    path = lake.root / name
    engine.write(sql, path, schema=SCHEMA, order_by=["k"])
    return path


def test_every_logical_type_survives_the_engine(engine: DuckDbEngine, lake: Lake) -> None:
    row = Row(
        key="a", fee_fen=5, share=-1, born="2024-02-29", raw=b"\x00", arm=2, tags=["x", ""], prices=[1], arms=[0, 1],
        joined="0001-01-01", total=2**64 - 1, score=0.1, seen={"seconds": 7, "nanos": 1000},
        inner={"code": "i", "days": ["2024-01-01"]}, inners=[{"rate": 5}, {}],
    )  # fmt: skip
    messages = [row, Row(key="b", born="2024-01-01")]
    engine.register_table("r", messages_to_table(messages, Row))
    schema = arrow_schema(descriptor(Row))
    with lake.publish("r/1", schema="lake.test.row.Row", created_at=AT) as draft:
        count = engine.write("SELECT * FROM r", draft.path("rows.parquet"), schema=schema, order_by=["key"])
        dataset = draft.commit(count)
    engine.register("back", dataset, schema)
    assert table_to_messages(engine.fetch("SELECT * FROM back ORDER BY key"), Row) == messages
    assert table_to_messages(lake.lookup(dataset, "key", ["b"]), Row) == messages[1:]


def test_old_dataset_gives_nulls_for_newer_fields(engine: DuckDbEngine, lake: Lake) -> None:
    old = publish_table(lake, "old/1", messages_to_table([OldRow(key="a", fee_fen=5)], OldRow))
    engine.register("old", old, arrow_schema(descriptor(Row)))
    [row] = engine.fetch("SELECT * FROM old").to_pylist()
    assert list(row) == [field.name for field in Row.DESCRIPTOR.fields]
    assert {name: value for name, value in row.items() if value is not None} == {"key": "a", "fee_fen": 5}


def test_member_added_to_a_record_is_null_in_an_old_dataset(engine: DuckDbEngine, lake: Lake) -> None:
    old = publish_table(
        lake, "old/1", pa.table({"r": pa.array([[{"a": 1}]], pa.list_(pa.struct([("a", pa.int64())])))})
    )
    newer = pa.schema([("r", pa.list_(pa.struct([("b", pa.date32()), ("a", pa.int64())])))])
    engine.register("old", old, newer)
    assert engine.fetch("SELECT r FROM old").to_pylist() == [{"r": [{"b": None, "a": 1}]}]


def test_dataset_whose_column_has_another_type_is_refused(engine: DuckDbEngine, lake: Lake) -> None:
    dataset = publish_table(lake, "d/1", pa.table({"v": ["text"]}))
    with pytest.raises(DatasetUnreadable, match=r"d/1: column v is VARCHAR, expected DECIMAL\(18,2\)"):
        engine.register("d", dataset, pa.schema([("v", pa.decimal128(18, 2))]))


def test_parameters_are_bound_by_name_and_by_place(engine: DuckDbEngine) -> None:
    engine.execute("CREATE TABLE t AS SELECT $day AS day", {"day": date(2026, 11, 21)})
    found = engine.fetch("SELECT day, ? AS one FROM t", [1]).to_pylist()
    assert found == [{"day": date(2026, 11, 21), "one": 1}]


def test_same_rows_are_written_as_the_same_sorted_bytes(engine: DuckDbEngine, lake: Lake) -> None:
    rows = "-- a comment at the end is no harm\nSELECT {order} AS k, CAST(({order} % 97) AS DECIMAL(18, 2)) AS v, 'x' || ({order} % 7) AS t FROM range(100000) s(r) -- end"
    up = write(engine, lake, rows.format(order="r"), "up.parquet")
    shuffled = write(engine, lake, rows.format(order="(r * 7919) % 100000"), "shuffled.parquet")
    assert up.read_bytes() == shuffled.read_bytes()
    assert pq.read_table(up)["k"].to_pylist() == list(range(100_000))
    assert pq.read_schema(up).types == SCHEMA.types


def test_integers_of_any_width_are_stored_as_the_schema_says(engine: DuckDbEngine, lake: Lake) -> None:
    path = write(engine, lake, "SELECT CAST(1 AS TINYINT) AS k, sum(x) AS v, NULL AS t FROM (VALUES (1), (2)) s(x)")
    assert pq.read_table(path).to_pylist() == [{"k": 1, "v": Decimal("3.00"), "t": None}]


@pytest.mark.parametrize(
    ("sql", "complaint"),
    [
        ("SELECT 1 AS k, 1 AS v", "column t is missing"),
        ("SELECT 1 AS k, 1 AS v, 'x' AS t, 2 AS w", "column w is not in the schema"),
        ("SELECT 1 AS k, 1 / 3 AS v, 'x' AS t", "column v is exact, but the query gives DOUBLE"),
        ("SELECT NULL AS k, 1 AS v, 'x' AS t", "column k is required"),
        ("SELECT 'x' AS k, 1 AS v, 'x' AS t", "Could not convert"),
        ("SELECT 1 AS k, 10::DECIMAL(38,0) * 10000000000000000 AS v, 'x' AS t", "Could not cast|Conversion"),
    ],
)
def test_rows_that_do_not_fit_the_schema_are_refused(
    engine: DuckDbEngine, lake: Lake, sql: str, complaint: str
) -> None:
    with pytest.raises(EngineFailure, match=complaint):
        write(engine, lake, sql)


def test_stream_runs_beside_other_statements_and_feeds_a_table(engine: DuckDbEngine) -> None:
    engine.execute("CREATE TABLE numbers AS SELECT r AS k FROM range(200000) s(r)")
    batches = engine.stream("SELECT k FROM numbers ORDER BY k", batch_rows=10_000)
    assert engine.fetch("SELECT 1 AS one").num_rows == 1
    schema = pa.schema({"k": pa.int64(), "d": pa.int64()})
    doubled = (pa.record_batch([b["k"], pc.add(b["k"], b["k"])], schema=schema) for b in batches)
    engine.register_table("doubled", pa.RecordBatchReader.from_batches(schema, doubled))
    found = engine.fetch("SELECT count(*) AS n, CAST(sum(d - 2 * k) AS BIGINT) AS off FROM doubled").to_pylist()
    assert found == [{"n": 200_000, "off": 0}]
    assert engine.fetch("SELECT max(k) AS k FROM doubled").to_pylist() == [{"k": 199_999}]


def test_an_engine_beside_sees_the_same_tables_and_makes_more(engine: DuckDbEngine) -> None:
    engine.execute("CREATE TABLE one AS SELECT 1 AS n")
    with engine.beside() as other:
        other.execute("CREATE TABLE two AS SELECT n + 1 AS n FROM one")
    assert engine.fetch("SELECT n FROM two").to_pylist() == [{"n": 2}]


def test_error_in_the_middle_of_a_stream_is_typed(engine: DuckDbEngine) -> None:
    sql = "SELECT CAST(CASE WHEN r = 150000 THEN 'x' ELSE '1' END AS INTEGER) AS v FROM range(200000) s(r)"
    with pytest.raises(EngineFailure, match="Could not convert"):
        for _ in engine.stream(sql, batch_rows=1000):
            pass


def test_error_text_has_no_long_number_and_no_sql(engine: DuckDbEngine) -> None:
    with pytest.raises(EngineFailure) as caught:
        engine.fetch("SELECT CAST('13800138000x' AS INTEGER) AS secret_column")
    assert "Could not convert string '…x'" in caught.value.message
    assert "secret_column" not in caught.value.message


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "COPY (SELECT 1) TO '/var/lib/visavis-must-not-exist.parquet'",
        "SELECT * FROM read_parquet('http://127.0.0.1:9/x.parquet')",
        "INSTALL httpfs",
        "SET threads = 8",
        "ATTACH '/var/lib/visavis-must-not-exist.db'",
    ],
)
def test_engine_stays_inside_its_folders(engine: DuckDbEngine, sql: str) -> None:
    with pytest.raises(EngineFailure):
        engine.execute(sql)


def test_named_folders_may_be_read(lake: Lake, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "x.csv").write_text("a\n1\n")
    with open_engine(lake, folders=[tmp_path / "in"]) as engine:
        assert engine.fetch(f"SELECT a FROM read_csv('{tmp_path}/in/x.csv')").to_pylist() == [{"a": 1}]


def test_memory_that_runs_out_is_a_failure_that_no_waiting_mends(lake: Lake) -> None:
    with open_engine(lake, memory_limit="20MB") as engine, pytest.raises(EngineFailure, match="needs more memory"):
        engine.fetch("SELECT list(r::VARCHAR || repeat('x', 100)) AS l FROM range(1000000) s(r)")


def test_damaged_file_is_an_unreadable_dataset(engine: DuckDbEngine, lake: Lake) -> None:
    dataset = publish_table(lake, "d/1", pa.table({"v": list(range(50_000))}))
    path = lake.open(dataset)[0]
    content = bytearray(path.read_bytes())
    content[100:2_000] = bytes(1_900)
    path.write_bytes(content)
    engine.register("d", dataset)
    with pytest.raises(DatasetUnreadable):
        engine.fetch("SELECT sum(v) AS s FROM d")


def test_what_was_spilled_is_removed_at_the_end(lake: Lake) -> None:
    with open_engine(lake, memory_limit="40MB") as engine:
        engine.execute(
            "CREATE TABLE big AS SELECT hash(r) AS h, r::VARCHAR || 'xxxxxxxxxxxxxxxx' AS t FROM range(3000000) s(r)"
        )
        assert any(path.suffix == ".tmp" for path in (lake.root / ".spill").rglob("*"))
    assert list((lake.root / ".spill").iterdir()) == []
