"""What can go wrong on a CMPP line, told apart by what the caller may do about it."""

from typing import Final


class CmppError(Exception):
    """Any failure of the protocol or of the line."""


class FieldError(CmppError, ValueError):
    """A value that does not fit the field it was meant for; nothing was encoded."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field: Final = field


class DecodeError(CmppError, ValueError):
    """Bytes that are no PDU we know. The framing still holds, so that the next PDU can be read."""


class FramingError(DecodeError):
    """The boundaries of PDUs are lost; the line is of no more use."""


class LoginRefusedError(CmppError):
    """The peer answered CONNECT with a status other than 0."""

    WORDS: Final = {
        1: "bad message structure",
        2: "unknown SP id",
        3: "authentication failed",
        4: "protocol version not supported",
    }

    def __init__(self, status: int) -> None:
        super().__init__(f"login refused with status {status}: {self.WORDS.get(status, 'other error of the gateway')}")
        self.status: Final = status

    @property
    def permanent(self) -> bool:
        """Whether trying again without changing the settings is pointless, and harmful to the account."""
        return self.status in {2, 3, 4}


class GatewayUnprovenError(CmppError):
    """The gateway accepted the login without proving that it knows the secret, and the account asks for the proof."""


class LineClosedError(CmppError):
    """The line is gone, and the request that raised this was not written."""


class NoAnswerError(CmppError):
    """The request was written and no answer came: the peer may or may not have acted on it."""
