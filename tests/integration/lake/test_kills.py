"""A publisher that is killed at any moment leaves a whole dataset or none, and nothing behind."""

import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared.lake.lake import Lake
from tests.integration.lake.killed_publishers import FILES, content, published

AT = datetime(2026, 11, 21, tzinfo=UTC)
KILLS = 25


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def start(lake: Lake, kills: int) -> "subprocess.Popen[bytes]":
    module = "tests.integration.lake.killed_publishers"
    return subprocess.Popen([sys.executable, "-m", module, str(lake.root), str(kills), "20261121"])


def check_whole(lake: Lake, number: int) -> None:
    """A dataset that can be seen is all there: manifest, every file, every byte."""
    dataset = lake.find(f"d/{number}")
    assert dataset is not None, f"the folder of {number} is visible without a manifest"
    assert dataset.row_count == number
    assert [path.read_bytes() for path in lake.open(dataset)] == [content(number, file) for file in range(FILES)]


def test_reader_sees_all_or_nothing_while_publishers_are_killed(lake: Lake) -> None:
    seen_while_written: set[int] = set()
    with start(lake, KILLS) as publishers:
        while publishers.poll() is None:
            for number in published(lake)[-3:]:
                check_whole(lake, number)
                seen_while_written.add(number)
            time.sleep(0.002)
    assert publishers.returncode == 0
    numbers = published(lake)
    assert numbers == list(range(len(numbers)))
    assert len(numbers) > 1
    assert seen_while_written
    for number in numbers:
        check_whole(lake, number)


def test_next_publisher_sweeps_what_killed_ones_left(lake: Lake) -> None:
    # Each fork begins by sweeping, so only the last kill's leftovers stay; try until one hit a publisher at work.
    for _ in range(10):
        start(lake, 2).wait()
        if any((lake.root / ".staging").iterdir()):
            break
    assert any((lake.root / ".staging").iterdir()), "no kill hit a publisher at work"
    with lake.publish("last", schema="x.Row", created_at=AT) as draft:
        draft.path("x.bin").write_bytes(b"x")
        draft.commit(1)
    assert list((lake.root / ".staging").iterdir()) == []


def test_racing_publishers_of_one_uri_get_one_dataset(lake: Lake) -> None:
    def publish(writer: int) -> tuple[str, bytes]:
        with lake.publish("d/race", schema="x.Row", created_at=AT) as draft:
            draft.path("x.bin").write_bytes(b"%d" % writer)
            dataset = draft.commit(1)
        return dataset.fingerprint, lake.open(dataset)[0].read_bytes()

    with ThreadPoolExecutor(8) as pool:
        assert len(set(pool.map(publish, range(32)))) == 1
