"""Spans of what happens thousands of times a second: nothing but ids while they last, made when they end.

A span of the SDK costs as much as all else that is done for one message, most of it for what a brief one never has: events,
exceptions, attributes that are added or cut later, locks against other threads.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Tracer, TracerProvider
from opentelemetry.sdk.trace.sampling import Decision
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, TraceFlags

_NO_PARENT: Final = Context()


@dataclass(slots=True)
class BriefSpan:
    """The root span of a trace, under way; it never fails, and what it leads to in this process is not below it."""

    _name: str
    _links: Sequence[Link]
    _attributes: Mapping[str, str]
    _context: SpanContext
    _tracer: Tracer
    _scope: InstrumentationScope
    _start_ns: int

    @property
    def traceparent(self) -> str:
        """Its W3C name."""
        return f"00-{self._context.trace_id:032x}-{self._context.span_id:016x}-{self._context.trace_flags:02x}"

    def end(self, attributes: Mapping[str, str]) -> None:
        """Hand it on, if its trace is kept, with what became of it."""
        if not self._context.trace_flags.sampled:
            return
        ended = ReadableSpan(
            name=self._name,
            context=self._context,
            resource=self._tracer.resource,
            attributes={**self._attributes, **attributes},
            links=self._links,
            instrumentation_scope=self._scope,
            start_time=self._start_ns,
            end_time=time.time_ns(),
        )
        self._tracer.span_processor.on_end(ended)


class BriefSpans:
    """Begins them for one module. The sampler sees a new trace's id and name, as it does for any other."""

    def __init__(self, module: str, *, provider: TracerProvider | None = None) -> None:
        self._scope = InstrumentationScope(module)
        self._tracer = _tracer_of(provider, module)

    def begin(self, name: str, *, links: Sequence[Link], attributes: Mapping[str, str]) -> BriefSpan | None:
        """Begin a trace of its own; None in a process whose telemetry is not configured."""
        tracer = self._tracer = self._tracer or _tracer_of(trace.get_tracer_provider(), self._scope.name)
        if tracer is None:
            return None
        trace_id = tracer.id_generator.generate_trace_id()
        sampled = tracer.sampler.should_sample(_NO_PARENT, trace_id, name).decision is Decision.RECORD_AND_SAMPLE
        flags = TraceFlags(TraceFlags.RANDOM_TRACE_ID | (TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT))
        context = SpanContext(trace_id, tracer.id_generator.generate_span_id(), is_remote=False, trace_flags=flags)
        return BriefSpan(name, links, attributes, context, tracer, self._scope, time.time_ns())


def _tracer_of(provider: trace.TracerProvider | None, module: str) -> Tracer | None:
    tracer = provider.get_tracer(module) if isinstance(provider, TracerProvider) else None
    return tracer if isinstance(tracer, Tracer) else None
