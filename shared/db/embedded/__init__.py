"""A PostgreSQL server of our own under one folder, so that nothing but Python has to be installed first."""

from shared.db.embedded.address import ServerAddress
from shared.db.embedded.command import PostmasterCommand
from shared.db.embedded.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "PostmasterCommand", "ServerAddress"]
