"""How runs stand, as services say it."""

from visavis.common.v1 import error_reason_pb2, run_pb2

PENDING = run_pb2.RunStatus(state=run_pb2.RUN_STATE_PENDING)
SUCCEEDED = run_pb2.RunStatus(state=run_pb2.RUN_STATE_SUCCEEDED, done_count=7, trace_id="ab12")
FAILED = run_pb2.RunStatus(
    state=run_pb2.RUN_STATE_FAILED,
    stage="read",
    failure=run_pb2.RunFailure(
        reason=error_reason_pb2.ERROR_REASON_SOURCE_UNREADABLE, message="billing.csv: no column 月份"
    ),
)
