"""What is published for a cycle, put together: the province's matrix of each purpose with the overrides of its cities."""

from collections.abc import Sequence

from services.recommendation.domain import Purpose
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.ports import Version
from services.recommendation.use_cases.refusals import NOT_PUBLISHED, refused
from services.recommendation.use_cases.rules import Readings


async def compose_all(versions: Sequence[Version], cycle: str, *, readings: Readings) -> dict[Purpose, DecisionTable]:
    """Return one table for each purpose.

    Raises InvalidInput (MATRIX_INVALID) where an override does not fit the province's matrix, WrongState (MATRIX_NOT_PUBLISHED)
    where there is none.
    """
    tables = {}
    for purpose in dict.fromkeys(version.matrix.purpose for version in versions):
        of_purpose = [version for version in versions if version.matrix.purpose is purpose]
        provinces = [version for version in of_purpose if not version.matrix.city]
        overrides = sorted((each for each in of_purpose if each.matrix.city), key=lambda each: each.matrix.city)
        if not provinces:
            city = overrides[0].matrix.city
            text = f"{overrides[0].words} is an override of {city}, but no matrix {purpose} of the province is published for {cycle}"
            raise refused(overrides[0], f"{text}: publish one with it", NOT_PUBLISHED)
        tables[purpose] = await readings.composed(
            provinces[0].matrix_id, [override.matrix_id for override in overrides]
        )
    return tables
