"""A mail as its reader's program shows it, and what the program and its reader can do with it."""

from dataclasses import dataclass
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that was taken. `sender` is the envelope's, where bounces go; `unsubscribe` the link that takes RFC 8058's
    POST, empty where there is none."""

    sender: str
    msisdn: str
    message_id: str
    reply_to: str
    subject: str
    text: str
    unsubscribe: str
    octets: bytes


def open_mail(octets: bytes, *, sender: str, recipient: str) -> Mail:
    """Read a mail as a mail program does."""
    parsed = BytesParser(policy=default).parsebytes(octets)
    if not isinstance(parsed, EmailMessage):
        raise TypeError("the library's default policy makes EmailMessages")
    body = parsed.get_body(("plain",))
    return Mail(
        sender=sender,
        msisdn=recipient.partition("@")[0],
        message_id=str(parsed["Message-ID"] or "").strip("<>"),
        reply_to=str(parsed["Reply-To"] or parsed["From"] or ""),
        subject=str(parsed["Subject"] or ""),
        text=str(body.get_content()) if isinstance(body, EmailMessage) else "",
        unsubscribe=_one_click_link(parsed),
        octets=octets,
    )


def _one_click_link(mail: EmailMessage) -> str:
    if mail["List-Unsubscribe-Post"] != "List-Unsubscribe=One-Click":
        return ""
    links = [link.strip().strip("<>") for link in str(mail["List-Unsubscribe"] or "").split(",")]
    return next((link for link in links if link.startswith(("http://", "https://"))), "")
