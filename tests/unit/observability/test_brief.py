"""Brief spans are spans like others to whoever reads them."""

from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link

from shared.observability.brief import BriefSpans
from shared.observability.context import links_from, trace_id_of
from shared.observability.exporting import FailuresToo, MaskingExporter
from shared.observability.sampling import KeepRunsAndFailures

CAUSE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def brief(ratio: float) -> tuple[BriefSpans, InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(KeepRunsAndFailures(ratio), shutdown_on_exit=False)
    provider.add_span_processor(FailuresToo(SimpleSpanProcessor(MaskingExporter(memory, destination="memory"))))
    return BriefSpans(__name__, provider=provider), memory


def test_an_ended_span_is_a_root_with_its_links_and_all_that_was_said_of_it() -> None:
    spans, memory = brief(1)
    links: list[Link] = links_from([CAUSE])
    span = spans.begin("push", links=links, attributes={"push": "pushes/1", "to": "13800138000"})
    assert span is not None
    span.end({"outcome": "sent"})
    (ended,) = memory.get_finished_spans()
    assert ended.parent is None
    assert ended.name == "push"
    assert dict(ended.attributes or {}) == {"push": "pushes/1", "to": "138****8000", "outcome": "sent"}
    assert [link.context.trace_id for link in ended.links] == [int(trace_id_of(CAUSE), 16)]
    assert ended.context is not None
    assert f"{ended.context.trace_id:032x}" == trace_id_of(span.traceparent)
    assert ended.start_time is not None
    assert ended.end_time is not None
    assert ended.start_time <= ended.end_time


def test_the_ratio_keeps_its_share_and_the_name_says_which() -> None:
    spans, memory = brief(0.3)
    begun = [spans.begin("push", links=(), attributes={}) for _ in range(2000)]
    kept = [span.traceparent for span in begun if span is not None and int(span.traceparent[-2:], 16) & 1]
    for span in begun:
        assert span is not None
        span.end({})
    assert 450 < len(kept) < 750
    assert len(memory.get_finished_spans()) == len(kept)


def test_without_telemetry_there_is_nothing_to_begin() -> None:
    assert BriefSpans(__name__).begin("push", links=(), attributes={}) is None
