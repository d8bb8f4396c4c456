"""Connections to PostgreSQL: one engine per process, and one transaction per request or stage, committed at its edge."""

import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Protocol

from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.db.errors import driver_errors_translated
from shared.db.locks import LockSession
from shared.db.transactions import ReadTransaction, WriteTransaction, driver_of
from shared.errors import Unavailable
from shared.jsontypes import JsonValue

_CONNECT_SECONDS = 5.0


class _AdaptedConnection(Protocol):
    """What the pool's events hand over: SQLAlchemy's face of an asyncpg connection."""

    @property
    def driver_connection(self) -> "_DriverConnection": ...


class _DriverConnection(Protocol):
    def is_closed(self) -> bool: ...


def create_engine(
    url: str,
    *,
    application_name: str,
    pool_size: int = 8,
    statement_timeout: timedelta = timedelta(seconds=30),
    lock_timeout: timedelta = timedelta(seconds=10),
    idle_in_transaction_timeout: timedelta = timedelta(minutes=10),
    plans_kept: bool = True,
) -> AsyncEngine:
    """Return an engine whose statements, lock waits and forgotten transactions end by themselves.

    `url` is `postgresql://user:password@host:port/database`. A timeout of zero means none. Without `plans_kept` every
    statement is planned anew: for whoever fills tables faster than autovacuum counts them.
    """
    engine = create_async_engine(
        make_url(url).set(drivername="postgresql+asyncpg"),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=_CONNECT_SECONDS,
        json_serializer=to_json,
        hide_parameters=True,
        connect_args={
            "timeout": _CONNECT_SECONDS,
            "prepared_statement_cache_size": 250,
            "server_settings": {
                "application_name": application_name,
                "statement_timeout": _milliseconds(statement_timeout),
                "lock_timeout": _milliseconds(lock_timeout),
                "idle_in_transaction_session_timeout": _milliseconds(idle_in_transaction_timeout),
                "tcp_keepalives_idle": "30",
                "timezone": "UTC",
                "plan_cache_mode": "auto" if plans_kept else "force_custom_plan",
                "jit": "off",  # our statements are short; compiling them costs more than it saves
            },
        },
    )
    event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


class Database:
    """Opens transactions on one engine; `Unavailable` and `Conflict` are the only database failures it lets a caller retry."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        # Another view of the same pool: it sends BEGIN READ ONLY.
        self._reader = engine.execution_options(postgresql_readonly=True)

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTransaction]:
        """Open a read-only transaction for the body."""
        async with _transaction(self._reader) as connection:
            yield ReadTransaction(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTransaction]:
        """Open a transaction, commit it when the body ends, roll it back when the body raises or is cancelled.

        `Unavailable` at the end may mean committed or not: what the caller repeats must be idempotent.
        """
        async with _transaction(self._engine) as connection:
            yield WriteTransaction(connection)

    async def run(self, sql: str, *values: object) -> None:
        """Run one statement, committed by itself: for what comes many times a second, where a transaction around it would cost
        two more round trips. Its values are `$1`, `$2` …

        `Unavailable` may mean committed or not, as of `write`.
        """
        with driver_errors_translated():
            async with _connection(self._engine) as connection:
                try:
                    await (await driver_of(connection)).execute(sql, *values)
                except OSError as error:
                    raise Unavailable("the connection to the database was lost; try again") from error

    async def ping(self) -> None:
        """Return when the database answers a query, else raise `Unavailable`."""
        async with self.read() as tx:
            await tx.connection.exec_driver_sql("SELECT 1")

    @asynccontextmanager
    async def lock_session(self) -> AsyncIterator[LockSession]:
        """Take a connection out of the pool for session-level advisory locks; all are released when the body ends."""
        with driver_errors_translated():
            async with _connection(self._engine) as connection:
                await connection.execution_options(isolation_level="AUTOCOMMIT")
                session = await LockSession.on(connection)
                try:
                    yield session
                finally:
                    # Closed, not given back: a pooled connection would keep the locks.
                    await connection.invalidate()

    async def close(self) -> None:
        """Close all connections."""
        await self._engine.dispose()


@asynccontextmanager
async def open_database(
    url: str,
    *,
    application_name: str,
    pool_size: int = 8,
    statement_timeout: timedelta = timedelta(seconds=30),
    plans_kept: bool = True,
) -> AsyncIterator[Database]:
    """Make an engine and its `Database` for the body; connects at first use, so the server may come up later."""
    engine = create_engine(
        url,
        application_name=application_name,
        pool_size=pool_size,
        statement_timeout=statement_timeout,
        plans_kept=plans_kept,
    )
    database = Database(engine)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def _transaction(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    with driver_errors_translated():
        async with _connection(engine) as connection, connection.begin():
            yield connection


@asynccontextmanager
async def _connection(engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
    async with AsyncExitStack() as stack:
        try:
            connection = await stack.enter_async_context(engine.connect())
        except OSError as error:  # refused, unreachable, or not in time
            raise Unavailable("the database cannot be reached; try again") from error
        yield connection


def _refuse_closed(connection: _AdaptedConnection, _record: object, _proxy: object) -> None:
    """Have the pool replace connections that died while idle.

    asyncpg learns of it at once, so this costs nothing; `pool_pre_ping` would cost three round trips each time.
    """
    if connection.driver_connection.is_closed():
        raise DisconnectionError


def to_json(value: JsonValue) -> str:
    """Return a value as what a JSON column takes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _milliseconds(span: timedelta) -> str:
    return str(round(span.total_seconds() * 1000))
