"""Says whether a process is ready to be talked to."""

import asyncio

import grpc
from grpc_health.v1 import health_pb2

from services.console.settings import ConsoleSettings
from services.console.supervisor.processes import ProcessSpec
from shared.db.embedded import EmbeddedPostgres
from shared.errors import Unavailable


async def is_serving(spec: ProcessSpec) -> bool:
    """Return whether `spec`'s health service says SERVING, or PostgreSQL lets us in; others need only be alive."""
    if spec.name == "postgres":
        return await asyncio.to_thread(_accepts_logins)
    return spec.health is None or await _says_serving(spec.health)


async def _says_serving(address: str) -> bool:
    async with grpc.aio.insecure_channel(address) as channel:
        check = channel.unary_unary(  # the package's own stub is untyped
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        try:
            answer = await check(health_pb2.HealthCheckRequest(), timeout=1.0)
        except grpc.aio.AioRpcError:
            return False
    return answer.status == health_pb2.HealthCheckResponse.SERVING


def _accepts_logins() -> bool:
    try:
        EmbeddedPostgres(ConsoleSettings().home.resolve() / "postgres").wait_ready(0.1)
    except Unavailable:
        return False
    return True
