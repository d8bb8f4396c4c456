"""Lets the simulated world live: its gateways, its call platform, its WAP pages and its BOSS, in one process."""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack, closing, suppress
from functools import partial

import structlog
from visavis.dispatch.v1 import call_list_service_pb2, push_plan_service_pb2
from visavis.dispatch.v1.call_list_service_pb2_grpc import CallListServiceStub
from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceStub
from visavis.feedback.v1.feedback_service_pb2_grpc import FeedbackServiceStub

from services.sandbox.audience import TasteAudience, TastePushAudience
from services.sandbox.boss import Boss
from services.sandbox.dialer import Dialer, Pace
from services.sandbox.dialled import CallJournal
from services.sandbox.faults import MAIL_ORDERS, SMS_ORDERS, WAP_ORDERS, FaultsFile
from services.sandbox.gateway.admission import GatewayAccount
from services.sandbox.gateway.journal import Journal
from services.sandbox.gateway.server import Gateway
from services.sandbox.mail.journal import MailJournal
from services.sandbox.mail.server import MailGateway
from services.sandbox.ppg.journal import PushJournal
from services.sandbox.ppg.server import PpgAccount, PushGateway
from services.sandbox.readers import TasteReaders
from services.sandbox.rounds import Party, StartedPlans, go_round
from services.sandbox.settings import SandboxSettings
from services.sandbox.wap_hall import WapHall
from services.sandbox.world.oracle import Oracle
from shared.clock import Clock
from shared.errors import Failure
from shared.process import spare_from_collection
from shared.rpc.client import open_channel, reading_methods
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_PLANS = push_plan_service_pb2.DESCRIPTOR.services_by_name["PushPlanService"]
_CALLS = call_list_service_pb2.DESCRIPTOR.services_by_name["CallListService"]
_OPT_OUT = "TD"
_PAUSES = 2
"""So many pauses of a party old is what they know of plans, at most."""
_REPEATABLE = (
    *reading_methods(_PLANS),
    f"{_CALLS.full_name}/LeaseCalls",
    f"{_CALLS.full_name}/RenewLease",
    f"{_CALLS.full_name}/ReleaseLease",
    f"{_CALLS.full_name}/ReportCallResults",
)
"""A lease bears a request id, and results are taken once however often they are told."""


async def serve(settings: SandboxSettings, oracle: Oracle, *, clock: Clock, stop: asyncio.Event) -> None:
    """Run until `stop`. Raises OSError if a gateway's port is taken."""
    async with (
        open_channel(settings.dispatch_address, client_name="sandbox", retry=_REPEATABLE) as dispatch,
        open_channel(settings.feedback_address, client_name="sandbox") as feedback,
        AsyncExitStack() as closing_gateways,
    ):
        plans = StartedPlans(PushPlanServiceStub(dispatch), seconds=_PAUSES * settings.sandbox_poll_seconds)
        outcomes = FeedbackServiceStub(feedback)
        gateway = await _sms_gateway(settings, oracle, clock, closing_gateways)
        refuse = partial(gateway.post_reply, settings.sandbox_sp_id, text=_OPT_OUT)
        hall = WapHall(oracle=oracle, plans=plans, feedback=outcomes, clock=clock, refuse=refuse)
        people = TastePushAudience(oracle, open_page=hall.open_page, refuse=refuse)
        push_gateway = await _push_gateway(settings, people, clock, closing_gateways)
        mails = await _mail_gateway(settings, oracle, clock, closing_gateways)
        dialer = Dialer(
            oracle=oracle,
            plans=plans,
            calls=CallListServiceStub(dispatch),
            journal=closing_gateways.enter_context(closing(CallJournal(settings.call_journal))),
            clock=clock,
            pace=_pace(settings),
        )
        parties: dict[str, Party] = {
            "dialer": dialer,
            "boss": Boss(oracle=oracle, plans=plans, feedback=outcomes, clock=clock),
            "wap_hall": hall,
            "faults": FaultsFile(settings.faults, SMS_ORDERS, gateway.misbehave),
            "push_faults": FaultsFile(settings.push_faults, WAP_ORDERS, push_gateway.misbehave),
            "mail_faults": FaultsFile(settings.mail_faults, MAIL_ORDERS, mails.misbehave),
        }
        log.info("sandbox_ready", gateway_port=gateway.port, push_gateway_port=push_gateway.port, mail_port=mails.port)
        await _work(parties, settings.sandbox_poll_seconds, stop)
        with suppress(Failure):  # else the calls come back when their lease ends
            await dialer.release()


async def _sms_gateway(settings: SandboxSettings, oracle: Oracle, clock: Clock, stack: AsyncExitStack) -> Gateway:
    journal = stack.enter_context(closing(Journal(settings.journal)))
    gateway = Gateway(
        [_account(settings)], TasteAudience(oracle), journal=journal, clock=clock, port=settings.sandbox_gateway_port
    )
    return await stack.enter_async_context(gateway)


async def _push_gateway(
    settings: SandboxSettings, people: TastePushAudience, clock: Clock, stack: AsyncExitStack
) -> PushGateway:
    journal = stack.enter_context(closing(PushJournal(settings.push_journal)))
    account = PpgAccount(settings.sandbox_ppg_username, settings.sandbox_ppg_password.get_secret_value())
    gateway = PushGateway(account, people, journal=journal, clock=clock, port=settings.sandbox_ppg_port)
    return await stack.enter_async_context(gateway)


async def _mail_gateway(settings: SandboxSettings, oracle: Oracle, clock: Clock, stack: AsyncExitStack) -> MailGateway:
    journal = stack.enter_context(closing(MailJournal(settings.mail_journal)))
    gateway = MailGateway(
        TasteReaders(oracle),
        journal=journal,
        clock=clock,
        return_port=settings.dispatch_mail_returns_port,
        port=settings.sandbox_mail_port,
    )
    return await stack.enter_async_context(gateway)


async def _work(parties: Mapping[str, Party], pause_seconds: float, stop: asyncio.Event) -> None:
    """Let each go round until `stop`. A party that fails for a reason of ours ends the process, which is started again."""
    spare_from_collection()
    stopping = asyncio.create_task(stop.wait())
    going = [
        asyncio.create_task(go_round(name, party.round, pause_seconds=pause_seconds)) for name, party in parties.items()
    ]
    done, pending = await asyncio.wait([stopping, *going], return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    await asyncio.gather(*pending, return_exceptions=True)
    for task in done:
        task.result()


def _account(settings: SandboxSettings) -> GatewayAccount:
    return GatewayAccount(
        sp_id=settings.sandbox_sp_id,
        secret=settings.sandbox_sp_secret.get_secret_value(),
        service_id=settings.sandbox_service_id,
        src_id=settings.sandbox_src_id,
        version=Version.CMPP_3 if settings.sandbox_sp_version == "3.0" else Version.CMPP_2,
    )


def _pace(settings: SandboxSettings) -> Pace:
    return Pace(
        agents=settings.sandbox_agents,
        call_seconds=settings.sandbox_call_seconds,
        lease_seconds=settings.sandbox_lease_seconds,
        call_back_seconds=settings.sandbox_call_back_seconds,
    )
