"""Addresses and tokens that only we could have made: what comes back to one names the attempt that it is about.

An address is `<purpose>+<attempt>.<signature>=<recipient's local part>=<recipient's domain>@<our domain>`: VERP with a keyed
signature, so that nobody bounces or unsubscribes others by guessing. Letters are compared without their case, because some
systems on the way change it.
"""

import base64
import hmac
import re
from dataclasses import dataclass, field
from enum import StrEnum

from shared.wire.mail.errors import FieldError

_LONGEST_LOCAL_PART = 64
_ADDRESS_OCTETS, _TOKEN_OCTETS = 10, 20
_ATTEMPT = re.compile(r"[0-9a-z]{1,20}")
_RECIPIENT = re.compile(r"[0-9a-z!#$%&'*+/=?^_`{|}~.-]+@[0-9a-z.-]+")
_LOCAL = re.compile(
    r"(?P<purpose>[a-z])\+(?P<attempt>[0-9a-z]{1,20})\.(?P<signature>[a-z2-7]+)=(?P<local>.+)=(?P<domain>[0-9a-z.-]+)"
)


class Purpose(StrEnum):
    """What an address is for; the signature of one is none of another."""

    BOUNCE = "b"
    UNSUBSCRIBE = "u"
    REPLY = "r"


@dataclass(frozen=True, slots=True)
class SignedAddress:
    """A genuine address, read: the attempt and the recipient that it was made for, in lower case."""

    purpose: Purpose
    attempt: str
    recipient: str


@dataclass(frozen=True, slots=True)
class AddressSigner:
    """Makes and reads the addresses of one domain, and tokens for links."""

    domain: str
    secret: bytes = field(repr=False)

    def address(self, purpose: Purpose, attempt: str, recipient: str) -> str:
        """Return the address under which something about this attempt comes back.

        Raises FieldError if `attempt` is not 1 to 20 lower-case letters and digits, or an address could not hold it.
        """
        recipient = recipient.lower()
        if not _ATTEMPT.fullmatch(attempt):
            raise FieldError("attempt", "expected 1 to 20 lower-case letters and digits")
        if not _RECIPIENT.fullmatch(recipient):
            raise FieldError("recipient", "is no address")
        signature = self._sign(purpose, attempt, recipient, _ADDRESS_OCTETS)
        name, _, domain = recipient.rpartition("@")
        local = f"{purpose}+{attempt}.{signature}={name}={domain}"
        if len(local) > _LONGEST_LOCAL_PART:
            raise FieldError("recipient", f"takes more than the {_LONGEST_LOCAL_PART} octets that an address may have")
        return f"{local}@{self.domain}"

    def read(self, address: str) -> SignedAddress | None:
        """Return what a genuine address says; None for any other text."""
        local, _, domain = address.lower().rpartition("@")
        match = _LOCAL.fullmatch(local) if len(local) <= _LONGEST_LOCAL_PART else None
        if match is None or domain != self.domain.lower() or match["purpose"] not in list(Purpose):
            return None
        read = SignedAddress(Purpose(match["purpose"]), match["attempt"], f"{match['local']}@{match['domain']}")
        expected = self._sign(read.purpose, read.attempt, read.recipient, _ADDRESS_OCTETS)
        return read if _same(expected, match["signature"]) else None

    def token(self, attempt: str) -> str:
        """Return a text for a link that names the attempt and nobody's address."""
        return f"{attempt}.{self._sign('token', attempt, '', _TOKEN_OCTETS)}"

    def attempt_of(self, token: str) -> str | None:
        """Return the attempt of a genuine token; None for any other text."""
        attempt, _, signature = token.lower().partition(".")
        if not _ATTEMPT.fullmatch(attempt):
            return None
        return attempt if _same(self._sign("token", attempt, "", _TOKEN_OCTETS), signature) else None

    def _sign(self, purpose: str, attempt: str, recipient: str, octets: int) -> str:
        said = "\0".join((purpose, self.domain.lower(), attempt, recipient)).encode()
        return base64.b32encode(hmac.digest(self.secret, said, "sha256")[:octets]).decode().rstrip("=").lower()


def _same(expected: str, found: str) -> bool:
    return hmac.compare_digest(expected.encode(), found.encode("utf-8", "surrogatepass"))
