"""One columnar engine for all unit tests of a module: each test makes its own tables anew."""

from collections.abc import Iterator

import pytest

from shared.lake.engine import ColumnarEngine
from tests.factories.profile import engine_in


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ColumnarEngine]:
    with engine_in(tmp_path_factory.mktemp("lake")) as engine:
        yield engine
