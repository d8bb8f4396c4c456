"""Whatever a gateway does to a request, its fate is told for what it is: not sent, sent and unanswered, or answered."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.wire.pap.client import PpgClient
from shared.wire.pap.endpoints import Endpoint, HttpAnswer
from shared.wire.pap.errors import GarbledError, LineCutError, NoAnswerError, NotSentError
from shared.wire.pap.xml import MAX_OCTETS

Behaviour = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def gateway(behave: Behaviour) -> AsyncIterator[str]:
    """Listen on loopback; `behave` gets each request and what to answer by."""
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.split(b":")[1])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length")
                )
                await behave(head + await reader.readexactly(length), writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/wappush"
    finally:
        server.close()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def answering(octets: bytes, *, close: bool = False) -> Behaviour:
    async def behave(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(octets)
        await writer.drain()
        if close:
            writer.close()

    return behave


async def ask(url: str, *, answer_within: float = 5.0) -> HttpAnswer:
    async with PpgClient(Endpoint(url, "pmp", "secret", answer_within=answer_within)) as client:
        posting = client.post("application/xml", b"<pap/>")
        await posting.settled()
        assert posting.may_have_left
        return await posting.answer()


async def test_a_request_has_no_header_that_http_does_not_need() -> None:
    """What else it had would travel to the telephone (protocols.md, chapter 2.5)."""
    seen = []

    async def behave(request: bytes, writer: asyncio.StreamWriter) -> None:
        seen.append(request)
        writer.write(OK)

    async with gateway(behave) as url:
        assert await ask(url) == HttpAnswer(202, b"ok")
    head, _, body = seen[0].partition(b"\r\n\r\n")
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert names == {b"host", b"authorization", b"content-type", b"content-length"}
    assert b"Authorization: Basic cG1wOnNlY3JldA==" in head
    assert body == b"<pap/>"


async def test_a_connection_that_is_refused_leaves_no_octet() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    async with PpgClient(Endpoint(f"http://127.0.0.1:{port}/")) as client:
        posting = client.post("application/xml", b"<pap/>")
        await posting.settled()
        assert not posting.may_have_left
        with pytest.raises(NotSentError, match="cannot connect"):
            await posting.answer()
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await client.reach()


async def test_a_request_that_waits_for_its_connection_can_be_stopped_without_an_octet_leaving() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        port = full.getsockname()[1]
        fillers = [socket.socket() for _ in range(3)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(("127.0.0.1", port))
        async with PpgClient(Endpoint(f"http://127.0.0.1:{port}/", connect_within=30)) as client:
            posting = client.post("application/xml", b"<pap/>")
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(posting.settled(), 0.2)
            await posting.stop()
            assert not posting.may_have_left
            with pytest.raises(NotSentError):
                await posting.answer()
        for filler in fillers:
            filler.close()


@pytest.mark.parametrize(
    ("behave", "failure"),
    [
        (answering(b"", close=True), LineCutError),
        (answering(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n<pap>", close=True), LineCutError),
        (answering(b"HTTP/1.1 202 Acc", close=True), LineCutError),
        (answering(b""), NoAnswerError),
        (answering(b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\n<pap>"), NoAnswerError),
        (answering(b"220 smtp.example.com ESMTP\r\n"), GarbledError),
        (answering(b"HTTP/1.1 202 OK\r\nContent-Length: -3\r\n\r\nok"), GarbledError),
        (answering(b"HTTP/1.1 202 OK\r\nX: " + b"x" * 100_000 + b"\r\n\r\n"), GarbledError),
        (answering(OK[:26] + b"9999999\r\n\r\n" + b"x" * (MAX_OCTETS + 1)), GarbledError),
    ],
    ids=[
        "cut",
        "half a body",
        "half a head",
        "silence",
        "a body that stops",
        "no HTTP",
        "no length",
        "headers",
        "body",
    ],
)
async def test_a_gateway_that_does_not_answer_is_told_for_what_it_does(
    behave: Behaviour, failure: type[NoAnswerError]
) -> None:
    async with gateway(behave) as url:
        with pytest.raises(NoAnswerError) as told:
            await ask(url, answer_within=0.5)
    assert type(told.value) is failure


async def test_an_answer_without_end_is_cut_off_in_little_memory() -> None:
    async def pour(_: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _times in range(1000):
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()

    async with gateway(pour) as url:
        with pytest.raises(GarbledError, match=f"more than {MAX_OCTETS} octets"):
            await ask(url)


async def test_a_redirection_is_not_followed_and_a_packed_answer_not_unpacked() -> None:
    bomb = b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\n\x1f\x8b\x08\x00"
    async with gateway(answering(bomb)) as url:
        assert await ask(url) == HttpAnswer(302, b"\x1f\x8b\x08\x00")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=300), st.builds(lambda tail: OK[:26] + tail, st.binary(max_size=100))))
def test_garbage_is_an_answer_or_none_and_never_a_crash_or_a_hang(octets: bytes) -> None:
    async def run() -> None:
        async with gateway(answering(octets, close=True)) as url:
            try:
                await asyncio.wait_for(ask(url, answer_within=2.0), 10)
            except NoAnswerError:
                return

    asyncio.run(run())
