"""Fixtures of the RPC tests."""

import socket
from collections.abc import Iterator

import pytest
import structlog

from shared.rpc import client, health, interceptors, server


@pytest.fixture
def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(autouse=True)
def fresh_loggers(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give each test loggers that no earlier test of the process has configured: loggers keep what they first saw."""
    before = structlog.get_config()
    structlog.reset_defaults()
    for module in (client, health, interceptors, server):
        monkeypatch.setattr(module, "log", structlog.get_logger())
    yield
    structlog.configure(**before)
