"""What all stages work with: the lake, and an engine for each of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from shared.clock import Clock
from shared.lake.dataset import Dataset
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from shared.lake.scratch import ScratchYard
from shared.lake.side_by_side import side_by_side
from shared.observability.context import current_traceparent

_WRITTEN_AT_ONCE = 2
"""One statement alone leaves a fifth of two cores idle."""


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

    def publish(self, uri: str, schema: str, *writes: Callable[[Path], int], inputs: Sequence[Dataset] = ()) -> Dataset:
        """Publish what each of `writes` writes into a file of its own, two at a time, unless it is there already: an earlier
        attempt's is as good, by the same inputs."""
        found = self.lake.find(uri)
        if found is not None:
            return found
        now, traceparent = self.clock.now(), current_traceparent()
        with self.lake.publish(uri, schema=schema, created_at=now, inputs=inputs, traceparent=traceparent) as draft:
            files = [draft.path(f"part-{number:04}.parquet") for number in range(len(writes))]
            pairs = zip(writes, files, strict=True)
            return draft.commit(sum(side_by_side(lambda pair: pair[0](pair[1]), pairs, threads=_WRITTEN_AT_ONCE)))
