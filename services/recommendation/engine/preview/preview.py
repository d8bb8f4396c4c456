"""Previews drafts over the whole base: decides both sides in one scan, compares batch by batch, sums up."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa

from services.recommendation.domain import Arm
from services.recommendation.domain.previews import Channel, Preview
from services.recommendation.engine.assembly.decided import InputColumns, decide_sides
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.preview.answers import AUDIENCE
from services.recommendation.engine.preview.compare import COMPARED, Comparison, Counts
from services.recommendation.engine.preview.sides import beside
from services.recommendation.engine.preview.summary import COMPARED_TABLE, changed_query, summary
from shared.lake.engine import ColumnarEngine
from shared.lake.side_by_side import side_by_side

_BATCH_ROWS = 8_192
_THREADS = 2
_CITIES_SQL = "SELECT DISTINCT city FROM decided ORDER BY city"
_EVERYBODY_SQL = f"""
SELECT * EXCLUDE (msisdn), COALESCE(contactable AND arm = '{Arm.TARGETED}', FALSE) AS {AUDIENCE} FROM decided
"""


@dataclass(frozen=True, slots=True)
class Previewed:
    """The counts, and the query of those whose lists would change, with its parameters, over what the engine holds now."""

    preview: Preview
    changed_sql: str
    parameters: Mapping[str, object]


def preview(
    engine: ColumnarEngine,
    published: Rules,
    drafts: Rules,
    columns: InputColumns,
    *,
    capacities: Mapping[Channel, int],
    told: Callable[[int], None],
) -> Previewed:
    """Return what the drafts would change for everyone in VIEWS. `told` hears how many customers were compared.

    Raises WrongState (MATRIX_AMBIGUOUS) as an assembly by either side would.
    """
    sides = beside(published, drafts)
    decide_sides(engine, sides, columns)
    comparison = Comparison.of(*sides, cities=[row["city"] for row in engine.fetch(_CITIES_SQL).to_pylist()])
    batches = engine.stream(_EVERYBODY_SQL, batch_rows=_BATCH_ROWS)
    counting = _Counting(comparison, told)
    rows = counting.rows(side_by_side(comparison.compare, batches, threads=_THREADS))
    engine.register_table(COMPARED_TABLE, pa.RecordBatchReader.from_batches(COMPARED, rows))
    sql, parameters = changed_query(comparison)
    return Previewed(summary(engine, comparison, counting.counts, capacities), sql, parameters)


class _Counting:
    """Adds counts up while the rows beside them pass."""

    def __init__(self, comparison: Comparison, told: Callable[[int], None]) -> None:
        self.counts = comparison.nothing
        self._told = told

    def rows(self, compared: Iterable[tuple[pa.RecordBatch, Counts]]) -> Iterator[pa.RecordBatch]:
        done = 0
        for rows, counts in compared:
            self.counts = self.counts + counts
            done += rows.num_rows
            self._told(done)
            yield rows
