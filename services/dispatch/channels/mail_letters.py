"""From a push's message to the octets of its mail: text and page, subject, and the ways back; no I/O."""

import html
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from services.dispatch.channels.mail_account import MailAccount
from services.dispatch.ports import Message
from shared.wire.cmpp.terminals import national_number
from shared.wire.mail.addresses import Purpose
from shared.wire.mail.compose import Letter, compose
from shared.wire.mail.errors import FieldError

_MARK = "广告："
"""Commercial mail says so first thing in its subject (MII Order 38, Art. 13)."""

_UNSUBSCRIBE = "不想再收到这类邮件？退订："
_PAGE = """\
<!DOCTYPE html>
<html lang="zh-CN">
<head><meta charset="utf-8"><title>{title}</title></head>
<body style="margin:0;padding:24px;font:16px/1.6 sans-serif;color:#222">
<h1 style="font-size:20px">{title}</h1>
{paragraphs}
<p style="font-size:13px;color:#666">不想再收到这类邮件？<a href="{unsubscribe}">退订</a></p>
</body>
</html>
"""


@dataclass(frozen=True, slots=True)
class Envelope:
    """One mail, ready to leave: from and to whom, as the servers on the way have it, and its octets."""

    push_id: str
    sender: str
    recipient: str
    content: bytes


def message_key(push_id: str) -> str:
    """Return the id under which the ledger keeps a mail: the same at each attempt of its push."""
    return f"mail-{push_id}"


def envelope_of(message: Message, account: MailAccount, *, now: datetime) -> Envelope:
    """Return the mail of a message. Raises FieldError for what can never be sent, of the field `msisdn` if it is the number."""
    number = national_number(message.msisdn)
    if number is None:
        raise FieldError("msisdn", "is no mobile number of eleven digits")
    recipient = f"{number}@{account.customer_domain}"
    ways = {purpose: account.signer.address(purpose, message.push_id, recipient) for purpose in Purpose}
    link = unsubscribe_link(message.push_id, account)
    letter = Letter(
        sender_name=account.sender_name,
        sender=f"{account.sender}@{account.domain}",
        recipient=recipient,
        reply_to=ways[Purpose.REPLY],
        subject=f"{_MARK}{message.title}",
        text=_text(message, link),
        html=_page(message, link),
        message_id=f"{message.push_id}.{message.plan_id}@{account.domain}",
        sent_at=now,
        unsubscribe_link=link,
        unsubscribe_address=ways[Purpose.UNSUBSCRIBE],
        list_name=account.sender_name,
        list_id=f"{message.plan_id}.{account.domain}",
        feedback_id=f"{message.plan_id}:mail:visavis:{account.domain}",
    )
    return Envelope(message.push_id, ways[Purpose.BOUNCE], recipient, compose(letter))


def unsubscribe_link(push_id: str, account: MailAccount) -> str:
    """Return the link that ends marketing to whoever got the mail of a push."""
    return f"{account.unsubscribe_url}?t={quote(account.signer.token(push_id))}"


def _text(message: Message, unsubscribe: str) -> str:
    parts = [message.text, *([message.href] if message.href else []), f"{_UNSUBSCRIBE}{unsubscribe}"]
    return "\n\n".join(parts) + "\n"


def _page(message: Message, unsubscribe: str) -> str:
    paragraphs = [_paragraph(block) for block in message.text.split("\n\n") if block.strip()]
    if message.href:
        paragraphs.append(f'<p><a href="{html.escape(message.href)}">查看详情</a></p>')
    return _PAGE.format(
        title=html.escape(message.title), paragraphs="\n".join(paragraphs), unsubscribe=html.escape(unsubscribe)
    )


def _paragraph(block: str) -> str:
    return f"<p>{'<br>'.join(html.escape(line) for line in block.splitlines())}</p>"
