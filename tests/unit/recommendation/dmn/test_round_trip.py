"""A matrix goes through DMN and comes back as it was, in whatever it says."""

from hypothesis import assume, given, settings

from services.recommendation.engine.dmn import (
    Matrix,
    decision_sheets,
    describe,
    read_definitions,
    write_definitions,
)
from services.recommendation.engine.matrix import DecisionTable, read_csv
from services.recommendation.engine.matrix.csv_layout import comments
from tests.unit.recommendation.dmn.declared import Declared, declared
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


@settings(max_examples=25, deadline=None)
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


@settings(max_examples=30, deadline=None)
@given(declared(), tables())
def test_what_a_matrix_declares_comes_back_too(declared: Declared, drawn: DrawnTable) -> None:
    text = declared.text(drawn)
    assume(in_xml(text))
    table = read(text)
    definitions = describe([Matrix(table, OUTPUTS[table.purpose], comments(text))])
    content = write_definitions(definitions)
    assert read_definitions(content) == definitions
    (sheet,) = decision_sheets(content, file_name="", purposes=PURPOSES)
    assert read(sheet.text) == table
    assert comments(sheet.text) == comments(text)
