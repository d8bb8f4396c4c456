"""Cuts a byte stream into PDUs: the twelve-octet header and the limits on what it may say."""

import asyncio
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from shared.wire.cmpp.errors import FramingError

MIN_LENGTH = 12
MAX_LENGTH = 4096
_HEADER = struct.Struct(">III")


@dataclass(frozen=True, slots=True)
class Frame:
    """One PDU with its body undecoded."""

    command: int
    sequence: int
    body: bytes


def pack_frame(command: int, sequence: int, body: bytes) -> bytes:
    return _HEADER.pack(MIN_LENGTH + len(body), command, sequence) + body


class FrameCutter:
    """Cuts what was read in any pieces; several PDUs that came together cost one look."""

    def __init__(self) -> None:
        self._rest = b""

    @property
    def is_inside(self) -> bool:
        """Whether a PDU has begun and not ended."""
        return bool(self._rest)

    def cut(self, octets: bytes) -> Iterator[Frame]:
        """Yield the PDUs that end in `octets`, all of them before the next cut. Raises FramingError where a header's length
        is outside 12..4096, behind the PDUs before it."""
        buffer, at = self._rest + octets, 0
        while len(buffer) - at >= MIN_LENGTH:
            length, command, sequence = _HEADER.unpack_from(buffer, at)
            if not MIN_LENGTH <= length <= MAX_LENGTH:
                raise _wrong_length(length)
            if len(buffer) - at < length:
                break
            yield Frame(command, sequence, buffer[at + MIN_LENGTH : at + length])
            at += length
        self._rest = buffer[at:]


async def read_frame(reader: asyncio.StreamReader) -> Frame | None:
    """Read the next PDU, or None where the stream ended between two. Raises FramingError where it ended inside one, or
    where the header's length is outside 12..4096; nothing sensible can be read after that."""
    try:
        length, command, sequence = _HEADER.unpack(await reader.readexactly(MIN_LENGTH))
        if not MIN_LENGTH <= length <= MAX_LENGTH:
            raise _wrong_length(length)
        return Frame(command, sequence, await reader.readexactly(length - MIN_LENGTH))
    except asyncio.IncompleteReadError as ended:
        if not ended.partial and ended.expected == MIN_LENGTH:
            return None
        raise FramingError("the stream ended inside a PDU") from None


def _wrong_length(length: int) -> FramingError:
    return FramingError(f"a PDU of {length} octets, {MIN_LENGTH} to {MAX_LENGTH} expected")
