"""Says matrices in the words of DMN: one decision each, and what they are told as input data."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from services.recommendation.engine.dmn import model
from services.recommendation.engine.feel import Kind, Value
from services.recommendation.engine.feel.syntax import Name, endpoints
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix.hit_policies import LISTING
from services.recommendation.engine.matrix.table import DecisionTable, Input, Output, Parameter, Rule

_TYPE_REFS = {
    Kind.STRING: "string",
    Kind.NUMBER: "number",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.DATETIME: "date and time",
    Kind.TIME: "time",
    Kind.DAYS_DURATION: "days and time duration",
    Kind.MONTHS_DURATION: "years and months duration",
    Kind.NULL: "Any",
}
_LIST = ""
"""Input data that hold a list have no type of their own in DMN without an item definition."""


@dataclass(frozen=True, slots=True)
class Matrix:
    """What goes into a file: a table, the outputs that its purpose expects, and the comments of its sheet by their row."""

    table: DecisionTable
    expected: Sequence[Output] = ()
    comments: Mapping[int, tuple[str, ...]] = field(default_factory=dict)


def describe(matrices: Sequence[Matrix]) -> model.Definitions:
    """Return the file of these matrices, in their order. Raises ValueError for a composed table, which is no sheet."""
    told: dict[tuple[str, str], model.InputData] = {}
    decisions = []
    for number, matrix in enumerate(matrices, start=1):
        ids = []
        for name, type_ref in dict.fromkeys(_told(matrix.table)):
            data = model.InputData(f"inputData_{len(told) + 1}", name, type_ref)
            ids.append(told.setdefault((name, type_ref), data).id)
        decisions.append(_decision(matrix, number, tuple(ids)))
    return model.Definitions(matrices[0].table.name, tuple(decisions), tuple(told.values()))


def _told(table: DecisionTable) -> Iterator[tuple[str, str]]:
    """Yield names and types of all that the table looks at; of a name that is told twice, in one form each."""
    for column in table.inputs:
        yield column.name, _TYPE_REFS[column.type.kind]
    for parameter in table.parameters:
        yield parameter.name, _TYPE_REFS[parameter.type.kind]
    for name in table.lists:
        yield name, _LIST
    for rule in table.rules:
        for column, cell in zip(table.inputs, rule.cells, strict=True):
            for point in endpoints(cell.tests):
                if isinstance(point, Name):
                    yield point.name, _TYPE_REFS[column.type.kind]


def _decision(matrix: Matrix, number: int, requires: tuple[str, ...]) -> model.Decision:
    table = matrix.table
    if any(rule.origin for rule in table.rules):
        raise ValueError(f"{table.name} is composed of several matrices: write each of them")
    # What a table of several outputs gives is a context, and what several rules give is a list: both would need definitions.
    only = table.outputs[0].type if len(table.outputs) == 1 and table.hit_policy not in LISTING else None
    return model.Decision(
        id=f"decision_{number}",
        name=table.name,
        type_ref=_TYPE_REFS[only.kind] if only else "",
        table=_table(matrix),
        logic="decisionTable",
        requires=requires,
        declared=_declared(matrix),
    )


def _table(matrix: Matrix) -> model.Table:
    table = matrix.table
    expected = {output.name: output for output in matrix.expected}
    return model.Table(
        hit_policy=table.hit_policy,
        aggregation=table.aggregation or "",
        inputs=tuple(_input(column) for column in table.inputs),
        outputs=tuple(_output(output, expected.get(output.name)) for output in table.outputs),
        rules=tuple(_rule(rule) for rule in table.rules),
    )


def _input(column: Input) -> model.InputClause:
    return model.InputClause(
        expression=column.name,
        type_ref=_TYPE_REFS[column.type.kind],
        values=_listed(column.type.domain),
        label=column.type.title or column.name,
    )


def _output(output: Output, expected: Output | None) -> model.OutputClause:
    given = expected or Output(output.name, output.type)
    return model.OutputClause(
        name=output.name,
        label=output.type.title or output.name,
        type_ref=_TYPE_REFS[output.type.kind],
        values=_values(output),
        default=_default(output),
        given_values=_values(given) if output.values == given.values else "",
        given_default=_default(given) if output.default == given.default else "",
    )


def _values(output: Output) -> str:
    return _listed(output.values or output.type.domain)


def _default(output: Output) -> str:
    return "" if output.default is None else feel_text(output.default)


def _listed(values: Sequence[Value]) -> str:
    return ",".join(map(feel_text, values))


def _rule(rule: Rule) -> model.RuleEntry:
    return model.RuleEntry(
        inputs=tuple(cell.text for cell in rule.cells),
        outputs=tuple(feel_text(value) for value in rule.outputs),
        note=rule.note,
        row=str(rule.id),
        replaces="" if rule.replaces is None else str(rule.replaces),
    )


def _declared(matrix: Matrix) -> model.Declared:
    table = matrix.table
    return model.Declared(
        purpose=table.purpose,
        city=table.city,
        parameters=tuple(_parameter(parameter) for parameter in table.parameters),
        computed=tuple(model.Computed(each.name, each.text, each.type.unit) for each in table.computed),
        lists={name: tuple(map(feel_text, values)) for name, values in table.lists.items()},
        comments=matrix.comments,
    )


def _parameter(parameter: Parameter) -> model.Parameter:
    by_city = {city: feel_text(value) for city, value in parameter.by_city.items()}
    return model.Parameter(parameter.name, feel_text(parameter.value), by_city)
