"""The steps of versions of matrices, and what is published."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Row, Select, delete, exists, insert, select, tuple_

from services.recommendation.domain import Slot, SlotStep, State, Step, StepKind
from services.recommendation.ports import Move, Place, Published, Version, VersionFilter
from services.recommendation.postgres.lives import (
    CYCLES,
    add_step,
    life_of_row,
    locked_life,
    locked_lives,
    stale,
    steps_of,
)
from services.recommendation.postgres.rulebook import stored_matrix
from services.recommendation.tables import MATRICES, MATRIX_STEPS, PUBLICATIONS
from shared.db.engine import Database
from shared.db.locks import advisory_lock
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import Conflict, NotFound


@dataclass(frozen=True, slots=True)
class PostgresLogbook:
    """Each call in a transaction of its own."""

    database: Database

    async def version(self, matrix_id: str) -> Version:
        """Return one version with its steps. Raises NotFound."""
        async with self.database.read() as tx:
            found = await _versions(tx, _SELECTED.where(MATRICES.c.matrix_id == matrix_id))
        if not found:
            raise NotFound(f"matrices/{matrix_id}")
        return found[0]

    async def versions(self, wanted: VersionFilter, *, after: Place | None, limit: int) -> Sequence[Version]:
        """Return up to `limit` versions with their steps, newest first."""
        columns = MATRICES.c.create_time, MATRICES.c.matrix_id
        statement = _SELECTED.where(*_conditions(wanted)).order_by(*(column.desc() for column in columns)).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*columns) < (after.create_time, after.identifier))
        async with self.database.read() as tx:
            return await _versions(tx, statement)

    async def published(self, cycle: str) -> Sequence[Version]:
        """Return what is published for a cycle, with its steps, by purpose, the province's first, then by city."""
        statement = _SELECTED.where(*_conditions(VersionFilter(cycle=cycle)))
        statement = statement.order_by(MATRICES.c.purpose, MATRICES.c.city)
        async with self.database.read() as tx:
            return await _versions(tx, statement)

    async def of_slot(self, slot: Slot) -> Sequence[SlotStep]:
        """Return what has happened to the versions that were ever published for a slot, in order."""
        of_slot = (
            select(MATRICES.c.matrix_id)
            .where(MATRICES.c.purpose == slot.purpose, MATRICES.c.city == slot.city)
            .scalar_subquery()
        )
        steps = MATRIX_STEPS.c
        statement = select(steps.matrix_id, steps.kind).where(
            steps.matrix_id.in_(of_slot), (steps.cycle == slot.cycle) | (steps.kind == StepKind.RETIRED)
        )
        async with self.database.read() as tx:
            rows = await tx.connection.execute(statement.order_by(steps.place))
            return [SlotStep(row.matrix_id, StepKind(row.kind)) for row in rows]

    async def record(self, moves: Sequence[Move], *, seen: Sequence[Published] = ()) -> None:
        """Write steps down and publish what they publish, all or none.

        Raises Conflict where a version has taken another step meanwhile, or what is published is no longer what was `seen`.
        """
        async with self.database.write() as tx:
            await _lock_and_compare(tx, seen)
            lives = dict(await locked_lives(tx, (move.version.matrix_id for move in moves)))
            for move in moves:
                matrix_id = move.version.matrix_id
                if lives[matrix_id].steps != move.version.life.steps:
                    raise stale(f"matrices/{matrix_id}")
                await add_step(tx, matrix_id, lives[matrix_id], move.step)
                await _publish(tx, move)


async def record_check(
    tx: WriteTransaction, matrix_id: str, *, passed: bool, reason: str, run: str, principal: str, now: datetime
) -> None:
    """Write down what a check of a version has found; within the transaction of the check's last stage.

    `reason` is the finding in words ("3 gaps: …", "no error, 2 warnings"), `run` the check's name, `principal` who asked for it.
    A version that was retired meanwhile stays as it is. Raises NotFound.
    """
    life = await locked_life(tx, matrix_id)
    kind = StepKind.CHECKED if passed else StepKind.FAULTED
    if life.allows(kind):
        await add_step(tx, matrix_id, life, Step(kind, principal, now, reason, run=run))


_SELECTED = select(*MATRICES.columns, CYCLES)


async def _versions(tx: AnyTransaction, statement: Select[tuple[object, ...]]) -> list[Version]:
    rows: Sequence[Row[tuple[object, ...]]] = (await tx.connection.execute(statement)).all()
    steps = await steps_of(tx, (row.matrix_id for row in rows))
    return [Version(stored_matrix(row), life_of_row(row), tuple(steps.get(row.matrix_id, ()))) for row in rows]


def _conditions(wanted: VersionFilter) -> Iterable[ColumnElement[bool]]:
    published = PUBLICATIONS.c.matrix_id == MATRICES.c.matrix_id
    if wanted.purpose is not None:
        yield MATRICES.c.purpose == wanted.purpose
    if wanted.city:
        yield MATRICES.c.city == wanted.city
    if wanted.cycle:
        yield exists().where(published, PUBLICATIONS.c.cycle == wanted.cycle)
    if wanted.state is State.PUBLISHED:
        yield exists().where(published)
    elif wanted.state is not None:
        yield MATRICES.c.stage == wanted.state.value
        yield ~exists().where(published)


async def _lock_and_compare(tx: WriteTransaction, seen: Sequence[Published]) -> None:
    """Keep others from publishing for these purposes and cycles until the transaction ends. Raises Conflict."""
    looked_at = [(each.cycle, purpose, each.matrix_ids[purpose]) for each in seen for purpose in each.matrix_ids]
    await advisory_lock(tx, PUBLICATIONS.fullname, [f"{cycle} {purpose}" for cycle, purpose, _ in looked_at])
    for cycle, purpose, matrix_ids in looked_at:
        now = select(PUBLICATIONS.c.matrix_id).where(PUBLICATIONS.c.cycle == cycle, PUBLICATIONS.c.purpose == purpose)
        if set((await tx.connection.execute(now)).scalars()) != matrix_ids:
            raise Conflict(
                f"what is published of {purpose} for {cycle} was changed in this moment by somebody else: "
                f"look at it with `visavis matrix list --cycle {cycle}`, then repeat"
            )


async def _publish(tx: WriteTransaction, move: Move) -> None:
    """Bring what is published in line with a step: the key lets one version at most stand in a slot."""
    matrix, step = move.version.matrix, move.step
    match step.kind:
        case StepKind.PUBLISHED | StepKind.RESTORED:
            values = {
                "cycle": step.cycle,
                "purpose": matrix.purpose,
                "city": matrix.city,
                "matrix_id": matrix.matrix_id,
            }
            await tx.connection.execute(insert(PUBLICATIONS).values(values))
        case StepKind.SUPERSEDED | StepKind.ROLLED_BACK:
            await tx.connection.execute(
                delete(PUBLICATIONS).where(
                    PUBLICATIONS.c.matrix_id == matrix.matrix_id, PUBLICATIONS.c.cycle == step.cycle
                )
            )
        case StepKind.RETIRED:
            await tx.connection.execute(delete(PUBLICATIONS).where(PUBLICATIONS.c.matrix_id == matrix.matrix_id))
        case StepKind.CHECKED | StepKind.FAULTED | StepKind.APPROVED:
            pass
