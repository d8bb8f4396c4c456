"""The database of the toy service."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.db.engine import Database, open_database
from tests.integration.runs.toys import MIGRATIONS, SERVICE


@pytest.fixture
async def url(service_database_url: Callable[[str, Path], Awaitable[str]]) -> str:
    return await service_database_url(SERVICE, MIGRATIONS)


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url, application_name="test-runs") as database:
        yield database
