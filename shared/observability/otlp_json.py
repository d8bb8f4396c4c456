"""Reads spans back from OTLP-JSON lines, whoever wrote them and however the writer ended."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from shared.jsontypes import JsonValue

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_STATUS_ERROR: Final = 2
_KINDS: Final = ("unspecified", "internal", "server", "client", "producer", "consumer")


@dataclass(frozen=True, slots=True)
class SpanLink:
    """A span of another trace (or this one) that caused this one without being its parent."""

    trace_id: str
    span_id: str


@dataclass(frozen=True, slots=True)
class Span:
    """One ended span. Ids are lower-case hexadecimal; `parent_id` is "" at the root; times are nanoseconds since 1970, UTC."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: str
    start_ns: int
    end_ns: int
    is_error: bool
    error: str
    """What went wrong, in words, if the span says so."""
    attributes: Mapping[str, JsonValue]
    links: tuple[SpanLink, ...]

    @property
    def start(self) -> datetime:
        return instant(self.start_ns)

    @property
    def duration_ms(self) -> float:
        return (self.end_ns - self.start_ns) / 1e6


def instant(nanoseconds: int) -> datetime:
    """Return the time `nanoseconds` after 1970 began, cut to microseconds."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def trace_files(directory: Path) -> list[Path]:
    """Return the files that hold spans, the one written last first."""
    with_time = []
    for path in directory.glob("traces-*.jsonl"):
        try:
            with_time.append((path.stat().st_mtime_ns, path))
        except FileNotFoundError:  # pruned by its owner meanwhile
            continue
    return [path for _, path in sorted(with_time, reverse=True)]


def lines(path: Path) -> Iterator[str]:
    """Yield the lines of one file, one in memory at a time; a file pruned meanwhile is empty."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            yield from file
    except FileNotFoundError:
        return


def spans_of(line: str) -> Iterator[Span]:
    """Yield the spans of one line; a line cut short by a kill or a full disk, or of another shape, has none."""
    try:
        groups = json.loads(line)["resourceSpans"]
        for group in groups:
            service = str(_attributes(group.get("resource", {})).get("service.name", "?"))
            for scope in group.get("scopeSpans", ()):
                for raw in scope.get("spans", ()):
                    yield _span(service, raw)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return


def _span(service: str, raw: dict[str, Any]) -> Span:
    status = raw.get("status", {})
    is_error = status.get("code") == _STATUS_ERROR
    return Span(
        trace_id=raw["traceId"].lower(),
        span_id=raw["spanId"].lower(),
        parent_id=raw.get("parentSpanId", "").lower(),
        service=service,
        name=raw.get("name", ""),
        kind=_KINDS[raw.get("kind", 0)],
        start_ns=int(raw["startTimeUnixNano"]),
        end_ns=int(raw["endTimeUnixNano"]),
        is_error=is_error,
        error=(status.get("message") or _exception_message(raw)) if is_error else "",
        attributes=_attributes(raw),
        links=tuple(SpanLink(link["traceId"].lower(), link["spanId"].lower()) for link in raw.get("links", ())),
    )


def _exception_message(raw: dict[str, Any]) -> str:
    exceptions = (_attributes(event) for event in raw.get("events", ()) if event.get("name") == "exception")
    return next((f"{e.get('exception.type', '')}: {e.get('exception.message', '')}" for e in exceptions), "")


def _attributes(holder: dict[str, Any]) -> dict[str, JsonValue]:
    return {pair["key"]: _value(pair.get("value", {})) for pair in holder.get("attributes", ())}


def _value(value: dict[str, Any]) -> JsonValue:
    """Unpack the one-field object that OTLP wraps each value in; 64-bit integers travel as text."""
    for kind, content in value.items():
        match kind:
            case "intValue":
                return int(content)
            case "arrayValue":
                return [_value(item) for item in content.get("values", ())]
            case "kvlistValue":
                return _attributes({"attributes": content.get("values", ())})
            case _:
                return content  # type: ignore[no-any-return]  # text, number or boolean as JSON had it
    return None
