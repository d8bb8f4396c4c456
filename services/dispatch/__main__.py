"""Wires dispatch: `python -m services.dispatch serve` answers, `… worker` loads plans and sends messages."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

import grpc
import typer

from services.dispatch.ports.channels import Line
from services.dispatch.ports.store import WorkOpener
from services.dispatch.settings import (
    ContactRuleSettings,
    DispatchServerSettings,
    MailSettings,
    SmsSettings,
    WapSettings,
    WorkerSettings,
)
from shared import process
from shared.clock import Clock, SystemClock
from shared.db.engine import Database, open_database
from shared.db.settings import DatabaseSettings, database_url
from shared.db.single_reads import open_single_reads
from shared.observability.settings import TelemetrySettings
from shared.observability.telemetry import configure
from shared.rpc import server

if TYPE_CHECKING:  # the server starts without the worker's modules
    from services.dispatch.worker.open_plans import OpenPlans
    from services.dispatch.worker.presence import Presence
    from services.dispatch.worker.process import WorkerParts
    from services.dispatch.worker.sender import MessageSender

_OTHER_CONNECTIONS = 8
"""What a worker needs besides those of its batches: for its plans, its key, its rounds, and for what gateways bring."""


app = typer.Typer(pretty_exceptions_enable=False)


@app.command()
def serve() -> None:
    """Answer RPCs until stopped."""
    with configure("dispatch", settings=TelemetrySettings()):
        process.run(_serve)


@app.command()
def worker() -> None:
    """Load plans, send messages and keep the ledger in order until stopped."""
    with configure("dispatch-worker", settings=TelemetrySettings()):
        process.run(_work)


async def _serve(stop: asyncio.Event) -> None:
    from visavis.dispatch.v1 import call_list_service_pb2_grpc as call_rpc
    from visavis.dispatch.v1 import contact_service_pb2_grpc as contact_rpc
    from visavis.dispatch.v1 import push_plan_service_pb2_grpc as plan_rpc

    from services.dispatch.channels.forms import forms_of
    from services.dispatch.channels.tracing import PushTraces
    from services.dispatch.postgres import reading_opener, work_opener
    from services.dispatch.postgres.records import ContactRecords
    from services.dispatch.servicer import SERVICE_NAMES
    from services.dispatch.servicer.calls import CallListServicer
    from services.dispatch.servicer.contacts import ContactServicer
    from services.dispatch.servicer.plans import PushPlanServicer

    clock, rules = SystemClock.from_environment(), ContactRuleSettings().rules()
    url = database_url(DatabaseSettings(), "dispatch")
    async with (
        open_database(url, application_name="visavis-dispatch") as database,
        open_single_reads(url, application_name="visavis-dispatch-desk") as reads,
    ):
        work, reading = work_opener(database), reading_opener(database)

        def register(to: grpc.aio.Server) -> None:
            plan_rpc.add_PushPlanServiceServicer_to_server(
                PushPlanServicer(work, reading, forms_of(SmsSettings(), WapSettings(), MailSettings()), clock), to
            )
            call_rpc.add_CallListServiceServicer_to_server(CallListServicer(work, PushTraces(), rules, clock), to)
            contact_rpc.add_ContactServiceServicer_to_server(
                ContactServicer(work, reading, ContactRecords(reads), rules, clock), to
            )

        await server.serve(
            DispatchServerSettings(),
            register=register,
            service_names=SERVICE_NAMES,
            checks={"postgres": database.ping},
            stop=stop,
        )


async def _work(stop: asyncio.Event) -> None:
    from services.dispatch.channels.opening import open_line
    from services.dispatch.clients import READING, ProfileSnapshots
    from services.dispatch.datasets import barred_customers
    from services.dispatch.postgres import receipt_keeper, work_opener
    from services.dispatch.worker.barring import ViewsFollower
    from services.dispatch.worker.incoming import StoredIncoming
    from services.dispatch.worker.process import run_worker
    from shared.lake.lake import Lake
    from shared.lake.settings import LakeSettings
    from shared.rpc.client import open_channel, reading_methods

    clock, settings = SystemClock.from_environment(), WorkerSettings()
    url = database_url(DatabaseSettings(), "dispatch")
    connections = _OTHER_CONNECTIONS + len(settings.channels) * (settings.dispatch_worker_batches + 1)
    async with (
        # A plan kept from when a push plan began, and there was no message yet, took half of all database time to match receipts.
        open_database(url, application_name="dispatch-worker", pool_size=connections, plans_kept=False) as database,
        open_channel(settings.profile_address, client_name="dispatch", retry=reading_methods(*READING)) as profile,
        AsyncExitStack() as closing,
        asyncio.TaskGroup() as tasks,
    ):
        lake, work = Lake(LakeSettings().root), work_opener(database)
        follower = ViewsFollower(ProfileSnapshots.on(profile), partial(barred_customers, lake), work)
        tasks.create_task(follower.run(stop))
        incoming = StoredIncoming(work, receipt_keeper(database), clock)
        lines = [await open_line(channel, incoming, clock=clock, closing=closing) for channel in settings.channels]
        await run_worker(_parts(database, lines, closing.aclose, settings, clock), stop)


def _parts(
    database: Database,
    lines: Sequence[Line],
    close: Callable[[], Awaitable[None]],
    settings: WorkerSettings,
    clock: Clock,
) -> "WorkerParts":
    from services.dispatch.datasets import Targets
    from services.dispatch.domain.plans import PLAN_KIND
    from services.dispatch.postgres import reading_opener, work_in, work_opener
    from services.dispatch.tables import RUNS
    from services.dispatch.worker.housekeeping import Housekeeping
    from services.dispatch.worker.loading import PlanLoader
    from services.dispatch.worker.open_plans import OpenPlans
    from services.dispatch.worker.presence import Presence
    from services.dispatch.worker.process import WorkerParts
    from services.dispatch.worker.recalls import Recaller
    from services.dispatch.worker.sender import notices_of
    from shared.lake.lake import Lake
    from shared.lake.settings import LakeSettings
    from shared.runs.worker import RunWorker

    work = work_opener(database)
    plans = OpenPlans(work)
    presence = Presence(database, work=work, plans=plans, clock=clock)
    senders = _senders(lines, presence, plans, work, clock)
    loader = PlanLoader(reading_opener(database), work_in, partial(Targets, Lake(LakeSettings().root)))
    runs = RunWorker(database=database, tables=RUNS, handlers={PLAN_KIND: loader.stages}, clock=clock)
    grace = timedelta(minutes=settings.dispatch_worker_call_grace_minutes)
    return WorkerParts(
        presence=presence,
        senders=senders,
        recallers=[Recaller(work, line.recalling, line.account, clock) for line in lines if line.recalling is not None],
        housekeeping=Housekeeping(work, lambda: notices_of(senders), grace, clock),
        load_plans=runs.run,
        close_channels=close,
        batches=settings.dispatch_worker_batches,
    )


def _senders(
    lines: Sequence[Line], presence: "Presence", plans: "OpenPlans", work: WorkOpener, clock: Clock
) -> "list[MessageSender]":
    from services.dispatch.channels.tracing import PushTraces
    from services.dispatch.worker.sender import MessageSender

    traces, rules = PushTraces(), ContactRuleSettings().rules()
    return [
        MessageSender(
            work=work,
            plans=plans,
            line=line,
            held=presence.held,
            worker_key=presence.worker_key,
            traces=traces,
            rules=rules,
            clock=clock,
        )
        for line in lines
    ]


if __name__ == "__main__":
    app()
