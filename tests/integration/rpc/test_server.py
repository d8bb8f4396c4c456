"""How a server begins, says how it is, and ends."""

import asyncio
import signal
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
import structlog
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection_pb2
from pydantic_settings import SettingsConfigDict

from shared.errors import InvalidInput, Unavailable, WrongState
from shared.rpc.client import open_channel
from shared.rpc.settings import ServerSettings
from tests.integration.rpc.toy import SERVICE, ToyStub, health_of, toy_server, toy_settings


async def echo(text: str) -> str:
    return text


@asynccontextmanager
async def server_process(port: int) -> AsyncIterator[Process]:
    """Run the slow server in a process of its own; it is gone afterwards in any case."""
    module = "tests.integration.rpc.server_process"
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", module, str(port), stdout=PIPE, stderr=PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def health_becomes(channel: grpc.aio.Channel, service: str, status: str) -> None:
    async with asyncio.timeout(5):
        while await health_of(channel, service) != status:  # noqa: ASYNC110 - polls, as a load balancer does
            await asyncio.sleep(0.02)


async def test_sigterm_lets_the_call_in_flight_finish_and_then_ends_the_process(free_port: int) -> None:
    async with (
        server_process(free_port) as process,
        open_channel(f"127.0.0.1:{free_port}", client_name="test") as channel,
    ):
        await asyncio.wait_for(channel.channel_ready(), 20)
        call = asyncio.create_task(ToyStub(channel).get("finished"))
        assert process.stdout is not None
        while b"began" not in await process.stdout.readline():
            continue
        process.send_signal(signal.SIGTERM)
        await health_becomes(channel, SERVICE, "NOT_SERVING")
        assert await call == "finished"
        assert await asyncio.wait_for(process.wait(), 5) == 0
        with pytest.raises(Unavailable):
            await ToyStub(channel).get("too late")


async def test_a_call_that_outlives_the_grace_is_ended_as_unavailable() -> None:
    began = asyncio.Event()

    async def endless(_: str) -> str:
        began.set()
        await asyncio.sleep(60)
        return "never"

    server = toy_server(endless, settings=toy_settings(grace_seconds=0.2))
    port = await server.__aenter__()
    async with open_channel(f"127.0.0.1:{port}", client_name="test") as channel:
        call = asyncio.create_task(ToyStub(channel).get("x"))
        await began.wait()
        started = time.monotonic()
        await server.__aexit__(None, None, None)
        assert time.monotonic() - started < 2
        with pytest.raises(Unavailable):
            await call


async def test_a_health_watch_hears_of_the_end_and_does_not_delay_it() -> None:
    server = toy_server(echo, settings=toy_settings(grace_seconds=30))
    port = await server.__aenter__()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        watch = channel.unary_stream(
            "/grpc.health.v1.Health/Watch",
            health_pb2.HealthCheckRequest.SerializeToString,
            health_pb2.HealthCheckResponse.FromString,
        )(health_pb2.HealthCheckRequest(service=SERVICE))
        statuses = aiter(watch)
        while (await anext(statuses)).status != health_pb2.HealthCheckResponse.SERVING:
            continue
        started = time.monotonic()
        ending = asyncio.create_task(server.__aexit__(None, None, None))
        assert (await anext(statuses)).status == health_pb2.HealthCheckResponse.NOT_SERVING
        await ending
        assert time.monotonic() - started < 5


async def test_health_follows_the_dependencies_both_ways() -> None:
    failing, failed_again, failures = False, asyncio.Event(), 0

    async def ping() -> None:
        nonlocal failures
        if failing:
            failures += 1
            if failures == 3:
                failed_again.set()
            raise ConnectionRefusedError("no database")

    async with (
        toy_server(echo, checks={"database": ping}) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        with structlog.testing.capture_logs() as lines:
            await health_becomes(channel, SERVICE, "SERVING")
            failing = True
            await health_becomes(channel, SERVICE, "NOT_SERVING")
            await health_becomes(channel, "", "NOT_SERVING")
            await asyncio.wait_for(failed_again.wait(), 5)  # it is said once, however often it is seen
            failing = False
            await health_becomes(channel, SERVICE, "SERVING")
            await health_becomes(channel, "", "SERVING")
    changes = [(line["event"], line["dependency"]) for line in lines if "dependency" in line]
    assert changes == [("dependency_down", "database"), ("dependency_up", "database")]


async def test_a_dependency_that_hangs_is_down() -> None:
    async def hang() -> None:
        await asyncio.sleep(60)

    async with (
        toy_server(echo, checks={"database": hang}) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        assert await health_of(channel, SERVICE) == "NOT_SERVING"


async def test_reflection_lists_the_services() -> None:
    async with (
        toy_server(echo) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        ask = channel.stream_stream(
            "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
            reflection_pb2.ServerReflectionRequest.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        answers = [answer async for answer in ask(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))]
    names = {service.name for service in answers[0].list_services_response.service}
    assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}


async def test_health_and_reflection_are_not_logged() -> None:
    async with toy_server(echo) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        with structlog.testing.capture_logs() as lines:
            await health_of(channel)
            assert await ToyStub(channel).get("x") == "x"
    assert [line["event"] for line in lines] == ["rpc_served"]


class DeskSettings(ServerSettings):
    """As a service derives its settings."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_DESK_")


async def test_a_port_in_use_is_named_with_the_variable_that_changes_it() -> None:
    async with toy_server(echo) as port:
        with pytest.raises(WrongState) as caught:
            async with toy_server(echo, settings=DeskSettings(port=port)):
                pass
    assert f"127.0.0.1:{port}: Address already in use" in caught.value.message
    assert "VISAVIS_DESK_PORT" in caught.value.message


async def test_an_address_of_another_machine_is_told_apart_from_a_port_in_use() -> None:
    with pytest.raises(WrongState, match=r"192\.0\.2\.1:0: Cannot assign requested address.*VISAVIS_DESK_HOST"):
        async with toy_server(echo, settings=DeskSettings(host="192.0.2.1", port=0)):
            pass


def test_settings_are_read_under_the_prefix_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DESK_PORT", "50053")
    monkeypatch.setenv("VISAVIS_DESK_GRACE_SECONDS", "2.5")
    settings = DeskSettings.model_validate({})
    assert (settings.port, settings.grace_seconds, settings.host) == (50053, 2.5, "127.0.0.1")


def test_a_misspelled_variable_below_the_services_prefix_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DESK_PROT", "50053")
    with pytest.raises(InvalidInput, match=r"VISAVIS_DESK_PROT.*known are VISAVIS_DESK_ADDRESS.*VISAVIS_DESK_PORT"):
        DeskSettings(port=1)


def test_what_peers_read_below_the_prefix_is_left_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DESK_ADDRESS", "desk:50053")
    assert DeskSettings(port=1).port == 1
