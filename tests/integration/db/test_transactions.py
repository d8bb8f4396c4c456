"""Transactions on a real server: what they commit, what they refuse, and what their failures tell."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from datetime import timedelta

import asyncpg
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Column, MetaData, Table, func, insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared.db.engine import Database, create_engine
from shared.db.errors import sqlstate
from shared.db.locks import LockSession, advisory_lock
from shared.db.transactions import AnyTransaction, WriteTransaction
from shared.errors import Conflict, Unavailable
from shared.lake.copy_format import HEADER, TRAILER, copy_rows

READ_ONLY = "25006"
ANY_TEXT = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)
"""All that a text of PostgreSQL can be."""


async def count(tx: AnyTransaction, table: Table) -> int:
    return (await tx.connection.execute(select(func.count()).select_from(table))).scalar_one()


async def add(tx: WriteTransaction, notes: Table, *ids: str) -> None:
    await tx.connection.execute(insert(notes), [{"note_id": note_id, "words": "…"} for note_id in ids])


async def test_a_write_is_committed_at_the_edge(toy: Database, notes: Table) -> None:
    async with toy.write() as tx:
        await add(tx, notes, "a")
        async with toy.read() as other:
            assert await count(other, notes) == 0
    async with toy.read() as other:
        assert await count(other, notes) == 1


async def test_an_exception_rolls_everything_back(toy: Database, notes: Table) -> None:
    async def fail() -> None:
        async with toy.write() as tx:
            await add(tx, notes, "a")
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with toy.read() as other:
        assert await count(other, notes) == 0


async def test_a_cancelled_write_leaves_nothing(toy: Database, notes: Table) -> None:
    async def write() -> None:
        async with toy.write() as tx:
            await add(tx, notes, "a")
            await tx.connection.execute(text("SELECT pg_sleep(30)"))

    task = asyncio.create_task(write())
    await asyncio.sleep(0.2)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with toy.read() as other:
        assert await count(other, notes) == 0


async def test_a_read_transaction_cannot_write(toy: Database, notes: Table) -> None:
    async with toy.read() as warm:  # the same pooled connection is used as a writer in between
        await count(warm, notes)
    async with toy.write() as tx:
        await add(tx, notes, "a")
    with pytest.raises(DBAPIError) as caught:
        async with toy.read() as tx_read:
            await tx_read.connection.execute(insert(notes).values(note_id="b", words="…"))
    assert sqlstate(caught.value) == READ_ONLY


async def test_deadlock_is_a_conflict(toy: Database, notes: Table) -> None:
    async with toy.write() as tx:
        await add(tx, notes, "a", "b")
    both_hold_one = asyncio.Barrier(2)

    async def change(first: str, second: str) -> None:
        async with toy.write() as tx:
            await tx.connection.execute(notes.update().where(notes.c.note_id == first).values(words=first))
            await both_hold_one.wait()
            await tx.connection.execute(notes.update().where(notes.c.note_id == second).values(words=first))

    outcomes = await asyncio.gather(change("a", "b"), change("b", "a"), return_exceptions=True)
    conflicts = [outcome for outcome in outcomes if outcome is not None]
    assert [type(conflict) for conflict in conflicts] == [Conflict]
    assert "Process" not in str(conflicts[0])


async def test_a_broken_constraint_is_nobodys_outage(toy: Database, notes: Table) -> None:
    with pytest.raises(IntegrityError):
        async with toy.write() as tx:
            await add(tx, notes, "a", "a")


async def test_a_killed_connection_is_unavailable_and_the_next_transaction_works(
    toy: Database, toy_url: str, notes: Table
) -> None:
    async def write() -> None:
        async with toy.write() as tx:
            await add(tx, notes, "a")
            await terminate_all_others(toy_url)
            await count(tx, notes)

    with pytest.raises(Unavailable) as caught:
        await write()
    assert "terminating" not in str(caught.value)
    async with toy.read() as other:
        assert await count(other, notes) == 0


async def test_a_single_statement_is_committed_by_itself(toy: Database, notes: Table) -> None:
    await toy.run(f"INSERT INTO {notes.fullname} (note_id, words) SELECT unnest($1::text[]), $2", ["a", "b"], "…")
    async with toy.read() as tx:
        assert await count(tx, notes) == 2


async def test_a_single_statement_whose_connection_is_killed_is_unavailable_and_the_next_one_works(
    toy: Database, toy_url: str, notes: Table
) -> None:
    async def cut_soon() -> None:
        await asyncio.sleep(0.2)
        await terminate_all_others(toy_url)

    with pytest.raises(Unavailable):
        await asyncio.gather(toy.run("SELECT pg_sleep(30)"), cut_soon())
    await toy.run(f"INSERT INTO {notes.fullname} (note_id, words) VALUES ('a', '…')")
    async with toy.read() as tx:
        assert await count(tx, notes) == 1


async def test_connections_that_died_idle_are_replaced_unnoticed(toy: Database, toy_url: str, notes: Table) -> None:
    async with toy.write() as one, toy.write() as two:
        await add(one, notes, "a")
        await add(two, notes, "b")
    await terminate_all_others(toy_url)
    await asyncio.sleep(0.1)
    for _ in range(3):
        async with toy.read() as tx:
            assert await count(tx, notes) == 2


async def test_a_refused_connection_is_unavailable_without_address(notes: Table) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        database = Database(create_engine(f"postgresql://u:p@127.0.0.1:{port}/d", application_name="test"))
        with pytest.raises(Unavailable) as caught:
            await database.ping()
        await database.close()
    assert "127.0.0.1" not in str(caught.value)


async def test_a_statement_beyond_its_timeout_is_unavailable(toy_url: str) -> None:
    engine = create_engine(toy_url, application_name="test", statement_timeout=timedelta(milliseconds=50))
    with pytest.raises(Unavailable):
        async with Database(engine).read() as tx:
            await tx.connection.execute(text("SELECT pg_sleep(5)"))
    await engine.dispose()


async def test_copied_records_belong_to_the_transaction_even_before_its_first_statement(
    toy: Database, notes: Table
) -> None:
    async def fail() -> None:
        async with toy.write() as tx:
            assert await tx.copy_records(notes, ["note_id", "words"], [("a", "x"), ("b", "y")]) == 2
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with toy.write() as tx:
        assert await count(tx, notes) == 0
        await tx.copy_records(notes, ["note_id", "words"], [("a", "x")])
    async with toy.read() as other:
        assert await count(other, notes) == 1


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=20, deadline=None)
@given(rows=st.lists(st.tuples(ANY_TEXT, st.none() | ANY_TEXT, st.lists(ANY_TEXT, min_size=1)), max_size=20))
async def test_rows_copied_from_chunks_cut_anywhere_are_what_arrow_had(
    toy: Database, rows: list[tuple[str, str | None, list[str]]]
) -> None:
    names = ["word", "perhaps", "many"]
    schema = pa.schema([("word", pa.string()), ("perhaps", pa.string()), ("many", pa.list_(pa.string()))])
    batch = pa.RecordBatch.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)
    content = HEADER + copy_rows(batch.slice(0, 3)) + copy_rows(batch.slice(3)) + TRAILER
    made = Table("copied", MetaData(schema="toy"), *(Column(name) for name in names))

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 7):
            yield content[start : start + 7]

    async with toy.write() as tx:
        await tx.connection.execute(text("CREATE TABLE toy.copied (word text, perhaps text, many text[])"))
        assert await tx.copy_binary(made, names, chunks(), new=True) == len(rows)
        found = await tx.connection.execute(text("SELECT word, perhaps, many FROM toy.copied"))
        assert sorted(map(repr, map(tuple, found))) == sorted(map(repr, rows))
        await tx.connection.execute(text("DROP TABLE toy.copied"))


def test_only_texts_are_copied() -> None:
    with pytest.raises(TypeError, match="column n is int64"):
        copy_rows(pa.RecordBatch.from_pylist([{"n": 1}]))


async def test_a_bad_copy_fails_as_the_driver_says_and_writes_nothing(toy: Database, notes: Table) -> None:
    with pytest.raises(asyncpg.NotNullViolationError):
        async with toy.write() as tx:
            await tx.copy_records(notes, ["note_id", "words"], [("a", "x"), ("b", None)])
    async with toy.read() as other:
        assert await count(other, notes) == 0


async def test_json_goes_in_and_out_as_values(toy: Database) -> None:
    document = {"名": ["彩铃", 1, 2.5, None, True], "inner": {}}
    async with toy.read() as tx:
        stored = await tx.connection.execute(text("SELECT CAST(:d AS jsonb)"), {"d": json.dumps(document)})
        assert stored.scalar_one() == document


async def test_advisory_locks_are_taken_in_one_order_and_freed_at_the_end(toy: Database) -> None:
    entered = 0

    async def hold(keys: list[str]) -> None:
        nonlocal entered
        async with toy.write() as tx:
            await advisory_lock(tx, "owner", keys)
            entered += 1
            assert entered == 1
            await asyncio.sleep(0.001)
            entered -= 1

    forwards = [str(number) for number in range(20)]
    await asyncio.wait_for(asyncio.gather(*(hold(forwards[::step]) for step in (1, -1) * 3)), timeout=10)


async def test_locks_of_other_namespaces_do_not_wait(toy: Database) -> None:
    async with toy.write() as one, toy.write() as two:
        await advisory_lock(one, "owner", ["a"])
        await asyncio.wait_for(advisory_lock(two, "plan", ["a"]), timeout=5)


async def test_a_session_lock_has_one_holder_until_its_session_ends(toy: Database) -> None:
    async with toy.lock_session() as other:
        async with toy.lock_session() as session:
            assert await session.try_lock("run", "a")
            assert not await other.try_lock("run", "a")
            assert await other.try_lock("run", "b")
            await session.unlock("run", "a")
            assert await other.try_lock("run", "a")
            assert await session.try_lock("run", "c")
        assert await eventually_locks(other, "run", "c")


async def test_a_killed_lock_session_knows_that_it_lost_its_locks(toy: Database, toy_url: str) -> None:
    async with toy.lock_session() as session:
        assert await session.try_lock("run", "a")
        assert not session.lost.is_set()
        await terminate_all_others(toy_url)
        await asyncio.wait_for(session.lost.wait(), timeout=5)
        async with toy.lock_session() as other:
            assert await eventually_locks(other, "run", "a")


async def test_a_query_on_a_killed_lock_session_is_unavailable(toy: Database, toy_url: str) -> None:
    async def ask() -> None:
        async with toy.lock_session() as session:
            await terminate_all_others(toy_url)
            await session.try_lock("run", "b")

    with pytest.raises(Unavailable):
        await ask()


async def eventually_locks(session: LockSession, namespace: str, key: str) -> bool:
    """Try for up to 5 s: the server needs a moment to see that a connection was closed."""
    for _ in range(500):
        if await session.try_lock(namespace, key):
            return True
        await asyncio.sleep(0.01)
    return False


async def terminate_all_others(url: str) -> None:
    """Have the server cut every other connection of this role."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"
        )
    finally:
        await connection.close()
