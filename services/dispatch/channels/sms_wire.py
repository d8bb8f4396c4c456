"""Translates between dispatch's messages and CMPP's PDUs; no I/O, no state."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog

from services.dispatch.ports import Message, Receipt, Reply, SendResult, Verdict
from shared.wire.cmpp.codec import decode_report
from shared.wire.cmpp.errors import DecodeError, FieldError
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.pdus import Deliver, Submit, SubmitResp
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.texts import decode_text, encode_ucs2
from shared.wire.cmpp.times import absolute_time, parse_report_time

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_REPORT = 1
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
    rate: float = 100.0
    """Messages a second that the contract allows."""
    limits: LinkLimits = field(default_factory=LinkLimits)
    write_within: float = 10.0
    """How long one batch may take to be written; what is not written by then is given back."""
    throttle_pause: float = 1.0
    """How long nothing is written after the gateway said that it is too busy."""
    retry_first: float = 0.5
    retry_longest: float = 30.0

    @property
    def credentials(self) -> Credentials:
        return Credentials(self.sp_id, self.secret)


def to_submit(message: Message, account: SmsAccount) -> Submit:
    """Return the SUBMIT that asks for a report and expires at `not_after`. Raises FieldError for what can never be sent."""
    number = national_number(message.msisdn)
    if number is None:
        raise FieldError("msisdn", "is no mobile number of eleven digits")
    return Submit(
        src_id=account.src_id,
        dest_terminal_ids=(number,),
        content=encode_ucs2(message.text),
        msg_src=account.sp_id,
        service_id=account.service_id,
        valid_time=absolute_time(message.not_after),
    )


def unsendable(message: Message, problem: FieldError) -> SendResult:
    """Return the verdict on a message that was never written because it cannot be."""
    verdict = Verdict.REJECTED_RECIPIENT if problem.field == "msisdn" else Verdict.REJECTED
    return SendResult(message.push_id, verdict, str(problem))


def from_response(push_id: str, response: SubmitResp) -> SendResult:
    """Return what a SUBMIT_RESP says about a message (Results of the specification, §8.4.3.2)."""
    match response.result:
        case 0:
            return SendResult(push_id, Verdict.SENT, "taken by the gateway", message_id_text(response.msg_id))
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
    """Return the messages of people among `delivers`: all that is no report, lest an opt-out be lost to an odd flag."""
    return [
        Reply(
            account=account,
            gateway_message_id=message_id_text(deliver.msg_id),
            msisdn=_msisdn(deliver.src_terminal_id),
            text=decode_text(deliver.content, deliver.msg_fmt, tp_udhi=deliver.tp_udhi),
        )
        for deliver in delivers
        if deliver.registered_delivery != _REPORT
    ]


def message_id_text(msg_id: int) -> str:
    """Return a Msg_Id as dispatch keeps it: sixteen hex digits."""
    return f"{msg_id:016x}"


def _msisdn(terminal_id: str) -> str:
    return national_number(terminal_id) or terminal_id
