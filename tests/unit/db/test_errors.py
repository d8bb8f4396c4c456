"""What the driver raises, as failures of our own."""

import asyncpg
import pytest

from shared.db.errors import driver_errors_translated
from shared.errors import Unavailable

# What asyncpg 0.32 said when a query met the server's notice that it ends the connection.
WHILE_BEING_TOLD = "cannot switch to state 11; another operation (2) is in progress"


@pytest.mark.parametrize(
    "error",
    [
        asyncpg.InternalClientError(WHILE_BEING_TOLD),
        asyncpg.InterfaceError("connection is closed"),
        asyncpg.AdminShutdownError("terminating connection due to administrator command"),
    ],
)
def test_a_connection_that_ends_is_an_outage(error: Exception) -> None:
    with pytest.raises(Unavailable, match="try again"), driver_errors_translated():
        raise error


def test_other_faults_of_the_driver_are_not_explained_away() -> None:
    fault = asyncpg.InternalClientError("cannot switch to state 11; another operation (11) is in progress")
    with pytest.raises(asyncpg.InternalClientError), driver_errors_translated():
        raise fault
