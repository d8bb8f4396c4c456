"""MatrixService: takes matrices in and shows their versions."""

from visavis.recommendation.v1 import matrix_evaluation_pb2 as evaluation_pb
from visavis.recommendation.v1 import matrix_service_pb2 as pb
from visavis.recommendation.v1 import matrix_service_pb2_grpc as rpc

from services.recommendation.domain import Purpose
from services.recommendation.engine.rulebook import Fields
from services.recommendation.engine.sheets import Document
from services.recommendation.ports import Logbook, Place, Rulebook, Runs, VersionFilter
from services.recommendation.servicer.evaluation import evaluation_message
from services.recommendation.servicer.matrix_checks import MatrixCheckMethods
from services.recommendation.servicer.matrix_life import MatrixLifeMethods
from services.recommendation.servicer.matrix_previews import Changes, MatrixPreviewMethods
from services.recommendation.servicer.requests import DEFAULT_PAGE, LARGEST_PAGE, document, file_format, identifier
from services.recommendation.servicer.versions import listed_message, purpose_of, seen_all, state_of, version_message
from services.recommendation.use_cases.evaluation import evaluate_matrix
from services.recommendation.use_cases.exports import export_matrices, matrix_template
from services.recommendation.use_cases.imports import MATRICES, import_matrices
from services.recommendation.use_cases.life import cycle_violations
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock, local_date
from shared.errors import InvalidInput
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.rpc.pages import Key, encode_token, instant_key, page_size, place_in, text_key

_LIST = "matrices"


class MatrixServicer(MatrixLifeMethods, MatrixCheckMethods, MatrixPreviewMethods, rpc.MatrixServiceServicer):
    """Each import makes a version of its own."""

    def __init__(
        self,
        *,
        rulebook: Rulebook,
        logbook: Logbook,
        runs: Runs,
        readings: Readings,
        changes: Changes,
        fields: Fields,
        clock: Clock,
    ) -> None:
        super().__init__(logbook=logbook, readings=readings, clock=clock)
        self._rulebook = rulebook
        self._runs = runs
        self._changes = changes
        self._fields = fields

    async def ImportMatrix(self, request: pb.ImportMatrixRequest, context: Context) -> pb.ImportMatrixResponse:
        matrices = await import_matrices(
            document(request),
            request_id=identifier(request.request_id),
            parents=seen_all(request.parents, field="parents"),
            author=current_caller().principal,
            fields=self._fields,
            rulebook=self._rulebook,
            logbook=self._logbook,
            clock=self._clock,
        )
        messages = [version_message(matrix) for matrix in matrices]
        return pb.ImportMatrixResponse(matrix=messages[0], matrices=messages)

    async def GetMatrix(self, request: pb.GetMatrixRequest, context: Context) -> pb.GetMatrixResponse:
        version = await self._logbook.version(resource_id(MATRICES, request.name))
        return pb.GetMatrixResponse(matrix=version_message(version))

    async def ListMatrices(self, request: pb.ListMatricesRequest, context: Context) -> pb.ListMatricesResponse:
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        wanted = _filter(request)
        filters = f"{_LIST} {wanted}"
        after = place_in(request.page_token, filters, _place)
        found = await self._logbook.versions(wanted, after=after, limit=size + 1)
        shown = found[:size]
        token = ""
        if len(found) > size:
            token = encode_token([shown[-1].matrix.create_time.isoformat(), shown[-1].matrix_id], filters)
        return pb.ListMatricesResponse(matrices=map(listed_message, shown), next_page_token=token)

    async def ExportMatrices(self, request: pb.ExportMatricesRequest, context: Context) -> pb.ExportMatricesResponse:
        matrix_ids = [resource_id(MATRICES, name, field="names") for name in request.names]
        content = await export_matrices(
            matrix_ids, file_format(request.format), fields=self._fields, rulebook=self._rulebook
        )
        return pb.ExportMatricesResponse(content=content)

    async def GetMatrixTemplate(
        self, request: pb.GetMatrixTemplateRequest, context: Context
    ) -> pb.GetMatrixTemplateResponse:
        purpose = purpose_of(request.purpose)
        if purpose is None:
            raise InvalidInput.of("purpose", f"is not given: expected one of {', '.join(Purpose)}")
        return pb.GetMatrixTemplateResponse(content=await matrix_template(purpose, fields=self._fields))

    async def EvaluateMatrix(
        self, request: evaluation_pb.EvaluateMatrixRequest, context: Context
    ) -> evaluation_pb.EvaluateMatrixResponse:
        evaluation = await evaluate_matrix(
            resource_id(MATRICES, request.name) if request.name else "",
            Document(request.content, request.file_name),
            request.inputs,
            readings=self._readings,
            day=local_date(self._clock.now()),
        )
        return evaluation_message(evaluation)


def _place(create_time: Key, matrix_id: Key) -> Place:
    return Place(instant_key(create_time), text_key(matrix_id))


def _filter(request: pb.ListMatricesRequest) -> VersionFilter:
    """Return which versions are asked for. Raises InvalidInput."""
    if request.cycle and (violations := cycle_violations(request.cycle)):
        raise InvalidInput(violations)
    return VersionFilter(purpose_of(request.purpose), state_of(request.state), request.cycle, request.city)
