"""The twelve tables of a block as the operator sees them: facts and history, and nothing of the tastes behind them."""

from collections.abc import Iterator

from services.sandbox.extracts.tables.answers import answer_tables
from services.sandbox.extracts.tables.months import month_tables
from services.sandbox.extracts.tables.people import people_tables
from services.sandbox.extracts.tables.rows import Ids, Rows
from services.sandbox.world.province import Province

__all__ = ["Rows", "tables"]


def tables(province: Province) -> Iterator[Rows]:
    """Make one table after the other."""
    ids = Ids(province)
    yield from people_tables(province, ids)
    yield from month_tables(province, ids)
    yield from answer_tables(province, ids)
