"""Prints for a person, or as JSON for a program."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command prints; with `as_json` exactly one JSON value goes to standard output and nothing else."""

    as_json: bool
    console: Console

    @classmethod
    def to(cls, *, as_json: bool) -> "Output":
        return cls(as_json, Console(stderr=as_json, highlight=False))

    def message(self, message: Message) -> bool:
        """Print a message as JSON if that was asked for, and say whether it was."""
        return self.value(MessageToDict(message, preserving_proto_field_name=True))

    def value(self, value: object) -> bool:
        """Print a JSON value if that was asked for, and say whether it was."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False, indent=1))  # noqa: T201 - standard output is the result
        return self.as_json

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; numbers stand right, an empty one says so."""
        table = Table(title=title, title_justify="left", title_style="bold", header_style="dim")
        for index, name in enumerate(columns):
            numeric = bool(rows) and all(isinstance(row[index], int | float) for row in rows)
            table.add_column(name, justify="right" if numeric else "left")
        for row in rows:
            table.add_row(*(_cell(value) for value in row))
        self.console.print(table if rows else f"[bold]{title}[/bold]: none")

    def facts(self, title: str, facts: Mapping[str, object]) -> None:
        """Print named values, one a line; empty ones are left out."""
        self.console.print(f"[bold]{title}[/bold]")
        for name, value in facts.items():
            if value not in ("", None):
                self.console.print(f"  {name:<16} {_cell(value)}")


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)
