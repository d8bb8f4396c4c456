"""Prints for a person, or as JSON for a program."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table
from rich.text import Text

from shared.clock import LEGAL_ZONE
from shared.errors import Failure, InvalidInput

_FILE_COLUMNS = 200
"""How wide a page may get where there is no terminal to fold it."""


@dataclass(frozen=True, slots=True)
class Output:
    """Where a command prints; with `as_json` exactly one JSON value goes to standard output and nothing else.

    What is printed is text, never markup: names, scripts and messages are shown as they are, brackets and all.
    """

    as_json: bool
    console: Console
    errors: Console

    @classmethod
    def to(cls, *, as_json: bool) -> "Output":
        """Return the output of this process: pages on standard output, failures on standard error."""
        errors = _console(to_errors=True)
        return cls(as_json, errors if as_json else _console(to_errors=False), errors)

    def message(self, message: Message) -> bool:
        """Print a message as JSON if that was asked for, and say whether it was."""
        return self.value(as_value(message))

    def value(self, value: object) -> bool:
        """Print a JSON value if that was asked for, and say whether it was."""
        if self.as_json:
            print(json.dumps(value, ensure_ascii=False, indent=1), flush=True)  # noqa: T201 - standard output is the result
        return self.as_json

    def line(self, text: str, *, style: str = "") -> None:
        """Print a line of the page."""
        self.console.print(Text(text, style=style), soft_wrap=True)

    def remark(self, text: str) -> None:
        """Print a line about what goes on, beside the page."""
        self.errors.print(Text(text), soft_wrap=True)

    def failure(self, failure: Failure) -> None:
        """Tell a failure: in words on standard error, or as the one JSON value `{"error": …}`."""
        told: dict[str, object] = {"reason": failure.reason, "message": failure.message, "metadata": failure.metadata}
        lines = [failure.message]
        if isinstance(failure, InvalidInput):
            told["violations"] = [{"field": v.field, "description": v.description} for v in failure.violations]
            lines = [f"{v.field}: {v.description}" for v in failure.violations]
        if not self.value({"error": told}):
            for line in lines:
                self.errors.print(Text.assemble(("✗ ", "red"), line), soft_wrap=True)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        """Print a table; numbers stand right, an empty one says so, a column with nothing in it is left out."""
        if not rows:
            self.line(f"{title}: none")
            return
        self.line(title, style="bold")  # not the table's own title, which would be wrapped to a narrow table
        table = Table(header_style="dim")
        shown = [index for index in range(len(columns)) if any(row[index] not in ("", None) for row in rows)]
        for index in shown:
            numeric = all(isinstance(row[index], int | float) for row in rows)
            table.add_column(columns[index], justify="right" if numeric else "left", overflow="fold")
        for row in rows:
            table.add_row(*(Text(_cell(row[index])) for index in shown))
        self.console.print(table)

    def facts(self, title: str, facts: Mapping[str, object]) -> None:
        """Print named values, one a line; empty ones are left out."""
        self.line(title, style="bold")
        for name, value in facts.items():
            if value not in ("", None):
                self.line(f"  {name:<16} {_cell(value)}")


def write_file(out: Path, content: bytes, output: Output) -> None:
    """Write a file that is not there yet, and say so. Raises FileExistsError."""
    with out.open("xb") as file:
        file.write(content)
    if not output.value({"file": str(out), "bytes": len(content)}):
        output.line(f"Written: {out} ({len(content):,} bytes)")


def as_value(message: Message) -> dict[str, object]:
    """Return a message as JSON values, with the field names of the contract."""
    return MessageToDict(message, preserving_proto_field_name=True)


def local_time(time: Timestamp) -> str:
    """Return a time as people here read it: in the legal zone, to the minute."""
    return f"{time.ToDatetime(UTC).astimezone(LEGAL_ZONE):%Y-%m-%d %H:%M}"


def enum_word(name: str, prefix: str) -> str:
    """Return an enum value's name as words; "" for the unspecified one. Example: ("CHANNEL_SMS", "CHANNEL_") -> "sms"."""
    word = name.removeprefix(prefix).replace("_", " ").lower()
    return "" if word == "unspecified" else word


def _console(*, to_errors: bool) -> Console:
    console = Console(stderr=to_errors, highlight=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _FILE_COLUMNS
    return console


def _cell(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return str(value)
