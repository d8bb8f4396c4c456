"""What happens to a span between its end and its destination: failures are kept, numbers masked, outages survived quietly."""

import logging
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.trace import Link, SpanContext, Status, StatusCode, TraceFlags
from opentelemetry.util.types import AnyValue, Attributes

from shared.jsontypes import JsonValue
from shared.observability.masking import mask_text, mask_value

_log = logging.getLogger(__name__)

LOST_REST: Final = {"visavis.kept_for": "error"}
"""Marks a failure exported from an unsampled trace: what it called in this process was not recorded."""


class FailuresToo(SpanProcessor):
    """Passes on to `inner` the sampled spans, and of the recorded but unsampled ones those that ended in error."""

    def __init__(self, inner: SpanProcessor) -> None:
        self._inner = inner

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        self._inner.on_start(span, parent_context)

    def on_end(self, span: ReadableSpan) -> None:
        if span.context is None or span.context.trace_flags.sampled:
            self._inner.on_end(span)
        elif span.status.status_code is StatusCode.ERROR:
            self._inner.on_end(
                _copy(span, context=_sampled(span.context), attributes={**(span.attributes or {}), **LOST_REST})
            )

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)


class MaskingExporter(SpanExporter):
    """Masks every span, then hands the batch to `inner`; tells of an outage once, and of its end.

    Masking is done here and not in a span processor, because `on_start` is too early (attributes and events come later),
    `on_end` may no longer change a span, and both run in the caller's thread. This is the one door that all spans pass, in the
    background, after sampling.
    """

    def __init__(self, inner: SpanExporter, *, destination: str) -> None:
        self._inner = inner
        self._destination = destination
        self._is_down = False
        self._is_closing = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        if self._is_closing and self._is_down:
            return SpanExportResult.FAILURE
        result = self._inner.export([mask_span(span) for span in spans])
        self._note(is_down=result is not SpanExportResult.SUCCESS)
        return result

    def hurry(self) -> None:
        """The process is leaving: after one failed try the remaining batches are given up, so that the exit isn't held up."""
        self._is_closing = True

    def shutdown(self) -> None:
        self._inner.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._inner.force_flush(timeout_millis)

    def _note(self, *, is_down: bool) -> None:
        if is_down and not self._is_down:
            _log.warning(
                "telemetry_export_failed",
                extra={"destination": self._destination, "lost": "spans and metrics until it is back"},
            )
        elif self._is_down and not is_down:
            _log.info("telemetry_export_resumed", extra={"destination": self._destination})
        self._is_down = is_down


def mask_span(span: ReadableSpan) -> ReadableSpan:
    """Return the span with its name, attributes, events, links and status text masked: itself where there is nothing to hide."""
    attributes, links = _mask_attributes(span.attributes), [_mask_link(link) for link in span.links]
    name, why = mask_text(span.name), span.status.description
    if not (span.events or why) and (attributes, links, name) == (span.attributes, list(span.links), span.name):
        return span
    return _copy(
        span,
        name=name,
        attributes=attributes,
        events=[Event(mask_text(e.name), _mask_attributes(e.attributes), e.timestamp) for e in span.events],
        links=links,
        status=Status(span.status.status_code, why and mask_text(why)),
    )


def _mask_link(link: Link) -> Link:
    return Link(link.context, _mask_attributes(link.attributes)) if link.attributes else link


def _mask_attributes(attributes: Attributes) -> dict[str, AnyValue]:
    return {key: _mask_attribute(key, value) for key, value in (attributes or {}).items()}


def _mask_attribute(key: str, value: AnyValue) -> AnyValue:
    return _mask_text_of(key, value) if type(value) is str else mask_value(value, key=key)


@lru_cache(maxsize=2048)
def _mask_text_of(key: str, text: str) -> JsonValue:
    """Most texts recur from span to span: methods, plans, policies."""
    return mask_value(text, key=key)


def _sampled(context: SpanContext) -> SpanContext:
    flags = TraceFlags(context.trace_flags | TraceFlags.SAMPLED)
    return SpanContext(context.trace_id, context.span_id, context.is_remote, flags, context.trace_state)


def _copy(
    span: ReadableSpan,
    *,
    name: str | None = None,
    context: SpanContext | None = None,
    attributes: Attributes = None,
    events: Sequence[Event] | None = None,
    links: Sequence[Link] | None = None,
    status: Status | None = None,
) -> ReadableSpan:
    return ReadableSpan(
        name=span.name if name is None else name,
        context=context or span.context,
        parent=span.parent,
        resource=span.resource,
        attributes=span.attributes if attributes is None else attributes,
        events=span.events if events is None else events,
        links=span.links if links is None else links,
        kind=span.kind,
        instrumentation_scope=span.instrumentation_scope,
        status=status or span.status,
        start_time=span.start_time,
        end_time=span.end_time,
    )
