"""A rig on a fresh database, a province that receives, and the server in this process."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from services.dispatch.worker.housekeeping import Housekeeping
from shared.clock import ManualClock
from shared.db.embedded import ServerAddress
from shared.db.engine import open_database
from shared.db.roles import service_url
from shared.db.single_reads import open_single_reads
from tests.databases import ROLE_SECRET, TestDatabases
from tests.factories.dispatch import MORNING
from tests.integration.dispatch.desk import Desk, desk_of
from tests.integration.dispatch.rig import Province, Rig, province_in


@pytest.fixture
async def admin_url(postgres: ServerAddress, databases: TestDatabases) -> AsyncIterator[str]:
    """URL of a database with the schema of dispatch, as its administrator."""
    name = await databases.migrated("dispatch")
    yield postgres.url(name)
    await databases.drop(name)


@pytest.fixture
async def rig(admin_url: str) -> AsyncIterator[Rig]:
    url = service_url(admin_url, "dispatch", ROLE_SECRET)
    async with (
        open_database(url, application_name="test-dispatch", pool_size=24) as database,
        open_single_reads(url, application_name="test-desk") as reads,
    ):
        yield Rig(database, ManualClock(MORNING), reads=reads)


@pytest.fixture
def rounds(rig: Rig) -> Housekeeping:
    """What a worker does as time passes."""
    return Housekeeping(rig.work, dict, timedelta(minutes=30), rig.clock)


@pytest.fixture
async def province(rig: Rig, tmp_path: Path) -> AsyncIterator[Province]:
    async with province_in(tmp_path, rig.clock) as province:
        yield province


@pytest.fixture
async def desk(rig: Rig) -> AsyncIterator[Desk]:
    async with desk_of(rig) as desk:
        yield desk
