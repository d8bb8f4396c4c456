"""The call platform's own record of every call that it dialled: what a test counts, to see whether anybody was called twice."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Dialled:
    """One call, noted when leave to dial was given. `time` is ISO 8601 by the injected clock, `call` the name under which
    dispatch lent it, `dest` the number."""

    time: str
    call: str
    dest: str
    policy: str


class CallJournal:
    """An append-only file of JSON lines. A line is one unbuffered write, so it outlives a kill of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def append(self, dialled: Dialled) -> None:
        self._file.write(json.dumps(asdict(dialled), ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        self._file.close()


def read_call_journal(path: Path) -> Iterator[Dialled]:
    """Yield what was dialled, in order."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Dialled(**json.loads(line))
