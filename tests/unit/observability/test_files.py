"""Telemetry files never fill the disk and survive whoever deletes them."""

import os
from pathlib import Path

import pytest

from shared.observability.files import BoundedFiles, prune

MAX_BYTES = 64_000
LINE = "x" * 199 + "\n"


@pytest.fixture
def stream(tmp_path: Path) -> BoundedFiles:
    return BoundedFiles(tmp_path / "telemetry", kind="traces", service="a/b c", max_bytes=MAX_BYTES)


def total(directory: Path) -> int:
    return sum(path.stat().st_size for path in directory.iterdir())


def test_nothing_is_created_before_the_first_line(stream: BoundedFiles, tmp_path: Path) -> None:
    assert list(tmp_path.iterdir()) == []
    stream.write(LINE)
    (file,) = (tmp_path / "telemetry").iterdir()
    assert file.read_text() == LINE
    assert file.name.startswith(f"traces-a_b_c-{os.getpid()}-")


def test_writing_for_ever_stays_within_the_allowance_and_keeps_the_latest(stream: BoundedFiles, tmp_path: Path) -> None:
    for number in range(3000):
        stream.write(f"{number:199}\n")
        if number % 50 == 0:
            assert total(tmp_path / "telemetry") <= MAX_BYTES
    kept = sorted(int(line) for path in (tmp_path / "telemetry").iterdir() for line in path.read_text().splitlines())
    assert kept[-1] == 2999
    assert kept == list(range(kept[0], 3000))
    assert len(kept) * 200 > MAX_BYTES * 0.9


def test_a_deleted_file_is_replaced_by_a_new_one(stream: BoundedFiles, tmp_path: Path) -> None:
    stream.write(LINE)
    for path in (tmp_path / "telemetry").iterdir():
        path.unlink()
    (tmp_path / "telemetry").rmdir()
    stream.write("after\n")
    (file,) = (tmp_path / "telemetry").iterdir()
    assert file.read_text() == "after\n"


def test_pruning_removes_the_oldest_of_other_processes_and_keeps_strangers(tmp_path: Path) -> None:
    for age, name in enumerate(("new", "old", "older")):
        path = tmp_path / f"traces-{name}.jsonl"
        path.write_text("x" * 30_000)
        os.utime(path, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "notes.txt").write_text("x" * 100_000)
    prune(tmp_path, max_bytes=MAX_BYTES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["notes.txt", "traces-new.jsonl", "traces-old.jsonl"]


def test_a_failed_write_is_reported_and_the_next_line_starts_a_new_file(stream: BoundedFiles, tmp_path: Path) -> None:
    (tmp_path / "telemetry").write_text("in the way")
    with pytest.raises(FileExistsError):
        stream.write(LINE)
    (tmp_path / "telemetry").unlink()
    stream.write(LINE)
    assert total(tmp_path / "telemetry") == len(LINE)
