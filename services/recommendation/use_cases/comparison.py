"""Two versions of a matrix side by side."""

import asyncio

from services.recommendation.engine.matrix.diff import Differences, difference
from services.recommendation.use_cases.rules import Readings
from shared.errors import InvalidInput


async def compare(old_id: str, new_id: str, *, readings: Readings) -> Differences:
    """Return what differs between two versions. Raises NotFound, InvalidInput for versions of different purposes."""
    old, new = await readings.matrix(old_id), await readings.matrix(new_id)
    if old.purpose != new.purpose:
        raise InvalidInput.of("new_name", f"is a matrix {new.purpose}, the other one is a matrix {old.purpose}")
    return await asyncio.to_thread(difference, old, new)
