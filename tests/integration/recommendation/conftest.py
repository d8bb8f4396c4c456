"""A running recommendation for each test."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from shared.lake.lake import Lake
from tests.integration.recommendation.service import Service, running_service


@pytest.fixture
async def service(service_database_url: Callable[[str], Awaitable[str]], tmp_path: Path) -> AsyncIterator[Service]:
    async with running_service(await service_database_url("recommendation"), Lake(tmp_path / "lake")) as running:
        yield running
