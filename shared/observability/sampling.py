"""Decides which spans are kept: a share of ordinary traces, every run, and every request that fails."""

from collections.abc import Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.sdk.trace.sampling import Decision, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, TraceState, get_current_span
from opentelemetry.util.types import Attributes

from shared.observability.context import KEEP_ATTRIBUTE

_ENTRANCES: Final = (SpanKind.SERVER, SpanKind.CONSUMER)


class KeepRunsAndFailures(Sampler):
    """Follows the parent, else keeps `ratio` of new traces; a span started with `visavis.keep` is always kept.

    Whether a request fails is known only at its end, so the entrance of an unsampled trace into each process is recorded
    without being marked as sampled, and `FailuresToo` exports it if it ends in error. Spans below it were not recorded:
    recording them all would cost nearly what sampling saves.
    """

    def __init__(self, ratio: float) -> None:
        self._ratio = ratio
        self._ordinary = ParentBased(TraceIdRatioBased(ratio))

    def should_sample(  # noqa: PLR0917 - the SDK's signature
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        if attributes and attributes.get(KEEP_ATTRIBUTE) is True:
            return SamplingResult(Decision.RECORD_AND_SAMPLE, attributes, trace_state)
        verdict = self._ordinary.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)
        is_root = not get_current_span(parent_context).get_span_context().is_valid
        if verdict.decision is Decision.DROP and (is_root or kind in _ENTRANCES):
            return SamplingResult(Decision.RECORD_ONLY, attributes, verdict.trace_state)
        return verdict

    def get_description(self) -> str:
        return f"KeepRunsAndFailures{{{self._ratio}}}"
