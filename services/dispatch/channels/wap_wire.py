"""Translates between dispatch's messages and PAP's documents; no I/O, no state."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from services.dispatch.channels.watch import Heard, Patience, Terms
from services.dispatch.ports import Message, RecallAnswer, Receipt, SendResult, Verdict
from shared.wire.cmpp.terminals import national_number
from shared.wire.pap import documents
from shared.wire.pap.codes import Code, NextStep, is_address_fault, next_step
from shared.wire.pap.datagram import SI_CONTENT, short_messages, wsp_push
from shared.wire.pap.endpoints import Endpoint, HttpAnswer
from shared.wire.pap.errors import FieldError, UnreadableError
from shared.wire.pap.forms import number_in, plmn_address
from shared.wire.pap.indication import ServiceIndication
from shared.wire.pap.kannel import report_headers
from shared.wire.pap.messages import (
    BadMessageResponse,
    CancelResponse,
    MessageState,
    PapMessage,
    PushMessage,
    PushResponse,
    ResultNotification,
)
from shared.wire.pap.multipart import write_push
from shared.wire.pap.wbxml import encode_indication

TERMS = Terms("WAP pushes", too_busy="code 3000, 4000 or 4001, or HTTP 503", not_served="code 2002 or 2003")
DELIVERED = "DELIVRD"
_COUNTRY = "+86"
_LONGEST_ID = "9" * 19
_MOST_ATTEMPTS = 5
_FIRST_REST = timedelta(minutes=1)
_BUSY_STATUSES = frozenset({429, 503})
_ACCOUNT_STATUSES = frozenset({301, 302, 303, 307, 308, 401, 403, 404, 405, 407, 411, 413, 415})
"""HTTP's words for "not here, not you, not like this": the next push would fare the same."""
_ACCOUNT_CODES = frozenset({Code.BAD_REQUEST, Code.NOT_IMPLEMENTED, Code.VERSION_NOT_SUPPORTED})


class Reports(StrEnum):
    """How a gateway tells what became of a push."""

    NOTIFICATIONS = "notifications"
    KANNEL = "kannel"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class WapAccount:
    """One account at one push gateway, as the contract with the operator has it. Times are seconds of real time."""

    name: str
    endpoint: Endpoint
    gateway: str
    """Its name in the addresses of telephones."""
    initiator: str
    """Our name in the ids of pushes."""
    reports: Reports = Reports.NOTIFICATIONS
    reports_host: str = "127.0.0.1"
    reports_port: int = 0
    reports_url: str = ""
    """Where the gateway finds our listener; empty: at its host and port."""
    smsbox: str = ""
    """Which box of Kannel calls back."""
    rate: float = 100.0
    window: int = 16
    write_within: float = 4.0
    throttle_pause: float = 1.0
    retry_first: float = 0.5
    retry_longest: float = 30.0
    patience: Patience = field(default_factory=Patience)


@dataclass(frozen=True, slots=True)
class Written:
    """A push as it is POSTed."""

    wire_id: str
    content_type: str
    body: bytes
    headers: dict[str, str]


def wire_id_of(push_id: str, plan_id: str, initiator: str) -> str:
    """Return the push-id: the same whenever the push is tried, and no other push's, also of another installation."""
    return f"{push_id}.{plan_id}@{initiator}"


def to_push(message: Message, account: WapAccount, *, created: datetime, reports_url: str) -> Written:
    """Return the push that shows a message and asks to be told what became of it. Raises FieldError for what can never
    be sent."""
    wire_id = wire_id_of(message.push_id, message.plan_id, account.initiator)
    control = PushMessage(
        push_id=wire_id,
        addresses=(address_of(message.msisdn, account),),
        deliver_before_timestamp=message.not_after,
        source_reference=message.plan_id,
        ppg_notify_requested_to=reports_url if account.reports is Reports.NOTIFICATIONS else "",
    )
    indication = ServiceIndication(
        text=message.text,
        href=message.href,
        si_id=f"{message.push_id}@{account.initiator}",
        created=created,
        expires=message.offer_ends,
    )
    headers = {}
    if account.reports is Reports.KANNEL:
        headers = report_headers(reports_url, wire_id, smsbox=account.smsbox)
    return Written(wire_id, *write_push(control, indication), headers)


def address_of(msisdn: str, account: WapAccount) -> str:
    """Return a telephone's address at the gateway. Raises FieldError for what is no number."""
    number = national_number(msisdn)
    if number is None:
        raise FieldError("msisdn", "is no mobile number of eleven digits")
    return plmn_address(f"{_COUNTRY}{number}", account.gateway)


def count_parts(text: str, href: str, initiator: str) -> int:
    """Return as how many SMS a gateway brings a push, at most. Raises FieldError, a ValueError, for more than there can be."""
    day = datetime(2000, 12, 31, 23, 59, 59, tzinfo=UTC)
    longest = ServiceIndication(text, href, f"{_LONGEST_ID}@{initiator}", day, day + timedelta(seconds=1))
    return len(short_messages(wsp_push(encode_indication(longest), SI_CONTENT, transaction=0), reference=0))


def unsendable(message: Message, problem: FieldError) -> SendResult:
    """Return the verdict on a message that was never written because it cannot be."""
    verdict = Verdict.REJECTED_RECIPIENT if problem.field == "msisdn" else Verdict.REJECTED
    return SendResult(message.push_id, verdict, str(problem))


def verdict_on(message: Message, wire_id: str, answer: HttpAnswer) -> tuple[SendResult, Heard]:
    """Return what an answer says about the push of a message, and about the gateway. The verdict is in the document; the HTTP status
    counts only where there is none."""
    document, push_id = _document(answer), message.push_id
    if isinstance(document, PushResponse) and document.push_id == wire_id and 1000 <= document.code < 6000:
        return _from_code(message, wire_id, document.code, "")
    if isinstance(document, BadMessageResponse):
        return _from_code(message, wire_id, document.code, " of a document that it could not read")
    if document is None and answer.status in _BUSY_STATUSES:
        return SendResult(push_id, Verdict.THROTTLED, f"the gateway is too busy (HTTP {answer.status})"), Heard.BUSY
    if document is None and answer.status in _ACCOUNT_STATUSES:
        why = f"the gateway refuses the account or its address (HTTP {answer.status}): correct the settings"
        return SendResult(push_id, Verdict.REJECTED, why, configuration_fault=True), Heard.REFUSED
    why = f"written, and answered by what says nothing about it (HTTP {answer.status}): it may have been sent"
    return SendResult(push_id, Verdict.INDETERMINATE, why, (wire_id,)), Heard.UNREADABLE


def unanswered(push_id: str, wire_id: str, why: str) -> SendResult:
    """Return the verdict on a push that was written and not answered; its id is ours, so that a late report finds it."""
    return SendResult(push_id, Verdict.INDETERMINATE, f"written, but {why}: it may have been sent", (wire_id,))


def recall_answer(answer: HttpAnswer) -> RecallAnswer:
    """Return what an answer to a cancel-message says."""
    document = _document(answer)
    match document:
        case CancelResponse() if any(1000 <= result.code < 2000 for result in document.results):
            return RecallAnswer.TAKEN_BACK
        case CancelResponse() | BadMessageResponse():
            return RecallAnswer.TOO_LATE
        case _:
            return RecallAnswer.UNKNOWN


def to_receipt(told: ResultNotification, account: str) -> Receipt | None:
    """Return what became of a push for good; None where the address is no telephone's."""
    number = national_number(number_in(told.address) or "")
    return None if number is None else receipt_of(account, told.push_id, number, told.message_state)


def receipt_of(account: str, wire_id: str, msisdn: str, state: MessageState) -> Receipt:
    """Return a receipt of one final state."""
    status = DELIVERED if state is MessageState.DELIVERED else state.value
    return Receipt(account, wire_id, msisdn, status, submit_time=None, done_time=None)


def _document(answer: HttpAnswer) -> PapMessage | None:
    try:
        return documents.read(answer.body)
    except UnreadableError:
        return None


def _from_code(message: Message, wire_id: str, code: int, about: str) -> tuple[SendResult, Heard]:
    told, push_id = f"(code {code}{about})", message.push_id
    if code == Code.DUPLICATE_PUSH_ID:
        return SendResult(push_id, Verdict.SENT, f"the gateway had taken it before {told}", (wire_id,)), Heard.TAKEN
    if is_address_fault(code):
        why = f"the gateway does not serve this number {told}"
        return SendResult(push_id, Verdict.REJECTED_RECIPIENT, why), Heard.NUMBER_REFUSED
    if code in _ACCOUNT_CODES:
        why = f"the gateway does not understand our pushes {told}: correct the settings"
        return SendResult(push_id, Verdict.REJECTED, why, configuration_fault=True), Heard.REFUSED
    match next_step(code):
        case NextStep.NONE:
            return SendResult(push_id, Verdict.SENT, "taken by the gateway", (wire_id,)), Heard.TAKEN
        case NextStep.AGAIN:
            return _put_off(message, code), Heard.BUSY
        case NextStep.NEVER:
            return SendResult(push_id, Verdict.REJECTED, f"refused by the gateway {told}"), Heard.REFUSED


def _put_off(message: Message, code: int) -> SendResult:
    """Return the verdict on a push that may be tried again: with all others soon where the gateway is too busy, else by
    itself and not for ever, lest one that never passes goes round."""
    if code == Code.SERVICE_UNAVAILABLE:
        return SendResult(message.push_id, Verdict.THROTTLED, f"the gateway is too busy (code {code})")
    if message.attempt >= _MOST_ATTEMPTS:
        why = f"the gateway failed at it {message.attempt} times (the last: code {code})"
        return SendResult(message.push_id, Verdict.REJECTED, why)
    rest = _FIRST_REST * 4 ** (message.attempt - 1)
    return SendResult(message.push_id, Verdict.THROTTLED, f"the gateway failed at it (code {code})", again_after=rest)
