"""The gateway's own record of every SUBMIT it read: what a test counts, to see whether anything came twice."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Received:
    """One SUBMIT. `time` is ISO 8601 by the injected clock, `msg_id` 16 hex digits, `result` what the gateway decided
    (0: taken), whether or not the answer arrived; `part` of `parts` that one text came in."""

    time: str
    sp_id: str
    msg_id: str
    dest: str
    src_id: str
    content: str
    result: int
    part: int = 1
    parts: int = 1
    version: str = "2.0"


_JSON = json.JSONEncoder(ensure_ascii=False)
_FIELDS = tuple(field.name for field in fields(Received))


class Journal:
    """An append-only file of JSON lines. A line is one unbuffered write, so it outlives a kill of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def append(self, received: Received) -> None:
        line = {name: getattr(received, name) for name in _FIELDS}
        self._file.write(_JSON.encode(line).encode() + b"\n")

    def close(self) -> None:
        self._file.close()


def read_journal(path: Path) -> Iterator[Received]:
    """Yield what was received, in the order received."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield Received(**json.loads(line))
