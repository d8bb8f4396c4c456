"""Reads a matrix from the CSV that a spreadsheet writes, and says all that is wrong with it at once.

    matrix,retention,FIRST,Retention of the mid tier
    arpu,stickiness_tier,=> policy_group,=> main_policy,note
    # above 100 yuan a month
    [100..150),\"\"\"high\"\",\"\"mid\"\"\",group 6,pay 100 get 260,not below 12 months
    -,-,group 1,,

The first line names purpose, hit policy (UNIQUE, FIRST, COLLECT) and name; the second heads the columns: an input by the
name of a field, an output by `=>` and its name, and, if wanted, a `note`. Each further line is a rule; its id is its
row number in the spreadsheet, where empty lines and comments (`#` first) count too. An input cell is an S-FEEL unary test
(a text in it stands in double quotes; CSV doubles them, a spreadsheet does so by itself), an empty one means `-`.
An output cell is a plain value; empty means null.
"""

from collections.abc import Mapping, Sequence

from services.recommendation.engine.feel import Anything, CellError, FieldType, Value, check, parse
from services.recommendation.engine.matrix.csv_layout import (
    OUTPUT_MARK,
    Columns,
    Faults,
    Head,
    Record,
    read_columns,
    read_head,
    read_records,
)
from services.recommendation.engine.matrix.output_cell import OutputCellError, read_output
from services.recommendation.engine.matrix.table import Cell, DecisionTable, Input, Output, Rule
from shared.errors import InvalidInput


def read_csv(text: str, *, fields: Mapping[str, FieldType], outputs: Mapping[str, Sequence[Output]]) -> DecisionTable:
    """Return the checked table in `text`.

    `fields` are what inputs may test and endpoints may name; `outputs` says for each known purpose what its rules give.
    Raises InvalidInput with every violation of the file: row, column, the cell's text and what was expected.
    """
    faults = Faults()
    table = _read(text, fields, outputs, faults)
    if faults.found or table is None:
        raise InvalidInput(faults.found)
    return table


def _read(
    text: str,
    fields: Mapping[str, FieldType],
    outputs: Mapping[str, Sequence[Output]],
    faults: Faults,
) -> DecisionTable | None:
    """Return the table, or None after adding at least one fault; a table beside faults is incomplete."""
    if "\0" in text:
        faults.add(1, "this is no text: save the sheet as CSV in UTF-8")
        return None
    records = list(read_records(text.removeprefix("\ufeff"), faults))
    if not records or records[0].cell(0) != "matrix":
        faults.add(records[0].row if records else 1, "the first line must read matrix,<purpose>,<hit policy>,<name>")
        return None
    head = read_head(records[0], outputs, faults)
    if len(records) < 3:
        faults.add(records[-1].row, "the file ends here: expected a line of column headers and at least one rule")
        return None
    columns = read_columns(records[1], fields, outputs.get(records[0].cell(1)), faults)
    rules = tuple(_rule(record, columns, fields, faults) for record in records[2:])
    return _table(head, columns, rules) if head else None


def _table(head: Head, columns: Columns, rules: tuple[Rule, ...]) -> DecisionTable:
    return DecisionTable(
        head.name, head.purpose, head.hit_policy, tuple(columns.inputs.values()), tuple(columns.outputs.values()), rules
    )


def _rule(record: Record, columns: Columns, fields: Mapping[str, FieldType], faults: Faults) -> Rule:
    for place, text in enumerate(record.cells):
        if text and place not in columns.known:
            faults.add(
                record.row, f'"{text}" stands in a column without header (a comma too many, or text without quotes)'
            )
    cells = (_cell(record.row, record.cell(place), column, fields, faults) for place, column in columns.inputs.items())
    values = (_value(record.row, record.cell(place), column, faults) for place, column in columns.outputs.items())
    note = "" if columns.note is None else record.cell(columns.note)
    return Rule(record.row, tuple(cells), tuple(values), note)


def _cell(row: int, text: str, column: Input, fields: Mapping[str, FieldType], faults: Faults) -> Cell:
    """Return the understood cell; one that is not is a fault, and stands in as `-`."""
    try:
        tests = parse(text or "-")
    except CellError as error:
        faults.add(row, str(error), column=column.name)
        return Cell(text, Anything())
    for problem in check(text, tests, column.type, fields):
        faults.add(row, str(problem), column=column.name)
    return Cell(text or "-", tests)


def _value(row: int, text: str, column: Output, faults: Faults) -> Value:
    header = f"{OUTPUT_MARK} {column.name}"
    try:
        value = read_output(text, column.type)
    except OutputCellError as error:
        faults.add(row, str(error), column=header)
        return None
    if value is None and column.required:
        faults.add(row, f"an empty cell: expected a {column.type.kind}", column=header)
    return value
