"""Where an embedded server listens and how its superuser logs in."""

from dataclasses import dataclass, field
from urllib.parse import quote

HOST = "127.0.0.1"
SUPERUSER = "postgres"


@dataclass(frozen=True, slots=True)
class ServerAddress:
    """The server's TCP address and its superuser; the password stays out of `repr`, so that no log shows it."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)

    def url(self, database: str = "postgres") -> str:
        """Return `postgresql://user:password@host:port/database`, each part percent-encoded."""
        user, password, name = (quote(part, safe="") for part in (self.user, self.password, database))
        return f"postgresql://{user}:{password}@{self.host}:{self.port}/{name}"
