"""What is kept of the spans of a process, and what of a kept span leaves it."""

import logging
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import Link, SpanKind, Status, StatusCode, Tracer

from shared.observability.context import KEEP, attach_traceparent
from shared.observability.exporting import FailuresToo, MaskingExporter
from shared.observability.sampling import KeepRunsAndFailures

UNSAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"


def traced(ratio: float) -> tuple[Tracer, InMemorySpanExporter]:
    memory = InMemorySpanExporter()
    provider = TracerProvider(KeepRunsAndFailures(ratio), shutdown_on_exit=False)
    provider.add_span_processor(FailuresToo(SimpleSpanProcessor(MaskingExporter(memory, destination="memory"))))
    return provider.get_tracer(__name__), memory


def names(memory: InMemorySpanExporter) -> list[str]:
    return [span.name for span in memory.get_finished_spans()]


def test_at_ratio_zero_ordinary_traces_are_not_kept() -> None:
    tracer, memory = traced(0)
    with tracer.start_as_current_span("rpc", kind=SpanKind.SERVER), tracer.start_as_current_span("query"):
        pass
    assert names(memory) == []


def test_the_ratio_keeps_its_share() -> None:
    tracer, memory = traced(0.3)
    for _ in range(2000):
        tracer.start_span("rpc").end()
    assert 450 < len(names(memory)) < 750


@given(st.floats(0, 1))
def test_a_run_is_kept_whole_at_any_ratio_even_below_an_unsampled_parent(ratio: float) -> None:
    tracer, memory = traced(ratio)
    with (
        attach_traceparent(UNSAMPLED),
        tracer.start_as_current_span("run", attributes={**KEEP, "stage": 1}) as run,
        tracer.start_as_current_span("stage"),
    ):
        assert run.get_span_context().trace_flags.sampled
    assert names(memory) == ["stage", "run"]


def test_an_unsampled_request_that_fails_is_kept_and_says_that_its_rest_is_lost() -> None:
    tracer, memory = traced(0)
    with (
        pytest.raises(ConnectionError),
        attach_traceparent(UNSAMPLED),
        tracer.start_as_current_span("rpc", kind=SpanKind.SERVER),
        tracer.start_as_current_span("query"),
    ):
        raise ConnectionError("gateway closed")
    (kept,) = memory.get_finished_spans()
    assert kept.name == "rpc"
    assert kept.attributes is not None
    assert kept.attributes["visavis.kept_for"] == "error"
    assert kept.context is not None
    assert f"{kept.context.trace_id:032x}" in UNSAMPLED


def test_everything_a_span_says_is_masked_and_its_ids_are_not() -> None:
    tracer, memory = traced(1)
    cause = tracer.start_span("cause").get_span_context()
    with tracer.start_as_current_span(
        "push to 13800138000",
        links=[Link(cause, {"to": "13800138000"})],
        attributes={"to": ["8613800138000"], "n": 13800138000},
    ) as span:
        span.add_event("sent 13800138000", {"msisdn": "short 7", "ms": 1.5})
        span.record_exception(ValueError("13800138000 unknown"))
        span.set_status(Status(StatusCode.ERROR, "13800138000 failed"))
        span.set_attribute("later", "+8613800138000")
    (kept,) = memory.get_finished_spans()
    said = kept.to_json()
    assert "13800138000" not in said
    assert said.count("138****8000") == 9
    assert [link.context for link in kept.links] == [cause]
    assert kept.context == span.get_span_context()
    assert dict(kept.events[0].attributes or {}) == {"msisdn": "**** 7", "ms": 1.5}


class FlakyExporter(SpanExporter):
    """A destination that answers what it is told to, and counts how often it was asked."""

    answer = SpanExportResult.FAILURE
    tries = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.tries += 1
        return self.answer


@pytest.fixture
def flaky() -> tuple[FlakyExporter, MaskingExporter]:
    inner = FlakyExporter()
    return inner, MaskingExporter(inner, destination="http://127.0.0.1:4318")


def test_an_outage_is_told_once_and_so_is_its_end(
    flaky: tuple[FlakyExporter, MaskingExporter], caplog: pytest.LogCaptureFixture
) -> None:
    inner, exporter = flaky
    caplog.set_level(logging.INFO)
    for answer in (
        SpanExportResult.FAILURE,
        SpanExportResult.FAILURE,
        SpanExportResult.SUCCESS,
        SpanExportResult.SUCCESS,
    ):
        inner.answer = answer
        exporter.export([])
    assert [record.message for record in caplog.records] == [
        "telemetry_export_failed",
        "telemetry_export_resumed",
    ]


def test_at_the_end_of_the_process_one_failure_is_enough(flaky: tuple[FlakyExporter, MaskingExporter]) -> None:
    inner, exporter = flaky
    exporter.hurry()
    for _ in range(5):
        exporter.export([])
    assert inner.tries == 1
