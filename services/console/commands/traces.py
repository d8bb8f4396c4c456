"""`visavis trace`: the latest traces of this installation, or one of them as a tree."""

from typing import Annotated

import typer

from services.console.render.output import Output
from services.console.session import AsJson, Session, run
from shared.observability.settings import TelemetrySettings
from shared.observability.traces import TraceSummary, latest, load
from shared.observability.tree import TraceLine, render_tree, to_json


def trace(
    trace_id: Annotated[
        str, typer.Argument(help="A trace id or its beginning; without it, the latest are listed.")
    ] = "",
    limit: Annotated[int, typer.Option(help="How many to list.", min=1)] = 20,
    as_json: AsJson = False,
) -> None:
    """List the latest traces, or print one as a tree with durations."""

    async def command(session: Session) -> None:
        directory = TelemetrySettings().telemetry_directory
        if trace_id:
            found = load(directory, trace_id)
            if not session.output.value(to_json(found)):
                _print_tree(render_tree(found), session.output)
            return
        summaries = latest(directory, limit=limit)
        if not session.output.value([_plain(summary) for summary in summaries]):
            _print_latest(summaries, session.output)

    run(command, as_json=as_json)


def _plain(summary: TraceSummary) -> dict[str, object]:
    return {
        "trace_id": summary.trace_id,
        "root": summary.root,
        "services": list(summary.services),
        "start_time": summary.start.isoformat(),
        "duration_ms": round(summary.duration_ms, 1),
        "spans": summary.spans,
        "errors": summary.errors,
    }


def _print_latest(summaries: list[TraceSummary], output: Output) -> None:
    rows = [
        (
            s.trace_id,
            s.root,
            ", ".join(s.services),
            f"{s.start:%H:%M:%S}",
            f"{s.duration_ms:,.0f} ms",
            s.spans,
            s.errors,
        )
        for s in summaries
    ]
    output.table("Latest traces", ("trace", "root", "services", "UTC", "took", "spans", "errors"), rows)


def _print_tree(lines: list[TraceLine], output: Output) -> None:
    for line in lines:
        many = f" x{line.count}" if line.count > 1 else ""
        facts = " ".join(f"{key}={value}" for key, value in line.attributes)
        error = f" ✗ {line.error}" if line.is_error else ""
        links = " ".join(line.links)
        text = f"{line.guide}{line.name}{many}  {line.duration_ms:,.1f} ms  {line.service}  {facts} {links}{error}"
        output.line(text.rstrip())
