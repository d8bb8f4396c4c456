"""What a client sends again, and how fast it finds a server that came back."""

import asyncio
import time
from typing import cast

import grpc
import pytest
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2

from shared.errors import Conflict, DeadlineExceeded, Unavailable
from shared.rpc.client import open_channel, reading_methods
from tests.integration.rpc.toy import GET, ToyStub, toy_server, toy_settings


async def echo(text: str) -> str:
    return text


async def test_only_a_method_named_safe_is_sent_again_when_the_server_is_unavailable() -> None:
    asked: list[str] = []

    async def third_time(text: str) -> str:
        asked.append(text)
        if asked.count(text) < 3:
            raise Unavailable("the database is restarting")
        return text

    async with (
        toy_server(third_time) as port,
        open_channel(f"127.0.0.1:{port}", client_name="test", retry=[GET]) as channel,
    ):
        assert await ToyStub(channel).get("read") == "read"
        with pytest.raises(Unavailable):
            await ToyStub(channel).change("write")
    assert asked == ["read", "read", "read", "write"]


async def test_nothing_but_unavailable_is_sent_again() -> None:
    asked = 0

    async def lose(_: str) -> str:
        nonlocal asked
        asked += 1
        raise Conflict("somebody was faster")

    async with toy_server(lose) as port, open_channel(f"127.0.0.1:{port}", client_name="t", retry=[GET]) as channel:
        with pytest.raises(Conflict):
            await ToyStub(channel).get("x")
    assert asked == 1


async def test_the_callers_deadline_ends_the_repeats() -> None:
    async def down(_: str) -> str:
        raise Unavailable("the database is restarting")

    async with toy_server(down) as port, open_channel(f"127.0.0.1:{port}", client_name="t", retry=[GET]) as channel:
        started = time.monotonic()
        with pytest.raises((DeadlineExceeded, Unavailable)):
            await ToyStub(channel).get("x", seconds=0.15)
    assert time.monotonic() - started < 1


async def test_a_server_that_comes_back_is_found_within_its_backoff(free_port: int) -> None:
    settings = toy_settings(port=free_port)
    async with open_channel(f"127.0.0.1:{free_port}", client_name="test", retry=[GET]) as channel:
        with pytest.raises(Unavailable):
            await ToyStub(channel).change("nobody there")
        await asyncio.sleep(1)  # long enough for gRPC's usual backoff to have grown past our limit
        async with toy_server(echo, settings=settings):
            started = time.monotonic()
            assert await ToyStub(channel).get("back") == "back"
            assert time.monotonic() - started < 2


async def test_a_call_made_with_no_time_left_is_not_sent() -> None:
    asked: list[str] = []

    async def note(text: str) -> str:
        asked.append(text)
        return text

    async with toy_server(note) as port, open_channel(f"127.0.0.1:{port}", client_name="test") as channel:
        with pytest.raises(DeadlineExceeded, match="no time was left"):
            await ToyStub(channel).get("x", seconds=0)
    assert asked == []


async def test_a_cancelled_caller_cancels_the_call_at_the_server() -> None:
    began, ended = asyncio.Event(), asyncio.Event()

    async def slow(_: str) -> str:
        began.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()
        return "never"

    async with toy_server(slow) as port, open_channel(f"127.0.0.1:{port}", client_name="test") as channel:
        call = asyncio.create_task(ToyStub(channel).get("x"))
        await began.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await asyncio.wait_for(ended.wait(), 5)


async def test_a_client_of_another_make_gets_answers_too() -> None:
    async with toy_server(echo) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        assert await ToyStub(channel).get("x", metadata={"some-header": "of theirs"}) == "x"


def test_reading_methods_are_known_by_their_verb() -> None:
    health = cast("ServiceDescriptor", health_pb2.DESCRIPTOR.services_by_name["Health"])
    assert set(reading_methods(health)) == {"grpc.health.v1.Health/Check", "grpc.health.v1.Health/List"}  # not Watch
