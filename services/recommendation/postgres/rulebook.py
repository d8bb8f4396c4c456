"""Versions of matrices and catalogues."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Table, select, tuple_
from sqlalchemy.dialects.postgresql import insert as insert_or_find

from services.recommendation.domain import Life, Purpose, Stage
from services.recommendation.ports import Place, StoredCatalogue, StoredMatrix
from services.recommendation.postgres.lives import locked_life, stale
from services.recommendation.tables import CATALOGUES, MATRICES
from shared.db.engine import Database
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import AlreadyExists, Conflict, NotFound


@dataclass(frozen=True, slots=True)
class PostgresRulebook:
    """Versions of matrices and catalogues, each call in a transaction of its own."""

    database: Database

    async def add_matrices(self, matrices: Sequence[StoredMatrix], *, etags: Mapping[str, str]) -> None:
        """Store versions, all or none; those that are there with the same id and text stay as they are.

        Raises AlreadyExists; Conflict where a parent was edited before, or its etag is not the one in `etags` (if any is).
        """
        async with self.database.write() as tx:
            for matrix in sorted(matrices, key=lambda each: each.parent):  # one order of locks for everybody
                await _add_matrix(tx, matrix, etags.get(matrix.parent, ""))

    async def matrix(self, matrix_id: str) -> StoredMatrix:
        """Return one version. Raises NotFound."""
        async with self.database.read() as tx:
            found = await _one(tx, MATRICES, matrix_id)
        if found is None:
            raise NotFound(f"matrices/{matrix_id}")
        return stored_matrix(found)

    async def add_catalogue(self, catalogue: StoredCatalogue) -> StoredCatalogue:
        """Store a version, or return the one that is there with the same id and text. Raises AlreadyExists."""
        async with self.database.write() as tx:
            found = await _add(tx, CATALOGUES, _values(catalogue, CATALOGUES))
        found = _same_text(found, catalogue.csv, f"policyCatalogues/{catalogue.catalogue_id}")
        if found.products_csv != catalogue.products_csv:
            raise AlreadyExists(f"policyCatalogues/{catalogue.catalogue_id}")
        return _catalogue(found)

    async def catalogue(self, catalogue_id: str) -> StoredCatalogue:
        """Return one version. Raises NotFound."""
        async with self.database.read() as tx:
            found = await _one(tx, CATALOGUES, catalogue_id)
        if found is None:
            raise NotFound(f"policyCatalogues/{catalogue_id}")
        return _catalogue(found)

    async def catalogues(self, *, after: Place | None, limit: int) -> Sequence[StoredCatalogue]:
        """Return up to `limit` versions, newest first."""
        columns = CATALOGUES.c.create_time, CATALOGUES.c.catalogue_id
        statement = select(CATALOGUES).order_by(*(column.desc() for column in columns)).limit(limit)
        if after is not None:
            statement = statement.where(tuple_(*columns) < (after.create_time, after.identifier))
        async with self.database.read() as tx:
            return [_catalogue(row) for row in await tx.connection.execute(statement)]

    async def newest_catalogue_id(self) -> str:
        """Return the id of the newest version. Raises NotFound when there is none."""
        newest_first = CATALOGUES.c.create_time.desc(), CATALOGUES.c.catalogue_id.desc()
        async with self.database.read() as tx:
            statement = select(CATALOGUES.c.catalogue_id).order_by(*newest_first).limit(1)
            found: str | None = (await tx.connection.execute(statement)).scalar_one_or_none()
        if found is None:
            raise NotFound("a policy catalogue (import one first)")
        return found


async def _add(tx: WriteTransaction, table: Table, values: dict[str, object]) -> Row[tuple[object, ...]]:
    """Insert a row, or find the one with its primary key."""
    key = next(iter(table.primary_key.columns))
    statement = insert_or_find(table).values(values).on_conflict_do_nothing(index_elements=[key]).returning(*table.c)
    added = (await tx.connection.execute(statement)).one_or_none()
    if added is not None:
        return added
    return (await tx.connection.execute(select(table).where(key == values[key.name]))).one()


async def _one(tx: AnyTransaction, table: Table, identifier: str) -> Row[tuple[object, ...]] | None:
    key = next(iter(table.primary_key.columns))
    return (await tx.connection.execute(select(table).where(key == identifier))).one_or_none()


async def _add_matrix(tx: WriteTransaction, matrix: StoredMatrix, etag: str) -> None:
    parent = await locked_life(tx, matrix.parent) if matrix.parent else None  # before anything is looked for
    found = await _one(tx, MATRICES, matrix.matrix_id)
    if found is None:
        if parent is not None:
            await _refuse_second_edit(tx, matrix.parent, parent, etag)
        found = await _add(tx, MATRICES, _values(matrix, MATRICES))
    _same_text(found, matrix.csv, f"matrices/{matrix.matrix_id}")


async def _refuse_second_edit(tx: WriteTransaction, parent: str, life: Life, etag: str) -> None:
    """Raise Conflict where somebody has edited `parent` before, or it is no longer what `etag` says."""
    if etag and etag != life.etag(parent):
        raise stale(f"matrices/{parent}")
    statement = select(MATRICES).where(MATRICES.c.parent == parent, MATRICES.c.stage != Stage.RETIRED).limit(1)
    edited = (await tx.connection.execute(statement)).one_or_none()
    if edited is not None:
        raise Conflict(
            f"matrices/{parent} was edited meanwhile: {edited.author} has taken in matrices/{edited.matrix_id}. See with "
            f"`visavis matrix diff matrices/{parent} matrices/{edited.matrix_id}` what was changed, put your changes into that one, "
            "and import it as edited from that one"
        )


def _same_text(found: Row[tuple[object, ...]], csv: str, name: str) -> Row[tuple[object, ...]]:
    if found.csv != csv:
        raise AlreadyExists(name)
    return found


def _values(stored: StoredMatrix | StoredCatalogue, table: Table) -> dict[str, object]:
    return {column.name: getattr(stored, column.name) for column in table.columns if hasattr(stored, column.name)}


def stored_matrix(row: Row[tuple[object, ...]]) -> StoredMatrix:
    """Return the version of a row of MATRICES."""
    return StoredMatrix(
        matrix_id=row.matrix_id,
        purpose=Purpose(row.purpose),
        display_name=row.display_name,
        hit_policy=row.hit_policy,
        rule_count=row.rule_count,
        csv=row.csv,
        create_time=row.create_time,
        author=row.author,
        city=row.city,
        parent=row.parent,
    )


def _catalogue(row: Row[tuple[object, ...]]) -> StoredCatalogue:
    return StoredCatalogue(
        catalogue_id=row.catalogue_id,
        csv=row.csv,
        products_csv=row.products_csv,
        policy_count=row.policy_count,
        product_count=row.product_count,
        create_time=row.create_time,
        author=row.author,
    )
