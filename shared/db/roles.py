"""One schema and one login role per service on one database: nobody can read another's tables."""

import hmac
import re
from hashlib import sha256

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine

from shared.db.engine import Database, create_engine
from shared.db.errors import driver_errors_translated, sqlstate
from shared.db.locks import advisory_lock
from shared.errors import InvalidInput

_TRIES = 8
_RACES = {"XX000", "23505", "42710", "40001"}
"""Roles belong to the whole server, so another database's provisioning may write the same row: "tuple concurrently
updated" has no code of its own and comes as XX000."""
_ALREADY_THERE = {"42P04", "23505"}


async def ensure_database(admin_url: str) -> None:
    """Create the database that `admin_url` names, through database `postgres` of the same server, unless it is there."""
    name = make_url(admin_url).database or ""
    engine = create_engine(_text(make_url(admin_url).set(database="postgres")), application_name="visavis-provision")
    try:
        with driver_errors_translated():
            await _create_database(engine, name)
    finally:
        await engine.dispose()


async def provision(admin_url: str, service: str, role_secret: str) -> None:
    """Create or update role `visavis_<service>` and its schema `<service>`; safe to repeat and to run concurrently.

    `admin_url` names the database and a user who may create roles and schemas there.
    """
    engine = create_engine(admin_url, application_name="visavis-provision", pool_size=1)
    try:
        for tries_left in reversed(range(_TRIES)):
            try:
                return await _provision(Database(engine), service, role_secret)
            except DBAPIError as error:
                if sqlstate(error) not in _RACES or not tries_left:
                    raise
    finally:
        await engine.dispose()


def service_url(base_url: str, service: str, role_secret: str) -> str:
    """Return `base_url` with the role and the password of `service` instead of its own."""
    return _text(make_url(base_url).set(username=role_name(service), password=role_password(service, role_secret)))


def role_name(service: str) -> str:
    """Return the role of a service, whose name must be a plain SQL identifier: it is also the schema's."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,40}", service):
        raise InvalidInput.of("service", f"'{service}' is not a lower-case SQL identifier of at most 41 characters")
    return f"visavis_{service}"


def role_password(service: str, role_secret: str) -> str:
    """Return the hex HMAC-SHA256 of the role's name under the secret, so that no password has to be kept anywhere."""
    return hmac.new(role_secret.encode(), role_name(service).encode(), sha256).hexdigest()


async def _provision(database: Database, service: str, role_secret: str) -> None:
    role = role_name(service)
    async with database.write() as tx:
        await advisory_lock(tx, "provision", [service])
        for statement in (
            f"DO $$ BEGIN CREATE ROLE {role}; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
            f"ALTER ROLE {role} LOGIN NOINHERIT PASSWORD '{role_password(service, role_secret)}'",
            f"GRANT {role} TO CURRENT_USER",  # an administrator who isn't superuser may then give it the schema
            f'CREATE SCHEMA IF NOT EXISTS "{service}" AUTHORIZATION {role}',
            f'REVOKE ALL ON SCHEMA "{service}" FROM PUBLIC',
        ):
            await tx.connection.exec_driver_sql(statement)


async def _create_database(engine: AsyncEngine, name: str) -> None:
    async with engine.connect() as connection:
        await connection.execution_options(isolation_level="AUTOCOMMIT")
        found = await connection.exec_driver_sql("SELECT 1 FROM pg_database WHERE datname = $1", (name,))
        if found.first() is not None:
            return
        quoted = name.replace('"', '""')
        try:
            await connection.exec_driver_sql(f"CREATE DATABASE \"{quoted}\" TEMPLATE template0 ENCODING 'UTF8'")
        except DBAPIError as error:
            if sqlstate(error) not in _ALREADY_THERE:
                raise


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)
