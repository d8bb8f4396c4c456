"""MatrixService: takes matrices in and shows their versions."""

from visavis.recommendation.v1 import matrix_service_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2_grpc as rpc

from services.recommendation.engine.rulebook import Fields
from services.recommendation.ports import Place, Rulebook, StoredMatrix
from services.recommendation.servicer.requests import DEFAULT_PAGE, LARGEST_PAGE, document, file_format, identifier
from services.recommendation.use_cases.exports import export_matrices
from services.recommendation.use_cases.imports import MATRICES, import_matrices
from shared.clock import Clock
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.rpc.pages import Key, encode_token, instant_key, page_size, place_in, text_key

_LIST = "matrices"


class MatrixServicer(rpc.MatrixServiceServicer):
    """Each import makes a version of its own."""

    def __init__(self, *, rulebook: Rulebook, fields: Fields, clock: Clock) -> None:
        self._rulebook = rulebook
        self._fields = fields
        self._clock = clock

    async def ImportMatrix(self, request: pb.ImportMatrixRequest, context: Context) -> pb.ImportMatrixResponse:
        matrices = await import_matrices(
            document(request),
            request_id=identifier(request.request_id),
            author=current_caller().principal,
            fields=self._fields,
            rulebook=self._rulebook,
            clock=self._clock,
        )
        messages = [_message(matrix) for matrix in matrices]
        return pb.ImportMatrixResponse(matrix=messages[0], matrices=messages)

    async def GetMatrix(self, request: pb.GetMatrixRequest, context: Context) -> pb.GetMatrixResponse:
        matrix = await self._rulebook.matrix(resource_id(MATRICES, request.name))
        return pb.GetMatrixResponse(matrix=_message(matrix))

    async def ListMatrices(self, request: pb.ListMatricesRequest, context: Context) -> pb.ListMatricesResponse:
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        found = await self._rulebook.matrices(after=place_in(request.page_token, _LIST, _place), limit=size + 1)
        shown = found[:size]
        token = ""
        if len(found) > size:
            token = encode_token([shown[-1].create_time.isoformat(), shown[-1].matrix_id], _LIST)
        return pb.ListMatricesResponse(matrices=map(_message, shown), next_page_token=token)

    async def ExportMatrices(self, request: pb.ExportMatricesRequest, context: Context) -> pb.ExportMatricesResponse:
        matrix_ids = [resource_id(MATRICES, name, field="names") for name in request.names]
        content = await export_matrices(
            matrix_ids, file_format(request.format), fields=self._fields, rulebook=self._rulebook
        )
        return pb.ExportMatricesResponse(content=content)


def _place(create_time: Key, matrix_id: Key) -> Place:
    return Place(instant_key(create_time), text_key(matrix_id))


def _message(matrix: StoredMatrix) -> pb.Matrix:
    message = pb.Matrix(
        name=f"{MATRICES}/{matrix.matrix_id}",
        purpose=pb.MatrixPurpose.Value(f"MATRIX_PURPOSE_{matrix.purpose.upper()}"),
        display_name=matrix.display_name,
        hit_policy=matrix.hit_policy,
        rule_count=matrix.rule_count,
        csv=matrix.csv,
        author=matrix.author,
    )
    message.create_time.FromDatetime(matrix.create_time)
    return message
