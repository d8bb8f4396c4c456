"""Runs rendered for the contracts."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from visavis.common.v1 import error_reason_pb2, run_pb2

from shared.runs.domain import Run, RunFailure, RunState
from shared.runs.messages import to_status

NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PENDING = Run(
    run_id="a",
    kind="imports",
    request={},
    state=RunState.PENDING,
    stage="",
    done=0,
    total=0,
    result={},
    failure=None,
    create_time=NOON,
    start_time=None,
    end_time=None,
    traceparent=f"00-{TRACE}-00f067aa0ba902b7-01",
    principal="clerk",
)


def test_a_pending_run_has_no_times_but_its_creation() -> None:
    status = to_status(PENDING)
    assert status.state == run_pb2.RUN_STATE_PENDING
    assert status.create_time.ToDatetime(UTC) == NOON
    assert not status.HasField("start_time")
    assert not status.HasField("end_time")
    assert not status.HasField("failure")
    assert status.trace_id == TRACE


def test_a_failed_run_tells_its_reason() -> None:
    failure = RunFailure("ERROR_REASON_MATRIX_INVALID", "row 3, column age")
    failed = replace(PENDING, state=RunState.FAILED, failure=failure, stage="check", done=2, total=3)
    status = to_status(replace(failed, start_time=NOON, end_time=NOON + timedelta(seconds=1.5)))
    assert status.state == run_pb2.RUN_STATE_FAILED
    assert status.failure.reason == error_reason_pb2.ERROR_REASON_MATRIX_INVALID
    assert status.failure.message == "row 3, column age"
    assert (status.stage, status.done_count, status.total_count) == ("check", 2, 3)
    assert status.end_time.ToDatetime(UTC) - status.start_time.ToDatetime(UTC) == timedelta(seconds=1.5)


@pytest.mark.parametrize("state", RunState)
def test_each_state_has_its_name_in_the_contract(state: RunState) -> None:
    assert run_pb2.RunState.Name(to_status(replace(PENDING, state=state)).state) == f"RUN_STATE_{state}"


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-" + "0" * 32 + "-00f067aa0ba902b7-01"])
def test_a_run_outside_any_trace_has_no_trace_id(traceparent: str) -> None:
    assert to_status(replace(PENDING, traceparent=traceparent)).trace_id == ""
