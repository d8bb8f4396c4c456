"""A toy service whose runs square the numbers below n, in stages that leave files, rows and outputs."""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from sqlalchemy import Column, Table, Text, insert

from shared.db.tables import schema_metadata
from shared.jsontypes import JsonObject
from shared.runs.stages import Stage, StageContext
from shared.runs.tables import RunTables, runs_tables

MIGRATIONS = Path(__file__).parent / "toy"
SERVICE = "toyruns"
KIND = "squares"


def toy_tables() -> tuple[RunTables, Table]:
    """Return the run tables, and `effects`: one row each time that a stage's transaction took effect."""
    metadata = schema_metadata(SERVICE)
    return runs_tables(metadata), Table("effects", metadata, Column("run_id", Text), Column("stage", Text))


def toy_handlers(folder: Path, *, pause: float) -> Mapping[str, Sequence[Stage]]:
    """Return stages that take about `pause` seconds each."""
    _, effects = toy_tables()

    async def take_effect(context: StageContext, stage: str) -> None:
        tx = await context.transaction()
        await tx.connection.execute(insert(effects).values(run_id=context.run.run_id, stage=stage))
        await asyncio.sleep(pause / 3)  # time to be killed in, before the commit

    async def square(context: StageContext) -> JsonObject:
        count = asked_number(context)
        for number in range(count):
            await context.progress(number, count)
            await asyncio.sleep(pause / count)
        path = folder / f"{context.run.run_id}.json"
        publish(path, json.dumps([number**2 for number in range(count)]))
        await take_effect(context, "square")
        return {"file": path.name}

    async def add(context: StageContext) -> JsonObject:
        squares = json.loads((folder / str(context.outputs["square"]["file"])).read_text())
        await asyncio.sleep(pause / 2)
        await take_effect(context, "add")
        return {"sum": sum(squares)}

    async def report(context: StageContext) -> JsonObject:
        await asyncio.sleep(pause / 2)
        await context.progress(1, 1)
        return {"sum": context.outputs["add"]["sum"], "stages": sorted(context.outputs)}

    return {KIND: [Stage("square", square), Stage("add", add), Stage("report", report)]}


def asked_number(context: StageContext) -> int:
    count = context.run.request["count"]
    assert isinstance(count, int)
    return count


def publish(path: Path, text: str) -> None:
    aside = path.with_suffix(f".{secrets.token_hex(4)}")
    aside.write_text(text)
    aside.replace(path)
