"""Traces are found again in files that were rotated, cut short, or written by others."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.errors import InvalidInput, NotFound
from shared.observability import traces
from shared.observability.otlp_json import spans_of
from shared.observability.tree import render_tree, to_json

TRACE, OTHER = "a" * 32, "b" * 32


@dataclass(frozen=True)
class Raw:
    """One span as a test wants it; times in milliseconds."""

    name: str
    parent: str = ""
    trace: str = TRACE
    start: int = 0
    end: int = 10
    service: str = "profile"
    error: str | None = None
    link: str | None = None
    attributes: tuple[tuple[str, object], ...] = ()

    def line(self) -> str:
        span = {
            "traceId": self.trace,
            "spanId": identity(self.name),
            "parentSpanId": identity(self.parent) if self.parent else "",
            "name": self.name.partition("#")[0],
            "kind": 2,
            "startTimeUnixNano": str(self.start * 1_000_000),
            "endTimeUnixNano": str(self.end * 1_000_000),
            "attributes": [{"key": key, "value": value} for key, value in self.attributes],
            "status": {} if self.error is None else {"code": 2, "message": self.error},
            "links": [{"traceId": self.link, "spanId": "c" * 16}] if self.link else [],
        }
        resource = {"attributes": [{"key": "service.name", "value": {"stringValue": self.service}}]}
        return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": [span]}]}]}) + "\n"


def identity(name: str) -> str:
    return name.encode().hex()[-16:].rjust(16, "0")


def write(directory: Path, spans: Sequence[Raw], *, file: str = "1", tail: str = "") -> None:
    (directory / f"traces-{file}.jsonl").write_text("".join(span.line() for span in spans) + tail)


def drawn(directory: Path, *, fold_over: int = 5) -> list[str]:
    return [f"{line.guide}{line.name}" for line in render_tree(traces.load(directory, TRACE), fold_over=fold_over)]


def test_a_tree_is_put_together_from_all_files_in_order_of_start(tmp_path: Path) -> None:
    write(tmp_path, [Raw("b", "root", start=5, service="scoring"), Raw("a", "root", start=1), Raw("b1", "b", start=6)])
    write(tmp_path, [Raw("root"), Raw("x", trace=OTHER)], file="2")
    assert drawn(tmp_path) == ["root", "├─ a", "└─ b", "   └─ b1"]


def test_a_half_written_line_loses_only_itself(tmp_path: Path) -> None:
    write(tmp_path, [Raw("root"), Raw("a", "root")], tail=Raw("lost", "root").line()[:-40])
    write(
        tmp_path,
        [],
        file="2",
        tail="\x00\x00\n[]\n7\n" + '{"resourceSpans":[7]}\n{"resourceSpans":[{"scopeSpans":[{"spans":[{}]}]}]}',
    )
    assert drawn(tmp_path) == ["root", "└─ a"]


@given(st.integers(0, 400), st.text(max_size=30))
def test_any_cut_and_any_garbage_are_read_without_failing(cut: int, garbage: str) -> None:
    line = Raw("a", error="x", link=OTHER, attributes=(("k", {"arrayValue": {"values": [{"intValue": "1"}]}}),)).line()
    assert len(list(spans_of(line[:cut] + garbage))) <= 1


def test_spans_without_their_parent_are_shown_as_roots(tmp_path: Path) -> None:
    write(tmp_path, [Raw("stage", "killed", start=3), Raw("query", "stage", start=4)])
    assert drawn(tmp_path) == ["stage", "└─ query"]


def test_a_chain_deeper_than_the_stack_is_drawn(tmp_path: Path) -> None:
    write(tmp_path, [Raw(f"s{n}", f"s{n - 1}" if n else "", start=n) for n in range(3000)])
    assert len(drawn(tmp_path)) == 3000
    assert len(json.dumps(to_json(traces.load(tmp_path, TRACE)))) > 3000


def test_many_like_siblings_fold_into_one_line_but_never_one_that_failed_or_links(tmp_path: Path) -> None:
    polls = [Raw(f"poll#{n}", "root", start=n, end=n + n) for n in range(10)]
    special = [Raw("poll#bad", "root", start=3, error="down"), Raw("poll#from", "root", start=4, link=OTHER)]
    write(tmp_path, [Raw("root"), *polls, *special, Raw("deep", "poll#2", start=2)])
    lines = render_tree(traces.load(tmp_path, TRACE))
    assert [(line.name, line.count, line.is_error, line.links) for line in lines] == [
        ("root", 1, False, ()),
        ("poll", 10, False, ()),
        ("poll", 1, True, ()),
        ("poll", 1, False, (OTHER,)),
    ]
    assert lines[1].duration_ms == 9
    assert len(render_tree(traces.load(tmp_path, TRACE), fold_over=100)) == 14


def test_a_line_says_when_how_long_and_what(tmp_path: Path) -> None:
    attributes = (
        ("rpc.method", {"stringValue": "Get"}),
        ("rows", {"intValue": "7"}),
        ("ok", {"boolValue": True}),
        ("text", {"stringValue": "x" * 100}),
    )
    write(tmp_path, [Raw("root", start=100), Raw("a", "root", start=103, end=105, error="down", attributes=attributes)])
    line = render_tree(traces.load(tmp_path, TRACE))[1]
    assert (line.offset_ms, line.duration_ms, line.is_error, line.error) == (3.0, 2.0, True, "down")
    assert line.attributes == (("rows", "7"), ("ok", "True"), ("text", "x" * 59 + "…"))


def test_a_trace_knows_who_links_to_it_within_bounds(tmp_path: Path) -> None:
    pushes = [Raw(f"push#{n}", trace=f"{n:032x}", link=TRACE, service="dispatch") for n in range(30)]
    write(tmp_path, [Raw("root"), *pushes])
    trace = traces.load(tmp_path, TRACE)
    assert len(trace.followers) == traces.MAX_FOLLOWERS
    assert len(trace.followers) + trace.more_followers == 30
    assert {(f.service, f.name) for f in trace.followers} == {("dispatch", "push")}


def test_a_huge_trace_is_cut_and_says_by_how_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MAX_SPANS", 5)
    write(tmp_path, [Raw(f"s{n}", start=n) for n in range(8)])
    trace = traces.load(tmp_path, TRACE)
    assert (len(trace.roots), trace.omitted, trace.spans) == (5, 3, 8)


def test_the_first_characters_of_an_id_are_enough_if_they_are_one_traces(tmp_path: Path) -> None:
    write(tmp_path, [Raw("x", trace="abcd" + "0" * 28), Raw("y", trace="abcd" + "1" * 28)])
    assert traces.load(tmp_path, "ABCD0").trace_id == "abcd" + "0" * 28
    with pytest.raises(InvalidInput, match="fits 2 traces"):
        traces.load(tmp_path, "abcd")
    with pytest.raises(InvalidInput, match="too short"):
        traces.load(tmp_path, "abc")
    with pytest.raises(NotFound):
        traces.load(tmp_path, "dddd")


def test_a_summary_counts_and_names_its_trace(tmp_path: Path) -> None:
    write(tmp_path, [Raw("b", "root", start=5, end=90, service="scoring", error="x"), Raw("early", "gone", start=1)])
    write(tmp_path, [Raw("root", start=2, end=50)], file="2")
    (summary,) = traces.latest(tmp_path, limit=5)
    assert (summary.trace_id, summary.root, summary.services) == (TRACE, "root", ("profile", "scoring"))
    assert (summary.spans, summary.errors, summary.duration_ms) == (3, 1, 89.0)
    assert summary.start.isoformat() == "1970-01-01T00:00:00.001000+00:00"


def test_without_any_file_there_is_no_trace(tmp_path: Path) -> None:
    assert traces.latest(tmp_path / "telemetry", limit=3) == []


def test_files_written_before_the_latest_found_began_are_not_read_for_the_list(tmp_path: Path) -> None:
    write(tmp_path, [Raw("new", start=2_000_000)], file="new")
    write(tmp_path, [Raw("impossible", trace=OTHER, start=3_000_000)], file="old")
    os.utime(tmp_path / "traces-old.jsonl", (1_000, 1_000))
    assert [s.root for s in traces.latest(tmp_path, limit=1)] == ["new"]
    assert [s.root for s in traces.latest(tmp_path, limit=2)] == ["impossible", "new"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 1000), st.integers(0, 3)), max_size=120), st.integers(1, 6)
)
def test_the_latest_are_those_with_the_latest_span_wherever_it_was_written(
    tmp_path: Path, drawn_spans: list[tuple[int, int, int]], limit: int
) -> None:
    by_file: dict[int, list[Raw]] = {n: [] for n in range(4)}
    latest: dict[str, int] = {}
    counts: dict[str, int] = {}
    for position, (trace, start, file) in enumerate(drawn_spans):
        trace_id = f"{trace:032x}"
        by_file[file].append(Raw(f"s{position}", trace=trace_id, start=start, end=start))
        latest[trace_id] = max(start, latest.get(trace_id, 0))
        counts[trace_id] = counts.get(trace_id, 0) + 1
    for file, spans in by_file.items():
        write(tmp_path, spans, file=str(file))
    found = traces.latest(tmp_path, limit=limit)
    assert [latest[s.trace_id] for s in found] == sorted(latest.values(), reverse=True)[:limit]
    assert all(s.spans == counts[s.trace_id] for s in found)
