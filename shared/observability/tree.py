"""Lays a trace out as lines for a person, or as plain data for a program."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from shared.jsontypes import JsonObject, JsonValue
from shared.observability.otlp_json import Span
from shared.observability.traces import SpanNode, Trace

_HIDDEN: Final = ("rpc.", "net.", "network.", "server.", "client.", "user_agent.", "thread.", "code.", "visavis.keep")
"""Attributes that say again what the line says already, or what only a machine asks."""

_MAX_ATTRIBUTES: Final = 6
_MAX_VALUE: Final = 60


@dataclass(frozen=True, slots=True)
class TraceLine:
    """One span, or `count` like siblings folded into a line; times in milliseconds, of the longest sibling when folded."""

    guide: str
    """The branches of the tree before the name, e.g. `│  └─ `."""
    span_id: str
    service: str
    name: str
    count: int
    offset_ms: float
    """From the start of the trace."""
    duration_ms: float
    is_error: bool
    error: str
    attributes: tuple[tuple[str, str], ...]
    links: tuple[str, ...]
    """Ids of other traces that caused this span: `→ trace …`."""


def render_tree(trace: Trace, *, fold_over: int = 5) -> list[TraceLine]:
    """Return the lines of `trace`, top down. More than `fold_over` siblings of one name become one line without what is below.

    Siblings with an error or a link to another trace in them always have their own lines.
    """
    start_ns = min((root.span.start_ns for root in trace.roots), default=0)
    notable = _notable(trace)
    lines: list[TraceLine] = []
    pending = [(group, "", "") for group in reversed(_fold(trace.roots, notable, fold_over))]
    while pending:
        group, guide, indent = pending.pop()
        lines.append(_line(group, guide, start_ns))
        below = _fold(group[0].children, notable, fold_over) if len(group) == 1 else []
        for position, child in enumerate(reversed(below)):
            branch, rest = ("└─ ", "   ") if position == 0 else ("├─ ", "│  ")
            pending.append((child, indent + branch, indent + rest))
    return lines


def to_json(trace: Trace) -> JsonObject:
    """Return the trace as plain data: its spans flat, in tree order, so that a deep trace is no deep document."""
    return {
        "trace_id": trace.trace_id,
        "spans": [_plain(node.span) for node in _walk(trace)],
        "omitted_spans": trace.omitted,
        "followers": [
            {"trace_id": f.trace_id, "service": f.service, "name": f.name, "of_span_id": f.link.span_id}
            for f in trace.followers
        ],
        "more_followers": trace.more_followers,
    }


def _walk(trace: Trace) -> Iterator[SpanNode]:
    pending = list(reversed(trace.roots))
    while pending:
        node = pending.pop()
        yield node
        pending.extend(reversed(node.children))


def _notable(trace: Trace) -> frozenset[str]:
    """Return the ids of spans that have, or are above one that has, an error or a link to another trace."""
    found: set[str] = set()
    for node in reversed(list(_walk(trace))):
        own = node.span.is_error or any(link.trace_id != trace.trace_id for link in node.span.links)
        if own or any(child.span.span_id in found for child in node.children):
            found.add(node.span.span_id)
    return frozenset(found)


def _fold(siblings: Sequence[SpanNode], notable: frozenset[str], fold_over: int) -> list[list[SpanNode]]:
    """Group the siblings into lines, in order of each group's first."""
    alike: dict[tuple[str, ...], list[SpanNode]] = {}
    for node in siblings:
        span = node.span
        key = (span.span_id,) if span.span_id in notable else (span.service, span.name)
        alike.setdefault(key, []).append(node)
    lines: list[list[SpanNode]] = []
    for group in alike.values():
        lines.extend([group] if len(group) > fold_over else [[node] for node in group])
    return sorted(lines, key=lambda group: group[0].span.start_ns)


def _line(group: list[SpanNode], guide: str, start_ns: int) -> TraceLine:
    span = group[0].span
    return TraceLine(
        guide=guide,
        span_id=span.span_id,
        service=span.service,
        name=span.name,
        count=len(group),
        offset_ms=(span.start_ns - start_ns) / 1e6,
        duration_ms=max(node.span.duration_ms for node in group),
        is_error=span.is_error,
        error=span.error,
        attributes=_key_attributes(span) if len(group) == 1 else (),
        links=tuple(dict.fromkeys(link.trace_id for link in span.links if link.trace_id != span.trace_id)),
    )


def _key_attributes(span: Span) -> tuple[tuple[str, str], ...]:
    shown = [(key, _short(value)) for key, value in span.attributes.items() if not key.startswith(_HIDDEN)]
    return tuple(shown[:_MAX_ATTRIBUTES])


def _short(value: JsonValue) -> str:
    text = str(value)
    return text if len(text) <= _MAX_VALUE else f"{text[: _MAX_VALUE - 1]}…"


def _plain(span: Span) -> JsonObject:
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "service": span.service,
        "name": span.name,
        "kind": span.kind,
        "start": span.start.isoformat(),
        "duration_ms": span.duration_ms,
        "is_error": span.is_error,
        "error": span.error,
        "attributes": dict(span.attributes),
        "links": [{"trace_id": link.trace_id, "span_id": link.span_id} for link in span.links],
    }
