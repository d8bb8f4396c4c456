"""What the simulated gateway received, for people: the journal, with numbers masked."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path

from services.sandbox.gateway.admission import Result
from services.sandbox.gateway.journal import Received, read_journal
from shared.clock import LEGAL_ZONE
from shared.errors import NotFound
from shared.jsontypes import JsonObject
from shared.observability.masking import mask_msisdn, mask_text

_WORDS = {
    Result.TAKEN: "taken",
    Result.FLOW_CONTROL: "too busy",
    Result.DESTINATION: "number not served",
}


def latest(path: Path, count: int, *, number_ends_with: str = "") -> Sequence[Received]:
    """Return the last `count` SUBMITs of a journal, masked, in the order received. Raises NotFound."""
    if not path.exists():
        raise NotFound(f"a journal of the simulated gateway ({path}; `visavis sandbox serve` keeps it)")
    found = (received for received in read_journal(path) if received.dest.endswith(number_ends_with))
    return [
        replace(received, dest=mask_msisdn(received.dest), content=mask_text(received.content))
        for received in deque(found, maxlen=count)
    ]


def as_json(received: Received) -> JsonObject:
    """Return one entry as a JSON object."""
    return asdict(received)


def lines(inbox: Sequence[Received]) -> Iterator[str]:
    """Yield a line for each: when, to whom, what the gateway said, which part, and the text."""
    for received in inbox:
        at = datetime.fromisoformat(received.time).astimezone(LEGAL_ZONE)
        said = _WORDS.get(Result(received.result)) if received.result in list(Result) else None
        part = f" {received.part}/{received.parts}" if received.parts > 1 else ""
        words = said or f"refused ({received.result})"
        yield f"{at:%Y-%m-%d %H:%M:%S}  {received.dest}  CMPP {received.version}  {words}{part}  {received.content}"
