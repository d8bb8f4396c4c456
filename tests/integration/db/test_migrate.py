"""Migrations of a toy service on a real server."""

import asyncio
import shutil
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import Table

from shared.db.engine import Database
from shared.db.migrate import migrate
from shared.db.outbox import cursor_table, outbox_table
from shared.db.roles import provision, service_url
from shared.errors import Conflict, InvalidInput
from tests.databases import ROLE_SECRET, schema_differences
from tests.integration.db.conftest import TOY_MIGRATIONS

SECOND_STEP = """
from alembic import op
revision, down_revision, branch_labels, depends_on = "20261122_more_words", "20261121_first_tables", None, None
def upgrade() -> None:
    op.execute("ALTER TABLE toy.notes ADD COLUMN more text")
    op.execute("{then}")
"""


@pytest.fixture
async def url(empty_database: str) -> str:
    await provision(empty_database, "toy", ROLE_SECRET)
    return service_url(empty_database, "toy", ROLE_SECRET)


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A copy of the toy's history that a test may add to."""
    return shutil.copytree(TOY_MIGRATIONS, tmp_path / "migrations", ignore=shutil.ignore_patterns("__pycache__"))


def add_step(history: Path, then: str = "SELECT 1") -> None:
    (history / "versions" / "20261122_more_words.py").write_text(SECOND_STEP.format(then=then))


async def columns_of_notes(url: str) -> list[str]:
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            "SELECT column_name FROM information_schema.columns WHERE table_schema = 'toy' AND table_name = 'notes'"
        )
        return [row[0] for row in rows]
    finally:
        await connection.close()


async def test_a_history_is_applied_once_by_many_at_once(url: str) -> None:
    heads = await asyncio.gather(*(migrate(url, service="toy", script_location=TOY_MIGRATIONS) for _ in range(4)))
    assert heads == ["20261121_first_tables"] * 4
    assert await columns_of_notes(url) == ["note_id", "words"]


async def test_a_newer_history_adds_its_steps(url: str, history: Path) -> None:
    await migrate(url, service="toy", script_location=history)
    add_step(history)
    assert await migrate(url, service="toy", script_location=history) == "20261122_more_words"
    assert await columns_of_notes(url) == ["note_id", "words", "more"]


async def test_a_failing_step_leaves_the_schema_as_it_was(url: str, history: Path) -> None:
    await migrate(url, service="toy", script_location=history)
    add_step(history, then="SELECT 1 / 0")
    with pytest.raises(Exception, match="division"):
        await migrate(url, service="toy", script_location=history)
    assert await columns_of_notes(url) == ["note_id", "words"]


async def test_a_step_does_not_queue_behind_a_busy_table(
    url: str, history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.db.migrate._LOCK_TIMEOUT", "100ms")
    await migrate(url, service="toy", script_location=history)
    add_step(history)
    reader = await asyncpg.connect(url)
    async with reader.transaction():
        await reader.execute("SELECT * FROM toy.notes")
        with pytest.raises(Conflict):
            await migrate(url, service="toy", script_location=history)
    await reader.close()


async def test_a_file_without_a_date_is_refused(url: str, history: Path) -> None:
    (history / "versions" / "more_words.py").write_text("")
    with pytest.raises(InvalidInput, match=r"more_words\.py"):
        await migrate(url, service="toy", script_location=history)


async def test_declared_tables_are_those_that_migrations_make(toy: Database, notes: Table) -> None:
    outbox_table(notes.metadata)
    cursor_table(notes.metadata)
    assert await schema_differences(toy, notes.metadata) == []


async def test_a_table_that_no_migration_makes_is_a_difference(toy: Database, notes: Table) -> None:
    cursor_table(notes.metadata)
    Table("forgotten", notes.metadata)
    outbox_table(notes.metadata)
    (missing,) = await schema_differences(toy, notes.metadata)
    assert "forgotten" in missing
