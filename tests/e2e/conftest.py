"""One running demonstration for all tests of a module that only look at it."""

from collections.abc import Iterator

import pytest

from tests.e2e.installation import Installation, demonstration, leftovers


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """A demonstration of 2,000 customers that has written its report and stays up."""
    with demonstration(tmp_path_factory.mktemp("demo"), "--customers", "2000") as running:
        running.wait_for_report(150)
        yield running
    assert leftovers(running.home) == []  # an interrupt stops all that was started
