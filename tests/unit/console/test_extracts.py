"""Extracts are read with progress, and no longer than somebody waits for them."""

import asyncio
import threading
from pathlib import Path

import pytest
from visavis.common.v1 import run_pb2

from services.console import identity
from services.console.extracts import MAPPING, read_extracts
from shared.errors import InvalidInput


def folder_of(tmp_path: Path, files: int) -> Path:
    (tmp_path / MAPPING).write_text("\ufeffcycle", encoding="utf-8")
    for number in range(files - 1):
        (tmp_path / f"{number:02}.csv").write_text(str(number))
    return tmp_path


async def test_the_files_of_a_folder_are_counted_as_they_are_read(tmp_path: Path) -> None:
    heard: list[tuple[str, str, int, int]] = []

    def progress(step: str, status: run_pb2.RunStatus) -> None:
        heard.append((step, run_pb2.RunState.Name(status.state), status.done_count, status.total_count))

    extracts = await read_extracts(folder_of(tmp_path, 5), progress=progress)
    assert heard[-2:] == [("read extracts", f"RUN_STATE_{state}", 5, 5) for state in ("RUNNING", "SUCCEEDED")]
    assert (extracts.folder, extracts.mapping) == (tmp_path, "cycle")


async def test_reading_ends_with_the_files_in_hand_when_nobody_waits_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    slowly = identity._content_digest

    def content_digest(path: Path) -> str:
        read.append(path.name)
        begun.set()
        go_on.wait()
        return slowly(path)

    begun, go_on = threading.Event(), threading.Event()
    monkeypatch.setattr(identity, "_content_digest", content_digest)
    reading = asyncio.ensure_future(read_extracts(folder_of(tmp_path, 40), progress=lambda _step, _status: None))
    await asyncio.to_thread(begun.wait)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    go_on.set()
    await asyncio.get_running_loop().shutdown_default_executor()
    assert 0 < len(read) < 40


async def test_a_folder_without_a_mapping_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"expected a folder of extracts with a mapping file mapping\.toml in it"):
        await read_extracts(tmp_path, progress=lambda _step, _status: None)
