"""Homes of real servers: initdb runs once a session, each test works on a copy and leaves no process."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.db.embedded import EmbeddedPostgres


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("template") / "postgres"
    EmbeddedPostgres(home).prepare()
    return home


@pytest.fixture
def home(template: Path, tmp_path: Path) -> Iterator[Path]:
    """A prepared home that never ran."""
    yield copy_home(template, tmp_path / "postgres")
    EmbeddedPostgres(tmp_path / "postgres").stop()


@pytest.fixture
def bare_home(tmp_path: Path) -> Iterator[Path]:
    """A home that doesn't exist yet."""
    yield tmp_path / "bare" / "postgres"
    EmbeddedPostgres(tmp_path / "bare" / "postgres").stop()


def copy_home(template: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(("cp", "-a", template, target), check=True)
    return target
