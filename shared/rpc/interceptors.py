"""The one chain that every call goes through: tracing, log context, error mapping, caller identity, deadline, method.

Error mapping stands outside of identity and deadline, because these two fail as well. Context variables are set and not
reset: gRPC serves each call in a task of its own, and they end with it.
"""

import asyncio
import re
import time
import uuid
from contextvars import ContextVar
from typing import cast

import grpc
import structlog
from grpc_status import rpc_status
from opentelemetry.trace import SpanKind, Tracer

from shared.errors import DeadlineExceeded, Failure
from shared.observability.context import current_trace_id
from shared.rpc.calls import CallChain, Layer, Proceed, ServerCall
from shared.rpc.deadline import enter_deadline, remaining
from shared.rpc.errors import is_expected, status_of
from shared.rpc.identity import caller_of, enter_caller
from shared.rpc.tracing import record_status, server_span

REQUEST_ID_KEY = "visavis-request-id"

log: structlog.typing.FilteringBoundLogger = structlog.get_logger()
current_request_id: ContextVar[str] = ContextVar("visavis_request_id", default="")

_TIMER_SECONDS = 0.02
"""gRPC's timer and our clock differ by milliseconds: a call cancelled this close to its deadline was cancelled by it."""

_REQUEST_ID = re.compile(r"[\w.-]{1,64}", re.ASCII)
_CODES = {code.value[0]: code for code in grpc.StatusCode}


def call_chain(tracer: Tracer, *, default_deadline: float) -> CallChain:
    """Return the chain; calls without a deadline get `default_deadline` seconds."""
    return CallChain([_traced(tracer), _logged, _mapped, _identified, _bounded(default_deadline)])


def _traced(tracer: Tracer) -> Layer:
    async def traced(call: ServerCall, proceed: Proceed) -> object:
        with server_span(tracer, call.method, call.metadata) as span:
            try:
                return await proceed(call)
            finally:
                record_status(span, call.code, kind=SpanKind.SERVER)

    return traced


async def _logged(call: ServerCall, proceed: Proceed) -> object:
    """Bind what every log line of the call carries, and write one line when it ends."""
    started = time.perf_counter()
    request_id = _request_id(call)
    current_request_id.set(request_id)
    structlog.contextvars.bind_contextvars(request_id=request_id, rpc_method=call.method, trace_id=current_trace_id())
    try:
        return await proceed(call)
    finally:
        write = log.debug if call.code is grpc.StatusCode.OK else log.info
        milliseconds = round((time.perf_counter() - started) * 1000, 1)
        write("rpc_served", code=call.code.name, reason=call.reason, milliseconds=milliseconds)


async def _mapped(call: ServerCall, proceed: Proceed) -> object:
    """Turn whatever escapes into one status; the words of what nobody expected go to the log only."""
    try:
        return await proceed(call)
    except asyncio.CancelledError:
        late = (remaining() or 0) < _TIMER_SECONDS
        call.code = grpc.StatusCode.DEADLINE_EXCEEDED if late else grpc.StatusCode.CANCELLED
        raise
    except grpc.aio.AbortError:  # a method that spoke for itself
        call.code = _CODES[cast("int", call.context.code())]  # a number, whatever the stubs say
        raise
    except Exception as error:  # noqa: BLE001 - the edge: whatever escapes a method is answered
        return await _abort(call, error)


async def _abort(call: ServerCall, error: Exception) -> object:
    if not is_expected(error):
        log.error("rpc_crashed", exc_info=error)
    status = rpc_status.to_status(status_of(error, trace_id=current_trace_id()))
    call.code = status.code
    call.reason = error.reason if isinstance(error, Failure) else "ERROR_REASON_INTERNAL"
    return await call.context.abort_with_status(status)


async def _identified(call: ServerCall, proceed: Proceed) -> object:
    caller = caller_of(call.metadata, peer=call.context.peer())
    enter_caller(caller)
    structlog.contextvars.bind_contextvars(principal=caller.principal)
    return await proceed(call)


def _bounded(default: float) -> Layer:
    async def bounded(call: ServerCall, proceed: Proceed) -> object:
        left = cast("float | None", call.context.time_remaining())  # the stubs forget None
        if left is not None:  # gRPC itself cancels the call when the caller's deadline passes
            enter_deadline(left)
            return await proceed(call)
        enter_deadline(default)
        limit = asyncio.timeout(default)
        try:
            async with limit:
                return await proceed(call)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded(f"not done in {default:g} s, the limit for callers that set no deadline") from None

    return bounded


def _request_id(call: ServerCall) -> str:
    """Return the caller's id of this request, or a new one if there is none or it does not belong in a log."""
    sent = call.metadata.get(REQUEST_ID_KEY, "")
    return sent if _REQUEST_ID.fullmatch(sent) else uuid.uuid4().hex
