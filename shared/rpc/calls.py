"""Runs every method of a server through one composed chain of layers, whatever its shape.

One gRPC interceptor composes plain functions once per method; gRPC's own interceptors would each be run, and would wrap
the method anew, at every call.
"""

from __future__ import annotations  # gRPC's classes are generic to the type checker only

import asyncio
from collections.abc import AsyncIterable, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import isasyncgenfunction
from typing import TypeAlias, TypeVar, cast

import grpc

Context: TypeAlias = "grpc.aio.ServicerContext[object, object]"
Handler: TypeAlias = "grpc.RpcMethodHandler[object, object]"

UNOBSERVED = ("/grpc.health.", "/grpc.reflection.")
"""Asked every second by machines: neither traced nor logged, and answered to anyone."""

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


@dataclass(slots=True)
class ServerCall:
    """One call being served; `code` and `reason` say how it ended, once it has."""

    method: str
    """`package.Service/Method`."""
    request: object
    context: Context
    metadata: Mapping[str, str]
    code: grpc.StatusCode = grpc.StatusCode.OK
    reason: str | None = None


Proceed: TypeAlias = Callable[[ServerCall], Awaitable[object]]
Layer: TypeAlias = Callable[[ServerCall, Proceed], Awaitable[object]]


class CallChain(grpc.aio.ServerInterceptor):
    """Puts `layers`, the first one outermost, around every method but those of health and reflection."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        self._layers = tuple(layers)
        self._wrapped: dict[str, tuple[object, object]] = {}
        self._in_flight = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def idle(self) -> None:
        """Return once no call is in flight."""
        await self._idle.wait()

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[_Request, _Response] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[_Request, _Response] | None:
        handler = await continuation(handler_call_details)
        path = handler_call_details.method
        if handler is None or path.startswith(UNOBSERVED):
            return handler
        known, wrapped = self._wrapped.get(path, (None, None))
        if known is not handler:
            wrapped = self._wrap(path.removeprefix("/"), cast("Handler", handler))
            self._wrapped[path] = (handler, wrapped)
        return cast("grpc.RpcMethodHandler[_Request, _Response]", wrapped)

    def _wrap(self, method: str, handler: Handler) -> Handler:
        proceed = _innermost(handler)
        for layer in reversed(self._layers):
            proceed = _around(layer, proceed)

        async def run(request: object, context: Context) -> object:
            call = ServerCall(method, request, context, _text_metadata(context))
            self._in_flight += 1
            self._idle.clear()
            try:
                return await proceed(call)
            finally:
                self._in_flight -= 1
                if not self._in_flight:
                    self._idle.set()

        make = _FACTORIES[handler.request_streaming, handler.response_streaming]
        return make(run, handler.request_deserializer, handler.response_serializer)


_FACTORIES: Mapping[tuple[bool, bool], Callable[..., Handler]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}


def _around(layer: Layer, proceed: Proceed) -> Proceed:
    return lambda call: layer(call, proceed)


def _innermost(handler: Handler) -> Proceed:
    """Return what calls the method itself.

    A generator's answers are written one by one, so that all layers are plain coroutines: within a generator, neither a
    timeout nor a context would hold across yields.
    """
    behaviour = handler.unary_unary or handler.unary_stream or handler.stream_unary or handler.stream_stream
    method = cast("Callable[[object, Context], Awaitable[object]]", behaviour)
    if not isasyncgenfunction(method):
        return lambda call: method(call.request, call.context)
    generate = cast("Callable[[object, Context], AsyncIterable[object]]", behaviour)

    async def stream(call: ServerCall) -> None:
        async for response in generate(call.request, call.context):
            await call.context.write(response)

    return stream


def _text_metadata(context: Context) -> dict[str, str]:
    return {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
