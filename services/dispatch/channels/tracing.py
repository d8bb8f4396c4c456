"""The trace of each push: a root of its own, linked to the selection that chose it and to the start of its plan."""

from collections.abc import Sequence
from functools import lru_cache

from opentelemetry.context import Context
from opentelemetry.trace import Link, Span

from services.dispatch.domain.plans import PLAN_KIND, Plan
from services.dispatch.domain.pushes import Target
from shared.observability.context import links_from, tracer


class SpanOfPush:
    """`services.dispatch.ports.store.PushTrace` as an OpenTelemetry span."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        context = self._span.get_span_context()
        if not context.is_valid:
            return ""
        return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"

    def end(self, outcome: str) -> None:
        self._span.set_attribute("visavis.outcome", outcome)
        self._span.end()


class PushTraces:
    """`services.dispatch.ports.store.Traces`."""

    def __init__(self) -> None:
        self._tracer = tracer(__name__)

    def begin(self, target: Target, plan: Plan) -> SpanOfPush:
        attributes: dict[str, str] = {
            "visavis.push": f"pushes/{target.push_id}",
            "visavis.push_plan": f"{PLAN_KIND}/{plan.plan_id}",
            "visavis.channel": plan.request.channel.value,
            "visavis.policy": target.policy,
            "visavis.arm": target.arm,
        }
        links = _links(plan.traceparents)
        return SpanOfPush(self._tracer.start_span("push", context=Context(), links=links, attributes=attributes))


@lru_cache(maxsize=64)
def _links(traceparents: tuple[str, ...]) -> Sequence[Link]:
    return tuple(links_from(traceparents))
