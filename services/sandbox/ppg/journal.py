"""The push gateway's own record of everything that it was handed."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReceivedPush:
    """One push, or the wish to cancel one (then without content). `time` is ISO 8601 by the injected clock, `code` what the
    gateway decided (1000 to 1999: taken, or cancelled), whether or not the answer arrived."""

    time: str
    push_id: str
    dest: str
    code: int
    content: str = ""
    href: str = ""
    si_id: str = ""
    is_cancel: bool = False


class PushJournal:
    """An append-only file of JSON lines. A line is one unbuffered write, so it outlives a kill of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def append(self, received: ReceivedPush) -> None:
        self._file.write(json.dumps(asdict(received), ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        self._file.close()


def read_push_journal(path: Path) -> Iterator[ReceivedPush]:
    """Yield what was received, in the order received."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield ReceivedPush(**json.loads(line))
