"""Carries a trace across what outlives a call: a queue's row, an event, a manifest."""

from opentelemetry.context import Context
from opentelemetry.trace import format_trace_id, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_HEADER = "traceparent"


def current_traceparent() -> str:
    """Return the current span as a W3C `traceparent`, or an empty text outside any trace."""
    carrier: dict[str, str] = {}
    TraceContextTextMapPropagator().inject(carrier)
    return carrier.get(_HEADER, "")


def context_of(traceparent: str) -> Context:
    """Return the context whose current span is the one named; an empty or malformed name starts a new trace."""
    return TraceContextTextMapPropagator().extract({_HEADER: traceparent}, context=Context())


def trace_id_of(traceparent: str) -> str:
    """Return the trace's 32 hex digits, or an empty text."""
    span = get_current_span(context_of(traceparent)).get_span_context()
    return format_trace_id(span.trace_id) if span.is_valid else ""
