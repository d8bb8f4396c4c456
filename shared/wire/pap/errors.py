"""What can go wrong with PAP, told apart by who has to do something about it."""

from typing import Final

from shared.wire.pap.codes import Code


class PapError(Exception):
    """Any failure of the protocol."""


class NotSentError(PapError):
    """No octet of a request has left."""


class NoAnswerError(PapError):
    """A request may have left, and no answer came in time."""


class LineCutError(NoAnswerError):
    """The gateway cut the connection before it had answered."""


class GarbledError(NoAnswerError):
    """What came back is no answer that HTTP or PAP knows."""


class FieldError(PapError, ValueError):
    """A value that may not be written; nothing was."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field}: {problem}")
        self.field: Final = field


class UnreadableError(PapError, ValueError):
    """A document that cannot be acted on; `code` is what to answer its sender with."""

    def __init__(self, problem: str, code: Code = Code.BAD_REQUEST) -> None:
        super().__init__(problem)
        self.code: Final = code
