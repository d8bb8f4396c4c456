"""The outbox under concurrent writers: no event is skipped, none comes twice, whatever commits when."""

import asyncio
import random

import pytest
from sqlalchemy import Table

from shared.db.engine import Database
from shared.db.outbox import START, Cursor, Cursors, Outbox, OutboxEvent, cursor_table, outbox_table
from shared.db.tables import schema_metadata
from shared.errors import InvalidInput


@pytest.fixture
def outbox() -> Outbox:
    return Outbox(outbox_table(schema_metadata("toy")))


@pytest.fixture
def cursors() -> Cursors:
    return Cursors(cursor_table(schema_metadata("toy")))


def event(key: str, topic: str = "notes") -> OutboxEvent:
    return OutboxEvent(topic, key, {"key": key, "words": ["彩铃", None]}, traceparent=f"trace of {key}")


async def read_from(database: Database, outbox: Outbox, after: Cursor, limit: int = 3) -> tuple[list[str], Cursor]:
    async with database.read() as tx:
        page = await outbox.read(tx, ["notes"], after=after, limit=limit)
    return [found.key for found in page.events], page.cursor


async def test_events_come_as_they_were_appended(toy: Database, outbox: Outbox) -> None:
    events = [event(str(number)) for number in range(5)]
    async with toy.write() as tx:
        await outbox.append(tx, [*events, event("of another topic", topic="other")])
        await outbox.append(tx, [])
    async with toy.read() as tx:
        page = await outbox.read(tx, ["notes"], after=START, limit=10)
        assert page.events == tuple(events)
        last = await outbox.read(tx, ["other", "notes"], after=page.cursor, limit=10)
        assert [found.key for found in last.events] == ["of another topic"]
        assert (await outbox.read(tx, ["notes", "other"], after=last.cursor, limit=10)).events == ()


async def test_an_event_waits_for_older_transactions_and_is_not_skipped(toy: Database, outbox: Outbox) -> None:
    async with toy.write() as slow:
        await outbox.append(slow, [event("begun first")])
        async with toy.write() as quick:
            await outbox.append(quick, [event("committed first")])
        keys, cursor = await read_from(toy, outbox, START)
        assert keys == []
    keys, _ = await read_from(toy, outbox, cursor)
    assert keys == ["begun first", "committed first"]


async def test_an_event_of_a_rolled_back_transaction_never_comes(toy: Database, outbox: Outbox) -> None:
    async def fail() -> None:
        async with toy.write() as tx:
            await outbox.append(tx, [event("undone")])
            raise LookupError

    with pytest.raises(LookupError):
        await fail()
    async with toy.write() as tx:
        await outbox.append(tx, [event("done")])
    assert (await read_from(toy, outbox, START))[0] == ["done"]


@pytest.mark.parametrize("seed", range(3))
async def test_every_committed_event_comes_exactly_once(toy: Database, outbox: Outbox, seed: int) -> None:
    noise = random.Random(seed)
    committed: list[str] = []
    writing = True

    async def write(writer: int) -> None:
        for number in range(12):
            keys = [f"{writer}/{number}/{part}" for part in range(noise.randint(1, 3))]
            try:
                async with toy.write() as tx:
                    await outbox.append(tx, [event(key) for key in keys])
                    await asyncio.sleep(noise.random() * 0.02)
                    if noise.random() < 0.2:
                        raise LookupError
            except LookupError:
                continue
            committed.extend(keys)

    async def follow() -> list[str]:
        seen: list[str] = []
        cursor = START
        while True:
            last_look = not writing
            keys, cursor = await read_from(toy, outbox, cursor, limit=noise.randint(1, 5))
            seen.extend(keys)
            if last_look and not keys:
                return seen

    followers = [asyncio.create_task(follow()) for _ in range(2)]
    await asyncio.gather(*(write(writer) for writer in range(5)))
    writing = False
    orders = await asyncio.gather(*followers)
    assert orders[0] == orders[1]
    assert sorted(orders[0]) == sorted(committed)
    assert len(committed) > 50


async def test_a_consumers_place_moves_with_its_effects_and_two_take_turns(
    toy: Database, outbox: Outbox, cursors: Cursors, notes: Table
) -> None:
    async with toy.write() as tx:
        await outbox.append(tx, [event(str(number)) for number in range(40)])

    async def consume(noise: random.Random) -> None:
        while True:
            try:
                async with toy.write() as tx:
                    place = await cursors.load(tx, "reader")
                    page = await outbox.read(tx, ["notes"], after=place, limit=4)
                    if not page.events:
                        return
                    effects = [{"note_id": found.key, "words": "seen"} for found in page.events]
                    await tx.connection.execute(notes.insert(), effects)
                    await cursors.save(tx, "reader", page.cursor)
                    if noise.random() < 0.3:
                        raise LookupError
            except LookupError:
                continue

    await asyncio.gather(*(consume(random.Random(seed)) for seed in range(3)))
    async with toy.read() as after:
        rows = (await after.connection.execute(notes.select())).all()
    assert sorted(int(row.note_id) for row in rows) == list(range(40))


@pytest.mark.parametrize("cursor", ["x", "1", "1:", ":1", "1:2:3", "-1:2", "1:2 ", "٣:1", "9" * 20 + ":1"])
async def test_a_cursor_of_somebody_elses_is_refused(toy: Database, outbox: Outbox, cursor: str) -> None:
    with pytest.raises(InvalidInput):
        await read_from(toy, outbox, Cursor(cursor))
