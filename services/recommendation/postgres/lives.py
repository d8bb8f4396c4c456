"""Where versions of matrices stand: read, locked, and moved one step on."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ARRAY, Label, Row, Text, cast, func, insert, select, update

from services.recommendation.domain import Life, Stage, Step, StepKind
from services.recommendation.tables import MATRICES, MATRIX_STEPS, PUBLICATIONS
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import Conflict, NotFound

CYCLES: Label[list[str]] = (
    select(func.coalesce(func.array_agg(PUBLICATIONS.c.cycle), cast([], ARRAY(Text))))
    .where(PUBLICATIONS.c.matrix_id == MATRICES.c.matrix_id)
    .correlate(MATRICES)
    .scalar_subquery()
    .label("cycles")
)
"""The cycles that a row of MATRICES is published for."""


def life_of_row(row: "Row[*tuple[Any, ...]]") -> Life:
    """Return where the version of a row of MATRICES and CYCLES stands."""
    return Life(Stage(row.stage), tuple(sorted(row.cycles)), row.step_count)


def stale(name: str) -> Conflict:
    """Return the failure of a step on a version that is no longer what the caller saw."""
    return Conflict(f"{name} is no longer what it was: look at it again with `visavis matrix show {name}`, then repeat")


async def locked_life(tx: WriteTransaction, matrix_id: str) -> Life:
    """Return where a version stands, and keep it there until the transaction ends. Raises NotFound."""
    found = await locked_lives(tx, [matrix_id])
    return found[matrix_id]


async def locked_lives(tx: WriteTransaction, matrix_ids: Iterable[str]) -> Mapping[str, Life]:
    """Return where versions stand, locked in the order of their ids, as everybody locks them. Raises NotFound."""
    wanted = sorted(set(matrix_ids))
    lock = select(MATRICES.c.matrix_id).where(MATRICES.c.matrix_id.in_(wanted)).order_by(MATRICES.c.matrix_id)
    await tx.connection.execute(lock.with_for_update())
    # Read by another statement: the snapshot of the one that waited for the locks is older than the wait.
    statement = select(MATRICES.c.matrix_id, MATRICES.c.stage, MATRICES.c.step_count, CYCLES)
    rows = await tx.connection.execute(statement.where(MATRICES.c.matrix_id.in_(wanted)))
    found = {row.matrix_id: life_of_row(row) for row in rows}
    for matrix_id in wanted:
        if matrix_id not in found:
            raise NotFound(f"matrices/{matrix_id}")
    return found


async def add_step(tx: WriteTransaction, matrix_id: str, life: Life, step: Step) -> None:
    """Write an allowed step of a locked version down."""
    after = life.after(step.kind, step.cycle)
    values = {
        "matrix_id": matrix_id,
        "number": after.steps,
        "kind": step.kind,
        "cycle": step.cycle,
        "principal": step.principal,
        "time": step.time,
        "reason": step.reason,
        "run": step.run,
    }
    await tx.connection.execute(insert(MATRIX_STEPS).values(values))
    moved = update(MATRICES).where(MATRICES.c.matrix_id == matrix_id)
    await tx.connection.execute(moved.values(stage=after.stage, step_count=after.steps))


async def steps_of(tx: AnyTransaction, matrix_ids: Iterable[str]) -> Mapping[str, Sequence[Step]]:
    """Return the logs of versions, each in order; one without steps is not there."""
    statement = select(MATRIX_STEPS).where(MATRIX_STEPS.c.matrix_id.in_(list(matrix_ids)))
    found: dict[str, list[Step]] = {}
    for row in await tx.connection.execute(statement.order_by(MATRIX_STEPS.c.matrix_id, MATRIX_STEPS.c.number)):
        found.setdefault(row.matrix_id, []).append(_step(row))
    return found


def _step(row: Row[tuple[object, ...]]) -> Step:
    return Step(
        kind=StepKind(row.kind),
        principal=row.principal,
        time=row.time,
        reason=row.reason,
        cycle=row.cycle,
        run=row.run,
    )
