"""Trace context survives as text between a producer and a consumer that never meet."""

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from shared.observability.context import (
    attach_traceparent,
    current_trace_id,
    current_traceparent,
    links_from,
    trace_id_of,
)

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
tracer = TracerProvider(shutdown_on_exit=False).get_tracer(__name__)


def test_outside_any_span_there_is_no_traceparent() -> None:
    assert current_traceparent() == ""


def test_a_span_started_from_its_text_continues_the_trace() -> None:
    with tracer.start_as_current_span("enqueue") as producer:
        carried = current_traceparent()
    with attach_traceparent(carried), tracer.start_as_current_span("work") as consumer:
        assert consumer.get_span_context().trace_id == producer.get_span_context().trace_id
        assert current_traceparent() != carried
    assert not trace.get_current_span().get_span_context().is_valid


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"])
def test_without_a_usable_parent_a_new_trace_begins(traceparent: str) -> None:
    with (
        tracer.start_as_current_span("unrelated") as unrelated,
        attach_traceparent(traceparent),
        tracer.start_as_current_span("work") as work,
    ):
        assert work.get_span_context().trace_id != unrelated.get_span_context().trace_id


def test_an_unsampled_parent_stays_unsampled() -> None:
    with attach_traceparent(PARENT.removesuffix("01") + "00"), tracer.start_as_current_span("work") as work:
        assert not work.get_span_context().trace_flags.sampled


def test_links_keep_order_and_drop_repeats_and_nonsense() -> None:
    other = PARENT.replace("0af7", "1bf7")
    found = [trace.format_trace_id(link.context.trace_id) for link in links_from([other, "", PARENT, "x", other])]
    assert found == [other[3:35], PARENT[3:35]]


def test_the_trace_of_a_text_is_that_of_the_span_it_was_taken_in() -> None:
    with tracer.start_as_current_span("enqueue"):
        assert trace_id_of(current_traceparent()) == current_trace_id() != ""
    assert current_trace_id() == ""
    assert trace_id_of("nonsense") == ""
    assert trace_id_of(PARENT) == "0af7651916cd43dd8448eb211c80319c"
