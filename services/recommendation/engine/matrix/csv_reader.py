"""Reads a matrix from the CSV that a spreadsheet writes, and says all that is wrong with it at once.

    matrix,retention,FIRST,Retention of the mid tier
    parameter,churn_threshold,32,合肥=16
    list,ties,high,mid
    arpu,粘性分档,churn_warning,=> policy_group,=> main_policy,note
    # above 100 yuan a month
    [100..150),ties,>= churn_threshold,group 6,pay 100 get 260,not below 12 months
    -,-,-,group 1,,

The first line names purpose, hit policy and name; lines below it may declare what the matrix uses (`csv_declarations`). Then come
the headers of the columns: an input by the name or the title of a field, an output by `=>` and its name or title, and, if wanted,
a `note`; in the override of a city also `replaces`, with the row of the province's matrix in whose place a row stands. Each
further line is a rule; its id is its row number in the spreadsheet, where empty lines and comments (`#` first) count too. An
input cell is an S-FEEL unary test (a text in it stands in double quotes; CSV doubles them, a spreadsheet does so by itself), an
empty one means `-`. An output cell is a plain value; empty means null. Keywords have Chinese forms (`csv_words`).
"""

from collections.abc import Mapping, Sequence

from services.recommendation.engine.feel import (
    Anything,
    CellError,
    FieldType,
    Value,
    check,
    parse,
)
from services.recommendation.engine.matrix.csv_declarations import Declared, read_declarations
from services.recommendation.engine.matrix.csv_head import Columns, Head, purpose_of, read_columns, read_head
from services.recommendation.engine.matrix.csv_layout import Faults, Record, is_matrix, parts_of, read_records
from services.recommendation.engine.matrix.csv_words import NOTE, REPLACES
from services.recommendation.engine.matrix.names import Names
from services.recommendation.engine.matrix.output_cell import OutputCellError, read_output
from services.recommendation.engine.matrix.table import Cell, DecisionTable, Input, Output, Rule
from shared.errors import InvalidInput


def read_csv(
    text: str,
    *,
    fields: Mapping[str, FieldType],
    outputs: Mapping[str, Sequence[Output]],
    titles: Mapping[str, str] | None = None,
) -> DecisionTable:
    """Return the checked table in `text`.

    `fields` are what inputs may test and endpoints may name; `outputs` says for each known purpose what its rules give,
    `titles` what planners call the purposes. Raises InvalidInput with every violation of the file: row, column, the cell's
    text and what was expected.
    """
    faults = Faults()
    purposes = {purpose: (titles or {}).get(purpose, "") for purpose in outputs}
    table = _read(text, fields, outputs, purposes, faults)
    if faults.found or table is None:
        raise InvalidInput(faults.found)
    return table


def _read(
    text: str,
    fields: Mapping[str, FieldType],
    outputs: Mapping[str, Sequence[Output]],
    purposes: Mapping[str, str],
    faults: Faults,
) -> DecisionTable | None:
    """Return the table, or None after adding at least one fault; a table beside faults is incomplete."""
    if "\0" in text:
        faults.add(1, "this is no text: save the sheet as CSV in UTF-8")
        return None
    records = list(read_records(text, faults))
    if not records or not is_matrix(records[0]):
        faults.add(records[0].row if records else 1, "the first line must read matrix,<purpose>,<hit policy>,<name>")
        return None
    parts = parts_of(records)
    head = read_head(parts.head, purposes, faults)
    purpose = purpose_of(parts.head.cell(1), purposes)
    expected = outputs[purpose] if purpose else None
    declared = read_declarations(parts.declarations, fields, expected, faults)
    if parts.headers is None or not (parts.rules or _only_parameters(declared)):
        faults.add(records[-1].row, "the file ends here: expected a line of column headers and at least one rule")
        return None
    columns = read_columns(parts.headers, declared.names, declared.outputs, faults, city=declared.city)
    rules = tuple(_rule(record, columns, declared.names, faults) for record in parts.rules)
    return _table(head, declared, columns, rules) if head else None


def _only_parameters(declared: Declared) -> bool:
    """Tell whether the file is an override that says nothing but how the province's rules are set in its city."""
    return bool(declared.city and declared.names.parameters)


def _table(head: Head, declared: Declared, columns: Columns, rules: tuple[Rule, ...]) -> DecisionTable:
    return DecisionTable(
        name=head.name,
        purpose=head.purpose,
        hit_policy=head.hit_policy,
        inputs=tuple(columns.inputs.values()),
        outputs=tuple(columns.outputs.values()),
        rules=rules,
        aggregation=head.aggregation,
        parameters=tuple(declared.names.parameters.values()),
        computed=declared.computed,
        lists=declared.lists,
        city=declared.city,
    )


def _rule(record: Record, columns: Columns, names: Names, faults: Faults) -> Rule:
    for place, text in enumerate(record.cells):
        if text and place not in columns.headers:
            faults.add(
                record.row, f'"{text}" stands in a column without header (a comma too many, or text without quotes)'
            )
    cells = (
        _cell(record, place, column, names, faults, header=columns.headers[place])
        for place, column in columns.inputs.items()
    )
    values = (
        _value(record, place, column, faults, header=columns.headers[place])
        for place, column in columns.outputs.items()
    )
    return Rule(
        record.row,
        tuple(cells),
        tuple(values),
        columns.own_cell(record, NOTE),
        replaces=_replaced(columns.own_cell(record, REPLACES), record.row, columns, faults),
    )


def _cell(record: Record, place: int, column: Input, names: Names, faults: Faults, *, header: str) -> Cell:
    """Return the understood cell; one that is not is a fault, and stands in as `-`."""
    text = record.cell(place)
    try:
        tests = names.meant(text, parse(text or "-"))
    except CellError as error:
        faults.add(record.row, str(error), column=header)
        return Cell(text, Anything())
    problems = check(text, tests, column.type, names.endpoints) or names.parameter_problems(text, tests, column.type)
    for problem in dict.fromkeys(map(str, problems)):  # each value of a list may be wrong in the same way
        faults.add(record.row, problem, column=header)
    return Cell(text or "-", tests)


def _value(record: Record, place: int, column: Output, faults: Faults, *, header: str) -> Value:
    text = record.cell(place)
    try:
        value = read_output(text, column.type)
    except OutputCellError as error:
        faults.add(record.row, str(error), column=header)
        return None
    if value is None and column.required:
        faults.add(record.row, f"an empty cell: expected a {column.type.kind}", column=header)
    return value


def _replaced(text: str, row: int, columns: Columns, faults: Faults) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and 0 < int(text[:9]) == int(text)):
        header = columns.headers[columns.own[REPLACES]]
        faults.add(row, f'"{text}": expected the number of a row of the province\'s matrix', column=header)
        return None
    return int(text)
