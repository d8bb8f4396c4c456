"""All SQL of dispatch; each transaction of a caller becomes one `Work` or `Reading`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.dispatch.ports.store import Reading, ReadingOpener, ReceiptKeeper, Work, WorkOpener
from services.dispatch.postgres.barred import BarredTable
from services.dispatch.postgres.calls import CallTable
from services.dispatch.postgres.claims import ClaimTable
from services.dispatch.postgres.contacts import ContactQueries
from services.dispatch.postgres.desk import DeskTable
from services.dispatch.postgres.events import EventTable
from services.dispatch.postgres.incoming import IncomingTables, KeptReceipts
from services.dispatch.postgres.leases import LeaseTable
from services.dispatch.postgres.ledger import LedgerTables
from services.dispatch.postgres.opt_outs import OptOutTable
from services.dispatch.postgres.plans import PlanQueries, PlanTable
from services.dispatch.postgres.push_records import PushRecordQueries
from services.dispatch.postgres.recalls import RecallTable
from services.dispatch.postgres.standing import StandingQueries
from shared.db.engine import Database
from shared.db.transactions import WriteTransaction


def work_in(tx: WriteTransaction) -> Work:
    """Return what may be changed within `tx`."""
    return Work(
        plans=PlanTable(tx),
        contacts=ContactQueries(tx),
        ledger=LedgerTables(tx),
        claims=ClaimTable(tx),
        leases=LeaseTable(tx),
        calls=CallTable(tx),
        barred=BarredTable(tx),
        desk=DeskTable(tx),
        opt_outs=OptOutTable(tx),
        incoming=IncomingTables(tx),
        recalls=RecallTable(tx),
        events=EventTable(tx),
    )


def work_opener(database: Database) -> WorkOpener:
    """Return what opens a transaction, and commits it when its body ends."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Work]:
        async with database.write() as tx:
            yield work_in(tx)

    return opened


def receipt_keeper(database: Database) -> ReceiptKeeper:
    """Return what keeps receipts by themselves."""
    return KeptReceipts(database)


def reading_opener(database: Database) -> ReadingOpener:
    """Return what opens a read-only transaction."""

    @asynccontextmanager
    async def opened() -> AsyncIterator[Reading]:
        async with database.read() as tx:
            yield Reading(
                plans=PlanQueries(tx),
                contacts=ContactQueries(tx),
                push_records=PushRecordQueries(tx),
                standings=StandingQueries(tx),
            )

    return opened
