"""Rows are found by their key, and only those."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.lake import Lake
from tests.unit.lake.test_duckdb import AT

KEYS = [f"c{number:04d}" for number in range(0, 2000, 2)]


def publish_sorted(lake: Lake, uri: str = "d/1", keys: list[str] = KEYS) -> Dataset:
    """Two files of one key order, each of many small row groups."""
    half = len(keys) // 2
    with lake.publish(uri, schema="x.Row", created_at=AT) as draft:
        for name, part in (("part-0.parquet", keys[:half]), ("part-1.parquet", keys[half:])):
            table = pa.table({"n": range(len(part)), "key": pa.array(part, pa.string())})
            pq.write_table(table, draft.path(name), row_group_size=37)
        return draft.commit(len(keys))


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


@given(st.lists(st.integers(-2, 2002).map(lambda n: f"c{n:04d}"), max_size=12))
@settings(max_examples=50, deadline=None)
def test_lookup_gives_the_rows_of_the_keys_in_stored_order(lake: Lake, keys: list[str]) -> None:
    dataset = lake.find("d/1") or publish_sorted(lake)
    found = lake.lookup(dataset, "key", keys)
    assert found["key"].to_pylist() == [key for key in KEYS if key in set(keys)]
    assert found.schema.names == ["n", "key"]


def test_integer_keys_are_looked_up_too(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with lake.publish("d/1", schema="x.Row", created_at=AT) as draft:
        pq.write_table(pa.table({"k": range(1000)}), draft.path("rows.parquet"), row_group_size=100)
        dataset = draft.commit(1000)
    assert lake.lookup(dataset, "k", [999, 5, 5000]).to_pydict() == {"k": [5, 999]}


def test_dataset_without_rows_has_none(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    assert lake.lookup(publish_sorted(lake, keys=[]), "key", ["c0001"]).num_rows == 0


def test_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    with pytest.raises(DatasetUnreadable, match="cannot look up by nothing"):
        lake.lookup(publish_sorted(lake), "nothing", ["c0001"])


def test_file_lost_after_its_footer_was_read_is_told(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    dataset = publish_sorted(lake)
    lake.lookup(dataset, "key", ["c0002"])
    lake.open(dataset)[0].unlink()
    with pytest.raises(DatasetUnreadable, match="d/1"):
        lake.lookup(dataset, "key", ["c0002"])


def test_only_the_latest_datasets_are_remembered(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    datasets = [publish_sorted(lake, f"d/{number}", KEYS[:20]) for number in range(20)]
    for dataset in datasets:
        assert lake.lookup(dataset, "key", ["c0004"]).num_rows == 1
    assert len(lake._points._remembered) == 16
