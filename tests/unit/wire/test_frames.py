"""A stream is cut where the headers say, however it arrives, and given up where they make no sense."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.cmpp.errors import FramingError
from shared.wire.cmpp.frames import Frame, FrameCutter, pack_frame, read_frame
from tests.unit.wire.strategies import u32

frames = st.builds(Frame, command=u32, sequence=u32, body=st.binary(max_size=200))


async def read_all(pieces: list[bytes]) -> list[Frame]:
    reader = asyncio.StreamReader()
    for piece in pieces:
        reader.feed_data(piece)
    reader.feed_eof()
    read: list[Frame] = []
    while (frame := await read_frame(reader)) is not None:
        read.append(frame)
    return read


def cut_all(pieces: list[bytes]) -> list[Frame]:
    cutter = FrameCutter()
    cut = [frame for piece in pieces for frame in cutter.cut(piece)]
    if cutter.is_inside:
        raise FramingError("the stream ended inside a PDU")
    return cut


@given(st.lists(frames, max_size=5), st.integers(1, 50))
def test_frames_are_read_whole_however_the_stream_is_split(sent: list[Frame], size: int) -> None:
    stream = b"".join(pack_frame(frame.command, frame.sequence, frame.body) for frame in sent)
    pieces = [stream[at : at + size] for at in range(0, len(stream), size)]
    assert asyncio.run(read_all(pieces)) == sent
    assert cut_all(pieces) == sent


@given(st.binary(max_size=300))
def test_garbage_ends_in_a_framing_error_or_in_the_end_of_the_stream(octets: bytes) -> None:
    try:
        read = asyncio.run(read_all([octets]))
    except FramingError:
        with pytest.raises(FramingError):
            cut_all([octets])
        return
    assert cut_all([octets]) == read
    assert b"".join(pack_frame(frame.command, frame.sequence, frame.body) for frame in read) == octets


@pytest.mark.parametrize("length", [0, 11, 4097, 0xFFFF_FFFF])
def test_a_length_outside_the_limits_is_refused_before_the_body_is_awaited(length: int) -> None:
    async def read_unended() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(length.to_bytes(4, "big") + bytes(8))
        async with asyncio.timeout(5):
            await read_frame(reader)

    with pytest.raises(FramingError, match="12 to 4096 expected"):
        asyncio.run(read_unended())
    with pytest.raises(FramingError, match="12 to 4096 expected"):
        list(FrameCutter().cut(length.to_bytes(4, "big") + bytes(8)))


def test_the_largest_frame_is_read() -> None:
    assert len(asyncio.run(read_all([pack_frame(4, 1, bytes(4084))]))[0].body) == 4084


def test_a_stream_that_ends_inside_a_frame_is_an_error() -> None:
    with pytest.raises(FramingError, match="ended inside"):
        asyncio.run(read_all([pack_frame(4, 1, b"abc")[:-1]]))


def test_what_came_before_a_wrong_length_is_cut() -> None:
    cut = FrameCutter().cut(pack_frame(4, 1, b"abc") + bytes(12))
    assert next(cut).sequence == 1
    with pytest.raises(FramingError, match="12 to 4096 expected"):
        next(cut)
