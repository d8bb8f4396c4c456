"""Spans of RPCs by OpenTelemetry's conventions, joined across processes by W3C `traceparent`.

Written here because the aio interceptor of opentelemetry-instrumentation-grpc does not see `abort_with_status`, the one
way in which our errors travel, and holds its context across the yields of a streamed answer.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import grpc
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.semconv._incubating.attributes.rpc_attributes import (
    RPC_METHOD,
    RPC_RESPONSE_STATUS_CODE,
    RPC_SYSTEM_NAME,
)
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from opentelemetry.trace import Span, SpanKind, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_PROPAGATOR = TraceContextTextMapPropagator()
_SERVER_FAULTS = frozenset(
    {
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""What the conventions call an error of the server; other statuses are the caller's."""


@contextmanager
def server_span(tracer: Tracer, method: str, metadata: Mapping[str, str]) -> Iterator[Span]:
    """Make the span of a call being served current, as a child of the caller's."""
    parent = _PROPAGATOR.extract(metadata)
    span = tracer.start_span(method, parent, SpanKind.SERVER, _attributes(method))
    token = otel_context.attach(trace.set_span_in_context(span, parent))
    try:
        yield span
    finally:
        span.end()
        otel_context.detach(token)


def client_span(tracer: Tracer, method: str) -> tuple[Span, dict[str, str]]:
    """Start the span of a call being made; return it with the metadata that tells the server of it."""
    span = tracer.start_span(method, None, SpanKind.CLIENT, _attributes(method))
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(span))
    return span, carrier


def record_status(span: Span, code: grpc.StatusCode, *, kind: SpanKind) -> None:
    """Note how the call ended. Texts stay out of it: they may carry what does not belong in a trace."""
    span.set_attribute(RPC_RESPONSE_STATUS_CODE, code.name)
    if code in _SERVER_FAULTS or (kind is SpanKind.CLIENT and code is not grpc.StatusCode.OK):
        span.set_attribute(ERROR_TYPE, code.name)
        span.set_status(StatusCode.ERROR)


def _attributes(method: str) -> dict[str, str]:
    return {RPC_SYSTEM_NAME: "grpc", RPC_METHOD: method}
