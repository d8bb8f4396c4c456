"""The error table, both ways, without a socket."""

from datetime import timedelta

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.rpc.status_pb2 import Status
from hypothesis import given
from hypothesis import strategies as st
from visavis.common.v1.error_reason_pb2 import ErrorReason

import shared.errors
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
from shared.rpc.errors import INTERNAL_TEXT, TABLE, failure_of, status_of

EACH_KIND: list[Failure] = [
    InvalidInput([Violation("page_size", "expected 0 or more, got -1"), Violation("city", "unknown: 8999")]),
    NotFound("imports/7c1f"),
    AlreadyExists("imports/7c1f"),
    WrongState("the plan is still loading; wait until it is READY", subject="plans/9"),
    Conflict("somebody was faster"),
    Denied("this needs the role planner"),
    Unavailable("the database is restarting", retry_after=timedelta(seconds=3)),
    DeadlineExceeded("not done in 2 s"),
    PeerFault(INTERNAL_TEXT, metadata={"trace_id": "ab" * 16}),
]


def received(status: Status) -> grpc.aio.AioRpcError:
    """The error that a client gets when a server sends `status`."""
    code = next(code for code in grpc.StatusCode if code.value[0] == status.code)
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", status.SerializeToString()))
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), trailers, status.message)


def of_transport(code: grpc.StatusCode, details: str) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(), details)


def info_of(status: Status) -> ErrorInfo:
    infos = [detail for detail in status.details if detail.TypeName() == "google.rpc.ErrorInfo"]
    assert len(infos) == 1
    return ErrorInfo.FromString(infos[0].value)


def test_every_kind_of_failure_has_a_row_of_its_own() -> None:
    kinds = {kind for kind in vars(shared.errors).values() if isinstance(kind, type) and issubclass(kind, Failure)}
    assert kinds - {Failure} == set(TABLE)
    assert len({row.code for row in TABLE.values()}) == len(TABLE)


@pytest.mark.parametrize("failure", EACH_KIND, ids=lambda failure: type(failure).__name__)
def test_a_failure_comes_back_as_it_was_sent(failure: Failure) -> None:
    status = status_of(failure, trace_id="cd" * 16)
    back = failure_of(received(status))
    assert type(back) is type(failure)
    assert (back.message, back.reason, back.metadata) == (failure.message, failure.reason, failure.metadata)
    assert getattr(back, "violations", None) == getattr(failure, "violations", None)
    assert getattr(back, "subject", None) == getattr(failure, "subject", None)
    assert getattr(back, "retry_after", None) == getattr(failure, "retry_after", None)
    assert info_of(status).domain == "visavis"
    assert info_of(status).reason in ErrorReason.keys()  # noqa: SIM118 - an enum wrapper is no mapping


def test_a_subclass_travels_as_the_kind_it_is_with_its_own_reason() -> None:
    class MatrixBroken(InvalidInput):
        pass

    sent = MatrixBroken([Violation("row 3", "expected a number")], reason="ERROR_REASON_MATRIX_INVALID")
    back = failure_of(received(status_of(sent, trace_id="")))
    assert isinstance(back, InvalidInput)
    assert back.reason == "ERROR_REASON_MATRIX_INVALID"


@pytest.mark.parametrize("error", [RuntimeError("password=hunter2"), Failure("hunter2", reason="ERROR_REASON_X")])
def test_what_nobody_expected_is_told_by_its_trace_alone(error: Exception) -> None:
    status = status_of(error, trace_id="ab" * 16)
    assert b"hunter2" not in status.SerializeToString()
    assert (status.code, status.message) == (grpc.StatusCode.INTERNAL.value[0], INTERNAL_TEXT)
    assert info_of(status).metadata == {"trace_id": "ab" * 16}


def test_a_fault_passed_on_keeps_the_trace_of_where_it_began() -> None:
    status = status_of(PeerFault("the peer's words", metadata={"trace_id": "ab" * 16}), trace_id="cd" * 16)
    assert info_of(status).metadata["trace_id"] == "ab" * 16
    assert status.message == INTERNAL_TEXT


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.UNAVAILABLE, Unavailable),
        (grpc.StatusCode.CANCELLED, Unavailable),
        (grpc.StatusCode.DEADLINE_EXCEEDED, DeadlineExceeded),
        (grpc.StatusCode.UNAUTHENTICATED, Denied),
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidInput),
        (grpc.StatusCode.UNIMPLEMENTED, PeerFault),
        (grpc.StatusCode.UNKNOWN, PeerFault),
    ],
)
def test_the_transports_own_errors_become_typed_and_name_the_service_not_the_host(
    code: grpc.StatusCode, kind: type[Failure]
) -> None:
    failure = failure_of(of_transport(code, "10.1.2.3:50051: connection refused"), service="toy.v1.ToyService")
    assert type(failure) is kind
    assert "toy.v1.ToyService" in failure.message
    assert "10.1.2.3" not in failure.message
    assert failure.reason in ErrorReason.keys()  # noqa: SIM118 - an enum wrapper is no mapping


def test_a_reason_of_another_domain_is_not_taken_for_ours() -> None:
    status = Status(code=grpc.StatusCode.NOT_FOUND.value[0], message="no such bucket")
    status.details.add().Pack(ErrorInfo(reason="BUCKET_MISSING", domain="storage.example.com"))
    assert failure_of(received(status)).reason == "ERROR_REASON_RESOURCE_NOT_FOUND"


def test_a_damaged_status_is_still_a_typed_failure() -> None:
    trailers = grpc.aio.Metadata(("grpc-status-details-bin", b"\xff\xff\xff"))
    error = grpc.aio.AioRpcError(grpc.StatusCode.NOT_FOUND, grpc.aio.Metadata(), trailers, "gone")
    assert isinstance(failure_of(error), NotFound)


@given(st.lists(st.builds(Violation, st.text(max_size=400), st.text(max_size=2_000)), min_size=1, max_size=60))
def test_no_list_of_violations_is_too_long_for_a_trailer(violations: list[Violation]) -> None:
    status = status_of(InvalidInput(violations), trace_id="")
    encoded = sum(1 if 0x20 <= byte < 0x7F else 3 for byte in status.message.encode())
    assert status.ByteSize() * 4 / 3 + encoded < 8_000
    sent = next(
        BadRequest.FromString(detail.value) for detail in status.details if detail.TypeName() == "google.rpc.BadRequest"
    )
    told = len(sent.field_violations)
    assert told == len(violations) or sent.field_violations[-1].description == f"and {len(violations) - told + 1} more"
