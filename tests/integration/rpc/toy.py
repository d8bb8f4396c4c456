"""A service made by hand, so that `shared.rpc` is tested over real sockets without a contract of the product."""

from __future__ import annotations  # gRPC's classes are generic to the type checker only

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TypeAlias

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2
from opentelemetry.trace import TracerProvider

from shared.rpc.health import Check
from shared.rpc.server import running
from shared.rpc.settings import ServerSettings

SERVICE = "toy.v1.ToyService"
GET = f"{SERVICE}/Get"
CHANGE = f"{SERVICE}/Change"

Answer = Callable[[str], Awaitable[str]]
Context: TypeAlias = "grpc.aio.ServicerContext[StringValue, StringValue]"

_CODEC = (StringValue.FromString, StringValue.SerializeToString)


class ToyServicer:
    """Get and Change answer with `answer(request)`, ListWords with each word of it, Join with all requests joined."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def get(self, request: StringValue, _: Context) -> StringValue:
        return StringValue(value=await self._answer(request.value))

    async def list_words(self, request: StringValue, _: Context) -> AsyncIterator[StringValue]:
        for word in request.value.split():
            yield StringValue(value=await self._answer(word))

    async def join(self, requests: AsyncIterator[StringValue], _: Context) -> StringValue:
        return StringValue(value=await self._answer("".join([request.value async for request in requests])))

    def register(self, server: grpc.aio.Server) -> None:
        methods: dict[str, grpc.RpcMethodHandler[StringValue, StringValue]] = {
            "Get": grpc.unary_unary_rpc_method_handler(self.get, *_CODEC),
            "Change": grpc.unary_unary_rpc_method_handler(self.get, *_CODEC),
            "ListWords": grpc.unary_stream_rpc_method_handler(self.list_words, *_CODEC),
            "Join": grpc.stream_unary_rpc_method_handler(self.join, *_CODEC),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, methods),))


class ToyStub:
    """Calls the toy service as a generated stub would."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.channel = channel
        write, read = StringValue.SerializeToString, StringValue.FromString
        self._get = channel.unary_unary(f"/{GET}", write, read)
        self._change = channel.unary_unary(f"/{CHANGE}", write, read)
        self.words = channel.unary_stream(f"/{SERVICE}/ListWords", write, read)
        self._join = channel.stream_unary(f"/{SERVICE}/Join", write, read)

    async def get(self, text: str, *, seconds: float | None = None, metadata: Mapping[str, str] | None = None) -> str:
        sent = tuple((metadata or {}).items())
        return (await self._get(StringValue(value=text), timeout=seconds, metadata=sent)).value

    async def change(self, text: str) -> str:
        return (await self._change(StringValue(value=text))).value

    async def list_words(self, text: str) -> AsyncIterator[str]:
        async for word in self.words(StringValue(value=text)):
            yield word.value

    async def join(self, *texts: str) -> str:
        return (await self._join(iter([StringValue(value=text) for text in texts]))).value


async def health_of(channel: grpc.aio.Channel, service: str = "") -> str:
    """Return the name of the serving status that the server reports for `service`, "" being all of it."""
    check = channel.unary_unary(
        "/grpc.health.v1.Health/Check",
        health_pb2.HealthCheckRequest.SerializeToString,
        health_pb2.HealthCheckResponse.FromString,
    )
    response = await check(health_pb2.HealthCheckRequest(service=service), timeout=5)
    return health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)


def toy_settings(**changes: object) -> ServerSettings:
    """Settings of a quick server on a free port."""
    return ServerSettings.model_validate({"port": 0, "drain_seconds": 0, "health_interval_seconds": 0.05, **changes})


def toy_server(
    answer: Answer,
    *,
    settings: ServerSettings | None = None,
    checks: Mapping[str, Check] | None = None,
    tracer_provider: TracerProvider | None = None,
) -> AbstractAsyncContextManager[int]:
    """Serve the toy on a free port, which is what the context yields."""
    return running(
        settings or toy_settings(),
        register=ToyServicer(answer).register,
        service_names=[SERVICE],
        checks=checks or {},
        tracer_provider=tracer_provider,
    )
