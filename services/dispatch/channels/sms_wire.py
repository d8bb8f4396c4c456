"""Translates between dispatch's messages and CMPP's PDUs; no I/O, no state."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from services.dispatch.channels.watch import Heard, Patience
from services.dispatch.ports import Message, Receipt, Reply, SendResult, Verdict
from shared.wire.cmpp.codec import decode_report
from shared.wire.cmpp.errors import DecodeError, FieldError
from shared.wire.cmpp.headers import split_header
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.parts import References, to_submits
from shared.wire.cmpp.pdus import Deliver, Submit, SubmitResp
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.texts import decode_text
from shared.wire.cmpp.times import absolute_time, parse_report_time
from shared.wire.cmpp.versions import Version

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_REPORT = 1
_NO_ANSWER = "written, but no answer before the time limit or the end of the line: it may have been sent"
_INTERMEDIATE_STATUS = "ACCEPTD"
_CONFIGURATION_FAULTS = {
    1: "message structure",
    2: "command word",
    4: "message length",
    5: "fee code",
    6: "message too long",
    7: "service code (service_id)",
    10: "source number (src_id)",
    11: "SP id of the message (sp_id)",
    12: "fee number",
}
_HEARD = {0: Heard.TAKEN, 8: Heard.BUSY, 13: Heard.NUMBER_REFUSED}
_OTHER_REFUSALS = {3: "duplicate sequence number", 9: "the gateway does not serve this fee number"}


@dataclass(frozen=True, slots=True)
class SmsAccount:
    """One account at one gateway, as the contract with the operator has it. Times are seconds of real time."""

    name: str
    host: str
    port: int
    sp_id: str
    secret: str = field(repr=False)
    service_id: str
    src_id: str
    version: Version = Version.CMPP_2
    """The highest to speak; the gateway may talk it down."""
    demand_proof: bool = False
    """Whether a gateway that does not prove that it knows the secret is left alone."""
    rate: float = 100.0
    """Messages a second that the contract allows; each part of a long text is one."""
    limits: LinkLimits = field(default_factory=LinkLimits)
    write_within: float = 10.0
    """How long one batch may take to be written; what is not written by then is given back."""
    rest_within: float = 2.0
    """How much longer it may take, for the sake of a message of which a part has left."""
    throttle_pause: float = 1.0
    """How long nothing is written after the gateway said that it is too busy."""
    retry_first: float = 0.5
    retry_longest: float = 30.0
    patience: Patience = field(default_factory=Patience)

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.sp_id, self.secret, self.version, self.demand_proof)


def to_submits_of(message: Message, account: SmsAccount, references: References) -> tuple[Submit, ...]:
    """Return the SUBMITs that ask for a report and expire at `not_after`, one for each part of the text.

    Raises FieldError for what can never be sent.
    """
    number = national_number(message.msisdn)
    if number is None:
        raise FieldError("msisdn", "is no mobile number of eleven digits")
    template = partial(
        Submit,
        src_id=account.src_id,
        dest_terminal_ids=(number,),
        msg_src=account.sp_id,
        service_id=account.service_id,
        valid_time=absolute_time(message.not_after),
    )
    return to_submits(template, message.text, reference=partial(references.next_for, account.src_id, number))


def unsendable(message: Message, problem: FieldError) -> SendResult:
    """Return the verdict on a message that was never written because it cannot be."""
    verdict = Verdict.REJECTED_RECIPIENT if problem.field == "msisdn" else Verdict.REJECTED
    return SendResult(message.push_id, verdict, str(problem))


def from_answers(push_id: str, answers: Sequence[SubmitResp | None], *, parts: int) -> SendResult:
    """Return what the answers to the written parts of a message, None where there was none, say about all of its `parts`.

    Sent if each was taken; not sent if each that was written was refused; else nobody knows what the telephone shows.
    """
    results = [_from_answer(push_id, answer) for answer in answers]
    taken = tuple(message_id for result in results for message_id in result.gateway_message_ids)
    if len(taken) == parts:
        return replace(results[0], gateway_message_ids=taken)
    if all(answer is not None and answer.result != 0 for answer in answers):
        return results[0]
    first = next((result for result in results if result.verdict is not Verdict.SENT), None)
    why = first.detail if first else "the rest could not be written in time"
    if parts > 1:
        why = f"{len(taken)} of {parts} parts were taken by the gateway, and the rest is not sent any more: {why}"
    return SendResult(push_id, Verdict.INDETERMINATE, why, taken, any(result.configuration_fault for result in results))


def _from_answer(push_id: str, response: SubmitResp | None) -> SendResult:
    """Return what a SUBMIT_RESP says about its part (Results of the specification, §8.4.3.2)."""
    if response is None:
        return SendResult(push_id, Verdict.INDETERMINATE, _NO_ANSWER)
    match response.result:
        case 0:
            return SendResult(push_id, Verdict.SENT, "taken by the gateway", (message_id_text(response.msg_id),))
        case _ if is_throttled(response):
            return SendResult(push_id, Verdict.THROTTLED, "the gateway is too busy (Result 8)")
        case 13:
            return SendResult(push_id, Verdict.REJECTED_RECIPIENT, "the gateway does not serve this number (Result 13)")
        case fault if fault in _CONFIGURATION_FAULTS:
            detail = f"the gateway refuses the account's {_CONFIGURATION_FAULTS[fault]} (Result {fault}): correct the settings"
            return SendResult(push_id, Verdict.REJECTED, detail, configuration_fault=True)
        case other:
            reason = _OTHER_REFUSALS.get(other, "reason of the vendor's own")
            return SendResult(push_id, Verdict.REJECTED, f"refused by the gateway: {reason} (Result {other})")


def is_throttled(response: SubmitResp) -> bool:
    """Whether the gateway asks for a rest."""
    return response.result == 8


def heard_in(response: SubmitResp) -> Heard:
    """Return what an answer says about the gateway."""
    return _HEARD.get(response.result, Heard.REFUSED)


def to_receipts(delivers: Sequence[Deliver], account: str) -> list[Receipt]:
    """Return the final reports among `delivers`; what cannot be read is logged and left out, since asking again for it
    would bring the same octets."""
    receipts = []
    for deliver in delivers:
        if deliver.registered_delivery != _REPORT:
            continue
        try:
            report = decode_report(deliver.content)
        except DecodeError as unreadable:
            log.warning("sms_report_unreadable", account=account, problem=str(unreadable))
            continue
        if report.stat == _INTERMEDIATE_STATUS:
            continue
        receipt = Receipt(
            account=account,
            gateway_message_id=message_id_text(report.msg_id),
            msisdn=_msisdn(report.dest_terminal_id),
            status=report.stat,
            submit_time=parse_report_time(report.submit_time),
            done_time=parse_report_time(report.done_time),
        )
        receipts.append(receipt)
    return receipts


def to_replies(delivers: Sequence[Deliver], account: str) -> list[Reply]:
    """Return the messages of people among `delivers` that are no parts of longer ones: all that is no report, lest an
    opt-out be lost to an odd flag."""
    return [
        to_reply(deliver, decode_text(deliver.content, deliver.msg_fmt, tp_udhi=deliver.tp_udhi), account)
        for deliver in delivers
        if deliver.registered_delivery != _REPORT and not is_part(deliver)
    ]


def is_part(deliver: Deliver) -> bool:
    """Whether a customer's message is one of several that make up a text."""
    if deliver.registered_delivery == _REPORT or not deliver.tp_udhi & 1:
        return False
    part, _ = split_header(deliver.content)
    return part is not None and part.total > 1


def to_reply(deliver: Deliver, text: str, account: str) -> Reply:
    """Return a customer's text, which began with `deliver`."""
    return Reply(
        account=account,
        gateway_message_id=message_id_text(deliver.msg_id),
        msisdn=_msisdn(deliver.src_terminal_id),
        text=text,
    )


def message_id_text(msg_id: int) -> str:
    """Return a Msg_Id as dispatch keeps it: sixteen hex digits."""
    return f"{msg_id:016x}"


def _msisdn(terminal_id: str) -> str:
    return national_number(terminal_id) or terminal_id
