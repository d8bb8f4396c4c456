"""Lists loaded, indexed and switched in, beside a bare COPY of the same rows into a plain table of the same database."""

import asyncio
import statistics
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeAlias

import asyncpg

from services.recommendation.datasets.desk_pages import Chunk
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.postgres import PostgresSwitches
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs
from services.recommendation.worker import chunks_ahead
from shared.db.engine import Database, open_database
from shared.db.roles import service_url
from shared.lake.lake import Lake
from tests.bench.figures import Figure
from tests.databases import ROLE_SECRET, TestDatabases, running_server

ROUNDS = 5
CopyFormat: TypeAlias = Literal["text", "binary"]
_COPIED_BYTES = 1 << 20
_BARE = "CREATE TABLE recommendation.bare (customer_id text NOT NULL, msisdn text NOT NULL, list text NOT NULL)"
_ROWS = """
INSERT INTO recommendation.bare
SELECT key, CAST(entry AS json) ->> 0, entry FROM recommendation.desk_pages, unnest(keys, entries) AS row (key, entry)
"""


@dataclass(frozen=True)
class Ready:
    """The content of the lists: in pages as they are loaded, and row by row as a bare COPY takes it."""

    lists: bytes
    numbers: bytes
    text: bytes
    binary: bytes
    row_count: int


@dataclass(frozen=True)
class Round:
    """Customers a second, of each way to bring the same lists into PostgreSQL."""

    as_text: float
    as_binary: float
    loaded: float
    made_and_loaded: float


async def measure(lake: Lake, inputs: AssemblyInputs, assembled: AssembledLists, folder: Path) -> list[Figure]:
    """Alternate bare copies, in text and binary, with loads; each begins after a checkpoint and ends with its commit."""
    workshop = LakeWorkshop(lake)
    with running_server(folder / "postgres", durable=True) as address:
        name = await TestDatabases(address).migrated("recommendation")
        url = service_url(address.url(name), "recommendation", ROLE_SECRET)
        async with open_database(url, application_name="bench") as database:
            ready = await _made_ready(url, database, workshop, inputs, assembled)
            rounds = []
            for _ in range(ROUNDS):
                seconds = []
                for way in (
                    _bare_copy(url, ready.text, "text"),
                    _bare_copy(url, ready.binary, "binary"),
                    _load(database, _pieces(ready.lists), _pieces(ready.numbers)),
                    _load(database, *_made(workshop, inputs, assembled)),
                ):
                    await _checkpoint(address.url())
                    seconds.append(await way)
                rounds.append(Round(*(ready.row_count / spent for spent in seconds)))
    return _figures(rounds, len(ready.binary) / ready.row_count)


def _figures(rounds: Sequence[Round], row_bytes: float) -> list[Figure]:
    to_binary = statistics.median(one.loaded / one.as_binary for one in rounds)
    to_text = statistics.median(one.loaded / one.as_text for one in rounds)
    making = statistics.median(one.made_and_loaded / one.as_binary for one in rounds)
    loaded = [one.loaded for one in rounds]
    return [
        Figure(f"bare COPY of rows of {row_bytes:.0f} bytes, as text", [one.as_text for one in rounds], "rows/s"),
        Figure("bare COPY of the same, binary", [one.as_binary for one in rounds], "rows/s"),
        Figure("the same loaded, indexed, switched in", loaded, "rows/s", to_text, "the COPY as text"),
        Figure("the same loaded, indexed, switched in", loaded, "rows/s", to_binary, "the binary COPY"),
        Figure(
            "made of the lists, then as above",
            [one.made_and_loaded for one in rounds],
            "rows/s",
            making,
            "the binary COPY",
        ),
    ]


async def _made_ready(
    url: str, database: Database, workshop: LakeWorkshop, inputs: AssemblyInputs, assembled: AssembledLists
) -> Ready:
    """Make everything that is copied beforehand, so that only PostgreSQL is measured."""
    lists, numbers = workshop.desk_lists(assembled.lists, inputs.views), workshop.desk_numbers(assembled.lists)
    pages, number_pages = (b"".join(content for _, content in chunks) for chunks in (lists, numbers))
    await _load(database, _pieces(pages), _pieces(number_pages))
    async with _connected(url) as connection:
        await connection.execute(f"{_BARE}; {_ROWS}")
        rows = await connection.fetchval("SELECT count(*) FROM recommendation.bare")
        text, binary = await _copied_out(connection, "text"), await _copied_out(connection, "binary")
    return Ready(pages, number_pages, text, binary, rows)


async def _bare_copy(url: str, content: bytes, form: CopyFormat) -> float:
    """Copy into an empty table without index or constraint but NOT NULL; return the seconds."""
    async with _connected(url) as connection:
        await connection.execute(f"DROP TABLE IF EXISTS recommendation.bare; {_BARE}")
        begun = time.perf_counter()
        await connection.copy_to_table("bare", schema_name="recommendation", source=_pieces(content), format=form)
        return time.perf_counter() - begun


async def _copied_out(connection: "asyncpg.Connection[asyncpg.Record]", form: CopyFormat) -> bytes:
    pieces: list[bytes] = []

    async def keep(data: bytes) -> None:
        pieces.append(bytes(data))

    await connection.copy_from_table("bare", schema_name="recommendation", output=keep, format=form)
    return b"".join(pieces)


async def _load(database: Database, lists: AsyncIterator[bytes], numbers: AsyncIterator[bytes]) -> float:
    """Do what the worker's stages "switch in" and "drop old lists" do; return the seconds."""
    begun = time.perf_counter()
    switches = PostgresSwitches()
    async with database.write() as tx:
        await switches.switch_in(
            tx,
            run_id=str(uuid.uuid4()),
            cycle="2026-11",
            catalogue_id="made",
            switch_time=datetime(2026, 11, 9, tzinfo=UTC),
            lists=lists,
            numbers=numbers,
        )
    async with database.write() as tx:
        await switches.drop_old(tx)
    return time.perf_counter() - begun


def _made(workshop: LakeWorkshop, inputs: AssemblyInputs, assembled: AssembledLists) -> list[AsyncIterator[bytes]]:
    async def contents(chunks: Iterator[Chunk]) -> AsyncIterator[bytes]:
        async for _, content in chunks_ahead(chunks):
            yield content

    lists, numbers = workshop.desk_lists(assembled.lists, inputs.views), workshop.desk_numbers(assembled.lists)
    return [contents(lists), contents(numbers)]


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _COPIED_BYTES):
        yield content[start : start + _COPIED_BYTES]


async def _checkpoint(url: str) -> None:
    async with _connected(url) as connection:
        await connection.execute("CHECKPOINT")
    await asyncio.sleep(0.5)


@asynccontextmanager
async def _connected(url: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
