"""What the data of a snapshot are like, in counts that a person can compare from cycle to cycle."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.profile.domain.resources import QualityFigure, TakenTable
from services.profile.domain.source_tables import SourceTable
from shared.lake.engine import ColumnarEngine


@dataclass(frozen=True, slots=True)
class TableFacts:
    """`empty_cells` are counted by stored column; `months` and `without_row` only where the table is monthly."""

    table: SourceTable
    taken: TakenTable
    empty_cells: Mapping[str, int]
    months: int | None = None
    without_row: int | None = None


def monthly_facts(engine: ColumnarEngine, table: SourceTable, month: str) -> tuple[int, int]:
    """Return how many months a monthly table holds, and how many customers of table `views` have no row in `month`."""
    counted = engine.fetch(
        f"""
        SELECT
            (SELECT count(DISTINCT month) FROM {table.name}) AS months,
            (
                SELECT count(*)
                FROM views ANTI JOIN (SELECT customer_id FROM {table.name} WHERE month = $month) USING (customer_id)
            ) AS without_row
        """,
        {"month": month},
    ).to_pylist()[0]
    return counted["months"], counted["without_row"]


def quality_figures(facts: Sequence[TableFacts], before: Sequence[QualityFigure]) -> tuple[QualityFigure, ...]:
    """Return the figures of all tables, each beside the same one of `before` where there is one."""
    earlier = {(figure.subject, figure.figure): figure.count for figure in before}
    return tuple(
        replace(figure, count_before=earlier.get((figure.subject, figure.figure)))
        for table in facts
        for figure in _figures(table)
    )


def _figures(facts: TableFacts) -> Iterator[QualityFigure]:
    """An operator who does not have a table is told that it has no rows, and not that of each of its columns."""
    name, taken = facts.table.name, facts.taken
    yield QualityFigure(name, "rows", taken.row_count)
    if not taken.row_count:
        return
    yield QualityFigure(name, "accepted", taken.accepted.row_count)
    yield QualityFigure(name, "rejected", taken.rejected_rows)
    if facts.months is not None:
        yield QualityFigure(name, "months", facts.months)
    if facts.without_row is not None:
        yield QualityFigure(name, "customers without a row", facts.without_row)
    for column in facts.table.columns:
        if column.optional:
            yield QualityFigure(f"{name}.{column.name}", "empty cells", facts.empty_cells[column.stored_name])
