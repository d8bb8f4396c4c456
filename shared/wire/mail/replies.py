"""The answers of a mail server: a code of three digits, the status of RFC 3463 where there is one, and words."""

import re
from dataclasses import dataclass

_STATUS = re.compile(r"\s*([245])\.(\d{1,3})\.(\d{1,3})(?!\d)")
_LONGEST_TEXT = 200


@dataclass(frozen=True, slots=True)
class MailStatus:
    """Class, subject and detail of RFC 3463: `5.1.1` is a permanent (5) failure of the address (1): no such mailbox (1)."""

    kind: int
    subject: int
    detail: int

    def __str__(self) -> str:
        return f"{self.kind}.{self.subject}.{self.detail}"

    @property
    def is_hard(self) -> bool:
        """Whether it will be the same tomorrow because the recipient's address itself is bad."""
        return self.kind == 5 and self.subject == 1 and not self.is_about_sender

    @property
    def is_about_sender(self) -> bool:
        """Whether it is the sender's address that is bad: X.1.7 and X.1.8."""
        return self.subject == 1 and self.detail in {7, 8}


def read_status(text: str) -> MailStatus | None:
    """Return the status that a text begins with."""
    match = _STATUS.match(text)
    return MailStatus(*map(int, match.groups())) if match else None


@dataclass(frozen=True, slots=True)
class MailReply:
    """One answer; `status` is None where the server gave none that fits its code."""

    code: int
    text: str
    status: MailStatus | None

    @classmethod
    def of(cls, code: int, text: str) -> "MailReply":
        """Read an answer; its words are cut, and made one line without anything that is not printable."""
        status = read_status(text)
        line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[: 4 * _LONGEST_TEXT]).split())
        return cls(code, line[:_LONGEST_TEXT], status if status and status.kind == code // 100 else None)

    def __str__(self) -> str:
        return f"{self.code} {self.text}".rstrip()
