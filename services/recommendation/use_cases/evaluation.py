"""What a matrix makes of one customer whom a planner thinks up; nothing is written."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from services.recommendation.engine.feel import Row
from services.recommendation.engine.matrix import (
    DecisionTable,
    Firing,
    Outputs,
    RuleExplanation,
    compile_closure,
    completed,
    explain,
    results,
)
from services.recommendation.engine.rulebook import Fields, read_matrix
from services.recommendation.engine.sheets import Document, matrix_sheets, read_document
from services.recommendation.engine.trial_row import read_trial_row
from services.recommendation.use_cases.rules import Readings
from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Evaluation:
    """How the matrix met the customer: the row with all that its cells may name, what fired, what that gives, and why."""

    table: DecisionTable
    row: Row
    firing: Firing
    outputs: tuple[Outputs, ...]
    rules: tuple[RuleExplanation, ...]


async def evaluate_matrix(
    matrix_id: str, document: Document, given: Mapping[str, str], *, readings: Readings, day: date
) -> Evaluation:
    """Fire a version, or without an id the matrix of a document, for a customer of whom `given` is known.

    Raises NotFound, InvalidInput for names and values that do not fit (MATRIX_INVALID for the document).
    """
    if bool(matrix_id) == bool(document.content):
        raise InvalidInput.of("name", "expected a name or content, and not both")
    fields = readings.fields
    table = await readings.matrix(matrix_id) if matrix_id else await asyncio.to_thread(_only_table, document, fields)
    row = read_trial_row(table, given, fields=fields, day=day)
    firing = compile_closure(table)(row)
    return Evaluation(table, completed(table)(row), firing, results(table, firing), explain(table, row))


def _only_table(document: Document, fields: Fields) -> DecisionTable:
    tables = read_document(
        document,
        choose=matrix_sheets,
        read=lambda text: read_matrix(text, fields=fields),
        reason="ERROR_REASON_MATRIX_INVALID",
    )
    if len(tables) != 1:
        names = ", ".join(f'"{sheet.name}"' for sheet, _ in tables)
        where = document.file_name or "content"
        raise InvalidInput.of(
            where, f"{len(tables)} matrices ({names}): expected one; save its sheet as a file of its own"
        )
    return tables[0][1]
