"""What an installation looks at before it starts, and how its work is stopped."""

import asyncio
import socket
from pathlib import Path

import pytest

from services.console.installation import until
from services.console.settings import ConsoleSettings
from services.console.supervisor import processes
from services.console.supervisor.ports import require_free_ports
from shared.errors import InvalidInput, NotFound


def test_every_port_in_use_is_named_with_its_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(InvalidInput) as caught:
            require_free_ports({"A_PORT": address, "B_PORT": address})
    assert [violation.field for violation in caught.value.violations] == ["A_PORT", "B_PORT"]
    require_free_ports({"A_PORT": address})


def test_a_port_alone_moves_a_service_for_everyone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("VISAVIS_HOME", str(tmp_path))
    monkeypatch.setenv("VISAVIS_PROFILE_PORT", "6001")
    monkeypatch.delenv("VISAVIS_PROFILE_ADDRESS", raising=False)
    settings = ConsoleSettings()
    assert settings.address("profile") == "127.0.0.1:6001"
    assert settings.places() == {"VISAVIS_HOME": str(tmp_path), "VISAVIS_PROFILE_PORT": "6001"}
    worker = next(spec for spec in processes.services(settings) if spec.name == "scoring-worker")
    assert worker.environment["VISAVIS_PROFILE_ADDRESS"] == "127.0.0.1:6001"


def test_an_address_moves_the_server_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_PROFILE_ADDRESS", "127.0.0.1:6002")
    monkeypatch.delenv("VISAVIS_PROFILE_PORT", raising=False)
    server = processes.services(ConsoleSettings())[0]
    assert (server.name, server.environment["VISAVIS_PROFILE_PORT"]) == ("profile", "6002")


@pytest.mark.parametrize(
    ("sandbox_port", "dispatch_port"),
    [
        ("VISAVIS_SANDBOX_GATEWAY_PORT", "VISAVIS_DISPATCH_SMS_PORT"),
        ("VISAVIS_SANDBOX_MAIL_PORT", "VISAVIS_DISPATCH_MAIL_PORT"),
    ],
)
@pytest.mark.parametrize(("given", "used"), [(None, "6003"), ("9", "9")])
def test_a_moved_gateway_is_where_messages_go_unless_told_otherwise(
    monkeypatch: pytest.MonkeyPatch, sandbox_port: str, dispatch_port: str, given: str | None, used: str
) -> None:
    monkeypatch.delenv(dispatch_port, raising=False)
    for name, value in {sandbox_port: "6003", dispatch_port: given}.items():
        if value is not None:
            monkeypatch.setenv(name, value)
    (sandbox,) = processes.sandbox(ConsoleSettings(), Path("world"))
    assert sandbox.environment[dispatch_port] == used


async def test_work_ends_by_itself_with_its_own_failure() -> None:
    async def fails() -> None:
        raise NotFound("it")

    with pytest.raises(NotFound):
        await until(asyncio.Event(), fails(), stopping=lambda: pytest.fail("nobody asked to stop"))


async def test_stopped_work_cleans_up_before_it_is_left() -> None:
    seen: list[str] = []

    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            seen.append("cleaned")

    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stop.set)
    await until(stop, works(), stopping=lambda: seen.append("stopping"))
    assert seen == ["stopping", "cleaned"]


async def test_a_failure_while_stopping_is_told() -> None:
    async def works() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise NotFound("the server's log")

    stop = asyncio.Event()
    asyncio.get_running_loop().call_later(0.01, stop.set)
    with pytest.raises(NotFound):
        await until(stop, works(), stopping=lambda: None)
