"""A small HTTP listener for what other systems and people post to us; gRPC is for everything of our own."""

from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiohttp import web

_SHUTDOWN_SECONDS = 5.0


class WebListener:
    """Serves `routes` on one socket while entered. Requests larger than `max_body_bytes` are answered with 413; none is
    written to a log."""

    def __init__(
        self, routes: Iterable[web.AbstractRouteDef], *, host: str, port: int, max_body_bytes: int = 65_536
    ) -> None:
        self._routes = tuple(routes)
        self._host = host
        self._port = port
        self._max_body_bytes = max_body_bytes

    @property
    def port(self) -> int:
        """The port listened on; where 0 was asked for, the one that the system chose."""
        return self._port

    async def __aenter__(self) -> Self:
        """Raises OSError if the address cannot be listened on."""
        application = web.Application(client_max_size=self._max_body_bytes)
        application.add_routes(self._routes)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, self._host, self._port).start()
        except BaseException:
            await self._runner.cleanup()
            raise
        self._port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Answer what is being answered, then close."""
        await self._runner.cleanup()
