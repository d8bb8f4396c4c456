"""What each service declares in `tables.py` is what its migrations make: SQL written against the one runs on the other."""

import importlib
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import MetaData

from shared.db.engine import Database
from tests.architecture.tree import SERVICES
from tests.databases import schema_differences


@pytest.mark.parametrize("service", SERVICES)
async def test_the_migrations_make_the_declared_tables(
    service: str, service_database: Callable[[str], Awaitable[Database]]
) -> None:
    tables = importlib.import_module(f"services.{service}.tables")
    (metadata,) = {value for value in vars(tables).values() if isinstance(value, MetaData)}
    assert metadata.tables
    assert metadata.schema == service
    assert await schema_differences(await service_database(service), metadata) == []
