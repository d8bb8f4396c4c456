"""The yardstick of the desk: a server that answers every GetPolicyList with one fixed message, built by the same builder.

`python -m tests.bench.echo FILE` reads the answer's bytes from FILE, prints its port, and serves until it is stopped.
"""

import asyncio
import sys
from pathlib import Path

import grpc
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from shared import process
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure
from shared.rpc.calls import Context
from shared.rpc.server import running
from shared.rpc.settings import ServerSettings

SERVICE = pb.DESCRIPTOR.services_by_name["RecommendationService"].full_name


async def _main(stop: asyncio.Event) -> None:
    answer = pb.GetPolicyListResponse.FromString(_stored())

    async def echo(_request: pb.GetPolicyListRequest, _context: Context) -> pb.GetPolicyListResponse:
        return answer

    handler = grpc.unary_unary_rpc_method_handler(
        echo,
        request_deserializer=pb.GetPolicyListRequest.FromString,
        response_serializer=pb.GetPolicyListResponse.SerializeToString,
    )

    def register(server: grpc.aio.Server) -> None:
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"GetPolicyList": handler}),))

    async with running(ServerSettings(port=0), register=register, service_names=(), checks={}) as port:
        process.spare_from_collection()
        print(port, flush=True)
        await stop.wait()


def _stored() -> bytes:
    return Path(sys.argv[1]).read_bytes()


if __name__ == "__main__":
    with configure("echo", settings=TelemetrySettings()):
        process.run(_main)
