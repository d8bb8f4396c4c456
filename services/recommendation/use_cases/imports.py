"""Takes matrices and policy catalogues in, checked whole at the door."""

import asyncio
import uuid
from collections.abc import Sequence

from services.recommendation.domain import Purpose
from services.recommendation.engine.policies import read_policies
from services.recommendation.engine.rulebook import Fields, read_matrix
from services.recommendation.engine.sheets import Document, Sheet, catalogue_sheet, matrix_sheets, read_document
from services.recommendation.ports import Rulebook, StoredCatalogue, StoredMatrix
from shared.clock import Clock

MATRICES = "matrices"
CATALOGUES = "policyCatalogues"


async def import_matrices(
    document: Document, *, request_id: str, author: str, fields: Fields, rulebook: Rulebook, clock: Clock
) -> Sequence[StoredMatrix]:
    """Store a new version of each matrix of a document: of a CSV file under the request's id, of a sheet under one made of both.

    Nothing is stored of a document in which anything is wrong. Raises InvalidInput (MATRIX_INVALID) with every violation,
    AlreadyExists for the id with another text.
    """
    tables = await asyncio.to_thread(
        read_document,
        document,
        choose=matrix_sheets,
        read=lambda text: read_matrix(text, fields=fields),
        reason="ERROR_REASON_MATRIX_INVALID",
    )
    now = clock.now()
    return [
        await rulebook.add_matrix(
            StoredMatrix(
                matrix_id=_version_id(request_id, sheet),
                purpose=Purpose(table.purpose),
                display_name=table.name,
                hit_policy=table.hit_policy,
                rule_count=len(table.rules),
                csv=sheet.text,
                create_time=now,
                author=author,
            )
        )
        for sheet, table in tables
    ]


async def import_policies(
    document: Document, *, catalogue_id: str, author: str, rulebook: Rulebook, clock: Clock
) -> StoredCatalogue:
    """Store a new version. Raises InvalidInput (POLICY_INVALID) with every violation, AlreadyExists for the id with another text."""
    ((sheet, catalogue),) = await asyncio.to_thread(
        read_document,
        document,
        choose=lambda file: [catalogue_sheet(file, "policies")],
        read=read_policies,
        reason="ERROR_REASON_POLICY_INVALID",
    )
    return await rulebook.add_catalogue(
        StoredCatalogue(
            catalogue_id=catalogue_id,
            csv=sheet.text,
            policy_count=len(catalogue),
            create_time=clock.now(),
            author=author,
        )
    )


def _version_id(request_id: str, sheet: Sheet) -> str:
    return str(uuid.uuid5(uuid.UUID(request_id), sheet.name)) if sheet.name else request_id
