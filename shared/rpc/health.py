"""Feeds the gRPC health service from the real dependencies of a server."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
import structlog
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

Check = Callable[[], Awaitable[None]]
"""Returns when the dependency answers, raises otherwise."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_SERVING = health_pb2.HealthCheckResponse.SERVING
_NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


class DependencyHealth:
    """Says SERVING for every service name, and for "" which is all of them, while every dependency answers."""

    def __init__(self, service_names: Sequence[str], checks: Mapping[str, Check], *, interval: float) -> None:
        self._names = ("", *service_names)
        self._checks = dict(checks)
        self._interval = interval
        self._down: frozenset[str] = frozenset()
        self._servicer = health.aio.HealthServicer()

    def register(self, server: grpc.aio.Server) -> None:
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)

    @asynccontextmanager
    async def polled(self) -> AsyncIterator[None]:
        """Look at the dependencies now and every `interval` seconds; say NOT_SERVING at the end."""
        await self.look()
        polling = asyncio.create_task(self._poll())
        try:
            yield
        finally:
            polling.cancel()
            await asyncio.gather(polling, return_exceptions=True)
            await self._servicer.enter_graceful_shutdown()

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self.look()

    async def look(self) -> None:
        """Ask every dependency once, each for at most one interval, and say what was found."""
        answers = await asyncio.gather(*(self._answers(name, check) for name, check in self._checks.items()))
        self._down = frozenset(name for name, answered in zip(self._checks, answers, strict=True) if not answered)
        await self._say(_NOT_SERVING if self._down else _SERVING)

    async def _answers(self, name: str, check: Check) -> bool:
        try:
            async with asyncio.timeout(self._interval):
                await check()
        except Exception as error:  # noqa: BLE001 - whatever a check raises means that the dependency is down
            if name not in self._down:
                log.warning("dependency_down", dependency=name, error=repr(error))
            return False
        if name in self._down:
            log.info("dependency_up", dependency=name)
        return True

    async def _say(self, status: int) -> None:
        for name in self._names:
            await self._servicer.set(name, status)
