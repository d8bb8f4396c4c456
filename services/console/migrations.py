"""Brings the database of an installation to the newest schema: a role, a schema and an Alembic history per service."""

from pathlib import Path

import services
from services.console.settings import PORTS
from shared.db.migrate import migrate
from shared.db.roles import ensure_database, provision
from shared.db.settings import DatabaseSettings, admin_url, database_url, role_secret

_ROOT = Path(services.__file__).parent


async def migrate_all(settings: DatabaseSettings) -> None:
    """Provision and migrate all five services; running it again, or twice at once, changes nothing."""
    administrator = admin_url(settings)
    await ensure_database(administrator)
    for service in PORTS:
        await provision(administrator, service, role_secret(settings))
        await migrate(database_url(settings, service), service=service, script_location=_ROOT / service / "migrations")
