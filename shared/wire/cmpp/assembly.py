"""Puts long messages from subscribers together again, in bounded memory and for a bounded time."""

import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from shared.wire.cmpp.headers import split_header
from shared.wire.cmpp.pdus import Deliver
from shared.wire.cmpp.texts import decode_text

_MISSING = "…"


@dataclass(frozen=True, slots=True)
class Assembled:
    """A subscriber's text. `first` is the first DELIVER of it that came; `whole` is false where parts never came, which
    the text shows by `…`."""

    first: Deliver
    text: str
    whole: bool = True


@dataclass(slots=True)
class _Collected:
    first: Deliver
    total: int
    since: float
    pieces: dict[int, bytes] = field(default_factory=dict)


class Assembler:
    """Collects parts by sender, recipient, reference, coding and total. Parts may come in any order, and twice.

    What stays incomplete for `patience` seconds of real time comes out of `overdue` as it is: half an opt-out is better
    than none. Beyond `limit` messages the oldest is given up in the same way. One message holds at most 255 parts.
    """

    def __init__(
        self, *, patience: float = 300.0, limit: int = 1000, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._limit = limit
        self._monotonic = monotonic
        self._open: OrderedDict[tuple[object, ...], _Collected] = OrderedDict()

    def take(self, deliver: Deliver) -> Sequence[Assembled]:
        """Return what is complete with this DELIVER: itself where it is no part; and what it pushed out, if anything."""
        part, piece = split_header(deliver.content) if deliver.tp_udhi & 1 else (None, deliver.content)
        if part is None or part.total == 1:
            return [Assembled(deliver, decode_text(piece, deliver.msg_fmt))]
        key = (deliver.src_terminal_id, deliver.dest_id, part.reference, part.wide, part.total, deliver.msg_fmt)
        collected = self._open.get(key)
        if collected is None:
            collected = self._open[key] = _Collected(deliver, part.total, self._monotonic())
        collected.pieces.setdefault(part.number, piece)
        if len(collected.pieces) == part.total:
            return [_assembled(self._open.pop(key))]
        return self._pushed_out()

    def overdue(self) -> Sequence[Assembled]:
        """Return, and forget, the messages whose missing parts have had their time."""
        before = self._monotonic() - self._patience
        late = [key for key, collected in self._open.items() if collected.since <= before]
        return [_assembled(self._open.pop(key)) for key in late]

    def drain(self) -> Sequence[Assembled]:
        """Return, and forget, everything incomplete: before the process ends."""
        collected, self._open = list(self._open.values()), OrderedDict()
        return [_assembled(each) for each in collected]

    def _pushed_out(self) -> Sequence[Assembled]:
        if len(self._open) <= self._limit:
            return []
        _, oldest = self._open.popitem(last=False)
        return [_assembled(oldest)]


def _assembled(collected: _Collected) -> Assembled:
    """Decode what came. Neighbouring parts are joined first: some telephones cut inside a character."""
    runs: list[bytes | None] = []
    for number in range(1, collected.total + 1):
        piece = collected.pieces.get(number)
        if piece is not None and runs and runs[-1] is not None:
            runs[-1] += piece
        elif piece is not None or not runs or runs[-1] is not None:
            runs.append(piece)
    texts = (_MISSING if run is None else decode_text(run, collected.first.msg_fmt) for run in runs)
    return Assembled(collected.first, "".join(texts), whole=None not in runs)
