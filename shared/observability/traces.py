"""Finds traces in the OTLP-JSON files of an installation: the latest ones, and one with all its spans as a tree."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from pathlib import Path
from typing import Final

from shared.errors import InvalidInput, NotFound
from shared.observability.otlp_json import Span, SpanLink, instant, lines, spans_of, trace_files

MAX_SPANS: Final = 20_000
"""Spans of one trace held in memory; `Trace.omitted` counts the rest."""

MAX_FOLLOWERS: Final = 20
_SHORTEST_PREFIX: Final = 4


@dataclass(frozen=True, slots=True)
class TraceSummary:
    """One line of the list of traces. `root` is the name of the first span without a parent, or of the first at all."""

    trace_id: str
    root: str
    services: tuple[str, ...]
    start: datetime
    duration_ms: float
    spans: int
    errors: int


@dataclass(frozen=True, slots=True)
class SpanNode:
    """A span and the spans that it is the parent of, by start."""

    span: Span
    children: tuple["SpanNode", ...]


@dataclass(frozen=True, slots=True)
class Follower:
    """A span of another trace that links to this one."""

    trace_id: str
    service: str
    name: str
    link: SpanLink


@dataclass(frozen=True, slots=True)
class Trace:
    """All of one trace that was written. Spans whose parent was not (still running, unsampled, killed) are roots, too."""

    trace_id: str
    roots: tuple[SpanNode, ...]
    spans: int
    omitted: int
    followers: tuple[Follower, ...]
    more_followers: int


def latest(directory: Path, *, limit: int) -> list[TraceSummary]:
    """Return the traces with the most recent activity, latest first. Holds `limit` traces in memory, whatever the files hold.

    The files are read twice: once for which traces are the latest (files older than all of those found are skipped), once
    for all spans of these.
    """
    if limit < 1:
        raise InvalidInput.of("limit", f"{limit} given, expected at least 1")
    wanted = _latest_ids(directory, limit)
    gathered: dict[str, _Gathering] = {}
    for span in _spans(directory, wanted):
        if span.trace_id in wanted:
            gathered.setdefault(span.trace_id, _Gathering(span)).add(span)
    return [gathered[trace_id].summary() for trace_id in wanted if trace_id in gathered]


def load(directory: Path, trace_id: str) -> Trace:
    """Return one trace by its id or the first characters of it (four at least).

    Raises InvalidInput if the prefix is too short or fits several traces, NotFound if no file knows it.
    """
    prefix = trace_id.strip().lower()
    if len(prefix) < _SHORTEST_PREFIX:
        raise InvalidInput.of(
            "trace_id", f"{trace_id!r} is too short: give at least {_SHORTEST_PREFIX} characters of the id"
        )
    found = _Found(prefix)
    for span in _spans(directory, [prefix]):
        found.add(span)
    return found.trace()


def _latest_ids(directory: Path, limit: int) -> list[str]:
    """Top `limit` ids by latest span start, exactly: that key only grows, so what is dropped here may come back by itself."""
    latest_start: dict[str, int] = {}
    for path in trace_files(directory):
        if len(latest_start) >= limit and _written_before(path, min(nlargest(limit, latest_start.values()))):
            break
        for line in lines(path):
            for span in spans_of(line):
                latest_start[span.trace_id] = max(span.start_ns, latest_start.get(span.trace_id, 0))
            if len(latest_start) > 4 * limit:
                latest_start = dict(_top(latest_start, limit))
    return [trace_id for trace_id, _ in _top(latest_start, limit)]


def _top(starts: dict[str, int], limit: int) -> list[tuple[str, int]]:
    return nlargest(limit, starts.items(), key=lambda item: item[1])


def _written_before(path: Path, start_ns: int) -> bool:
    try:
        return path.stat().st_mtime_ns < start_ns
    except FileNotFoundError:  # pruned by its owner meanwhile
        return False


def _spans(directory: Path, mentioned: Iterable[str]) -> Iterator[Span]:
    """Yield the spans of lines that mention one of the ids; parsing the others would cost most of the time."""
    for path in trace_files(directory):
        for line in lines(path):
            if any(trace_id in line for trace_id in mentioned):
                yield from spans_of(line)


class _Gathering:
    """Adds up the spans of one trace without keeping them."""

    def __init__(self, first: Span) -> None:
        self._root = first
        self._services: dict[str, int] = {}
        self._end_ns = first.end_ns
        self._start_ns = first.start_ns
        self._spans = 0
        self._errors = 0

    def add(self, span: Span) -> None:
        self._spans += 1
        self._errors += span.is_error
        self._start_ns = min(self._start_ns, span.start_ns)
        self._end_ns = max(self._end_ns, span.end_ns)
        self._services[span.service] = min(span.start_ns, self._services.get(span.service, span.start_ns))
        self._root = min(self._root, span, key=lambda s: (s.parent_id != "", s.start_ns))

    def summary(self) -> TraceSummary:
        return TraceSummary(
            trace_id=self._root.trace_id,
            root=self._root.name,
            services=tuple(sorted(self._services, key=lambda s: self._services[s])),
            start=instant(self._start_ns),
            duration_ms=(self._end_ns - self._start_ns) / 1e6,
            spans=self._spans,
            errors=self._errors,
        )


class _Found:
    """Collects the spans of the one trace that a prefix names, and who links to it."""

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._spans: dict[str, Span] = {}
        self._ids: set[str] = set()
        self._omitted = 0
        self._followers: dict[tuple[str, str], Follower] = {}
        self._more_followers = 0

    def add(self, span: Span) -> None:
        if span.trace_id.startswith(self._prefix):
            self._ids.add(span.trace_id)
            if len(self._spans) < MAX_SPANS or span.span_id in self._spans:
                self._spans[span.span_id] = span
            else:
                self._omitted += 1
            return
        for link in span.links:
            if link.trace_id.startswith(self._prefix):
                self._follow(Follower(span.trace_id, span.service, span.name, link))

    def trace(self) -> Trace:
        if not self._ids:
            raise NotFound(f"trace {self._prefix}")
        if len(self._ids) > 1:
            known = ", ".join(sorted(self._ids)[:5])
            raise InvalidInput.of(
                "trace_id", f"{self._prefix!r} fits {len(self._ids)} traces: {known}; give more of the id"
            )
        return Trace(
            trace_id=self._ids.pop(),
            roots=_grow(self._spans),
            spans=len(self._spans) + self._omitted,
            omitted=self._omitted,
            followers=tuple(self._followers.values()),
            more_followers=self._more_followers,
        )

    def _follow(self, follower: Follower) -> None:
        key = (follower.trace_id, follower.name)
        if key in self._followers or len(self._followers) < MAX_FOLLOWERS:
            self._followers.setdefault(key, follower)
        else:
            self._more_followers += 1


def _grow(spans: dict[str, Span]) -> tuple[SpanNode, ...]:
    """Build the trees from the leaves up, without recursion: a chain of calls may be deeper than Python's stack."""
    below: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans.values(), key=lambda s: (s.start_ns, s.span_id)):
        below[span.parent_id if span.parent_id in spans else ""].append(span)
    order = list(below[""])
    for span in order:
        order.extend(below[span.span_id])
    nodes: dict[str, SpanNode] = {}
    for span in reversed(order):
        nodes[span.span_id] = SpanNode(span, tuple(nodes[child.span_id] for child in below[span.span_id]))
    return tuple(nodes[root.span_id] for root in below[""])
