"""The one client builder: every call has a deadline, says who calls, carries the trace, and fails with a typed failure."""

from __future__ import annotations  # gRPC's classes are generic to the type checker only

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Tracer, TracerProvider

from shared.errors import DeadlineExceeded
from shared.rpc.deadline import shortened
from shared.rpc.errors import failure_of, spoke
from shared.rpc.identity import Caller, Role, caller_metadata, caller_or
from shared.rpc.interceptors import REQUEST_ID_KEY, current_request_id
from shared.rpc.tracing import client_span, record_status

READING_VERBS = ("BatchGet", "Check", "Diff", "Evaluate", "Explain", "Export", "Get", "List", "Preview", "Search")
"""Methods that begin with one of these change nothing, and may be sent again."""

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

_Request = TypeVar("_Request")
_Response = TypeVar("_Response")


@asynccontextmanager
async def open_channel(
    address: str,
    *,
    client_name: str,
    caller: Caller | None = None,
    deadline_seconds: float = 10,
    retry: Iterable[str] = (),
    max_message_bytes: int = 4 * 1024 * 1024,
    tracer_provider: TracerProvider | None = None,
) -> AsyncIterator[grpc.aio.Channel]:
    """Open a channel to `address` (`host:port`) for stubs; a server that comes back is found within a second.

    A call takes at most its own `timeout`, else `deadline_seconds`, and never longer than the call being served has left.
    It is made for the current caller, outside of a call for `caller`, else for the service `client_name` itself.
    `retry` names methods (`package.Service/Method`) that may be sent again when the server is unavailable: those that
    only read (`reading_methods`), and those whose every request carries a `request_id`. All failures are `shared.errors`.
    """
    tracer = trace.get_tracer("shared.rpc", tracer_provider=tracer_provider)
    outgoing = _Outgoing(tracer, caller or Caller(client_name, Role.SERVICE), deadline_seconds)
    channel = grpc.aio.insecure_channel(
        address,
        options=[*_options(client_name, max_message_bytes), ("grpc.service_config", _service_config(retry))],
        interceptors=[_UnaryCalls(outgoing), _StreamedCalls(outgoing)],
    )
    async with channel:
        yield channel


def reading_methods(*services: ServiceDescriptor) -> tuple[str, ...]:
    """Return the methods of `services` that change nothing, judged by their verb, as `retry` wants them."""
    return tuple(
        f"{service.full_name}/{method.name}"
        for service in services
        for method in service.methods
        if method.name.startswith(READING_VERBS)
    )


def _options(client_name: str, max_message_bytes: int) -> list[tuple[str, int | str]]:
    return [
        ("grpc.primary_user_agent", client_name),
        ("grpc.max_receive_message_length", max_message_bytes),
        ("grpc.max_send_message_length", max_message_bytes),
        ("grpc.initial_reconnect_backoff_ms", 100),
        ("grpc.min_reconnect_backoff_ms", 1_000),  # how long one attempt to connect may take
        ("grpc.max_reconnect_backoff_ms", 1_000),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
    ]


def _service_config(retry: Iterable[str]) -> str:
    names = [dict(zip(("service", "method"), method.rsplit("/", 1), strict=True)) for method in retry]
    policy = {
        "maxAttempts": 5,  # gRPC's limit; the waits add up to about 1.5 s, enough for a restart
        "initialBackoff": "0.1s",
        "maxBackoff": "1s",
        "backoffMultiplier": 2,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    return json.dumps({"methodConfig": [{"name": names, "retryPolicy": policy}]} if names else {})


@dataclass(frozen=True, slots=True)
class _Outgoing:
    """What the two interceptors share: how a call is prepared, and how it ends."""

    tracer: Tracer
    default_caller: Caller
    deadline: float

    def prepare(self, details: grpc.aio.ClientCallDetails) -> tuple[grpc.aio.ClientCallDetails, _Attempt]:
        """Add deadline, identity, request id and trace to a call. Raises `DeadlineExceeded` when no time is left."""
        method = _name(details.method)
        timeout = shortened(self.deadline if details.timeout is None else details.timeout)
        if timeout <= 0:
            raise DeadlineExceeded(f"no time was left to call {method}")
        span, trace_metadata = client_span(self.tracer, method)
        metadata = [
            *(details.metadata or ()),
            *caller_metadata(caller_or(self.default_caller)),
            *trace_metadata.items(),
        ]
        if request_id := current_request_id.get():
            metadata.append((REQUEST_ID_KEY, request_id))
        prepared = grpc.aio.ClientCallDetails(
            details.method, timeout, grpc.aio.Metadata(*metadata), details.credentials, details.wait_for_ready
        )
        return prepared, _Attempt(method, span)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A call on its way; as a context it ends the span and turns the transport's error into a typed failure."""

    method: str
    span: Span

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace_: object) -> None:
        code = _code_of(error)
        record_status(self.span, code, kind=SpanKind.CLIENT)
        self.span.end()
        if isinstance(error, grpc.aio.AioRpcError):
            if not spoke(error):
                log.warning("peer_did_not_answer", method=self.method, code=code.name, detail=error.details())
            raise failure_of(error, service=self.method.rpartition("/")[0]) from None


class _UnaryCalls(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, outgoing: _Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept_unary_unary(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, _Request], Awaitable[grpc.aio.UnaryUnaryCall[_Request, _Response]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: _Request,
    ) -> _Response:
        details, attempt = self._outgoing.prepare(client_call_details)
        with attempt:
            return await (await continuation(details, request))


class _StreamedCalls(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, outgoing: _Outgoing) -> None:
        self._outgoing = outgoing

    async def intercept_unary_stream(
        self,
        continuation: Callable[
            [grpc.aio.ClientCallDetails, _Request], Awaitable[grpc.aio.UnaryStreamCall[_Request, _Response]]
        ],
        client_call_details: grpc.aio.ClientCallDetails,
        request: _Request,
    ) -> AsyncIterator[_Response]:
        details, attempt = self._outgoing.prepare(client_call_details)
        return _responses(await continuation(details, request), attempt)


async def _responses(
    call: grpc.aio.UnaryStreamCall[_Request, _Response], attempt: _Attempt
) -> AsyncIterator[_Response]:
    try:
        with attempt:
            async for response in call:
                yield response
    finally:
        call.cancel()  # when the reader stops early; nothing to cancel otherwise


def _name(method: str | bytes) -> str:
    """Return `package.Service/Method`; gRPC hands bytes where its types say text."""
    return (method.decode() if isinstance(method, bytes) else method).removeprefix("/")


def _code_of(error: BaseException | None) -> grpc.StatusCode:
    match error:
        case None:
            return grpc.StatusCode.OK
        case grpc.aio.AioRpcError():
            return error.code()
        case asyncio.CancelledError() | GeneratorExit():
            return grpc.StatusCode.CANCELLED
        case _:
            return grpc.StatusCode.UNKNOWN
