"""Lines of spans say what the library's own encoder says."""

import json
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.exporter.otlp.json.common.trace_encoder import encode_spans
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from shared.observability.otlp_json import spans_of
from shared.observability.span_lines import SpanLines, line_of

_OF_A_PROCESS = Resource({"service.name": "test", "process.pid": 7})
_leaves = st.one_of(st.booleans(), st.text(), st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False))
_values = st.one_of(
    _leaves, st.lists(st.text(), max_size=3).map(tuple), st.lists(st.integers(0, 9), max_size=3).map(tuple)
)
_attributes = st.dictionaries(st.text(min_size=1), _values, max_size=4)
_contexts = st.builds(
    SpanContext,
    trace_id=st.integers(1, 2**128 - 1),
    span_id=st.integers(1, 2**64 - 1),
    is_remote=st.booleans(),
    trace_flags=st.sampled_from([TraceFlags(1), TraceFlags(3)]),
    trace_state=st.sampled_from([TraceState(), TraceState([("vendor", "1"), ("other", "2")])]),
)
_times = st.integers(1, 2**63 - 1)
_statuses = st.one_of(
    st.just(Status(StatusCode.UNSET)),
    st.just(Status(StatusCode.OK)),
    st.builds(Status, st.just(StatusCode.ERROR), st.text()),
)
_spans = st.builds(
    ReadableSpan,
    name=st.text(),
    context=_contexts,
    parent=st.one_of(st.none(), _contexts),
    resource=st.just(_OF_A_PROCESS),
    attributes=_attributes,
    events=st.lists(st.builds(Event, st.text(), _attributes, _times), max_size=2),
    links=st.lists(st.builds(Link, _contexts, _attributes), max_size=2),
    kind=st.sampled_from(SpanKind),
    status=_statuses,
    start_time=_times,
    end_time=_times,
    instrumentation_scope=st.sampled_from([InstrumentationScope("a"), InstrumentationScope("b", "1.2")]),
)


class _Kept:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, line: str, /) -> int:
        self.lines.append(line)
        return len(line)


class _Full:
    def write(self, line: str, /) -> int:
        raise OSError("no space left")


@given(st.lists(_spans, min_size=1, max_size=4))
def test_a_line_says_what_the_library_would_write(spans: Sequence[ReadableSpan]) -> None:
    ours, theirs = json.loads(line_of(spans)), json.loads(json.dumps(encode_spans(spans).to_dict()))
    assert _without_defaults(ours) == _without_defaults(theirs)


@given(st.lists(_spans, min_size=1, max_size=4))
def test_what_is_written_is_one_line_that_is_read_back(spans: Sequence[ReadableSpan]) -> None:
    kept = _Kept()
    assert SpanLines(kept).export(spans) is SpanExportResult.SUCCESS
    (line,) = kept.lines
    assert line.endswith("\n")
    assert line.count("\n") == 1
    assert sorted(span.name for span in spans_of(line)) == sorted(span.name for span in spans)


def test_a_full_disk_costs_the_spans_only() -> None:
    span = ReadableSpan(
        "rpc", context=SpanContext(1, 2, is_remote=False), resource=_OF_A_PROCESS, start_time=1, end_time=2
    )
    assert SpanLines(_Full()).export([span]) is SpanExportResult.FAILURE


def _without_defaults(value: object) -> object:
    """Drop what is empty: OTLP takes what is missing for that."""
    if isinstance(value, dict):
        kept = {key: _without_defaults(item) for key, item in value.items()}
        return {key: item for key, item in kept.items() if item not in ({}, [], "", 0, None) or key == "value"}
    return [_without_defaults(item) for item in value] if isinstance(value, list) else value
