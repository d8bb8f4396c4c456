"""The one table between typed failures and gRPC statuses, read by servers to send and by clients to restore.

Every status carries one `google.rpc.ErrorInfo` whose reason is a name of `visavis.common.v1.ErrorReason`. Many clients
refuse trailers over 8 KiB, so long texts are cut and surplus violations are counted instead of sent.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, PreconditionFailure, RetryInfo
from google.rpc.status_pb2 import Status

from shared.errors import (
    AlreadyExists,
    Conflict,
    DeadlineExceeded,
    Denied,
    Failure,
    InvalidInput,
    NotFound,
    PeerFault,
    Unavailable,
    Violation,
    WrongState,
)

DOMAIN = "visavis"
INTERNAL_TEXT = "internal error; the log of the service has it under the trace id"
CONFLICT_RETRY_AFTER = timedelta(milliseconds=50)
"""A concurrent change is over within milliseconds; the hint only keeps callers from spinning."""

_DETAILS_TRAILER = "grpc-status-details-bin"
_TRAILER_BYTES = 7_600
_TEXT_CHARACTERS = 200
_MESSAGE_CHARACTERS = 400


@dataclass(frozen=True, slots=True)
class Received:
    """What a peer said: `reason` and `metadata` of its ErrorInfo, and the details that came along, else empty ones."""

    message: str
    reason: str
    metadata: dict[str, str]
    bad_request: BadRequest
    precondition: PreconditionFailure
    retry: RetryInfo


@dataclass(frozen=True, slots=True)
class Row:
    """How one kind of failure travels; `reason` is for statuses that came without ErrorInfo."""

    code: grpc.StatusCode
    reason: str
    restore: Callable[[Received], Failure]


TABLE: dict[type[Failure], Row] = {
    InvalidInput: Row(
        grpc.StatusCode.INVALID_ARGUMENT,
        "ERROR_REASON_INVALID_ARGUMENT",
        lambda sent: InvalidInput(_violations(sent), reason=sent.reason),
    ),
    NotFound: Row(
        grpc.StatusCode.NOT_FOUND,
        "ERROR_REASON_RESOURCE_NOT_FOUND",
        lambda sent: NotFound(_name(sent), reason=sent.reason),
    ),
    AlreadyExists: Row(
        grpc.StatusCode.ALREADY_EXISTS,
        "ERROR_REASON_REQUEST_ID_REUSED",
        lambda sent: AlreadyExists(_name(sent), reason=sent.reason),
    ),
    WrongState: Row(
        grpc.StatusCode.FAILED_PRECONDITION,
        "ERROR_REASON_WRONG_STATE",
        lambda sent: WrongState(sent.message, subject=_subject(sent), reason=sent.reason),
    ),
    Conflict: Row(
        grpc.StatusCode.ABORTED,
        "ERROR_REASON_CONCURRENT_CHANGE",
        lambda sent: Conflict(sent.message, reason=sent.reason),
    ),
    Denied: Row(
        grpc.StatusCode.PERMISSION_DENIED,
        "ERROR_REASON_PERMISSION_DENIED",
        lambda sent: Denied(sent.message, reason=sent.reason),
    ),
    Unavailable: Row(
        grpc.StatusCode.UNAVAILABLE,
        "ERROR_REASON_DEPENDENCY_UNAVAILABLE",
        lambda sent: Unavailable(sent.message, retry_after=_retry_after(sent), reason=sent.reason),
    ),
    DeadlineExceeded: Row(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        "ERROR_REASON_DEADLINE_EXCEEDED",
        lambda sent: DeadlineExceeded(sent.message, reason=sent.reason),
    ),
    PeerFault: Row(
        grpc.StatusCode.INTERNAL,
        "ERROR_REASON_INTERNAL",
        lambda sent: PeerFault(sent.message),
    ),
}
_BY_CODE = {row.code: row for row in TABLE.values()} | {
    # A server that stops cancels what outlives its grace: for the caller it is as good as down.
    grpc.StatusCode.CANCELLED: TABLE[Unavailable],
    grpc.StatusCode.UNAUTHENTICATED: TABLE[Denied],
}


def status_of(error: Exception, *, trace_id: str) -> Status:
    """Return the status that tells the caller of `error`; of anything unexpected it names only the trace."""
    row = _row_of(error)
    if row is None or not isinstance(error, Failure) or isinstance(error, PeerFault):
        return _internal(error, trace_id)
    status = Status(code=row.code.value[0], message=_cut(error.message, _MESSAGE_CHARACTERS))
    metadata = {key: _cut(value) for key, value in error.metadata.items()}
    status.details.add().Pack(ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=metadata))
    if (detail := _detail(error, room=_room(status))) is not None:
        status.details.add().Pack(detail)
    return status


def failure_of(error: grpc.aio.AioRpcError, *, service: str = "the service") -> Failure:
    """Return the typed failure that `error` stands for, so that it can be raised on and cross the next RPC.

    The transport's own words may name hosts, so that none of them gets into it: `service` names who did not answer.
    A status without counterpart becomes `PeerFault`.
    """
    row = _BY_CODE.get(error.code(), TABLE[PeerFault])
    received = _received(error, row, service)
    failure = row.restore(received)
    failure.metadata.update(received.metadata)
    return failure


def spoke(error: grpc.aio.AioRpcError) -> bool:
    """Tell whether the server said this, rather than the transport about the server."""
    return bool(_status_in(error).details)


def is_expected(error: Exception) -> bool:
    """Tell whether `error` is a failure that the caller is told about, not a fault of ours or of a peer."""
    return _row_of(error) is not None and not isinstance(error, PeerFault)


def _row_of(error: Exception) -> Row | None:
    return next((TABLE[kind] for kind in type(error).__mro__ if kind in TABLE), None)


def _internal(error: Exception, trace_id: str) -> Status:
    """Name the trace under which the peer logged it, if it was the peer's fault, else our own."""
    known = error.metadata.get("trace_id", "") if isinstance(error, PeerFault) else ""
    status = Status(code=grpc.StatusCode.INTERNAL.value[0], message=INTERNAL_TEXT)
    metadata = {"trace_id": _cut(known or trace_id)}
    status.details.add().Pack(ErrorInfo(reason=TABLE[PeerFault].reason, domain=DOMAIN, metadata=metadata))
    return status


def _detail(failure: Failure, *, room: int) -> Message | None:
    """Return the one detail beside ErrorInfo, of about `room` bytes at most."""
    match failure:
        case InvalidInput():
            return _bad_request(failure.violations, room)
        case WrongState():
            subject = {"type": failure.reason, "subject": _cut(failure.subject), "description": _cut(failure.message)}
            return PreconditionFailure(violations=[PreconditionFailure.Violation(**subject)])
        case Unavailable():
            return _retry_info(failure.retry_after)
        case Conflict():
            return _retry_info(CONFLICT_RETRY_AFTER)
        case _:
            return None


def _bad_request(violations: list[Violation], room: int) -> BadRequest:
    """Add violations as long as there is room; the last one then says how many more there are."""
    message = BadRequest()
    for done, violation in enumerate(violations):
        item = BadRequest.FieldViolation(field=_cut(violation.field), description=_cut(violation.description))
        if message.ByteSize() + item.ByteSize() > room:
            message.field_violations.add(field="…", description=f"and {len(violations) - done} more")
            break
        message.field_violations.append(item)
    return message


def _retry_info(after: timedelta) -> RetryInfo:
    message = RetryInfo()
    message.retry_delay.FromTimedelta(after)
    return message


def _room(status: Status) -> int:
    """Return how many bytes a detail may take: the status travels in base64, its message once more percent-encoded."""
    message = sum(1 if 0x20 <= byte < 0x7F else 3 for byte in status.message.encode())
    return (_TRAILER_BYTES - message) * 3 // 4 - status.ByteSize() - 100  # 100: its type URL and the last violation


def _cut(text: str, most: int = _TEXT_CHARACTERS) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _received(error: grpc.aio.AioRpcError, row: Row, service: str) -> Received:
    status, info, retry = _status_in(error), ErrorInfo(), RetryInfo()
    bad_request, precondition = BadRequest(), PreconditionFailure()
    for detail in status.details:
        for kind in (info, retry, bad_request, precondition):
            detail.Unpack(kind)
    message = status.message or _transport_message(error, service)
    reason = info.reason if info.domain == DOMAIN else row.reason
    return Received(message, reason, dict(info.metadata), bad_request, precondition, retry)


def _status_in(error: grpc.aio.AioRpcError) -> Status:
    """Return the rich status of the trailers, or an empty one when the transport or a server of others spoke."""
    for key, value in error.trailing_metadata() or ():
        if key == _DETAILS_TRAILER and isinstance(value, bytes):
            with suppress(DecodeError):
                return Status.FromString(value)
    return Status()


def _transport_message(error: grpc.aio.AioRpcError, service: str) -> str:
    match error.code():
        case grpc.StatusCode.UNAVAILABLE | grpc.StatusCode.CANCELLED:
            return f"{service} cannot be reached or is stopping; see whether it runs and try again"
        case grpc.StatusCode.DEADLINE_EXCEEDED:
            return f"{service} did not answer in time"
        case code:
            return f"{service} answered {code.name} without saying why"


def _violations(sent: Received) -> list[Violation]:
    violations = [Violation(item.field, item.description) for item in sent.bad_request.field_violations]
    return violations or [Violation("request", sent.message)]


def _name(sent: Received) -> str:
    return sent.metadata.get("name", sent.message)


def _subject(sent: Received) -> str:
    return sent.precondition.violations[0].subject if sent.precondition.violations else ""


def _retry_after(sent: Received) -> timedelta:
    return sent.retry.retry_delay.ToTimedelta() or timedelta(seconds=1)
