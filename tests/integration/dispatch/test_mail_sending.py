"""Mail on its way out: how it looks on the wire, who is tried again, and what stops it."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from services.dispatch.channels.mail import MailChannel
from services.dispatch.channels.mail_watch import MailWatch
from services.dispatch.domain.plans import Plan
from services.dispatch.ports import Message, Verdict
from services.sandbox.mail.faults import MailFaults
from shared.clock import ManualClock
from shared.wire.mail.addresses import Purpose
from shared.wire.mail.listener import SmtpListener
from tests.factories.dispatch import MORNING, msisdn, target_row
from tests.integration.dispatch.mail_rig import PATIENCE, mail_account, mail_plan, mail_province_in, mail_worker
from tests.integration.dispatch.rig import Rig
from tests.integration.wire.waiting import eventually

ACCOUNT = mail_account(1, returns=2, pages=3)
LATER = MORNING + timedelta(hours=1)


def messages(count: int) -> list[Message]:
    return [Message(str(n), msisdn(n), "手机报", LATER, title="手机报", plan_id="p") for n in range(1, count + 1)]


class Recording:
    """A server's handler that keeps what it is told."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.envelopes.append(envelope)
        return "250 2.0.0 taken"


class ReportingHandler(Recording):
    """Of a server that says that it reports on deliveries."""

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        return [*responses[:-1], "250-DSN", responses[-1]]


def channel_at(port: int, **changes: object) -> MailChannel:
    account = replace(ACCOUNT, port=port, connections=1, **changes)  # type: ignore[arg-type]  # names of its own fields
    return MailChannel(account, MailWatch(PATIENCE), clock=ManualClock(MORNING))


@asynccontextmanager
async def channel_to(session: Callable[[], SMTP], **changes: object) -> AsyncIterator[MailChannel]:
    """Run a server and a channel that sends to it."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(SmtpListener(session, host="127.0.0.1", port=0))
        yield await stack.enter_async_context(channel_at(server.port, **changes))


async def test_each_mail_has_a_return_address_of_its_own_and_asks_for_no_reports_where_there_are_none() -> None:
    kept = Recording()
    async with channel_to(lambda: SMTP(kept, hostname="mx")) as channel:
        await eventually(lambda: channel.ready)
        batch = await channel.write(messages(3))
        assert [result.verdict for result in await batch.results()] == [Verdict.SENT] * 3
    assert batch.written == {"1", "2", "3"}
    for n, envelope in enumerate(kept.envelopes, start=1):
        assert envelope.rcpt_tos == [f"{msisdn(n)}@139.com"]
        assert envelope.mail_from == ACCOUNT.signer.address(Purpose.BOUNCE, str(n), envelope.rcpt_tos[0])
        assert [option.partition("=")[0] for option in envelope.mail_options] == ["SIZE"]


async def test_reports_are_asked_for_where_the_server_gives_them() -> None:
    asked: list[str] = []

    class Reporting(SMTP):
        """Knows the parameters of RFC 3461, which the library refuses."""

        async def smtp_MAIL(self, arg: str | None) -> None:  # noqa: N802 - aiosmtpd's name
            asked.append(f"{arg}")
            await super().smtp_MAIL(f"{arg}".partition(" ")[0])

        async def smtp_RCPT(self, arg: str | None) -> None:  # noqa: N802 - the same
            asked.append(f"{arg}")
            await super().smtp_RCPT(f"{arg}".partition(" ")[0])

    kept = ReportingHandler()
    async with channel_to(lambda: Reporting(kept, hostname="mx")) as channel:
        await eventually(lambda: channel.ready)
        await (await channel.write(messages(1))).results()
    assert asked[0].endswith(" RET=HDRS ENVID=1")
    assert asked[1] == f"TO:<{msisdn(1)}@139.com> NOTIFY=FAILURE,DELAY ORCPT=rfc822;{msisdn(1)}@139.com"
    assert len(kept.envelopes) == 1


async def test_a_full_mailbox_is_tried_again_after_longer_and_longer_rests(rig: Rig, tmp_path: Path) -> None:
    async with mail_province_in(tmp_path, rig.clock) as province:
        province.gateway.misbehave(MailFaults(full_first=2))
        plan = await rig.plan([target_row(1)], mail_plan())
        async with mail_worker(rig, province.account):
            await rig.until_states(plan, held=1)
            rig.clock.advance(timedelta(minutes=15))
            await rig.until(lambda: rested_again(rig, plan))
            rig.clock.advance(timedelta(hours=1))
            await rig.until_states(plan, sent=1)


async def rested_again(rig: Rig, plan: Plan) -> bool:
    """Whether the plan's only push is held for the second time."""
    async with rig.reading() as reading:
        (push,) = await reading.contacts.pushes(plan.plan_id, state=None, after_rank=0, limit=1, cities=None)
    return push.hold_until is not None and push.hold_until > rig.clock.now() + timedelta(minutes=30)


async def test_a_login_that_is_refused_stops_the_channel_and_is_named() -> None:
    def refuse(server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword) -> AuthResult:
        return AuthResult(success=False, handled=False)

    def session() -> SMTP:
        return SMTP(Recording(), hostname="mx", authenticator=refuse, auth_require_tls=False)

    async with channel_to(session, user="visavis", password="wrong") as channel:  # noqa: S106 - wrong on purpose
        await eventually(lambda: channel.notice.startswith("stopped: login refused: 535"))
        batch = await channel.write(messages(1))
        (result,) = await batch.results()
    assert (result.verdict, batch.written) == (Verdict.NOT_WRITTEN, frozenset())


async def test_nothing_is_said_in_the_clear_where_encryption_is_wanted() -> None:
    kept = Recording()
    async with channel_to(lambda: SMTP(kept, hostname="mx"), encryption="starttls") as channel:
        await eventually(lambda: "STARTTLS" in channel.notice.upper())
        assert not channel.ready
        await channel.write(messages(1))
    assert kept.envelopes == []


async def test_what_has_no_time_left_is_called_back_and_never_leaves(tmp_path: Path) -> None:
    async with mail_province_in(tmp_path, ManualClock(MORNING)) as province:
        async with channel_at(province.account.port, rate=20.0, write_within=0.3) as channel:
            await eventually(lambda: channel.ready)
            batch = await channel.write(messages(30))
            results = await batch.results()
        verdicts = {result.push_id: result.verdict for result in results}
        assert batch.written == {push_id for push_id, verdict in verdicts.items() if verdict is Verdict.SENT}
        assert 0 < len(batch.written) < 30
        assert set(verdicts.values()) == {Verdict.SENT, Verdict.NOT_WRITTEN}
        assert set(province.taken()) == {msisdn(int(push_id)) for push_id in batch.written}


async def test_a_number_that_is_none_is_refused_and_the_others_leave() -> None:
    async with channel_to(lambda: SMTP(Recording(), hostname="mx")) as channel:
        await eventually(lambda: channel.ready)
        wrong = replace(messages(1)[0], msisdn="12")
        late = replace(messages(2)[1], not_after=MORNING)
        results = await (await channel.write([wrong, late, messages(3)[2]])).results()
    assert [result.verdict for result in results] == [
        Verdict.REJECTED_RECIPIENT,
        Verdict.NOT_WRITTEN,
        Verdict.SENT,
    ]


async def test_a_gateway_that_falls_over_is_found_again(rig: Rig, tmp_path: Path) -> None:
    async with mail_province_in(tmp_path, rig.clock) as province:
        plan = await rig.plan([target_row(n) for n in range(1, 30)], mail_plan())

        async def begun() -> bool:
            return len(province.taken()) > 3

        async def over() -> bool:
            return set(await rig.states(plan)) <= {"sent", "indeterminate"}

        async with mail_worker(rig, replace(province.account, rate=100.0)):
            await rig.until(begun)
            province.gateway.cut_lines()
            await rig.until(over)
        assert set(province.taken().values()) == {1}
