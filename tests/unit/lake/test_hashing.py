"""The hash of rows follows from names, types and values alone, in whatever order they are stored."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.lake.duckdb import open_engine
from shared.lake.hashing import row_hash
from shared.lake.lake import Lake
from tests.unit.lake.test_duckdb import publish_table

ROWS = {"k": [1, 2, 3], "a": ["x", None, ""], "b": ["y", "1:x", "-"], "l": [[1, None], [], None]}


def hashed(folder: Path, table: pa.Table) -> str:
    with open_engine(Lake(folder)) as engine:
        engine.register_table("r", table)
        return row_hash(engine, "r", ["k"])


def test_hash_is_that_of_the_rows_whatever_their_order_and_threads(tmp_path: Path) -> None:
    big = pa.table({"k": range(100_000), "t": [f"text {k % 1000}" for k in range(100_000)]})
    shuffled = big.take([(k * 7919) % 100_000 for k in range(100_000)])
    lake = Lake(tmp_path)
    hashes = set()
    for threads, table in [(1, big), (2, shuffled), (2, big)]:
        with open_engine(lake, threads=threads) as engine:
            engine.register_table("r", table)
            hashes.add(row_hash(engine, "r", ["k"]))
    assert len(hashes) == 1


def test_hash_of_a_dataset_is_that_of_its_table(tmp_path: Path) -> None:
    table = pa.table(ROWS)
    lake = Lake(tmp_path)
    with open_engine(lake) as engine:
        engine.register("d", publish_table(lake, "d/1", table))
        assert row_hash(engine, "d", ["k"]) == hashed(tmp_path, table)


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("a", ["x", "", ""]),
        ("a", ["x", "-", ""]),
        ("a", ["x1:y", None, ""]),
        ("b", ["y", "1:x", None]),
        ("l", [[1, None], [], []]),
        ("l", [[1], [], None]),
        ("k", [1, 2, 4]),
    ],
)
def test_any_other_value_gives_another_hash(tmp_path: Path, column: str, values: list[object]) -> None:
    assert hashed(tmp_path, pa.table({**ROWS, column: values})) != hashed(tmp_path, pa.table(ROWS))


def test_column_names_and_types_count(tmp_path: Path) -> None:
    plain = pa.table({"k": [1]})
    assert hashed(tmp_path, plain) != hashed(tmp_path, plain.cast(pa.schema([("k", pa.int32())])))
    assert hashed(tmp_path, plain.append_column("a", pa.array([1]))) != hashed(
        tmp_path, plain.append_column("b", pa.array([1]))
    )


def test_no_rows_have_a_hash(tmp_path: Path) -> None:
    sink = tmp_path / "x.parquet"
    pq.write_table(pa.table({"k": pa.array([], pa.int64())}), sink)
    assert hashed(tmp_path, pq.read_table(sink)) == hashed(tmp_path, pa.table({"k": pa.array([], pa.int64())}))
