"""Runs a service's Alembic history; its `migrations/env.py` is two lines that call `run_env`."""

import re
from pathlib import Path

import structlog
from alembic import command, context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from shared.db.engine import create_engine
from shared.db.errors import driver_errors_translated
from shared.db.locks import lock_key
from shared.errors import InvalidInput

log = structlog.get_logger(__name__)

_LOCK_TIMEOUT = "5s"
_QUEUE_TIMEOUT = "120s"
_FILE_NAME = re.compile(r"\d{8}_[a-z0-9_]+\.py")


async def migrate(url: str, *, service: str, script_location: Path) -> str:
    """Bring the schema of `service` to the newest revision and return its id.

    `url` is that of the service's role, so that it owns what is made. All steps are one transaction: all or nothing.
    Concurrent callers queue. A step that waits over 5 s for a table's lock raises `Conflict` instead of blocking
    everyone behind it.
    """
    config = _config(script_location)
    head = _newest(config, script_location)
    engine = create_engine(url, application_name=f"visavis-migrate-{service}", pool_size=1)
    try:
        with driver_errors_translated():
            async with engine.connect() as connection, connection.begin():
                await connection.run_sync(_upgrade, config, service)
    finally:
        await engine.dispose()
    log.info("schema_migrated", service=service, revision=head)
    return head


def run_env() -> None:
    """Be the body of `migrations/env.py`: run the chosen revisions on the connection that `migrate` opened."""
    attributes = context.config.attributes
    context.configure(connection=attributes["connection"], version_table_schema=attributes["schema"])
    with context.begin_transaction():
        context.run_migrations()


def _upgrade(connection: Connection, config: Config, service: str) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{_QUEUE_TIMEOUT}'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": lock_key("migrate", service)})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
    connection.execute(text("SET LOCAL statement_timeout = 0"))
    config.attributes["connection"] = connection
    config.attributes["schema"] = service
    command.upgrade(config, "head")


def _config(script_location: Path) -> Config:
    config = Config()
    config.set_main_option("path_separator", "os")
    # Alembic interpolates "%" in option values.
    config.set_main_option("script_location", str(script_location).replace("%", "%%"))
    config.set_main_option("file_template", "%%(year)d%%(month).2d%%(day).2d_%%(slug)s")
    return config


def _newest(config: Config, script_location: Path) -> str:
    """Return the one head, after a look at the file names: the order of a folder listing is the order in time."""
    misnamed = sorted(p.name for p in (script_location / "versions").glob("*.py") if not _FILE_NAME.fullmatch(p.name))
    if misnamed:
        raise InvalidInput.of(
            str(script_location), f"{', '.join(misnamed)}: expected names like 20261121_first_tables.py"
        )
    heads = ScriptDirectory.from_config(config).get_heads()
    if len(heads) != 1:
        raise InvalidInput.of(str(script_location), f"expected one newest revision, found {', '.join(heads) or 'none'}")
    return heads[0]
