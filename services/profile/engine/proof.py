"""Proof, from counts alone, that no cell of a source is faulty: far cheaper than to look for faults row by row."""

from collections.abc import Mapping

from services.profile.domain.mapping import TableMapping
from services.profile.domain.source_tables import SourceColumn
from services.profile.engine.cells import CellReading
from services.profile.engine.parameters import Relation
from services.profile.engine.row_rules import ROW_RULES
from shared.lake.engine import ColumnarEngine


def are_all_sound(
    engine: ColumnarEngine,
    mapping: TableMapping,
    readings: Mapping[str, CellReading | None],
    *,
    source: Relation,
    typed: str,
) -> bool:
    """Tell whether as many cells have a value in `typed` as should have; `typed` is SQL.

    A cell without anything written in it never has a value, but for a default. So where the numbers agree, each cell of
    `source` that holds anything was understood. A cell of blanks, which is no fault, leaves the question open: false.
    """
    read = {column: reading for column in mapping.table.columns if (reading := readings[column.name]) is not None}
    wanted = [_wanted(column, mapping, reading) for column, reading in read.items()]
    valued = [f'count("{column.stored_name}")' for column in read]
    expected = engine.fetch(f"SELECT {_listed(['count(*)', *wanted])} FROM ({source.sql})", source.parameters or None)
    found = engine.fetch(f"SELECT {_listed(['count(*)', *valued])} FROM ({typed})")
    return expected.to_pylist() == found.to_pylist() and not _has_broken_rows(engine, mapping, typed)


def _wanted(column: SourceColumn, mapping: TableMapping, reading: CellReading) -> str:
    """Return SQL for how many values a column should have, if nothing is wrong with it."""
    is_always_there = column.name in mapping.defaults or not column.optional
    return "count(*)" if is_always_there else f"count({reading.cell})"


def _has_broken_rows(engine: ColumnarEngine, mapping: TableMapping, typed: str) -> bool:
    rules = ROW_RULES.get(mapping.table.name, ())
    if not rules:
        return False
    is_broken = " OR ".join(f"coalesce({rule.is_broken}, false)" for rule in rules)
    return bool(engine.fetch(f"SELECT 1 FROM ({typed}) WHERE {is_broken} LIMIT 1").num_rows)


def _listed(counts: list[str]) -> str:
    return ", ".join(f"{count} AS counted_{index}" for index, count in enumerate(counts))
