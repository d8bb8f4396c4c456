"""What a mail server's answers mean for a push; no I/O, no state."""

from datetime import timedelta
from enum import StrEnum

from services.dispatch.channels.mail_letters import message_key
from services.dispatch.ports import Message, SendResult, Verdict
from shared.observability.masking import mask_text
from shared.wire.mail.errors import FieldError
from shared.wire.mail.replies import MailReply

_STRIKES = 3
_FIRST_REST, _LONGEST_REST = timedelta(minutes=15), timedelta(hours=12)
_BAD_ADDRESS_CODES = frozenset({550, 551, 553})
_GONE_SUBJECT, _MAILBOX_SUBJECT, _POLICY_SUBJECT = 1, 2, 7
_MAILBOX_FULL = (2, 2)


class Stage(StrEnum):
    """How far a mail had got when the server said something. A server answers for a mail from its end on, never before."""

    SENDER = "MAIL FROM"
    RECIPIENT = "RCPT TO"
    DATA = "DATA"
    END = "the end of the mail"


class Meaning(StrEnum):
    TAKEN = "taken"
    BUSY = "busy"
    """Not now, whoever the mail is for."""
    WAITING = "waiting"
    """Not now, for this recipient: a full mailbox, or a server that wants to see us come again."""
    NO_SUCH_ADDRESS = "no such address"
    REFUSED = "refused"
    """This mail, for good."""
    NOT_ALLOWED = "not allowed"
    """Every mail like this: the sender, the content or the account is not wanted."""
    CONFUSED = "confused"
    """An answer that fits no question: the line is out of step."""


def meaning_of(stage: Stage, reply: MailReply) -> Meaning:
    """Return what an answer means where it was given (RFC 5321, RFC 3463)."""
    match reply.code // 100:
        case 2:
            return Meaning.TAKEN if stage is Stage.END else Meaning.CONFUSED
        case 4:
            return _for_now(stage, reply)
        case 5:
            return _for_good(stage, reply)
        case _:
            return Meaning.CONFUSED


def _for_now(stage: Stage, reply: MailReply) -> Meaning:
    if stage is not Stage.RECIPIENT or reply.code == 421:
        return Meaning.BUSY
    if reply.status is None:
        return Meaning.WAITING if reply.code == 450 else Meaning.BUSY
    about_them = reply.status.subject in {_GONE_SUBJECT, _MAILBOX_SUBJECT, _POLICY_SUBJECT}
    return Meaning.WAITING if about_them else Meaning.BUSY


def _for_good(stage: Stage, reply: MailReply) -> Meaning:
    status, of_recipient = reply.status, stage is Stage.RECIPIENT
    about_us = status is not None and (status.subject == _POLICY_SUBJECT or status.is_about_sender)
    if stage is Stage.SENDER or about_us or reply.code in {530, 535}:
        return Meaning.NOT_ALLOWED
    if of_recipient and status is not None and (status.subject, status.detail) == _MAILBOX_FULL:
        return Meaning.WAITING
    if (status is not None and status.is_hard) or (of_recipient and reply.code in _BAD_ADDRESS_CODES):
        return Meaning.NO_SUCH_ADDRESS
    return Meaning.REFUSED


_PLAIN = {
    Meaning.TAKEN: (Verdict.SENT, "taken by the gateway"),
    Meaning.BUSY: (Verdict.THROTTLED, "the gateway is too busy"),
    Meaning.NO_SUCH_ADDRESS: (Verdict.REJECTED_RECIPIENT, "the gateway knows no such address"),
    Meaning.REFUSED: (Verdict.REJECTED, "refused by the gateway"),
}


def result_of(message: Message, stage: Stage, reply: MailReply) -> SendResult:
    """Return the verdict on a mail from the last answer about it."""
    said, meaning = mask_text(str(reply)), meaning_of(stage, reply)
    match meaning:
        case Meaning.WAITING:
            return _waiting(message, said)
        case Meaning.NOT_ALLOWED:
            detail = f"the gateway does not take our mail ({said} to {stage}): correct the account or the text"
            return SendResult(message.push_id, Verdict.REJECTED, detail, configuration_fault=True)
        case Meaning.CONFUSED:
            return lost(message, stage, f"an answer out of step ({said})")
        case _:
            verdict, words = _PLAIN[meaning]
            ids = (message_key(message.push_id),) if verdict is Verdict.SENT else ()
            dead = str(reply.status or reply.code) if meaning is Meaning.NO_SUCH_ADDRESS else ""
            return SendResult(message.push_id, verdict, f"{words} ({said})", ids, dead_address=dead)


def _waiting(message: Message, said: str) -> SendResult:
    if message.attempt >= _STRIKES:
        detail = f"not taken for this address at {message.attempt} attempts (the last: {said})"
        return SendResult(message.push_id, Verdict.REJECTED_RECIPIENT, detail)
    rest = min(_FIRST_REST * 4 ** (message.attempt - 1), _LONGEST_REST)
    return SendResult(message.push_id, Verdict.THROTTLED, f"not now for this address ({said})", again_after=rest)


def lost(message: Message, stage: Stage, why: str) -> SendResult:
    """Return the verdict on a mail whose line ended, or answered nonsense, when it had got so far."""
    if stage is Stage.END:
        detail = f"written to its end, but no answer came ({why}): it may have been sent"
        return SendResult(message.push_id, Verdict.INDETERMINATE, detail)
    return SendResult(message.push_id, Verdict.NOT_WRITTEN, f"not sent, the line ended at {stage}: {why}")


def unsendable(message: Message, problem: FieldError) -> SendResult:
    """Return the verdict on a mail that was never written because it cannot be."""
    verdict = Verdict.REJECTED_RECIPIENT if problem.field in {"msisdn", "recipient"} else Verdict.REJECTED
    return SendResult(message.push_id, verdict, str(problem))
