"""What the requests of all three services have in common."""

import uuid

from visavis.recommendation.v1 import file_format_pb2, matrix_service_pb2, policy_service_pb2

from services.recommendation.engine.sheets import Document
from services.recommendation.ports import Runs
from services.recommendation.use_cases.exports import FileFormat
from shared.errors import InvalidInput, WrongState
from shared.runs.domain import Run, RunState

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000


def identifier(request_id: str) -> str:
    """Return the id of what is made: the request's, or a new one where it has none. Raises InvalidInput."""
    if not request_id:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(request_id))
    except ValueError:
        raise InvalidInput.of("request_id", f"expected a UUID or nothing, got {request_id!r}") from None


def document(
    request: matrix_service_pb2.ImportMatrixRequest | policy_service_pb2.ImportPoliciesRequest,
) -> Document:
    """Return the file that is to be taken in, given as text or as it is. Raises InvalidInput for both."""
    if request.csv and request.content:
        raise InvalidInput.of("content", "expected csv or content, not both")
    return Document(request.content or request.csv.encode(), request.file_name)


async def finished_run(runs: Runs, kind: str, run_id: str) -> Run:
    """Return a run that has succeeded. Raises NotFound, WrongState."""
    run = await runs.get(kind, run_id)
    if run.state is not RunState.SUCCEEDED:
        text = (
            f"{run.name} is {run.state.lower()}, expected a run that has succeeded: wait for it, or look at its failure"
        )
        raise WrongState(text, subject=run.name)
    return run


def file_format(value: int) -> FileFormat:
    """Return the format asked for. Raises InvalidInput."""
    match value:
        case file_format_pb2.FILE_FORMAT_CSV:
            return FileFormat.CSV
        case file_format_pb2.FILE_FORMAT_XLSX:
            return FileFormat.XLSX
        case file_format_pb2.FILE_FORMAT_DMN:
            return FileFormat.DMN
        case _:
            raise InvalidInput.of("format", f"expected one of {', '.join(FileFormat)}")
