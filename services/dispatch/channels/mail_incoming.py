"""What comes back by mail: bounces, complaints, people's answers and their refusals; stored before it is acknowledged."""

import hashlib

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.channels.mail_letters import message_key
from services.dispatch.channels.mail_watch import MailWatch
from services.dispatch.ports import IncomingMessages, Receipt, Refusals, Reply
from shared.wire.mail.addresses import Purpose, SignedAddress
from shared.wire.mail.listener import SmtpListener
from shared.wire.mail.reports import Action, Complaint, DeliveryReport, PersonsWords, read_mail

log: structlog.stdlib.BoundLogger = structlog.get_logger()

SOURCE = "mail"
_MOST_OCTETS = 1_048_576
_IDLE_SECONDS = 60.0
_NOBODY = "<>"
_NOT_HERE = "550 5.1.1 no such mailbox here"
_ONE_AT_A_TIME = "452 4.5.3 one recipient at a time"
_LATER = "451 4.3.0 not stored, try again later"
_STORED = "250 2.0.0 stored"
_ENDS = {Action.FAILED: "", Action.DELIVERED: "DELIVRD"}


class IncomingMail:
    """Handler of the SMTP listener: takes mail for the addresses that we signed, and for no other."""

    def __init__(
        self, account: MailAccount, incoming: IncomingMessages, refusals: Refusals, *, watch: MailWatch
    ) -> None:
        self._account = account
        self._signer = account.signer
        self._incoming = incoming
        self._refusals = refusals
        self._watch = watch

    async def handle_RCPT(  # noqa: N802 - aiosmtpd calls it by this name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self._signer.read(address) is None:
            return _NOT_HERE
        if envelope.rcpt_tos:
            return _ONE_AT_A_TIME
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 go on"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - the same
        address = self._signer.read(envelope.rcpt_tos[0])
        content = envelope.content
        if address is None or not isinstance(content, bytes):
            return _NOT_HERE
        try:
            await self._take(address, content, from_nobody=envelope.mail_from in {"", _NOBODY, None})
        except Exception as failure:  # noqa: BLE001 - whatever it is, the other side keeps the mail and comes again
            log.warning("mail_not_stored", purpose=address.purpose, failure=type(failure).__name__)
            return _LATER
        return _STORED

    async def handle_exception(self, error: Exception) -> str:
        log.warning("mail_session_failed", failure=type(error).__name__)
        return _LATER

    async def _take(self, address: SignedAddress, content: bytes, *, from_nobody: bool) -> None:
        found = read_mail(content, from_nobody=from_nobody)
        match found:
            case DeliveryReport() if address.purpose is Purpose.BOUNCE:
                await self._take_report(address, found)
            case Complaint():
                await self._refuse(address, "mail_complaint")
            case PersonsWords() if address.purpose is Purpose.UNSUBSCRIBE:
                await self._refuse(address, SOURCE)
            case PersonsWords() if address.purpose is Purpose.REPLY:
                await self._incoming.on_reply(self._reply(address, found))
            case _:
                log.info("mail_passed_over", purpose=address.purpose, kind=type(found).__name__)

    async def _take_report(self, address: SignedAddress, report: DeliveryReport) -> None:
        if report.action not in _ENDS:
            return  # not yet, or not any more in the hands of those who tell
        status = _ENDS[report.action] or str(report.status)
        receipt = Receipt(
            account=self._account.name,
            gateway_message_id=message_key(address.attempt),
            msisdn=_number(address),
            status=status,
            submit_time=None,
            done_time=None,
            dead_push=address.attempt if report.action is Action.FAILED and report.status.is_hard else "",
        )
        await self._incoming.on_receipts([receipt])
        if report.action is Action.FAILED:
            self._watch.bounced(address.attempt, status)

    async def _refuse(self, address: SignedAddress, source: str) -> None:
        known = await self._refusals.on_refusal(address.attempt, source)
        if not known:
            log.warning("mail_refusal_of_unknown_push", source=source)

    def _reply(self, address: SignedAddress, words: PersonsWords) -> Reply:
        """Return what a person wrote. A mail that comes twice has the same Message-ID; one without it, the same words."""
        said = f"{address.attempt}\n{words.message_id or words.line}"
        return Reply(
            account=self._account.name,
            gateway_message_id=hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32],
            msisdn=_number(address),
            text=words.line,
            push_id=address.attempt,
            source=SOURCE,
        )


def incoming_mail_listener(handler: IncomingMail, account: MailAccount, *, host: str, port: int) -> SmtpListener:
    """Return the listener that a gateway, or a relay of ours, hands the mail of our domain to."""

    def session() -> SMTP:
        return SMTP(
            handler, hostname=account.domain, data_size_limit=_MOST_OCTETS, timeout=_IDLE_SECONDS, ident="ESMTP"
        )

    return SmtpListener(session, host=host, port=port)


def _number(address: SignedAddress) -> str:
    return address.recipient.partition("@")[0]
