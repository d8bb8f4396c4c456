"""Throw-away databases for tests: one PostgreSQL server per test process, a fresh copy of the migrated schema per test."""

import itertools
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, MetaData
from sqlalchemy.dialects.postgresql.base import PGDialect

from shared.db.embedded import EmbeddedPostgres, ServerAddress
from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.db.outbox import Xid8
from shared.db.roles import provision, service_url

ROLE_SECRET = "a secret of tests"  # noqa: S105 - protects nothing
_SERVICES = Path(__file__).resolve().parents[1] / "services"


@contextmanager
def running_server(home: Path, *, durable: bool = False) -> Iterator[ServerAddress]:
    """Run a server in `home`; unless `durable`, it does not wait for the disk: data of tests need not outlive the power."""
    server = EmbeddedPostgres(home, max_connections=100)
    server.prepare()
    command = server.command()
    argv = ["fsync=off" if part == "fsync=on" and not durable else part for part in command.argv]
    process = subprocess.Popen(argv, env=dict(command.env), start_new_session=True)
    try:
        yield server.wait_ready(pid=process.pid)
    finally:
        server.stop()
        process.wait()


async def schema_differences(database: Database, metadata: MetaData) -> list[str]:
    """Return what the tables of `metadata` and those that the migrations made have not in common."""

    def compare(connection: Connection) -> list[str]:
        dialect = connection.dialect
        assert isinstance(dialect, PGDialect)
        dialect.ischema_names = {**dialect.ischema_names, "xid8": Xid8}  # which SQLAlchemy does not know
        options = {
            "include_schemas": True,
            "include_name": lambda name, kind, _: kind != "schema" or name == metadata.schema,
            "version_table_schema": metadata.schema,
        }
        return [
            str(found) for found in compare_metadata(MigrationContext.configure(connection, opts=options), metadata)
        ]

    async with database.read() as tx:
        return await tx.connection.run_sync(compare)


class TestDatabases:
    """Makes databases on one server; a schema is migrated once and then copied, file by file, for each test."""

    __test__ = False

    def __init__(self, address: ServerAddress) -> None:
        self._address = address
        self._numbers = itertools.count()
        self._templates: dict[str, str] = {}

    async def create(self, *, template: str = "template0") -> str:
        """Create a database as a copy of `template` and return its name."""
        name = f"test_{next(self._numbers)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
        return name

    async def drop(self, name: str) -> None:
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def migrated(self, service: str, script_location: Path | None = None) -> str:
        """Create a database with the schema and role of `service`, by its own migrations, and return its name."""
        if service not in self._templates:
            template = await self.create()
            admin = self._address.url(template)
            await provision(admin, service, ROLE_SECRET)
            location = script_location or _SERVICES / service / "migrations"
            await migrate(service_url(admin, service, ROLE_SECRET), service=service, script_location=location)
            self._templates[service] = template
        return await self.create(template=self._templates[service])

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._address.url())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
