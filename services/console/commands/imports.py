"""`visavis import …`: extracts in, what was set aside and why, and a mapping file proposed."""

import csv
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from typer.core import TyperGroup
from visavis.profile.v1 import profile_service_pb2 as profile_pb

from services.console.clients import Clients, connect
from services.console.commands.cycles import month_text
from services.console.extracts import read_extracts, take_extracts
from services.console.render.output import Output, as_value
from services.console.render.progress import RunBoard
from services.console.runs import GOES_ON, Follower, pages
from services.console.session import AsJson, Session, run
from shared.errors import InvalidInput

_OF_A_KIND = 3
"""So many rejects with the same file, column and reason are shown: one wrong customer sets aside all his rows."""
_REJECTS_READ = 20_000
_RULES_SHOWN = 5
_COLUMNS = ("file", "line", "column", "value", "reason")


class _FolderUnlessNamed(TyperGroup):
    """Takes `visavis import FOLDER …` for `visavis import folder FOLDER …`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        is_named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if is_named or not args else ["folder", *args])


app = typer.Typer(
    cls=_FolderUnlessNamed,
    help="Take extracts in: `visavis import FOLDER --cycle 2026-11`. Or look at them first, or at what was set aside.",
    no_args_is_help=True,
)


@dataclass(frozen=True, slots=True)
class _Rejects:
    """Rejects of every kind, a few of each, in order of file and line; `read` counts all that were looked at."""

    shown: Sequence[profile_pb.ImportReject]
    read: int


@app.command("folder")
def folder(
    folder: Annotated[
        Path,
        typer.Argument(
            help="The folder of extracts, with mapping.toml in it.", exists=True, file_okay=False, resolve_path=True
        ),
    ],
    cycle: Annotated[str, typer.Option(help="The marketing month, as 2026-11.", callback=month_text)],
    onto: Annotated[
        str, typer.Option(help="imports/… of the same month, which gives the tables that mapping.toml does not name.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Take a folder of extracts in, and show which rows were set aside and why."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            with RunBoard(session.output.console, quiet=as_json) as board:
                extracts = await read_extracts(folder, progress=board)
                taken = await take_extracts(cycle, extracts, onto=onto, clients=clients, follower=Follower(board))
            rejects = await _some_rejects(taken.name, clients)
        value = {"import": as_value(taken), "first_rejects": [as_value(reject) for reject in rejects.shown]}
        if not session.output.value(value):
            _print_import(taken, rejects, session.output)

    run(command, as_json=as_json, trace="import", when_interrupted=GOES_ON)


@app.command()
def check(
    path: Annotated[
        Path, typer.Argument(help="A file of the operator's, or a folder of them.", exists=True, resolve_path=True)
    ],
    out: Annotated[Path | None, typer.Option(help="Write the proposed mapping file here.")] = None,
    as_json: AsJson = False,
) -> None:
    """Look at files and propose a mapping, with `# ?` where a person has to decide; nothing is taken in."""

    async def command(session: Session) -> None:
        if out is not None and out.exists():
            raise InvalidInput.of("out", f"{out} is there already; choose another name")
        async with connect(session.settings) as clients:
            checked = await clients.profile.CheckSource(profile_pb.CheckSourceRequest(source_uri=str(path)))
        if out is not None:
            out.write_text(checked.mapping, encoding="utf-8")
        if not session.output.message(checked):
            _print_checked(checked, out, session.output)

    run(command, as_json=as_json)


@app.command()
def rejects(
    name: Annotated[str, typer.Argument(help="imports/…")],
    out: Annotated[Path | None, typer.Option(help="Write all of them into this CSV file.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what an import set aside, some of every kind, or write all of it into a file."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            if out is not None:
                written = await _download(name, out, clients, session.output, quiet=as_json)
                if not session.output.value({"file": str(out), "rejects": written}):
                    session.output.line(f"{written:,} rejects are in {out}.")
                return
            found = await _some_rejects(name, clients)
        if not session.output.value([as_value(reject) for reject in found.shown]):
            _print_rejects(found, session.output)

    run(command, as_json=as_json)


async def _pages_of(name: str, clients: Clients) -> AsyncIterator[profile_pb.ListImportRejectsResponse]:
    found = pages(
        lambda size, token: clients.profile.ListImportRejects(
            profile_pb.ListImportRejectsRequest(parent=name, page_size=size, page_token=token)
        )
    )
    async for page in found:
        yield page


async def _download(name: str, out: Path, clients: Clients, output: Output, *, quiet: bool) -> int:
    """Write all rejects beside `out` first, so that nobody takes half of them for the whole."""
    beside = out.with_name(f".{out.name}.part")
    written = 0
    columns = (TextColumn("{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn())
    with Progress(*columns, console=output.console, disable=quiet or not output.console.is_terminal) as progress:
        bar = progress.add_task("rejects", total=None)
        # With the mark that spreadsheets need to read UTF-8.
        with beside.open("w", encoding="utf-8-sig", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            async for page in _pages_of(name, clients):
                writer.writerows([getattr(reject, column) for column in _COLUMNS] for reject in page.rejects)
                written += len(page.rejects)
                progress.update(bar, completed=written)
    beside.replace(out)
    return written


async def _some_rejects(name: str, clients: Clients) -> _Rejects:
    kinds: Counter[tuple[str, str, str]] = Counter()
    shown = []
    async for page in _pages_of(name, clients):
        for reject in page.rejects:
            kind = (reject.file, reject.column, reject.reason)
            kinds[kind] += 1
            shown += [reject] if kinds[kind] <= _OF_A_KIND else []
        if kinds.total() >= _REJECTS_READ:
            break
    return _Rejects(shown, kinds.total())


def _print_import(taken: profile_pb.Import, rejects: _Rejects, output: Output) -> None:
    rows = [
        (table.table, table.row_count, table.accepted_count, table.reject_count)
        for table in taken.tables
        if table.row_count
    ]
    output.table(f"{taken.name} for {taken.cycle}", ("table", "rows", "taken", "set aside"), rows)
    if taken.base_import:
        output.line(f"Tables that the mapping does not name are those of {taken.base_import}.")
    rules = [
        (table.table, rule.column, rule.reason, rule.count)
        for table in taken.tables
        for rule in table.rules[:_RULES_SHOWN]
    ]
    if rules:
        output.table("Set aside by rule, the most frequent", ("table", "column", "expected", "times"), rules)
    if rejects.shown:
        _print_rejects(rejects, output)
        output.line(f"All of them: visavis import rejects {taken.name} --out rejects.csv")


def _print_rejects(rejects: _Rejects, output: Output) -> None:
    lines = [(reject.file, reject.line, reject.column, reject.value, reject.reason) for reject in rejects.shown]
    output.table("Set aside", ("file", "line", "column", "value", "why"), lines)
    if more := rejects.read - len(lines):
        output.line(f"… and {more:,} more of the same kinds; these are the first {_OF_A_KIND} of each.")
    if rejects.read >= _REJECTS_READ:
        output.line(f"Only the first {_REJECTS_READ:,} were looked at.")


def _print_checked(checked: profile_pb.CheckSourceResponse, out: Path | None, output: Output) -> None:
    rows = [
        (each.file, each.layout, each.table, each.matched_count, ", ".join(each.unmatched), ", ".join(each.missing))
        for each in checked.findings
    ]
    output.table("What is there", ("file", "layout", "table", "columns", "not used", "missing"), rows)
    open_questions = checked.mapping.count("# ?")
    if out is None:
        output.line(checked.mapping)
    else:
        output.line(f"The proposed mapping is in {out}; {open_questions} lines of it need a person's decision (# ?).")
