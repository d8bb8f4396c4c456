"""The one server builder: health, reflection, the call chain and an orderly end for every service, so that none forgets one."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
import structlog
from grpc_health.v1 import health
from grpc_reflection.v1alpha import reflection
from opentelemetry import trace
from opentelemetry.trace import TracerProvider

from shared.errors import WrongState
from shared.process import spare_from_collection
from shared.rpc.calls import CallChain
from shared.rpc.health import Check, DependencyHealth
from shared.rpc.interceptors import call_chain
from shared.rpc.settings import ServerSettings

_ARRIVAL_SECONDS = 0.05
"""How long a call that gRPC has just accepted may take to be counted as in flight."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


async def serve(
    settings: ServerSettings,
    *,
    register: Callable[[grpc.aio.Server], None],
    service_names: Sequence[str],
    checks: Mapping[str, Check],
    stop: asyncio.Event,
) -> None:
    """Serve until `stop` is set, then end in order. Parameters and errors as in `running`."""
    async with running(settings, register=register, service_names=service_names, checks=checks):
        spare_from_collection()
        await stop.wait()


@asynccontextmanager
async def running(
    settings: ServerSettings,
    *,
    register: Callable[[grpc.aio.Server], None],
    service_names: Sequence[str],
    checks: Mapping[str, Check],
    tracer_provider: TracerProvider | None = None,
) -> AsyncIterator[int]:
    """Start a server and yield its port; at the end say NOT_SERVING, drain, stop.

    `register` adds the servicers, `service_names` are their full names, `checks` one per dependency by its name.
    Raises `WrongState` when it cannot listen.
    """
    tracer = trace.get_tracer("shared.rpc", tracer_provider=tracer_provider)
    chain = call_chain(tracer, default_deadline=settings.default_deadline_seconds)
    server = grpc.aio.server(interceptors=[chain], options=_options(settings))
    register(server)
    dependencies = DependencyHealth(service_names, checks, interval=settings.health_interval_seconds)
    dependencies.register(server)
    reflection.enable_server_reflection((*service_names, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    port = _listen(server, settings)
    try:
        async with dependencies.polled():
            await server.start()
            log.info("server_started", host=settings.host, port=port, services=list(service_names))
            yield port
        log.info("server_draining", port=port)
        await asyncio.sleep(settings.drain_seconds)
    finally:
        await _stop(server, chain, settings.grace_seconds)
        log.info("server_stopped", port=port)


def _options(settings: ServerSettings) -> list[tuple[str, int]]:
    return [
        ("grpc.so_reuseport", 0),  # or a second server would share the port in silence
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", settings.max_message_bytes),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        ("grpc.http2.min_recv_ping_interval_without_data_ms", 10_000),  # our clients ping every 30 s
    ]


def _listen(server: grpc.aio.Server, settings: ServerSettings) -> int:
    try:
        return server.add_insecure_port(f"{settings.host}:{settings.port}")
    except RuntimeError:
        raise WrongState(
            f"cannot listen on {settings.host}:{settings.port}: {_why_not(settings.host, settings.port)}; end what uses it, "
            f"or set {settings.variable('port')} or {settings.variable('host')}",
            subject=f"{settings.host}:{settings.port}",
        ) from None


def _why_not(host: str, port: int) -> str:
    """Ask the system for the reason that gRPC keeps to itself."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        return error.strerror or str(error)
    return "it was in use a moment ago"


async def _stop(server: grpc.aio.Server, chain: CallChain, grace: float) -> None:
    """Refuse new calls, let those in flight finish within `grace` seconds, then close.

    gRPC alone would wait the whole grace for each open health watch, which never ends by itself.
    """
    stopping = asyncio.create_task(server.stop(grace))
    await asyncio.wait((stopping,), timeout=_ARRIVAL_SECONDS)
    idle = asyncio.create_task(chain.idle())
    await asyncio.wait((stopping, idle), return_when=asyncio.FIRST_COMPLETED)
    idle.cancel()
    await server.stop(None)
    await stopping
