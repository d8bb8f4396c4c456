"""A mapping beside the headings of the files that it is about."""

from collections.abc import Iterator, Sequence

from services.profile.domain.mapping.suggestions import did_you_mean
from services.profile.domain.mapping.table import TableMapping
from shared.errors import Violation


def heading_violations(mapping: TableMapping, file: str, headings: Sequence[str]) -> list[Violation]:
    """Compare a table's mapping with the headings of one of its files."""
    return [
        Violation(f"tables.{mapping.table.name}.{place}", text)
        for place, heading in _needed(mapping)
        if (text := _heading_fault(file, heading, headings))
    ]


def _needed(mapping: TableMapping) -> Iterator[tuple[str, str]]:
    for column, heading in mapping.columns.items():
        yield f"columns.{column}", heading
    for column, expression in mapping.expressions.items():
        for heading in expression.headings:
            yield f"expressions.{column}", heading


def _heading_fault(file: str, heading: str, headings: Sequence[str]) -> str:
    match headings.count(heading):
        case 0:
            return f"{file} has no heading '{heading}'{did_you_mean(heading, headings)}"
        case 1:
            return ""
        case times:
            return f"{file} has the heading '{heading}' {times} times; expected it once"
