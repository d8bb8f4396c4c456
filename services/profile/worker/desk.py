"""What all stages work with: the lake, an engine for each of them, and threads that tell how far they are."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from services.profile.ports import Heard
from shared.clock import Clock
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from shared.lake.scratch import ScratchYard
from shared.observability.context import current_traceparent
from shared.runs.stages import StageContext

T = TypeVar("T")
_SHOWING_SECONDS = 0.3


class _Abandoned(Exception):  # noqa: N818 - ends a thread whose result nobody waits for any more
    """The stage was cancelled."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where stages work. An engine lives in the thread of one stage and is closed at its end."""

    lake: Lake
    clock: Clock

    @contextmanager
    def engine(self, folders: Sequence[Path] = (), *, memory_limit: str = "1GB") -> Iterator[ColumnarEngine]:
        """Open an engine that may also read files under `folders`."""
        with open_engine(self.lake, folders=folders, memory_limit=memory_limit) as engine:
            yield engine

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Yield a folder that is removed at the end, even after a kill."""
        with ScratchYard(self.lake.root / ".spill").claim() as folder:
            yield folder

    def publish(
        self, uri: str, schema: str, write: Callable[[Path], int], *, inputs: Sequence[Dataset] = ()
    ) -> Dataset:
        """Publish what `write` writes, unless it is there already: an earlier attempt's is as good, by the same inputs."""
        found = self.lake.find(uri)
        if found is not None:
            return found
        now, traceparent = self.clock.now(), current_traceparent()
        with self.lake.publish(uri, schema=schema, created_at=now, inputs=inputs, traceparent=traceparent) as draft:
            return draft.commit(write(draft.path("part.parquet")))


async def in_thread(context: StageContext, work: Callable[[Heard], T]) -> T:
    """Do blocking work in a thread and show what it tells; when this is cancelled, the thread ends at its next word."""
    latest = (0, 0)
    is_abandoned = False

    def heard(done: int, total: int) -> None:
        nonlocal latest
        if is_abandoned:
            raise _Abandoned
        latest = (done, total)

    working = asyncio.ensure_future(asyncio.to_thread(work, heard))
    try:
        while not working.done():
            await asyncio.wait({working}, timeout=_SHOWING_SECONDS)
            await context.progress(*latest)
        return working.result()
    finally:
        is_abandoned = True
        working.cancel()
