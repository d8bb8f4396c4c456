"""Roles and schemas on a real server: who may do what, made twice, made by many at once."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from shared.db.embedded import ServerAddress
from shared.db.roles import ensure_database, provision, service_url
from tests.databases import ROLE_SECRET, TestDatabases, running_server


async def run(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


@pytest.fixture
async def two_services(empty_database: str) -> tuple[str, str]:
    """URLs of `alpha`, which has a table, and of `beta`."""
    for service in ("alpha", "beta"):
        await provision(empty_database, service, ROLE_SECRET)
    alpha, beta = (service_url(empty_database, service, ROLE_SECRET) for service in ("alpha", "beta"))
    await run(alpha, "CREATE TABLE alpha.notes (words text)")
    return alpha, beta


async def test_a_service_owns_its_schema(two_services: tuple[str, str]) -> None:
    alpha, _ = two_services
    await run(alpha, "INSERT INTO alpha.notes VALUES ('x')")
    assert await run(alpha, "SELECT count(*) FROM alpha.notes") == 1


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT count(*) FROM alpha.notes",
        "INSERT INTO alpha.notes VALUES ('x')",
        "CREATE TABLE alpha.mine ()",
        "CREATE TABLE public.mine ()",
        "CREATE SCHEMA gamma",
        "SET ROLE visavis_alpha",
        "ALTER ROLE visavis_alpha PASSWORD 'x'",
    ],
)
async def test_another_service_is_refused(two_services: tuple[str, str], statement: str) -> None:
    _, beta = two_services
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(beta, statement)


async def test_a_new_secret_locks_out_the_old_password(empty_database: str) -> None:
    for secret in ("old", "new"):
        await provision(empty_database, "gamma", secret)
    with pytest.raises(asyncpg.InvalidPasswordError):
        await run(service_url(empty_database, "gamma", "old"), "SELECT 1")
    assert await run(service_url(empty_database, "gamma", "new"), "SELECT 1") == 1


async def test_many_may_provision_at_once_in_two_databases_of_one_server(
    postgres: ServerAddress, databases: TestDatabases
) -> None:
    names = [await databases.create() for _ in range(2)]
    urls = [postgres.url(name) for name in names]
    await asyncio.gather(
        *(provision(url, service, ROLE_SECRET) for url in urls * 3 for service in ("delta", "epsilon"))
    )
    for url in urls:
        for service in ("delta", "epsilon"):
            assert await run(service_url(url, service, ROLE_SECRET), f"CREATE TABLE {service}.t ()") is None
    for name in names:
        await databases.drop(name)


async def test_a_database_is_created_once_by_many(postgres: ServerAddress, databases: TestDatabases) -> None:
    url = postgres.url("made once")
    await asyncio.gather(*(ensure_database(url) for _ in range(4)))
    await ensure_database(url)
    assert await run(url, "SELECT current_database()") == "made once"
    await databases.drop('"made once"')


@pytest.fixture
def fresh_server(tmp_path: Path) -> Iterator[ServerAddress]:
    with running_server(tmp_path / "postgres") as address:
        yield address


async def test_an_administrator_need_not_be_superuser(fresh_server: ServerAddress) -> None:
    await run(fresh_server.url(), "CREATE ROLE owner LOGIN CREATEROLE PASSWORD 'x'")
    await run(fresh_server.url(), "CREATE DATABASE mine OWNER owner")
    admin = f"postgresql://owner:x@{fresh_server.host}:{fresh_server.port}/mine"
    for _ in range(2):
        await provision(admin, "alpha", ROLE_SECRET)
    assert await run(service_url(admin, "alpha", ROLE_SECRET), "CREATE TABLE alpha.t ()") is None
