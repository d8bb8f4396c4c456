"""Which PostgreSQL an installation uses, and the secret that the services' passwords are derived from."""

import os
import secrets
from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from shared.db.embedded import EmbeddedPostgres
from shared.db.roles import service_url
from shared.settings import VisavisSettings

EMBEDDED_DATABASE = "visavis"


class DatabaseSettings(VisavisSettings):
    """What every process that uses the database needs to know."""

    owned_prefixes: ClassVar[tuple[str, ...]] = ("VISAVIS_DATABASE_",)

    database_url: SecretStr | None = Field(
        default=None,
        description="URL of a PostgreSQL database whose user may create roles; absent: the embedded server in home.",
    )
    database_role_secret: SecretStr | None = Field(
        default=None,
        description="Secret that the roles' passwords come from; absent: kept in home/database-role-secret.",
    )


def admin_url(settings: DatabaseSettings) -> str:
    """Return the URL of the database as its administrator; `Unavailable` when the embedded server does not run."""
    if settings.database_url is not None:
        return settings.database_url.get_secret_value()
    return EmbeddedPostgres(settings.home / "postgres").address().url(EMBEDDED_DATABASE)


def database_url(settings: DatabaseSettings, service: str) -> str:
    """Return the URL of the database as the role of `service`."""
    return service_url(admin_url(settings), service, role_secret(settings))


def role_secret(settings: DatabaseSettings) -> str:
    """Return the configured secret, or that of the home folder, made at the first call by whoever comes first."""
    if settings.database_role_secret is not None:
        return settings.database_role_secret.get_secret_value()
    path = settings.home / "database-role-secret"
    if not path.exists():
        _create_secret(path)
    return path.read_text().strip()


def _create_secret(path: Path) -> None:
    """Write the whole file aside, then link it: a reader sees all of it, and the first of two writers wins."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(aside)
    except FileExistsError:
        pass  # another process was first; its secret is the one
    finally:
        aside.unlink()
