"""Makes one of our matrices of a decision table of the TCK, by way of the sheet that an import makes of it, and fires it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from services.recommendation.engine.dmn.model import Decision, Declared, Table
from services.recommendation.engine.dmn.sheet import decision_sheet, listed_constants, place_of
from services.recommendation.engine.feel import Anything, FieldType, Kind, Not, Row, Value
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import (
    Cell,
    DecisionTable,
    Firing,
    Output,
    compile_closure,
    read_csv,
    results,
)
from services.recommendation.engine.matrix.hit_policies import LISTING
from services.recommendation.engine.matrix.output_cell import OutputCellError, read_output
from shared.errors import InvalidInput
from tests.conformance.dmn_tck.columnar import Columnar
from tests.conformance.dmn_tck.scope import Scope, Types, field_type, kind_in, named_by
from tests.conformance.dmn_tck.trees import Tree, kind_of, show

_PURPOSE = "tck"


class FailedError(Exception):
    """A table could not be evaluated; the message says why."""


@dataclass(frozen=True)
class Outcome:
    """What a table gives, and what it would give if null passed `not( … )`, as in FEEL, where that makes a difference."""

    value: Tree
    by_feels_null: Tree
    differs: bool


@dataclass(frozen=True)
class _Column:
    """An input: the field of our table, the path in the scope that it tests."""

    field: str
    kind: Kind
    value: Value


def evaluate(decision: Decision, table: Table, scope: Scope, types: Types, columnar: Columnar) -> Outcome:
    """Return what the table gives by our closures. Raises FailedError, also where the columnar engine gives something else."""
    columns = [_column(number, table, scope, types) for number in range(len(table.inputs))]
    fields = _fields(columns, scope, types)
    matrix = _matrix(_in_our_words(decision, table, columns, scope), fields, _outputs(decision, table, scope, types))
    row = {column.field: column.value for column in columns} | {
        word: value for path, value in scope.values.items() if (word := scope.words[path]) in fields
    }
    firing = compile_closure(matrix)(row)
    value = _value(matrix, firing, is_list=types.is_collection(decision.type_ref))
    if difference := columnar.difference(matrix, fields, row, firing):
        raise FailedError(f"the closure gives {show(value)}, but {difference}")
    other = _with_feels_null(matrix, row)
    if other == matrix:
        return Outcome(value, value, differs=False)
    by_feel = _value(other, compile_closure(other)(row), is_list=types.is_collection(decision.type_ref))
    return Outcome(value, by_feel, differs=True)


def _column(number: int, table: Table, scope: Scope, types: Types) -> _Column:
    clause = table.inputs[number]
    path = ".".join(part.strip() for part in " ".join(clause.expression.split()).split("."))
    if path not in scope.words or path in scope.lists:
        raise FailedError(
            f'input expression "{path}": expected the name of a plain input or decision, or a property of one'
        )
    texts = [scope.in_our_words(rule.inputs[number]) for rule in table.rules]
    kinds = (types.kind(clause.type_ref), scope.kind(path, types), kind_in(texts), _kind_named(texts, scope, types))
    kind = next((kind for kind in kinds if kind), Kind.STRING)
    value = scope.values.get(path)
    # FEEL turns a value of another type than the declared one into null (DMN 1.3 §10.3.2.9.4).
    return _Column(f"{number + 1}. {scope.words[path]}", kind, value if kind_of(value) is kind else None)


def _kind_named(texts: list[str], scope: Scope, types: Types) -> Kind | None:
    paths = {word: path for path, word in scope.words.items()}
    kinds = (scope.kind(paths[name], types) for name in named_by(texts) if name in paths)
    return next((kind for kind in kinds if kind), None)


def _fields(columns: list[_Column], scope: Scope, types: Types) -> Mapping[str, FieldType]:
    """Return the fields that the table tests, and those that its endpoints may name."""
    kinds = {word: scope.kind(path, types) for path, word in scope.words.items() if path not in scope.lists}
    named = {word: field_type(kind) for word, kind in kinds.items() if kind}
    return named | {column.field: field_type(column.kind) for column in columns}


def _in_our_words(decision: Decision, table: Table, columns: list[_Column], scope: Scope) -> Decision:
    """Return the decision with its columns named like our fields, and without what `_outputs` says of its outputs."""
    clauses = zip(table.inputs, columns, strict=True)
    ours = replace(
        table,
        inputs=tuple(replace(clause, expression=column.field) for clause, column in clauses),
        outputs=tuple(replace(output, values="", default="") for output in table.outputs),
        rules=tuple(
            replace(
                rule,
                inputs=tuple(map(scope.in_our_words, rule.inputs)),
                outputs=tuple(_referred(entry, scope) for entry in rule.outputs),
                note="",
                row="",
                replaces="",
            )
            for rule in table.rules
        ),
    )
    return replace(decision, table=ours, declared=Declared(purpose=_PURPOSE, lists=_lists(ours, scope)))


def _lists(table: Table, scope: Scope) -> Mapping[str, tuple[str, ...]]:
    """Return the lists that cells name: an endpoint that is a list means membership in both."""
    named = set(named_by(entry for rule in table.rules for entry in rule.inputs))
    values = {scope.words[path]: dict.fromkeys(map(feel_text, values)) for path, values in scope.lists.items()}
    return {word: tuple(texts) for word, texts in values.items() if word in named}


def _referred(entry: str, scope: Scope) -> str:
    """Return an output entry, of a plain reference the value that it refers to."""
    return feel_text(scope.values[entry]) if entry in scope.values else entry


def _matrix(decision: Decision, fields: Mapping[str, FieldType], outputs: list[Output]) -> DecisionTable:
    """Return the table as our reader of sheets reads it. Raises FailedError with all that it refuses."""
    try:
        sheet = decision_sheet(decision, purposes=[_PURPOSE])
    except InvalidInput as error:
        raise FailedError(str(error)) from error
    try:
        return read_csv(sheet.text, fields=fields, outputs={_PURPOSE: outputs})
    except InvalidInput as error:
        found = [
            f"{place_of(each.field, sheet.decision, sheet.places)}: {each.description}" for each in error.violations
        ]
        raise FailedError("; ".join(found)) from error


def _outputs(decision: Decision, table: Table, scope: Scope, types: Types) -> list[Output]:
    return [_output(number, decision, table, scope, types) for number in range(len(table.outputs))]


def _output(number: int, decision: Decision, table: Table, scope: Scope, types: Types) -> Output:
    clause = table.outputs[number]
    declared = types.kind(clause.type_ref)
    if declared is None and len(table.outputs) == 1 and not table.aggregation:
        declared = types.kind(decision.type_ref)
    elif declared is None:
        declared = types.kind(decision.type_ref, clause.name)
    of_entries = kind_in(_referred(rule.outputs[number], scope) for rule in table.rules if len(rule.outputs) > number)
    output_type = field_type(declared or of_entries or Kind.STRING)
    try:
        default = read_output(clause.default, output_type)
    except OutputCellError as error:
        raise FailedError(f"defaultOutputEntry of {clause.name}: {error}") from error
    values = tuple(literal.value for literal in listed_constants(clause.values) or ())
    return Output(clause.name, output_type, default, required=False, values=values)


def _value(matrix: DecisionTable, firing: Firing, *, is_list: bool) -> Tree:
    """Return what DMN makes of what rules give: null for none, a context of several outputs, a list of several rules."""
    given: list[Tree] = []
    for outputs in results(matrix, firing):
        values = list(outputs.values())
        given.append(values[0] if len(matrix.outputs) == 1 else dict(outputs))
    listing = matrix.hit_policy in LISTING and matrix.aggregation is None and (firing.rules or is_list)
    if listing and given:
        return given
    return given[0] if given else None


def _with_feels_null(matrix: DecisionTable, row: Row) -> DecisionTable:
    """Return the table in which null passes `not( … )`: for this row, where the value is null, such a cell is `-`."""
    absent = [row.get(column.name) is None for column in matrix.inputs]
    rules = tuple(
        replace(
            rule,
            cells=tuple(
                Cell(cell.text, Anything()) if is_null and isinstance(cell.tests, Not) else cell
                for cell, is_null in zip(rule.cells, absent, strict=True)
            ),
        )
        for rule in matrix.rules
    )
    return replace(matrix, rules=rules)
