"""Takes matrices and policy catalogues in, checked whole at the door."""

from services.recommendation.domain import Purpose
from services.recommendation.engine.policies import read_policies
from services.recommendation.engine.rulebook import Fields, read_matrix
from services.recommendation.ports import Rulebook, StoredCatalogue, StoredMatrix
from shared.clock import Clock

MATRICES = "matrices"
CATALOGUES = "policyCatalogues"


async def import_matrix(
    text: str, *, matrix_id: str, author: str, fields: Fields, rulebook: Rulebook, clock: Clock
) -> StoredMatrix:
    """Store a new version. Raises InvalidInput (MATRIX_INVALID) with every violation, AlreadyExists for the id with another text."""
    table = read_matrix(text, fields=fields)
    matrix = StoredMatrix(
        matrix_id=matrix_id,
        purpose=Purpose(table.purpose),
        display_name=table.name,
        hit_policy=table.hit_policy,
        rule_count=len(table.rules),
        csv=text,
        create_time=clock.now(),
        author=author,
    )
    return await rulebook.add_matrix(matrix)


async def import_policies(
    text: str, *, catalogue_id: str, author: str, rulebook: Rulebook, clock: Clock
) -> StoredCatalogue:
    """Store a new version. Raises InvalidInput (POLICY_INVALID) with every violation, AlreadyExists for the id with another text."""
    catalogue = read_policies(text)
    return await rulebook.add_catalogue(
        StoredCatalogue(
            catalogue_id=catalogue_id,
            csv=text,
            policy_count=len(catalogue),
            create_time=clock.now(),
            author=author,
        )
    )
