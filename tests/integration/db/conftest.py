"""The database of a toy service, built by its migrations."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy import Column, Table, Text

from shared.db.engine import Database, open_database
from shared.db.tables import schema_metadata

TOY_MIGRATIONS = Path(__file__).parent / "toy"


@pytest.fixture
def notes() -> Table:
    return Table(
        "notes",
        schema_metadata("toy"),
        Column("note_id", Text, primary_key=True),
        Column("words", Text, nullable=False),
    )


@pytest.fixture
async def toy_url(service_database_url: Callable[[str, Path], Awaitable[str]]) -> str:
    return await service_database_url("toy", TOY_MIGRATIONS)


@pytest.fixture
async def toy(toy_url: str) -> AsyncIterator[Database]:
    async with open_database(toy_url, application_name="test-toy") as database:
        yield database
