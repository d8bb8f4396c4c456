"""The steps of a matrix's life as RPCs, and what people look at before they take one."""

from visavis.recommendation.v1 import matrix_service_pb2 as pb

from services.recommendation.domain import Slot
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import Parameter, Rule
from services.recommendation.engine.matrix.diff import Difference, Differences, hit_policy_text, plain_text
from services.recommendation.ports import Logbook
from services.recommendation.servicer.versions import purpose_of, seen, seen_all, version_message
from services.recommendation.use_cases.comparison import compare
from services.recommendation.use_cases.effective import Effective, effective_matrix, single_matrix
from services.recommendation.use_cases.imports import MATRICES
from services.recommendation.use_cases.life import Decider, approve, publish, retire, roll_back
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock
from shared.errors import InvalidInput
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id


class MatrixLifeMethods:
    """The part of MatrixService in which each step says who takes it and why."""

    def __init__(self, *, logbook: Logbook, readings: Readings, clock: Clock) -> None:
        self._logbook = logbook
        self._readings = readings
        self._clock = clock

    async def ApproveMatrix(self, request: pb.ApproveMatrixRequest, context: Context) -> pb.ApproveMatrixResponse:
        wanted = seen(request.name, request.etag)
        version = await approve(wanted, by=self._decider(request.reason), logbook=self._logbook)
        return pb.ApproveMatrixResponse(matrix=version_message(version))

    async def PublishMatrix(self, request: pb.PublishMatrixRequest, context: Context) -> pb.PublishMatrixResponse:
        done = await publish(
            seen_all(request.versions, field="versions"),
            request.cycle,
            by=self._decider(request.reason),
            logbook=self._logbook,
            readings=self._readings,
        )
        return pb.PublishMatrixResponse(
            matrices=map(version_message, done.versions), superseded=map(version_message, done.superseded)
        )

    async def RetireMatrix(self, request: pb.RetireMatrixRequest, context: Context) -> pb.RetireMatrixResponse:
        wanted = seen(request.name, request.etag)
        version = await retire(wanted, by=self._decider(request.reason), logbook=self._logbook)
        return pb.RetireMatrixResponse(matrix=version_message(version))

    async def RollbackMatrix(self, request: pb.RollbackMatrixRequest, context: Context) -> pb.RollbackMatrixResponse:
        purpose = purpose_of(request.purpose)
        if purpose is None:
            raise InvalidInput.of("purpose", "is missing")
        done = await roll_back(
            Slot(request.cycle, purpose, request.city),
            request.etag,
            by=self._decider(request.reason),
            logbook=self._logbook,
            readings=self._readings,
        )
        rolled_back = version_message(done.superseded[0]) if done.superseded else None
        return pb.RollbackMatrixResponse(matrix=version_message(done.versions[0]), rolled_back=rolled_back)

    async def DiffMatrices(self, request: pb.DiffMatricesRequest, context: Context) -> pb.DiffMatricesResponse:
        found = await compare(
            resource_id(MATRICES, request.old_name, field="old_name"),
            resource_id(MATRICES, request.new_name, field="new_name"),
            readings=self._readings,
        )
        return _differences(found)

    async def GetEffectiveMatrix(
        self, request: pb.GetEffectiveMatrixRequest, context: Context
    ) -> pb.GetEffectiveMatrixResponse:
        if request.name and (request.purpose or request.cycle):
            raise InvalidInput.of("name", "expected a name, or a purpose with a cycle, not both")
        if request.name:
            matrix_id = resource_id(MATRICES, request.name)
            found = await single_matrix(matrix_id, request.city, logbook=self._logbook, readings=self._readings)
        else:
            purpose = purpose_of(request.purpose)
            found = await effective_matrix(
                purpose, request.cycle, request.city, logbook=self._logbook, readings=self._readings
            )
        return _effective(found)

    def _decider(self, reason: str) -> Decider:
        return Decider(current_caller(), reason.strip(), self._clock)


def _effective(found: Effective) -> pb.GetEffectiveMatrixResponse:
    table = found.table
    return pb.GetEffectiveMatrixResponse(
        matrices=map(version_message, found.versions),
        hit_policy=hit_policy_text(table),
        inputs=[column.name for column in table.inputs],
        outputs=[output.name for output in table.outputs],
        rows=[_row(found, rule) for rule in table.rules],
        parameters=[_parameter(parameter, found.city) for parameter in table.parameters],
    )


def _row(found: Effective, rule: Rule) -> pb.EffectiveRow:
    version, own = found.source(rule)
    return pb.EffectiveRow(
        row=rule.id,
        matrix=f"{MATRICES}/{version.matrix_id}",
        matrix_row=own.id,
        city=version.matrix.city,
        cells=[cell.text or "-" for cell in rule.cells],
        outputs=["" if value is None else plain_text(value) for value in rule.outputs],
        note=rule.note,
        replaces=own.replaces or 0,
    )


def _parameter(parameter: Parameter, city: str) -> pb.EffectiveParameter:
    if city:
        value = parameter.by_city.get(city, parameter.value)
        return pb.EffectiveParameter(name=parameter.name, value=feel_text(value))
    by_city = {name: feel_text(value) for name, value in parameter.by_city.items()}
    return pb.EffectiveParameter(name=parameter.name, value=feel_text(parameter.value), by_city=by_city)


def _differences(found: Differences) -> pb.DiffMatricesResponse:
    return pb.DiffMatricesResponse(
        lines=[pb.LineChange(line=line.where, old_text=line.old, new_text=line.new) for line in found.lines],
        removed_columns=found.removed_columns,
        added_columns=found.added_columns,
        rows=[
            pb.RowChange(old_row=row.old_row or 0, new_row=row.new_row or 0, cells=map(_cell, row.cells))
            for row in found.rows
        ],
        same_count=found.same,
    )


def _cell(cell: Difference) -> pb.CellChange:
    return pb.CellChange(column=cell.where, old_text=cell.old, new_text=cell.new)
