"""Typed failures that cross module and RPC boundaries; `shared.rpc.errors` maps each to one gRPC status.

`reason` is the name of a value of `visavis.common.v1.ErrorReason`; a contract test holds every reason used against it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with an input: where it is (`field`, or `file:line column`) and what was expected."""

    field: str
    description: str


class Failure(Exception):  # noqa: N818 - the domain says failure; each subclass names its kind
    """A failure that the caller is told about. Anything else that escapes is INTERNAL with a fixed text."""

    def __init__(self, message: str, *, reason: str, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason
        self.metadata = dict(metadata or {})


class InvalidInput(Failure):
    """The request is wrong whatever the state of the system; carries all violations at once."""

    def __init__(self, violations: list[Violation], *, reason: str = "ERROR_REASON_INVALID_ARGUMENT") -> None:
        super().__init__("; ".join(f"{v.field}: {v.description}" for v in violations), reason=reason)
        self.violations = violations

    @classmethod
    def of(cls, field: str, description: str) -> "InvalidInput":
        return cls([Violation(field, description)])


class NotFound(Failure):
    """The named resource does not exist, or not in the caller's scope."""

    def __init__(self, name: str, *, reason: str = "ERROR_REASON_RESOURCE_NOT_FOUND") -> None:
        super().__init__(f"{name} does not exist", reason=reason, metadata={"name": name})


class AlreadyExists(Failure):
    """The same name or request id was used before with other content."""

    def __init__(self, name: str, *, reason: str = "ERROR_REASON_REQUEST_ID_REUSED") -> None:
        super().__init__(f"{name} already exists with other content", reason=reason, metadata={"name": name})


class WrongState(Failure):
    """The system's state forbids it: a precondition is not met. `subject` names what, the message says how to go on."""

    def __init__(self, message: str, *, subject: str, reason: str = "ERROR_REASON_WRONG_STATE") -> None:
        super().__init__(message, reason=reason, metadata={"subject": subject})
        self.subject = subject


class Conflict(Failure):
    """A concurrent change won; the whole transaction may be tried again."""

    def __init__(self, message: str, *, reason: str = "ERROR_REASON_CONCURRENT_CHANGE") -> None:
        super().__init__(message, reason=reason)


class Denied(Failure):
    """The caller's role or scope does not allow it."""

    def __init__(self, message: str, *, reason: str = "ERROR_REASON_PERMISSION_DENIED") -> None:
        super().__init__(message, reason=reason)


class Unavailable(Failure):
    """A dependency is down for now; `retry_after` is a hint."""

    def __init__(
        self,
        message: str,
        *,
        retry_after: timedelta = timedelta(seconds=1),
        reason: str = "ERROR_REASON_DEPENDENCY_UNAVAILABLE",
    ) -> None:
        super().__init__(message, reason=reason)
        self.retry_after = retry_after


class DeadlineExceeded(Failure):
    """The time that the caller gave has passed; whether the work was done is not known."""

    def __init__(self, message: str, *, reason: str = "ERROR_REASON_DEADLINE_EXCEEDED") -> None:
        super().__init__(message, reason=reason)


class PeerFault(Failure):
    """A peer failed unexpectedly; its log has the cause under `metadata["trace_id"]`. Passed on as INTERNAL."""

    def __init__(self, message: str, *, metadata: Mapping[str, str] | None = None) -> None:
        super().__init__(message, reason="ERROR_REASON_INTERNAL", metadata=metadata)
