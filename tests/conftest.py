"""Fixtures for all tests: an environment without settings of the developer's, and databases."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import structlog

from shared.db.embedded import ServerAddress
from shared.db.engine import Database, open_database
from shared.db.roles import service_url
from tests.databases import ROLE_SECRET, TestDatabases, running_server


@pytest.fixture(autouse=True)
def _no_settings_of_the_developer(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith("VISAVIS_") and name != "VISAVIS_TEST_DATA":
            monkeypatch.delenv(name)


@pytest.fixture(autouse=True)
def _plain_logs() -> None:
    """Print tracebacks without the values of all variables, which takes seconds where those are large.

    Before each test, because one that tests logging leaves structlog's own defaults behind, which print them.
    """
    merge, info = structlog.contextvars.merge_contextvars, structlog.processors.format_exc_info
    structlog.configure(processors=[merge, info, structlog.processors.KeyValueRenderer(key_order=["event"])])


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerAddress]:
    """One PostgreSQL server for all tests of this process (each xdist worker has its own)."""
    with running_server(tmp_path_factory.mktemp("server") / "postgres") as address:
        yield address


@pytest.fixture(scope="session")
def databases(postgres: ServerAddress) -> TestDatabases:
    return TestDatabases(postgres)


@pytest.fixture
async def empty_database(postgres: ServerAddress, databases: TestDatabases) -> AsyncIterator[str]:
    """URL of a new empty database, as its superuser."""
    name = await databases.create()
    yield postgres.url(name)
    await databases.drop(name)


@pytest.fixture
async def service_database_url(
    postgres: ServerAddress, databases: TestDatabases
) -> AsyncIterator[Callable[[str], Awaitable[str]]]:
    """Makes a new database with the migrated schema of a service; returns its URL as that service's role."""
    async with AsyncExitStack() as cleanup:

        async def make(service: str, script_location: Path | None = None) -> str:
            name = await databases.migrated(service, script_location)
            cleanup.push_async_callback(databases.drop, name)
            return service_url(postgres.url(name), service, ROLE_SECRET)

        yield make


@pytest.fixture
async def service_database(
    service_database_url: Callable[[str], Awaitable[str]],
) -> AsyncIterator[Callable[[str], Awaitable[Database]]]:
    """Makes a new database with the migrated schema of a service: `database = await service_database("profile")`."""
    async with AsyncExitStack() as cleanup:

        async def make(service: str) -> Database:
            url = await service_database_url(service)
            return await cleanup.enter_async_context(open_database(url, application_name=f"test-{service}"))

        yield make
