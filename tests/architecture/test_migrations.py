"""Each service's schema has one history, in files that sort by date."""

import re
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from tests.architecture.tree import ROOT, SERVICES

_DATED = re.compile(r"20\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])_[a-z0-9_]+\.py")


def migrations(service: str) -> Path:
    return ROOT / "services" / service / "migrations"


def history(service: str) -> ScriptDirectory:
    config = Config()
    config.set_main_option("script_location", str(migrations(service)))
    return ScriptDirectory.from_config(config)


@pytest.mark.parametrize("service", SERVICES)
def test_a_schema_has_one_head_and_one_beginning(service: str) -> None:
    script = history(service)
    assert len(script.get_heads()) == 1
    assert len(script.get_bases()) == 1


@pytest.mark.parametrize("service", SERVICES)
def test_revisions_are_named_by_date_and_sort_in_the_order_of_the_history(service: str) -> None:
    names = [path.name for path in (migrations(service) / "versions").glob("*.py")]
    assert [name for name in names if not _DATED.fullmatch(name)] == []
    told = [Path(revision.path).name for revision in history(service).walk_revisions()]
    assert told == sorted(names, reverse=True)


@pytest.mark.parametrize("service", SERVICES)
def test_migrations_stay_outside_the_import_graph(service: str) -> None:
    assert list(migrations(service).rglob("__init__.py")) == []
