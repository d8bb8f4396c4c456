"""Brings the database of an installation to the newest schema: a role, a schema and an Alembic history per service."""

from pathlib import Path

import services
from services.console.settings import PORTS
from shared.db.migrate import migrate
from shared.db.roles import provision
from shared.db.settings import DatabaseSettings

_ROOT = Path(services.__file__).parent


async def migrate_all(settings: DatabaseSettings) -> None:
    """Provision and migrate all five services; running it again, or twice at once, changes nothing."""
    for service in PORTS:
        await provision(settings.admin_url(), service, settings.role_secret())
        await migrate(settings.service_url(service), service=service, script_location=_ROOT / service / "migrations")
