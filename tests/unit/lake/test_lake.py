"""Datasets are published whole, found again, and refused when they are not what their reference says."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from shared.errors import Failure, InvalidInput, Unavailable
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.lake import Lake
from shared.lake.scratch import ScratchYard

AT = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def publish(
    lake: Lake,
    uri: str = "a/b/1",
    text: str = "hello",
    *,
    schema: str = "x.Row",
    at: datetime = AT,
    inputs: tuple[Dataset, ...] = (),
) -> Dataset:
    with lake.publish(uri, schema=schema, created_at=at, inputs=inputs, traceparent="00-ab-cd-01") as draft:
        draft.path("part.txt").write_text(text)
        return draft.commit(2)


def test_published_dataset_is_found_opened_and_verified(lake: Lake) -> None:
    dataset = publish(lake)
    assert lake.find("a/b/1") == dataset
    assert [path.read_text() for path in lake.open(dataset, expect="x.Row")] == ["hello"]
    lake.verify(dataset)


def test_nothing_is_visible_before_commit_and_nothing_stays_without_it(lake: Lake) -> None:
    with lake.publish("a/b/1", schema="x.Row", created_at=AT) as draft:
        draft.path("part.txt").write_text("half")
        assert lake.find("a/b/1") is None
    assert lake.find("a/b/1") is None
    assert [path for path in lake.root.rglob("*") if path.name != ".staging"] == []


def test_publishing_again_returns_what_is_there(lake: Lake) -> None:
    first = publish(lake)
    assert publish(lake, text="other") == first
    assert [path.read_text() for path in lake.open(first)] == ["hello"]


def test_publishing_other_rows_at_a_taken_uri_is_refused(lake: Lake) -> None:
    publish(lake)
    with pytest.raises(DatasetUnreadable, match=r"already published with rows of x\.Row, not y\.Row"):
        publish(lake, schema="y.Row")


def test_fingerprint_is_of_the_rows_not_of_time_trace_lineage_or_place(lake: Lake) -> None:
    first = publish(lake)
    later = publish(lake, "a/b/2", at=datetime(2027, 1, 1, tzinfo=UTC), inputs=(first,))
    assert later.fingerprint == first.fingerprint
    assert publish(lake, "a/b/3", text="hellp").fingerprint != first.fingerprint


def test_manifest_keeps_lineage_time_and_trace(lake: Lake) -> None:
    first = publish(lake)
    second = publish(lake, "a/b/2", inputs=(first,))
    manifest = lake.manifest(second)
    assert (manifest.lineage, manifest.created_at, manifest.traceparent) == ((first,), AT, "00-ab-cd-01")


@pytest.mark.parametrize("uri", ["", "/etc", "../x", "a/../b", "a//b", "a/", ".staging/x", "a\\b", "a/b\n", "a" * 200])
def test_uri_outside_the_lake_is_refused(lake: Lake, uri: str) -> None:
    with pytest.raises(InvalidInput):
        lake.find(uri)
    with pytest.raises(InvalidInput), lake.publish(uri, schema="x.Row", created_at=AT):
        pass


@pytest.mark.parametrize("name", ["../x", "a/b", "manifest.json", ".hidden", ""])
def test_file_name_outside_the_draft_is_refused(lake: Lake, name: str) -> None:
    with lake.publish("a/b", schema="x.Row", created_at=AT) as draft, pytest.raises(InvalidInput):
        draft.path(name)


def test_dataset_inside_a_dataset_is_refused(lake: Lake) -> None:
    publish(lake, "a/b")
    with pytest.raises(InvalidInput, match="lies inside the dataset 'a/b'"):
        publish(lake, "a/b/c")


def test_folder_that_holds_datasets_cannot_become_one(lake: Lake) -> None:
    publish(lake, "a/b/c")
    with pytest.raises(DatasetUnreadable, match="no dataset stands there"):
        publish(lake, "a/b")


def test_row_count_that_the_files_do_not_hold_is_refused(lake: Lake) -> None:
    with lake.publish("a/b", schema="x.Row", created_at=AT) as draft:
        pq.write_table(pa.table({"k": [1, 2, 3]}), draft.path("rows.parquet"))
        with pytest.raises(ValueError, match="2 rows declared, 3 written"):
            draft.commit(2)
    assert lake.find("a/b") is None


def test_dataset_without_files_is_refused(lake: Lake) -> None:
    with lake.publish("a/b", schema="x.Row", created_at=AT) as draft, pytest.raises(ValueError, match="0 files"):
        draft.commit(0)


@pytest.mark.parametrize(
    ("ref", "complaint"),
    [
        (lambda d: Dataset("a/c", d.schema, d.row_count, d.fingerprint), "no such dataset"),
        (lambda d: Dataset(d.uri, "y.Row", d.row_count, d.fingerprint), r"rows are x\.Row"),
        (lambda d: Dataset(d.uri, d.schema, 9, d.fingerprint), "it has 2 rows"),
        (lambda d: Dataset(d.uri, d.schema, d.row_count, "0" * 64), "its fingerprint is"),
    ],
)
def test_reference_to_something_else_is_refused(lake: Lake, ref: "type[Dataset]", complaint: str) -> None:
    with pytest.raises(DatasetUnreadable, match=complaint) as caught:
        lake.open(ref(publish(lake)))  # type: ignore[call-arg,arg-type]  # a maker of references
    assert caught.value.reason == "ERROR_REASON_DATASET_UNREADABLE"


def test_reader_of_another_schema_is_refused(lake: Lake) -> None:
    with pytest.raises(DatasetUnreadable, match=r"rows are x\.Row, expected y\.Row"):
        lake.open(publish(lake), expect="y.Row")


def test_truncated_and_missing_files_are_seen_at_once(lake: Lake) -> None:
    dataset = publish(lake)
    file = lake.open(dataset)[0]
    file.write_text("hell")
    with pytest.raises(DatasetUnreadable, match="4 bytes, published were 5"):
        lake.open(dataset)
    file.unlink()
    with pytest.raises(DatasetUnreadable, match=r"part\.txt is missing"):
        lake.open(dataset)


def test_changed_bytes_are_seen_by_verify(lake: Lake) -> None:
    dataset = publish(lake)
    lake.open(dataset)[0].write_text("hallo")
    lake.open(dataset)
    with pytest.raises(DatasetUnreadable, match="was changed"):
        lake.verify(dataset)


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"format": 2}'])
def test_damaged_manifest_is_told(lake: Lake, damage: str) -> None:
    dataset = publish(lake)
    (lake.root / dataset.uri / "manifest.json").write_text(damage)
    with pytest.raises(Failure, match="damaged"):
        lake.find(dataset.uri)


def test_manifest_that_lists_other_files_than_it_fingerprints_is_told(lake: Lake) -> None:
    dataset = publish(lake)
    path = lake.root / dataset.uri / "manifest.json"
    fields = json.loads(path.read_text())
    fields["files"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(fields))
    with pytest.raises(DatasetUnreadable, match="damaged"):
        lake.open(dataset)


def test_full_disk_is_told_and_nothing_is_published(lake: Lake) -> None:
    with pytest.raises(Unavailable, match="no space left"), lake.publish("a/b", schema="x.Row", created_at=AT):
        Path("/dev/full").write_text("x" * 10_000)
    assert lake.find("a/b") is None
    assert list((lake.root / ".staging").iterdir()) == []


def test_sweep_leaves_the_folders_of_the_living(tmp_path: Path) -> None:
    yard = ScratchYard(tmp_path)
    with yard.claim() as folder:
        assert yard.sweep() == 0
        assert folder.is_dir()
    assert list(tmp_path.iterdir()) == []


def test_sweep_takes_the_folders_of_the_dead(tmp_path: Path) -> None:
    yard = ScratchYard(tmp_path)
    child = os.fork()
    if child == 0:
        with yard.claim() as folder:
            (folder / "half").write_text("written")
            os._exit(1)
    os.waitpid(child, 0)
    assert len(list(tmp_path.iterdir())) == 2
    assert yard.sweep() == 1
    assert list(tmp_path.iterdir()) == []
