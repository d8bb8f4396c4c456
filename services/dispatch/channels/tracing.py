"""The trace of each push: a root of its own, linked to the selection that chose it and to the start of its plan."""

from collections.abc import Sequence
from functools import lru_cache

from opentelemetry.trace import Link

from services.dispatch.domain.plans import PLAN_KIND, Plan
from services.dispatch.domain.pushes import Target
from shared.observability.brief import BriefSpan, BriefSpans
from shared.observability.context import links_from


class SpanOfPush:
    """`services.dispatch.ports.store.PushTrace` as an OpenTelemetry span."""

    __slots__ = ("_span", "traceparent")

    def __init__(self, span: BriefSpan | None) -> None:
        self._span = span
        self.traceparent = span.traceparent if span else ""

    def end(self, outcome: str) -> None:
        if self._span is not None:
            self._span.end({"visavis.outcome": outcome})


class PushTraces:
    """`services.dispatch.ports.store.Traces`."""

    def __init__(self) -> None:
        self._spans = BriefSpans(__name__)

    def begin(self, target: Target, plan: Plan) -> SpanOfPush:
        attributes = {
            "visavis.push": f"pushes/{target.push_id}",
            "visavis.push_plan": f"{PLAN_KIND}/{plan.plan_id}",
            "visavis.channel": plan.request.channel.value,
            "visavis.policy": target.policy,
            "visavis.arm": target.arm,
        }
        return SpanOfPush(self._spans.begin("push", links=_links(plan.traceparents), attributes=attributes))


@lru_cache(maxsize=64)
def _links(traceparents: tuple[str, ...]) -> Sequence[Link]:
    return tuple(links_from(traceparents))
