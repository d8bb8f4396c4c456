"""Sound rows beside each other and beside those they belong to: who is unknown, and what is there twice."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.profile.domain.months import Month
from services.profile.domain.source_tables import CUSTOMERS, SourceTable, owners_of
from services.profile.engine.checked_rows import CheckedRows, FileLayout, count_of, shown_file, shown_line
from services.profile.engine.parameters import Bound, Relation, used_by
from shared.lake.engine import ColumnarEngine

_MOST_BITS: Final = 1 << 29  # 64 MiB in each thread
_SINGULAR = {"customers": "a customer", "enterprises": "an enterprise"}


def accept_rows(engine: ColumnarEngine, layout: FileLayout, checked: CheckedRows, cycle: Month) -> Relation:
    """Make table `rejects` (place, position, heading, value, rule, detail) and return the accepted rows.

    Each row is in exactly one of the two. Rows that belong to one of another table need that table in the engine.
    """
    rejects = f"""
        CREATE OR REPLACE TABLE rejects AS
        SELECT place, fault.position, fault.heading, fault.value, fault.rule, fault.detail
        FROM (SELECT place, unnest(faults) AS fault FROM ({checked.faulty.sql}))
    """
    engine.execute(rejects, checked.faulty.parameters)
    accepted = Relation(
        f"SELECT * FROM ({checked.typed.sql}) ANTI JOIN rejects USING (place)", checked.typed.parameters
    )
    accepting = _Accepting(engine, layout, accepted)
    table = layout.mapping.table
    owners = owners_of(table)
    lead, *rest = table.key
    overview = accepting.overview(lead, owners[lead], rest) if lead in owners else _Overview()
    for column, owner in owners.items():
        if not (column == lead and overview.are_all_owned):
            accepting.reject_rows_of_nobody(column, owner)
    if not overview.are_owned_unique:
        accepting.reject_repeated(table.key, f"expected one row per {', '.join(table.key)}")
    if table is CUSTOMERS:
        # A number comes back into use after its holder has left. It counts who held it when the views' month ended: of a
        # transfer in the days after, up to the extract, both sides are right.
        holder = f"activation_date < DATE '{cycle.first_day}' AND (left_date IS NULL OR left_date >= DATE '{cycle.first_day}')"
        accepting.reject_repeated(("msisdn",), "expected one customer who holds this number", among=holder)
    return accepted


@dataclass(frozen=True, slots=True)
class _Overview:
    """What is known of all rows at once: that each belongs to an owner; that no two of those that do have one key."""

    are_all_owned: bool = False
    are_owned_unique: bool = False


class _Accepting:
    """Rejects some of the sound rows."""

    def __init__(self, engine: ColumnarEngine, layout: FileLayout, accepted: Relation) -> None:
        self._engine = engine
        self._layout = layout
        self._accepted = accepted

    def overview(self, column: str, owner: SourceTable, rest: Sequence[str]) -> _Overview:
        """Find both out in one scan, a bit per owner for each combination of the `rest` of the key that occurs.

        Rows without two alike set as many bits as they are. Nothing is found out where that would take too many bits.
        """
        numbers = f"SELECT {column}, row_number() OVER () - 1 AS owner_number FROM {owner.name}"
        self._engine.execute(f"CREATE OR REPLACE TABLE owner_numbers AS {numbers}")
        owners = count_of(self._engine, Relation(f"SELECT * FROM {owner.name}"))
        accepted, grouped = self._accepted, ", ".join(f'"{name}"' for name in rest)
        groups = Relation(f"SELECT DISTINCT {grouped or 0} FROM ({accepted.sql})", accepted.parameters)
        if owners * count_of(self._engine, groups) not in range(1, _MOST_BITS):
            return _Overview()
        owned = f"""
            SELECT coalesce(sum(owned), 0) AS owned, coalesce(sum(bit_count(bits)), 0) AS bits FROM (
                SELECT count(*) AS owned, bitstring_agg(CAST(owner_number AS INTEGER), 0, {owners - 1}) AS bits
                FROM ({accepted.sql}) JOIN owner_numbers USING ({column}) {f"GROUP BY {grouped}" if rest else ""}
            )
        """
        found = self._engine.fetch(owned, accepted.parameters or None).to_pylist()[0]
        return _Overview(found["owned"] == count_of(self._engine, accepted), found["owned"] == found["bits"])

    def reject_rows_of_nobody(self, column: str, owner: SourceTable) -> None:
        expected = f"expected {_SINGULAR[owner.name]} of the {owner.name} table without a fault"
        self._run(
            f"""
            INSERT INTO rejects
            SELECT place, $position, $heading, "{column}", $rule, '' FROM ({self._accepted.sql}) ANTI JOIN {owner.name} USING ({column})
            """,
            {**self._place(column), "rule": expected},
        )

    def reject_repeated(self, key: tuple[str, ...], expected: str, *, among: str = "true") -> None:
        """Reject all but the first of the rows with one key; who asks is told which line has it already.

        First keys are compared by their hashes, which takes far less memory; only rows that share one are looked at.
        """
        columns = ", ".join(f'"{column}"' for column in key)
        hashed = f"SELECT hash({columns}) AS key_hash FROM ({self._accepted.sql}) WHERE {among}"
        self._run(
            f"CREATE OR REPLACE TABLE suspects AS SELECT key_hash FROM ({hashed}) GROUP BY key_hash HAVING count(*) > 1"
        )
        if not self._engine.fetch("SELECT count(*) AS suspects FROM suspects").to_pylist()[0]["suspects"]:
            return
        bound = Bound(self._place(key[0]), "repeated")
        first_file = shown_file(self._layout.files, "first_place", bound)
        elsewhere = f"CASE WHEN {shown_file(self._layout.files, 'place', bound)} = {first_file} THEN '' ELSE ' of ' || {first_file} END"
        detail = f"'; line ' || {shown_line('first_place')} || {elsewhere} || ' has it already'"
        self._run(
            f"""
            INSERT INTO rejects
            WITH suspected AS (
                SELECT place, {columns} FROM ({self._accepted.sql})
                WHERE {among} AND hash({columns}) IN (SELECT key_hash FROM suspects)
            )
            SELECT place, $position, $heading, CAST("{key[0]}" AS VARCHAR), {bound.bind(expected)}, {detail}
            FROM suspected JOIN (
                SELECT {columns}, min(place) AS first_place FROM suspected GROUP BY {columns} HAVING count(*) > 1
            ) USING ({columns})
            WHERE place > first_place
            """,
            bound.values,
        )

    def _run(self, sql: str, parameters: dict[str, object] | None = None) -> None:
        self._engine.execute(sql, used_by(sql, {**self._accepted.parameters, **(parameters or {})}))

    def _place(self, column: str) -> dict[str, object]:
        return {"position": self._layout.position(column), "heading": self._layout.shown_heading(column)}
