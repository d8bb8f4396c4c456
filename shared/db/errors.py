"""Turns what the driver raises into failures of our own; its texts stay in the exception chain, for the log only."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from shared.errors import Conflict, Failure, InvalidInput, Unavailable

_CONFLICTS = {
    "40001": "a concurrent transaction changed the same rows",
    "40P01": "a concurrent transaction waited for this one (deadlock)",
    "55P03": "a concurrent transaction holds the lock for too long",
}
_OUTAGES = {
    "08": "the connection to the database was lost",
    "53": "the database has no connection, memory or disk space left",
    "57": "the database is starting, stopping, or took longer than allowed",
    "58": "the database server's system failed",
}
"""By class (first two characters) of SQLSTATE, PostgreSQL manual appendix A."""
_BEING_TOLD = "another operation (2) is in progress"
"""Said of a query that comes between the server's last word, an error that nothing had asked for, and the end of the
connection: 2 is asyncpg's PROTOCOL_ERROR_CONSUME."""

_NO_TEXT = {"22021", "22P05"}
"""NUL, which no text of PostgreSQL may hold, alone and within JSON; it can come from a caller only."""


@contextmanager
def driver_errors_translated() -> Iterator[None]:
    """Raise `Conflict` or `Unavailable` for errors that another try may not meet, `InvalidInput` for texts that cannot be
    stored; let all others pass unchanged."""
    try:
        yield
    except (
        DBAPIError,
        PoolTimeout,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ) as error:
        failure = as_failure(error)
        if failure is None:
            raise
        raise failure from error


def as_failure(error: Exception) -> Failure | None:
    """Return the failure that an exception of the driver stands for; None: it is a bug or a broken constraint."""
    code = sqlstate(error)
    if code in _CONFLICTS:
        return Conflict(f"{_CONFLICTS[code]}; try again")
    if code[:2] in _OUTAGES:
        return Unavailable(f"{_OUTAGES[code[:2]]}; try again")
    if code in _NO_TEXT:
        return InvalidInput.of("request", "one of its texts holds a NUL character, which cannot be stored")
    if _is_lost_connection(error):
        return Unavailable("the connection to the database was lost; try again")
    if isinstance(error, PoolTimeout):
        return Unavailable("all connections to the database are in use; try again")
    return None


def sqlstate(error: BaseException) -> str:
    """Return the five-character SQLSTATE of a SQLAlchemy or asyncpg error, or an empty text."""
    original = error.orig if isinstance(error, DBAPIError) else error
    return str(getattr(original, "sqlstate", None) or "")


def _is_lost_connection(error: Exception) -> bool:
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    original = error.driver_exception if isinstance(error, DBAPIError) else error
    # asyncpg has no class of its own for the use of a closed connection, nor of one whose end it is just being told.
    if isinstance(original, asyncpg.InternalClientError):
        return _BEING_TOLD in str(original)
    return isinstance(original, asyncpg.InterfaceError) and "closed" in str(original)
