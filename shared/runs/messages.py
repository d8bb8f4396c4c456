"""Renders a run's status for the contracts that embed it."""

from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from visavis.common.v1 import error_reason_pb2, run_pb2

from shared.observability.context import trace_id_of
from shared.runs.domain import Run, RunState


def to_status(run: Run) -> run_pb2.RunStatus:
    """Return the `visavis.common.v1.RunStatus` of a run."""
    return run_pb2.RunStatus(
        state=_state(run.state),
        stage=run.stage,
        done_count=run.done,
        total_count=run.total,
        failure=_failure(run),
        create_time=_timestamp(run.create_time),
        start_time=_timestamp(run.start_time),
        end_time=_timestamp(run.end_time),
        trace_id=trace_id_of(run.traceparent),
    )


def _state(state: RunState) -> "run_pb2.RunState.ValueType":
    return run_pb2.RunState.Value(f"RUN_STATE_{state}")


def _failure(run: Run) -> run_pb2.RunFailure | None:
    if run.failure is None:
        return None
    reason = error_reason_pb2.ErrorReason.Value(run.failure.reason)
    return run_pb2.RunFailure(reason=reason, message=run.failure.message)


def _timestamp(instant: datetime | None) -> Timestamp | None:
    if instant is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(instant)
    return timestamp
