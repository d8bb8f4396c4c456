"""The mail gateway's own record of every mail it had to decide on: what a test counts, to see whether anything came twice."""

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail. `time` is ISO 8601 by the injected clock, `code` the SMTP code that the gateway decided on (250: taken),
    whether or not the answer arrived; of a mail refused at its recipient nothing else is known."""

    time: str
    sender: str
    dest: str
    code: int
    message_id: str = ""
    subject: str = ""
    text: str = ""
    unsubscribe: str = ""


class MailJournal:
    """An append-only file of JSON lines. A line is one unbuffered write, so it outlives a kill of this process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)

    def append(self, received: ReceivedMail) -> None:
        self._file.write(json.dumps(asdict(received), ensure_ascii=False).encode() + b"\n")

    def close(self) -> None:
        self._file.close()


def read_mail_journal(path: Path) -> Iterator[ReceivedMail]:
    """Yield what was received, in the order received."""
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield ReceivedMail(**json.loads(line))
