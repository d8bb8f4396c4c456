"""Turns a decision table of a DMN file into the sheet that a planner would have written, which is then read like any other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

from services.recommendation.engine.dmn.model import (
    LAST_ROW,
    Decision,
    InputClause,
    OutputClause,
    Parameter,
    RuleEntry,
    Table,
)
from services.recommendation.engine.feel import CellError, Kind, Literal, listed, parse
from services.recommendation.engine.feel.syntax import constants_of
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix.csv_words import NOTE, OUTPUT_MARK, REPLACES
from services.recommendation.engine.matrix.csv_writer import csv_text, plain_text
from services.recommendation.engine.matrix.table import Aggregation, HitPolicy
from shared.errors import InvalidInput, Violation

_Line = tuple[Sequence[str], str]
"""The cells of a line, and what it is called in the decision."""


@dataclass(frozen=True, slots=True)
class DecisionSheet:
    """A decision as the text of a CSV file; `places` says for rows of it which part of the decision they were."""

    decision: str
    text: str
    places: Mapping[int, str]


def decision_sheet(decision: Decision, *, purposes: Sequence[str]) -> DecisionSheet:
    """Return the sheet of a decision that has a table; rules keep the row they had in a sheet, if they had one.

    The purpose is the one that our own files name, else the id or the name of the decision. Raises InvalidInput for a
    decision that cannot be laid out as a sheet; whether its words are known is for the reader of sheets to say.
    """
    table = decision.table
    if table is None:
        raise InvalidInput.of(
            place(decision), f"it is decided by {decision.logic or 'nothing'}: expected a decisionTable"
        )
    violations = [*_policy_violations(decision, table), *_shape_violations(decision, table)]
    purpose = _purpose(decision, purposes)
    if not purpose:
        expected = f"expected one of {listed(purposes)} as the id or the name of the decision"
        violations.append(Violation(place(decision), f"it does not say what it is for: {expected}"))
    if violations:
        raise InvalidInput(violations)
    return _lay_out(decision, table, purpose)


def place(decision: Decision, part: str = "") -> str:
    """Return where in a file something is."""
    return f'decision "{decision.name}"' + (f", {part}" if part else "")


def place_of(field: str, decision: str, places: Mapping[int, str]) -> str:
    """Return where in its decision a violation of a sheet is: `row 7, column => policy` was `rule 3, column policy`.

    What a matrix declares has a name there, and no columns.
    """
    row, _, heading = field.partition(", column ")
    part = places.get(int(row.removeprefix("row ")), "")
    in_table = not part or part.startswith("rule ")
    column = f"column {heading.removeprefix(OUTPUT_MARK).strip()}" if heading and in_table else ""
    return ", ".join(each for each in (f'decision "{decision}"', part, column) if each)


def _purpose(decision: Decision, purposes: Sequence[str]) -> str:
    if decision.declared.purpose:
        return decision.declared.purpose
    known = {purpose.casefold(): purpose for purpose in purposes}
    return known.get(decision.id.casefold()) or known.get(decision.name.casefold()) or ""


def _policy_violations(decision: Decision, table: Table) -> Iterator[Violation]:
    if table.hit_policy not in list(HitPolicy):
        yield Violation(
            place(decision), f'"{table.hit_policy}" is no hit policy: expected one of {listed(list(HitPolicy))}'
        )
    if table.aggregation and table.aggregation not in list(Aggregation):
        expected = listed(list(Aggregation))
        yield Violation(place(decision), f'"{table.aggregation}" is no aggregation: expected one of {expected}')


def _shape_violations(decision: Decision, table: Table) -> Iterator[Violation]:
    if not table.rules and not (decision.declared.city and decision.declared.parameters):
        yield Violation(place(decision), "the table has no rule: expected at least one")
    for number, rule in enumerate(table.rules, start=1):
        for name, entries, clauses in (
            ("inputEntry", rule.inputs, table.inputs),
            ("outputEntry", rule.outputs, table.outputs),
        ):
            if len(entries) != len(clauses):
                yield Violation(
                    place(decision, f"rule {number}"),
                    f"{len(entries)} × {name}: expected {len(clauses)}, one per column",
                )
        if rule.inputs and rule.inputs[0].startswith("#"):
            where = place(decision, f"rule {number}, column {table.inputs[0].expression}")
            yield Violation(where, f'"{rule.inputs[0]}": expected an S-FEEL unary test; none begins with #')


def _lay_out(decision: Decision, table: Table, purpose: str) -> DecisionSheet:
    """Put each line in its row. Lists stand above the headers, or below the rules where those need the rows above."""
    layout = _Layout(decision.declared.comments)
    head, lists = list(_head(decision, table, purpose)), list(_lists(decision))
    first = _row(table.rules[0].row) if table.rules else 0
    above = lists if not first or layout.free(first) > len(head) + len(lists) else []
    for cells, part in (*head, *above, (_headers(table), "")):
        layout.put(cells, part)
    for number, rule in enumerate(table.rules, start=1):
        layout.put(_rule(table, rule), f"rule {number}", least=_row(rule.row))
    for cells, part in () if above else lists:
        layout.put(cells, part)
    return DecisionSheet(decision.name, csv_text(layout.rows), layout.places)


class _Layout:
    """The rows of a sheet while they are filled downwards, around the comments."""

    def __init__(self, comments: Mapping[int, Sequence[str]]) -> None:
        self.rows: dict[int, Sequence[str]] = dict(comments)
        self.places: dict[int, str] = {}
        self._last = 0

    def free(self, row: int) -> int:
        """Return the number of rows above this one that are no comments."""
        return sum(above not in self.rows for above in range(1, row))

    def put(self, cells: Sequence[str], part: str, *, least: int = 0) -> None:
        """Fill the next free row from `least` on."""
        self._last = next(row for row in count(max(least, self._last + 1)) if row not in self.rows)
        self.rows[self._last], self.places[self._last] = cells, part


def _row(text: str) -> int:
    """Return the row that a rule of ours had, or 0."""
    row = int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else 0
    return row if row <= LAST_ROW else 0


def _head(decision: Decision, table: Table, purpose: str) -> Iterator[_Line]:
    policy = f"{table.hit_policy} {table.aggregation}".strip()
    yield ("matrix", purpose, policy, decision.name), ""
    declared = decision.declared
    if declared.city:
        yield ("city", declared.city), f"city {declared.city}"
    for parameter in declared.parameters:
        yield _parameter(parameter), f"parameter {parameter.name}"
    for computed in declared.computed:
        unit = (computed.unit,) if computed.unit else ()
        yield ("computed", computed.name, computed.text, *unit), f"computed input {computed.name}"
    for output in table.outputs:
        yield from _output_rows(output)


def _lists(decision: Decision) -> Iterator[_Line]:
    for name, values in decision.declared.lists.items():
        yield ("list", name, *values), f"list {name}"


def _parameter(parameter: Parameter) -> Sequence[str]:
    return (
        "parameter",
        parameter.name,
        parameter.value,
        *(f"{city}={value}" for city, value in parameter.by_city.items()),
    )


def _output_rows(output: OutputClause) -> Iterator[_Line]:
    """Yield the rows of what an output may be and is by default, without what its purpose says anyway."""
    if output.values and output.values != output.given_values:
        yield ("values", output.name, *_values(output.values)), f"outputValues of {output.name}"
    if output.default and output.default != output.given_default:
        yield ("default", output.name, _plain(output.default)), f"defaultOutputEntry of {output.name}"


def _headers(table: Table) -> Sequence[str]:
    headers = [
        *(_header(column) for column in table.inputs),
        *(f"{OUTPUT_MARK} {output.name}" for output in table.outputs),
    ]
    replaces = [REPLACES] if any(rule.replaces for rule in table.rules) else []
    return [*headers, *replaces, *([NOTE] if any(rule.note for rule in table.rules) else [])]


def _header(column: InputClause) -> str:
    return " ".join(column.expression.split())


def _rule(table: Table, rule: RuleEntry) -> Sequence[str]:
    cells = [
        *(entry or "-" for entry in rule.inputs),
        *("" if entry == "-" else _plain(entry) for entry in rule.outputs),
    ]
    replaces = [rule.replaces] if any(each.replaces for each in table.rules) else []
    return [*cells, *replaces, *([rule.note] if any(each.note for each in table.rules) else [])]


def _plain(text: str) -> str:
    """Return an output entry as a planner writes it: a text without its quotes, null as an empty cell."""
    constants = listed_constants(text)
    if constants is None or len(constants) != 1:
        return text
    (literal,) = constants
    if literal.kind is Kind.NULL:
        return ""
    return plain_text(literal.value) if isinstance(literal.value, str) else text


def _values(text: str) -> Sequence[str]:
    """Return the constants of a list, each as a cell; what is no list of constants stays one cell, for the reader to refuse."""
    constants = listed_constants(text)
    return (text,) if constants is None else [_plain(feel_text(constant.value)) for constant in constants]


def listed_constants(text: str) -> Sequence[Literal] | None:
    """Return the constants that a text lists, or None where it is no such list."""
    try:
        return constants_of(parse(text))
    except CellError:
        return None
