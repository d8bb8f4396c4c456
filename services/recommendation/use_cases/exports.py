"""Gives matrices and catalogues out again as files."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

from services.recommendation.domain import Purpose
from services.recommendation.engine.dmn import Matrix, describe, write_definitions
from services.recommendation.engine.matrix.csv_layout import comments
from services.recommendation.engine.rulebook import OUTPUTS, PURPOSE_TITLES, Fields, offered, read_matrix
from services.recommendation.engine.sheets import Sheet, as_csv, as_workbook
from services.recommendation.engine.sheets.document import POLICIES, PRODUCTS
from services.recommendation.engine.sheets.dress import dress
from services.recommendation.engine.template import template
from services.recommendation.ports import Rulebook, StoredMatrix
from shared.errors import InvalidInput


class FileFormat(StrEnum):
    """The kinds of files that go out."""

    CSV = "csv"
    XLSX = "xlsx"
    DMN = "dmn"


async def export_matrices(
    matrix_ids: Sequence[str], file_format: FileFormat, *, fields: Fields, rulebook: Rulebook
) -> bytes:
    """Return a file of these versions: a workbook with a sheet for each, or DMN with a decision for each.

    Raises NotFound, InvalidInput for a wrong number, or for DMN for a version that is no matrix any more of today's `fields`.
    """
    if not matrix_ids:
        raise InvalidInput.of("names", "is empty")
    if file_format is FileFormat.CSV and len(matrix_ids) > 1:
        raise InvalidInput.of("names", f"{len(matrix_ids)} matrices do not fit into one CSV file: ask for XLSX or DMN")
    matrices = [await rulebook.matrix(matrix_id) for matrix_id in matrix_ids]
    if file_format is FileFormat.DMN:
        return await asyncio.to_thread(_as_dmn, matrices, fields)
    sheets = [Sheet("-".join(filter(None, (matrix.purpose, matrix.city))), matrix.csv) for matrix in matrices]
    if file_format is FileFormat.CSV:
        return as_csv(sheets[0])
    dresses = [
        dress(matrix.csv, fields=offered(matrix.purpose, fields), outputs=OUTPUTS, titles=PURPOSE_TITLES)
        for matrix in matrices
    ]
    return await asyncio.to_thread(as_workbook, sheets, dresses)


async def matrix_template(purpose: Purpose, *, fields: Fields) -> bytes:
    """Return the workbook that a planner begins a matrix of this purpose with."""
    return await asyncio.to_thread(template, purpose, fields=fields)


async def export_policies(catalogue_id: str, file_format: FileFormat, *, rulebook: Rulebook) -> bytes:
    """Return a file of this catalogue, a workbook with its products beside the policies. Raises NotFound, InvalidInput for DMN."""
    if file_format is FileFormat.DMN:
        raise InvalidInput.of("format", "a catalogue is no decision table: ask for CSV or XLSX")
    catalogue = await rulebook.catalogue(catalogue_id)
    sheets = [Sheet(POLICIES, catalogue.csv)]
    if catalogue.products_csv and file_format is FileFormat.XLSX:
        sheets.append(Sheet(PRODUCTS, catalogue.products_csv))
    if file_format is FileFormat.CSV:
        return as_csv(sheets[0])
    return await asyncio.to_thread(as_workbook, sheets)


def _as_dmn(matrices: Sequence[StoredMatrix], fields: Fields) -> bytes:
    described = [
        Matrix(read_matrix(matrix.csv, fields=fields), OUTPUTS[matrix.purpose], comments(matrix.csv))
        for matrix in matrices
    ]
    return write_definitions(describe(described))
