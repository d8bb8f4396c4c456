"""The HTTP listener over real sockets."""

import aiohttp
import pytest
from aiohttp import web

from shared.web import WebListener


async def echo(request: web.Request) -> web.Response:
    return web.Response(body=await request.read())


ROUTES = [web.post("/echo", echo)]


async def test_a_request_is_answered_while_the_listener_is_entered_and_refused_behind_it() -> None:
    async with (
        WebListener(ROUTES, host="127.0.0.1", port=0) as listener,
        aiohttp.ClientSession() as client,
        client.post(f"http://127.0.0.1:{listener.port}/echo", data=b"hello") as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"hello")
    async with aiohttp.ClientSession() as client:
        with pytest.raises(aiohttp.ClientConnectorError):
            await client.post(f"http://127.0.0.1:{listener.port}/echo", data=b"hello")


async def test_a_body_over_the_limit_is_refused() -> None:
    async with (
        WebListener(ROUTES, host="127.0.0.1", port=0, max_body_bytes=10) as listener,
        aiohttp.ClientSession() as client,
        client.post(f"http://127.0.0.1:{listener.port}/echo", data=b"12345678901") as answer,
    ):
        assert answer.status == 413


async def test_a_port_that_is_taken_is_told_and_leaves_nothing_behind() -> None:
    async with WebListener(ROUTES, host="127.0.0.1", port=0) as first:
        with pytest.raises(OSError, match="address already in use"):
            await WebListener(ROUTES, host="127.0.0.1", port=first.port).__aenter__()
