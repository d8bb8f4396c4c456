"""Asks a server's health service once: `python -m shared.rpc.probe HOST:PORT` exits 0 when it is SERVING."""

import asyncio
import sys

import grpc
from grpc_health.v1 import health_pb2


async def is_serving(address: str) -> bool:
    """Return whether the server at `address` (host:port) says SERVING within a second."""
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


if __name__ == "__main__":
    sys.exit(not asyncio.run(is_serving(sys.argv[1])))
