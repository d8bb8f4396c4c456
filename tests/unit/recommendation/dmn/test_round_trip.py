"""A matrix goes through DMN and comes back as it was, in whatever it says."""

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from services.recommendation.engine.dmn import (
    Matrix,
    decision_sheet,
    decision_sheets,
    describe,
    read_definitions,
    write_definitions,
)
from services.recommendation.engine.matrix import DecisionTable, read_csv
from services.recommendation.engine.matrix.csv_layout import comments
from services.recommendation.engine.matrix.csv_writer import write_csv
from tests.unit.recommendation.dmn.declared import with_declarations
from tests.unit.recommendation.feel.generated import FIELDS
from tests.unit.recommendation.matrix.generated import OUTPUTS, DrawnTable, tables

PURPOSES = list(OUTPUTS)


def read(text: str) -> DecisionTable:
    return read_csv(text, fields=FIELDS, outputs=OUTPUTS)


def file_of(table: DecisionTable, text: str = "") -> bytes:
    return write_definitions(describe([Matrix(table, OUTPUTS[table.purpose], comments(text))]))


def in_xml(text: str) -> bool:
    """Tell whether XML has words for all characters; other files are refused."""
    return all(character >= " " or character in "\t\n\r" for character in text)


@settings(max_examples=40, deadline=None)
@given(tables())
def test_a_table_comes_back_equal_with_its_rows_and_comments(drawn: DrawnTable) -> None:
    text = drawn.text()
    assume(in_xml(text))
    table = read(text)
    content = file_of(table, text)
    (sheet,) = decision_sheets(content, file_name="", purposes=PURPOSES)
    assert read(sheet.text) == table
    assert comments(sheet.text) == comments(text)
    assert file_of(read(sheet.text), sheet.text) == content


@settings(max_examples=40, deadline=None)
@given(st.data(), tables())
def test_what_a_matrix_declares_comes_back_as_csv_writes_it(data: st.DataObject, drawn: DrawnTable) -> None:
    assume(in_xml(drawn.text()))
    table = data.draw(with_declarations(read(drawn.text())))
    definitions = describe([Matrix(table, OUTPUTS[table.purpose])])
    assert read_definitions(write_definitions(definitions)) == definitions
    (decision,) = definitions.decisions
    assert decision_sheet(decision, purposes=PURPOSES).text == write_csv(table, expected=OUTPUTS[table.purpose])


@settings(max_examples=40, deadline=None)
@given(tables())
def test_csv_that_is_written_reads_as_the_same_table(drawn: DrawnTable) -> None:
    table = read(drawn.text())
    assert read(write_csv(table, expected=OUTPUTS[table.purpose])) == table
