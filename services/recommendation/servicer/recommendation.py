"""RecommendationService: assembles lists, answers the desk, explains, picks targets."""

from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import recommendation_service_pb2 as pb
from visavis.recommendation.v1 import recommendation_service_pb2_grpc as rpc

from services.recommendation.domain import national_number
from services.recommendation.ports import ContactChecks, Contacts, Desk, Logbook, Rulebook, Runs
from services.recommendation.servicer.explanation import Explainer
from services.recommendation.servicer.render import policy_list_message, zone_number, zone_of
from services.recommendation.servicer.requests import DEFAULT_PAGE, LARGEST_PAGE, finished_run, identifier
from services.recommendation.use_cases.assembly import (
    ASSEMBLY_RUNS,
    AssemblyInputs,
    AssemblyOrder,
    AssemblyRequest,
    AssemblyResult,
    order_assembly,
    same_request,
)
from services.recommendation.use_cases.desk import answer_desk
from services.recommendation.use_cases.explanation import Evidence
from services.recommendation.use_cases.imports import CATALOGUES, MATRICES
from services.recommendation.use_cases.rules import Readings
from services.recommendation.use_cases.targets import (
    TARGET_SELECTIONS,
    SelectedTargets,
    TargetOrder,
    TargetRequest,
    order_targets,
)
from shared.clock import Clock
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.lake.refs import from_ref, to_ref
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.rpc.pages import page_size
from shared.runs.domain import Run, RunState
from shared.runs.json import from_json, to_json
from shared.runs.messages import to_status
from shared.runs.pages import place_of, token_of

_LIST = "assembly runs"


class RecommendationServicer(rpc.RecommendationServiceServicer):
    """Long work is queued for the worker; what a person waits for is answered here."""

    def __init__(
        self,
        *,
        runs: Runs,
        rulebook: Rulebook,
        logbook: Logbook,
        readings: Readings,
        desk: Desk,
        contacts: Contacts[contact_pb2.Contact],
        checks: ContactChecks,
        evidence: Evidence,
        clock: Clock,
    ) -> None:
        self._runs = runs
        self._logbook = logbook
        self._readings = readings
        self._desk = desk
        self._contacts = contacts
        self._explainer = Explainer(
            runs=runs,
            readings=readings,
            rulebook=rulebook,
            logbook=logbook,
            evidence=evidence,
            checks=checks,
            clock=clock,
        )
        self._clock = clock

    async def CreateAssemblyRun(
        self, request: pb.CreateAssemblyRunRequest, context: Context
    ) -> pb.CreateAssemblyRunResponse:
        asked, run_id = _assembly_request(request), identifier(request.request_id)
        order = await self._ordered_before(asked, run_id)
        if order is None:
            order = await order_assembly(asked, logbook=self._logbook, readings=self._readings)
        run = await self._runs.create(
            ASSEMBLY_RUNS,
            run_id,
            to_json(order),
            principal=current_caller().principal,
            now=self._clock.now(),
        )
        return pb.CreateAssemblyRunResponse(assembly_run=_assembly_run(run))

    async def GetAssemblyRun(self, request: pb.GetAssemblyRunRequest, context: Context) -> pb.GetAssemblyRunResponse:
        run = await self._runs.get(ASSEMBLY_RUNS, resource_id(ASSEMBLY_RUNS, request.name))
        return pb.GetAssemblyRunResponse(assembly_run=_assembly_run(run))

    async def ListAssemblyRuns(
        self, request: pb.ListAssemblyRunsRequest, context: Context
    ) -> pb.ListAssemblyRunsResponse:
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        page = await self._runs.page(ASSEMBLY_RUNS, after=place_of(request.page_token, _LIST), limit=size)
        token = token_of(page.next_place, _LIST)
        return pb.ListAssemblyRunsResponse(assembly_runs=map(_assembly_run, page.runs), next_page_token=token)

    async def GetPolicyList(self, request: pb.GetPolicyListRequest, context: Context) -> pb.GetPolicyListResponse:
        answer = await answer_desk(
            customer_id=_customer_id(request),
            msisdn=national_number(request.msisdn, field="msisdn") if request.HasField("msisdn") else "",
            caller=current_caller(),
            desk=self._desk,
            contacts=self._contacts,
            readings=self._readings,
            clock=self._clock,
        )
        return pb.GetPolicyListResponse(policy_list=policy_list_message(answer))

    async def ExplainPolicyList(
        self, request: pb.ExplainPolicyListRequest, context: Context
    ) -> pb.ExplainPolicyListResponse:
        return await self._explainer.explain(request)

    async def SelectTargets(self, request: pb.SelectTargetsRequest, context: Context) -> pb.SelectTargetsResponse:
        run = await finished_run(
            self._runs, ASSEMBLY_RUNS, resource_id(ASSEMBLY_RUNS, request.assembly_run, field="assembly_run")
        )
        result = from_json(AssemblyResult, run.result)
        asked = TargetRequest(
            assembly_run=run.name,
            lists=result.assembled.lists,
            order=from_json(AssemblyOrder, run.request),
            zone=zone_of(request.zone),
            policy=request.policy,
            limit=request.limit,
            cities=request.cities,
            matrix_id=resource_id(MATRICES, request.matrix, field="matrix") if request.matrix else "",
            handset_needs=request.handset_needs,
            weighing=result.circumstances.weighing,
        )
        order = await order_targets(asked, caller=current_caller(), versions=self._logbook, readings=self._readings)
        selection = await self._runs.create(
            TARGET_SELECTIONS,
            identifier(request.request_id),
            to_json(order),
            principal=current_caller().principal,
            now=self._clock.now(),
        )
        return pb.SelectTargetsResponse(target_selection=_target_selection(selection))

    async def GetTargetSelection(
        self, request: pb.GetTargetSelectionRequest, context: Context
    ) -> pb.GetTargetSelectionResponse:
        if request.HasField("targets"):
            if request.name:
                raise InvalidInput.of("targets", "expected a name or targets, not both")
            run = await self._runs.selection_of(from_ref(request.targets))
        else:
            run = await self._runs.get(TARGET_SELECTIONS, resource_id(TARGET_SELECTIONS, request.name))
        return pb.GetTargetSelectionResponse(target_selection=_target_selection(run))

    async def _ordered_before(self, asked: AssemblyRequest, run_id: str) -> AssemblyOrder | None:
        """Return the order of a run that the same request has asked for: it holds whatever is published by now.

        Raises AlreadyExists for the id of another request.
        """
        try:
            order = from_json(AssemblyOrder, (await self._runs.get(ASSEMBLY_RUNS, run_id)).request)
        except NotFound:
            return None
        if not same_request(order, asked):
            raise AlreadyExists(f"{ASSEMBLY_RUNS}/{run_id}")
        return order


def _customer_id(request: pb.GetPolicyListRequest) -> str:
    """Return the id asked for, empty when a number is; raises InvalidInput where there is neither."""
    if request.WhichOneof("customer") is None or (request.HasField("customer_id") and not request.customer_id):
        raise InvalidInput.of("customer", "expected a customer_id or a msisdn")
    return request.customer_id


def _assembly_request(request: pb.CreateAssemblyRunRequest) -> AssemblyRequest:
    return AssemblyRequest(
        cycle=request.cycle,
        inputs=AssemblyInputs(from_ref(request.views), from_ref(request.scores), from_ref(request.membership)),
        matrix_ids=[resource_id(MATRICES, name, field="matrices") for name in request.matrices],
        catalogue_id=resource_id(CATALOGUES, request.policy_catalogue, field="policy_catalogue"),
        snapshot=request.snapshot,
        scoring_run=request.scoring_run,
        models=request.models,
    )


def _assembly_run(run: Run) -> pb.AssemblyRun:
    order = from_json(AssemblyOrder, run.request)
    message = pb.AssemblyRun(
        name=run.name,
        cycle=order.cycle,
        status=to_status(run),
        matrices=[f"{MATRICES}/{matrix_id}" for matrix_id in order.matrices.all],
        policy_catalogue=f"{CATALOGUES}/{order.catalogue_id}",
        snapshot=order.snapshot,
        scoring_run=order.scoring_run,
    )
    if run.state is RunState.SUCCEEDED:
        result = from_json(AssemblyResult, run.result)
        message.lists.CopyFrom(to_ref(result.assembled.lists))
        message.rejects.CopyFrom(to_ref(result.assembled.rejects))
        message.switch_time.FromDatetime(result.switch_time)
        message.dilution.expected_fen = result.dilution.expected_fen
        message.dilution.blocked_count = result.dilution.blocked_count
    return message


def _target_selection(run: Run) -> pb.TargetSelection:
    order = from_json(TargetOrder, run.request)
    message = pb.TargetSelection(
        name=run.name,
        status=to_status(run),
        assembly_run=order.assembly_run,
        zone=zone_number(order.zone),
        matrix=f"{MATRICES}/{order.matrix_id}" if order.matrix_id else "",
    )
    if run.state is RunState.SUCCEEDED:
        selected = from_json(SelectedTargets, run.result)
        message.targets.CopyFrom(to_ref(selected.targets))
        message.arm_counts.update(selected.arm_counts)
    return message
