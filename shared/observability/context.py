"""Trace context as text, so that it travels in queue rows, manifests and messages as W3C `traceparent`."""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from opentelemetry import context, metrics, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

KEEP_ATTRIBUTE: Final = "visavis.keep"
KEEP: Final = {KEEP_ATTRIBUTE: True}
"""Start attributes of a span that must be kept with all below it whatever the sampling ratio, as each run's first span is."""

_W3C: Final = TraceContextTextMapPropagator()


def tracer(name: str) -> trace.Tracer:
    """Return the tracer of module `name`; usable before `configure`, then without effect until it."""
    return trace.get_tracer(name)


def meter(name: str) -> metrics.Meter:
    """Return the meter of module `name`; instruments made before `configure` work from it on."""
    return metrics.get_meter(name)


def current_traceparent() -> str:
    """Return the W3C `traceparent` of the current span, or "" outside any."""
    carrier: dict[str, str] = {}
    _W3C.inject(carrier)
    return carrier.get("traceparent", "")


def context_of(traceparent: str) -> context.Context:
    """Return the context whose current span is the one named; "" or a malformed name starts a new trace."""
    return _W3C.extract({"traceparent": traceparent}, context.Context())


def trace_id_of(traceparent: str) -> str:
    """Return the 32 hex digits of the trace that `traceparent` belongs to, or ""."""
    return _trace_id(trace.get_current_span(context_of(traceparent)))


def current_trace_id() -> str:
    """Return the 32 hex digits of the current trace, or "" outside any."""
    return _trace_id(trace.get_current_span())


@contextmanager
def attach_traceparent(traceparent: str) -> Iterator[None]:
    """Make the span of `traceparent` the parent of spans started inside; "" or a malformed one means no parent at all."""
    token = context.attach(context_of(traceparent))
    try:
        yield
    finally:
        context.detach(token)


def unobserved() -> AbstractContextManager[None]:
    """Put calls that are made all the time under a trace that is kept only if they fail, so that polling hides nothing else."""
    return attach_traceparent(f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-00")


def links_from(traceparents: Iterable[str]) -> list[trace.Link]:
    """Return one link for each different valid `traceparent`, in order, for `start_as_current_span(links=…)`."""
    contexts = (trace.get_current_span(context_of(t)).get_span_context() for t in dict.fromkeys(traceparents))
    return [trace.Link(found) for found in contexts if found.is_valid]


def _trace_id(span: trace.Span) -> str:
    found = span.get_span_context()
    return trace.format_trace_id(found.trace_id) if found.is_valid else ""
