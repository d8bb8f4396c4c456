"""Takes matrices and policy catalogues in, checked whole at the door."""

import asyncio
import uuid
from collections.abc import Sequence
from dataclasses import replace

from services.recommendation.domain import Catalogue, Purpose
from services.recommendation.engine.catalogue import join_catalogue, read_policies, read_products
from services.recommendation.engine.rulebook import Fields, read_matrix
from services.recommendation.engine.sheets import (
    Document,
    Sheet,
    catalogue_sheet,
    matrix_sheets,
    products_sheet,
    read_document,
)
from services.recommendation.engine.sheets.document import POLICIES, PRODUCTS
from services.recommendation.ports import Logbook, Rulebook, Seen, StoredCatalogue, StoredMatrix, Version
from shared.clock import Clock
from shared.errors import InvalidInput

MATRICES = "matrices"
CATALOGUES = "policyCatalogues"
_POLICY_INVALID = "ERROR_REASON_POLICY_INVALID"


async def import_matrices(
    document: Document,
    *,
    request_id: str,
    parents: Sequence[Seen],
    author: str,
    fields: Fields,
    rulebook: Rulebook,
    logbook: Logbook,
    clock: Clock,
) -> Sequence[Version]:
    """Store a new version of each matrix of a document: of a CSV file under the request's id, of a sheet under one made of both.

    `parents` are the versions that the document was edited from. Nothing is stored of a document in which anything is wrong.
    Raises InvalidInput (MATRIX_INVALID) with every violation, AlreadyExists for the id with another text, NotFound for a parent,
    Conflict where somebody else has edited it since.
    """
    tables = await asyncio.to_thread(
        read_document,
        document,
        choose=matrix_sheets,
        read=lambda text: read_matrix(text, fields=fields),
        reason="ERROR_REASON_MATRIX_INVALID",
    )
    now = clock.now()
    matrices = [
        StoredMatrix(
            matrix_id=_version_id(request_id, sheet),
            purpose=Purpose(table.purpose),
            display_name=table.name,
            hit_policy=table.hit_policy,
            rule_count=len(table.rules),
            csv=sheet.text,
            create_time=now,
            author=author,
            city=table.city,
        )
        for sheet, table in tables
    ]
    edits = _edits(matrices, [await rulebook.matrix(parent.matrix_id) for parent in parents])
    await rulebook.add_matrices(edits, etags={parent.matrix_id: parent.etag for parent in parents})
    return [await logbook.version(matrix.matrix_id) for matrix in matrices]


def _edits(matrices: Sequence[StoredMatrix], parents: Sequence[StoredMatrix]) -> Sequence[StoredMatrix]:
    """Return the matrices with the version that each was edited from: the one for the same purpose and city."""
    by_place = {(parent.purpose, parent.city): parent.matrix_id for parent in parents}
    places = {(matrix.purpose, matrix.city) for matrix in matrices}
    strangers = [parent for parent in parents if (parent.purpose, parent.city) not in places]
    if strangers or len(by_place) < len(parents) or (parents and len(places) < len(matrices)):
        given = ", ".join(f"matrices/{parent.matrix_id} ({_place(parent)})" for parent in strangers or parents)
        found = ", ".join(map(_place, matrices))
        raise InvalidInput.of(
            "parents", f"{given}: expected at most one for each matrix of the file, which has {found}"
        )
    return [replace(matrix, parent=by_place.get((matrix.purpose, matrix.city), "")) for matrix in matrices]


def _place(matrix: StoredMatrix) -> str:
    return f"{matrix.purpose} of {matrix.city}" if matrix.city else str(matrix.purpose)


async def import_policies(
    policies: Document, products: Document, *, catalogue_id: str, author: str, rulebook: Rulebook, clock: Clock
) -> StoredCatalogue:
    """Store a new version; where there is no document of products, the policies' workbook may have a sheet of them.

    Raises InvalidInput (POLICY_INVALID) with every violation, AlreadyExists for the id with another text.
    """
    policies_csv, products_csv, catalogue = await asyncio.to_thread(_read_catalogue, policies, products)
    return await rulebook.add_catalogue(
        StoredCatalogue(
            catalogue_id=catalogue_id,
            csv=policies_csv,
            products_csv=products_csv,
            policy_count=len(catalogue.policies),
            product_count=len(catalogue.products),
            create_time=clock.now(),
            author=author,
        )
    )


def _read_catalogue(policies: Document, products: Document) -> tuple[str, str, Catalogue]:
    """Return both texts, that of the products empty where there is none, and the catalogue."""
    ((sheet, read),) = read_document(
        policies,
        choose=lambda file: [catalogue_sheet(file, POLICIES)],
        read=read_policies,
        reason=_POLICY_INVALID,
    )
    told = products if products.content else policies
    described = read_document(
        told,
        choose=lambda file: _products_of(file, own=bool(products.content)),
        read=read_products,
        reason=_POLICY_INVALID,
    )
    if not described:
        return sheet.text, "", join_catalogue(read, None)
    ((product_sheet, found),) = described
    return sheet.text, product_sheet.text, join_catalogue(read, found)


def _products_of(document: Document, *, own: bool) -> Sequence[Sheet]:
    if own:
        return [catalogue_sheet(document, PRODUCTS)]
    brought = products_sheet(document)
    return [] if brought is None else [brought]


def _version_id(request_id: str, sheet: Sheet) -> str:
    return str(uuid.uuid5(uuid.UUID(request_id), sheet.name)) if sheet.name else request_id
