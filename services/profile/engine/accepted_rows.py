"""Sound rows beside each other and beside the customers: who is unknown, and what is there twice."""

from services.profile.domain.months import Month
from services.profile.domain.source_tables import CUSTOMERS, SourceTable, owners_of
from services.profile.engine.checked_rows import FileLayout
from shared.lake.engine import ColumnarEngine

_SINGULAR = {"customers": "a customer", "enterprises": "an enterprise"}


def accept_rows(engine: ColumnarEngine, layout: FileLayout, cycle: Month) -> None:
    """Make view `accepted` and table `rejects` (line, position, heading, value, reason) of table `checked`.

    Each line is in exactly one of the two. Rows that belong to one of another table need that table in the engine.
    """
    engine.execute("""
        CREATE OR REPLACE TABLE rejects AS
        SELECT line, fault.position, fault.heading, fault.value, fault.reason
        FROM (SELECT line, unnest(faults) AS fault FROM checked)
    """)
    engine.execute("""
        CREATE OR REPLACE VIEW accepted AS
        SELECT * EXCLUDE (faults) FROM checked WHERE line NOT IN (SELECT line FROM rejects)
    """)
    table = layout.mapping.table
    for column, owner in owners_of(table).items():
        _reject_rows_of_nobody(engine, layout, column, owner)
    _reject_repeated(engine, layout, table.key, f"expected one row per {', '.join(table.key)}")
    if table is CUSTOMERS:
        # A number comes back into use after its holder has left.
        holder = f"(left_date IS NULL OR left_date >= DATE '{cycle.first_day}')"
        _reject_repeated(engine, layout, ("msisdn",), "expected one customer who holds this number", among=holder)


def _reject_rows_of_nobody(engine: ColumnarEngine, layout: FileLayout, column: str, owner: SourceTable) -> None:
    engine.execute(
        f"""
        INSERT INTO rejects
        SELECT line, $position, $heading, {column}, $reason FROM accepted ANTI JOIN {owner.name} USING ({column})
        """,
        {
            **_place(layout, column),
            "reason": f"expected {_SINGULAR[owner.name]} of the {owner.name} table without a fault",
        },
    )


def _reject_repeated(
    engine: ColumnarEngine, layout: FileLayout, key: tuple[str, ...], expected: str, *, among: str = "true"
) -> None:
    """Reject all but the first of the rows with one key; who asks is told which line has it already."""
    columns = ", ".join(f'"{column}"' for column in key)
    engine.execute(
        f"""
        INSERT INTO rejects
        SELECT line, $position, $heading, CAST("{key[0]}" AS VARCHAR), $expected || '; line ' || first_line || ' has it already'
        FROM accepted JOIN (
            SELECT {columns}, min(line) AS first_line FROM accepted WHERE {among} GROUP BY {columns} HAVING count(*) > 1
        ) USING ({columns})
        WHERE {among} AND line > first_line
        """,
        {**_place(layout, key[0]), "expected": expected},
    )


def _place(layout: FileLayout, column: str) -> dict[str, object]:
    return {"position": layout.position(column), "heading": layout.mapping.heading(column)}
