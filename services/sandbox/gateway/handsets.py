"""The telephones behind the gateway: they put the parts of a long message together before anybody reads it."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.sandbox.gateway.admission import GatewayAccount
from shared.wire.cmpp.headers import PartOf, split_header
from shared.wire.cmpp.pdus import Submit
from shared.wire.cmpp.texts import decode_text
from shared.wire.cmpp.versions import Version


@dataclass(frozen=True, slots=True)
class Taken:
    """A SUBMIT that the gateway took, under the id that it gave it, over a line of that version."""

    account: GatewayAccount
    submit: Submit
    version: Version
    message_id: int
    msisdn: str

    @property
    def part(self) -> PartOf | None:
        """Which part of a longer text this is, if one of several."""
        if not self.submit.tp_udhi & 1:
            return None
        part, _ = split_header(self.submit.content)
        return part if part is not None and part.total > 1 else None

    @property
    def text(self) -> str:
        return decode_text(self.submit.content, self.submit.msg_fmt, tp_udhi=self.submit.tp_udhi)


class Handsets:
    """Holds the parts that wait for others of their text."""

    def __init__(self) -> None:
        self._open: dict[tuple[object, ...], dict[int, Taken]] = {}

    def take(self, taken: Taken) -> Sequence[Taken]:
        """Return the messages that make up a whole text with this one; nothing while some are missing."""
        part = taken.part
        if part is None:
            return [taken]
        key = _key(taken, part)
        pieces = self._open.setdefault(key, {})
        pieces.setdefault(part.number, taken)
        if len(pieces) < part.total:
            return []
        del self._open[key]
        return [pieces[number] for number in sorted(pieces)]

    def give_up(self, taken: Taken) -> Sequence[Taken]:
        """Return, and forget, what is held of the text that this is a part of."""
        part = taken.part
        return list(self._open.pop(_key(taken, part), {}).values()) if part else []


def text_of(parts: Sequence[Taken]) -> str:
    """Return the text that these make up together."""
    if len(parts) == 1:
        return parts[0].text
    joined = b"".join(split_header(taken.submit.content)[1] for taken in parts)
    return decode_text(joined, parts[0].submit.msg_fmt)


def _key(taken: Taken, part: PartOf) -> tuple[object, ...]:
    return taken.msisdn, taken.submit.src_id, part.reference, part.wide, part.total
