"""Writes a matrix as the CSV that `read_csv` reads as the same matrix."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence

from services.recommendation.engine.feel import Kind, Value
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix.csv_words import NOTE, OUTPUT_MARK, REPLACES
from services.recommendation.engine.matrix.table import Computed, DecisionTable, Output, Parameter, Rule


def write_csv(table: DecisionTable, *, expected: Sequence[Output] = ()) -> str:
    """Return the file: head, declarations and headers in its first rows, then each rule in the row that is its id.

    `expected` are the outputs of its purpose, whose own values and defaults need no line. Raises ValueError for a composed
    table, whose ids are no rows of one file.
    """
    head = [list(cells) for cells in head_rows(table, expected=expected)]
    rules = {rule.id: rule_cells(table, rule) for rule in table.rules}
    if min(rules, default=len(head) + 1) <= len(head):
        raise ValueError(f"{table.name}: rule {min(rules)} has no row of its own below {len(head)} rows of head")
    return csv_text(dict(enumerate(head, start=1)) | rules)


def csv_text(rows: Mapping[int, Sequence[str]]) -> str:
    """Return a file with these rows in their places, counted from 1; rows between them stay empty."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in range(1, max(rows) + 1):
        cells = rows.get(row, ())
        if len(cells) == 1 and cells[0].startswith("#") and "\n" not in cells[0]:
            file.write(f"{cells[0]}\n")  # as a planner writes a comment: quotes would be no harm, but no use either
        else:
            writer.writerow(cells)
    return file.getvalue()


def head_rows(table: DecisionTable, *, expected: Sequence[Output]) -> Iterator[Sequence[str]]:
    """Yield the rows above the rules."""
    policy = " ".join(part.value for part in (table.hit_policy, table.aggregation) if part)
    yield "matrix", table.purpose, policy, table.name
    yield from _declarations(table, {output.name: output for output in expected})
    headers = [*(column.name for column in table.inputs), *(f"{OUTPUT_MARK} {output.name}" for output in table.outputs)]
    if _has_replaces(table):
        headers.append(REPLACES)
    yield [*headers, NOTE] if _has_notes(table) else headers


def _declarations(table: DecisionTable, expected: Mapping[str, Output]) -> Iterator[Sequence[str]]:
    if table.city:
        yield "city", table.city
    yield from map(_parameter, table.parameters)
    yield from map(_computed, table.computed)
    for name, values in table.lists.items():
        yield "list", name, *map(feel_text, values)
    for output in table.outputs:
        known = expected.get(output.name, Output(output.name, output.type))
        if output.values != known.values:
            yield "values", output.name, *(output_text(value, output) for value in output.values)
        if output.default != known.default:
            yield "default", output.name, output_text(output.default, output)


def output_text(value: Value, output: Output) -> str:
    """Return the cell of an output: a text as it is, unless it would read otherwise, any other value as in S-FEEL."""
    if value is None:
        return ""
    if isinstance(value, str) and output.type.kind is Kind.STRING:
        return plain_text(value)
    return feel_text(value)


def plain_text(value: str) -> str:
    """Return a text without quotes, where it reads as itself without them."""
    plain = value == value.strip() and value not in {"", "null"} and not value.startswith('"') and "\r" not in value
    return value if plain else feel_text(value)


def rule_cells(table: DecisionTable, rule: Rule) -> Sequence[str]:
    """Return the row of a rule."""
    cells = [*(cell.text for cell in rule.cells), *map(output_text, rule.outputs, table.outputs)]
    if _has_replaces(table):
        cells.append("" if rule.replaces is None else str(rule.replaces))
    return [*cells, rule.note] if _has_notes(table) else cells


def _parameter(parameter: Parameter) -> Sequence[str]:
    cities = (f"{city}={feel_text(value)}" for city, value in parameter.by_city.items())
    return "parameter", parameter.name, feel_text(parameter.value), *cities


def _computed(computed: Computed) -> Sequence[str]:
    row = "computed", computed.name, computed.text
    return (*row, computed.type.unit) if computed.type.unit else row


def _has_notes(table: DecisionTable) -> bool:
    return any(rule.note for rule in table.rules)


def _has_replaces(table: DecisionTable) -> bool:
    return any(rule.replaces is not None for rule in table.rules)
