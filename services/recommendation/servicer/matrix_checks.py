"""Checks of matrices as RPCs: asked for, and read."""

from visavis.recommendation.v1 import matrix_check_pb2 as pb

from services.recommendation.engine.checking.findings import Severity
from services.recommendation.ports import Rulebook, Runs
from services.recommendation.servicer.requests import identifier
from services.recommendation.use_cases.checking import (
    MATRIX_CHECKS,
    CheckOrder,
    CheckRequest,
    CheckResult,
    ToldFinding,
    ToldTest,
    order_check,
)
from services.recommendation.use_cases.imports import CATALOGUES, MATRICES
from shared.clock import Clock
from shared.lake.refs import from_ref, to_ref
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.runs.domain import Run, RunState
from shared.runs.json import from_json, to_json
from shared.runs.messages import to_status


class MatrixCheckMethods:
    """The part of MatrixService that queues checks for the worker and reads what they have found."""

    _rulebook: Rulebook
    _runs: Runs
    _clock: Clock

    async def CheckMatrix(self, request: pb.CheckMatrixRequest, context: Context) -> pb.CheckMatrixResponse:
        caller = current_caller()
        order = await order_check(
            _request(request), caller=caller, rulebook=self._rulebook, runs=self._runs, clock=self._clock
        )
        run = await self._runs.create(
            MATRIX_CHECKS,
            identifier(request.request_id),
            to_json(order),
            principal=caller.principal,
            now=self._clock.now(),
        )
        return pb.CheckMatrixResponse(matrix_check=_message(run))

    async def GetMatrixCheck(self, request: pb.GetMatrixCheckRequest, context: Context) -> pb.GetMatrixCheckResponse:
        run = await self._runs.get(MATRIX_CHECKS, resource_id(MATRIX_CHECKS, request.name))
        return pb.GetMatrixCheckResponse(matrix_check=_message(run))


def _request(request: pb.CheckMatrixRequest) -> CheckRequest:
    catalogue = request.policy_catalogue
    return CheckRequest(
        matrix_ids=[resource_id(MATRICES, name, field="matrices") for name in request.matrices],
        catalogue_id=resource_id(CATALOGUES, catalogue, field="policy_catalogue") if catalogue else "",
        views=from_ref(request.views) if request.HasField("views") else None,
        scores=from_ref(request.scores) if request.HasField("scores") else None,
        day=request.day,
        city=request.city,
    )


def _message(run: Run) -> pb.MatrixCheck:
    order = from_json(CheckOrder, run.request)
    message = pb.MatrixCheck(
        name=run.name,
        status=to_status(run),
        matrices=[f"{MATRICES}/{matrix_id}" for matrix in order.matrices for matrix_id in matrix.all],
        policy_catalogue=f"{CATALOGUES}/{order.catalogue_id}" if order.catalogue_id else "",
        day=order.day.isoformat(),
        city=order.city,
    )
    if order.views is not None:
        message.views.CopyFrom(to_ref(order.views))
    if order.scores is not None:
        message.scores.CopyFrom(to_ref(order.scores))
    if run.state is RunState.SUCCEEDED:
        _add_result(message, from_json(CheckResult, run.result))
    return message


def _add_result(message: pb.MatrixCheck, result: CheckResult) -> None:
    message.findings.extend(map(_finding, result.findings))
    counts = {severity: sum(found.severity is severity for found in result.findings) for severity in Severity}
    message.error_count, message.warning_count = counts[Severity.ERROR], counts[Severity.WARNING]
    message.info_count = counts[Severity.INFO]
    message.customer_count, message.step_count = result.customers, result.steps


def _finding(found: ToldFinding) -> pb.MatrixFinding:
    message = pb.MatrixFinding(
        kind=pb.MatrixFindingKind.Value(f"MATRIX_FINDING_KIND_{found.kind.upper()}"),
        severity=pb.MatrixFindingSeverity.Value(f"MATRIX_FINDING_SEVERITY_{found.severity.upper()}"),
        matrix=f"{MATRICES}/{found.matrix_id}" if found.matrix_id else "",
        display_name=found.display_name,
        rows=[
            pb.MatrixFindingRow(matrix=f"{MATRICES}/{row.matrix_id}", row=row.row, city=row.city) for row in found.rows
        ],
        witness=map(_witness, found.witness),
        text=found.text,
        customer_count=found.customers,
    )
    if found.example is not None:
        message.example.customer, message.example.msisdn = found.example.customer, found.example.msisdn
        message.example.values.extend(map(_witness, found.example.values))
    return message


def _witness(test: ToldTest) -> pb.MatrixFindingWitness:
    return pb.MatrixFindingWitness(input=test.input, test=test.test)
