"""A running recommendation with its worker and a dispatch by hand, and the requests that tests make of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
from visavis.common.v1 import run_pb2
from visavis.dispatch.v1 import contact_service_pb2_grpc
from visavis.recommendation.v1 import matrix_preview_pb2 as preview_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import matrix_service_pb2_grpc as matrix_rpc
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import policy_service_pb2_grpc as policy_rpc
from visavis.recommendation.v1 import recommendation_service_pb2 as pb
from visavis.recommendation.v1 import recommendation_service_pb2_grpc as rpc

from services.recommendation.clients import DispatchChecks, DispatchContacts
from services.recommendation.datasets.changes import LakeChanges
from services.recommendation.datasets.checks import LakeInspector
from services.recommendation.datasets.evidence import LakeEvidence
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.datasets.previews import PreviewWorkshop
from services.recommendation.domain import NEEDED, OPTIONAL
from services.recommendation.postgres import (
    PostgresDesk,
    PostgresLogbook,
    PostgresRulebook,
    PostgresRuns,
    PostgresSwitches,
    record_check,
)
from services.recommendation.servicer import (
    SERVICE_NAMES,
    MatrixServicer,
    PolicyServicer,
    RecommendationServicer,
)
from services.recommendation.settings import RecommendationServerSettings, RecommendationWorkerSettings
from services.recommendation.tables import RUNS
from services.recommendation.use_cases.assembly import AssemblyInputs
from services.recommendation.use_cases.rules import Readings
from services.recommendation.worker import Assembler, Checker, Previewer, TargetPicker, handlers
from shared.clock import ManualClock
from shared.db.engine import Database, open_database
from shared.db.single_reads import open_single_reads
from shared.lake.lake import Lake
from shared.lake.refs import to_ref
from shared.rpc.client import open_channel
from shared.rpc.identity import Caller, Role, acting_as
from shared.rpc.server import running
from shared.runs.store import RunStore
from shared.runs.worker import RunWorker
from tests.factories.recommendation import NOW, sample
from tests.fakes.contacts import FakeContacts

if TYPE_CHECKING:  # the async stubs exist for the type checker only
    from visavis.recommendation.v1.matrix_service_pb2_grpc import MatrixServiceAsyncStub
    from visavis.recommendation.v1.policy_service_pb2_grpc import PolicyServiceAsyncStub
    from visavis.recommendation.v1.recommendation_service_pb2_grpc import RecommendationServiceAsyncStub

SAMPLE_MATRICES = tuple(sample(name) for name in (*NEEDED, *OPTIONAL))
CYCLE = "2026-11"
PLANNER, REVIEWER = Caller("planner", Role.PLANNER), Caller("reviewer", Role.PLANNER)
_PATIENCE = 30


@dataclass(frozen=True)
class Service:
    """The service's stubs, and what stands around it."""

    recommendation: "RecommendationServiceAsyncStub"
    matrices: "MatrixServiceAsyncStub"
    policies: "PolicyServiceAsyncStub"
    lake: Lake
    contacts: FakeContacts
    clock: ManualClock
    stop_dispatch: asyncio.Event
    url: str
    database: Database
    asked: list[pb.CreateAssemblyRunRequest] = field(default_factory=list)

    async def rules(
        self, *, policies: str | None = None, matrices: Sequence[str] = SAMPLE_MATRICES
    ) -> tuple[list[str], str]:
        """Take rules in and publish the matrices for CYCLE; return the names of the matrices and of the catalogue."""
        imported = [await self.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(csv=text)) for text in matrices]
        asked = policy_pb.ImportPoliciesRequest(csv=policies or sample("policies"))
        if policies is None:
            asked.products_content = sample("products").encode()
        catalogue = await self.policies.ImportPolicies(asked)
        names = [answer.matrix.name for answer in imported]
        await self.publish(names)
        return names, catalogue.policy_catalogue

    async def publish(self, names: Sequence[str], *, cycle: str = CYCLE) -> None:
        """Publish versions as soon as they were checked and somebody else has approved them."""
        for name in names:
            await self.approve(name)
        versions = [matrix_pb.MatrixVersion(name=name) for name in names]
        asked = matrix_pb.PublishMatrixRequest(versions=versions, cycle=cycle, reason="the new month")
        with acting_as(PLANNER):
            await self.matrices.PublishMatrix(asked)

    async def approve(self, name: str) -> None:
        """Approve a version that a check has passed."""
        await self.checked(name)
        with acting_as(REVIEWER):
            await self.matrices.ApproveMatrix(matrix_pb.ApproveMatrixRequest(name=name, reason="looks right"))

    async def checked(self, name: str, *, errors: str = "") -> None:
        """Record a check of a version as the last stage of one does; `errors` are what it has found."""
        async with self.database.write() as tx:
            await record_check(
                tx,
                name.removeprefix("matrices/"),
                passed=not errors,
                reason=errors or "no error",
                run="matrixChecks/c1",
                principal=PLANNER.principal,
                now=self.clock.now(),
            )

    async def order(self, inputs: AssemblyInputs, **rules: object) -> pb.AssemblyRun:
        """Ask for lists; the run may be pending."""
        matrices, catalogue = await self.rules(**rules)  # type: ignore[arg-type]  # the keywords of `rules`
        return await self._order(inputs, catalogue, matrices)

    async def assemble_published(self, inputs: AssemblyInputs, catalogue: str) -> pb.AssemblyRun:
        """Ask for lists by all that is published, and wait until they are switched in."""
        run = await self.finish(await self._order(inputs, catalogue, []))
        assert run.status.state == run_pb2.RUN_STATE_SUCCEEDED, run.status.failure
        return run

    async def _order(self, inputs: AssemblyInputs, catalogue: str, matrices: Sequence[str]) -> pb.AssemblyRun:
        asked = pb.CreateAssemblyRunRequest(
            cycle=CYCLE,
            views=to_ref(inputs.views),
            scores=to_ref(inputs.scores),
            membership=to_ref(inputs.membership),
            matrices=matrices,
            policy_catalogue=catalogue,
            snapshot="snapshots/s1",
            scoring_run="scoringRuns/r1",
            models=["models/m1", "models/m2"],
        )
        self.asked.append(asked)
        return (await self.recommendation.CreateAssemblyRun(asked)).assembly_run

    async def assemble(self, inputs: AssemblyInputs, **rules: object) -> pb.AssemblyRun:
        """Ask for lists and wait until they are switched in."""
        run = await self.finish(await self.order(inputs, **rules))
        assert run.status.state == run_pb2.RUN_STATE_SUCCEEDED, run.status.failure
        return run

    async def finish(self, run: pb.AssemblyRun) -> pb.AssemblyRun:
        """Wait for the end of a run, good or bad."""
        asked = pb.GetAssemblyRunRequest(name=run.name)
        async with asyncio.timeout(_PATIENCE):
            while run.status.state in {run_pb2.RUN_STATE_PENDING, run_pb2.RUN_STATE_RUNNING}:
                await asyncio.sleep(0.02)
                run = (await self.recommendation.GetAssemblyRun(asked)).assembly_run
        return run

    async def targets(self, request: pb.SelectTargetsRequest) -> pb.TargetSelection:
        """Pick targets and wait for them."""
        selection = (await self.recommendation.SelectTargets(request)).target_selection
        asked = pb.GetTargetSelectionRequest(name=selection.name)
        async with asyncio.timeout(_PATIENCE):
            while selection.status.state in {run_pb2.RUN_STATE_PENDING, run_pb2.RUN_STATE_RUNNING}:
                await asyncio.sleep(0.02)
                selection = (await self.recommendation.GetTargetSelection(asked)).target_selection
        assert selection.status.state == run_pb2.RUN_STATE_SUCCEEDED, selection.status.failure
        return selection

    async def preview(self, request: preview_pb.PreviewMatrixRequest) -> preview_pb.MatrixPreview:
        """Preview drafts and wait for the end, good or bad."""
        return await self.previewed((await self.matrices.PreviewMatrix(request)).matrix_preview)

    async def previewed(self, preview: preview_pb.MatrixPreview) -> preview_pb.MatrixPreview:
        """Wait for the end of a preview."""
        asked = preview_pb.GetMatrixPreviewRequest(name=preview.name)
        async with asyncio.timeout(_PATIENCE):
            while preview.status.state in {run_pb2.RUN_STATE_PENDING, run_pb2.RUN_STATE_RUNNING}:
                await asyncio.sleep(0.02)
                preview = (await self.matrices.GetMatrixPreview(asked)).matrix_preview
        return preview

    async def list_of(self, customer_id: str) -> pb.PolicyList:
        asked = pb.GetPolicyListRequest(customer_id=customer_id)
        return (await self.recommendation.GetPolicyList(asked)).policy_list


@asynccontextmanager
async def running_service(url: str, lake: Lake, *, worker: bool = True) -> AsyncIterator[Service]:
    """Run the service on `url` over a real socket; without `worker`, somebody else does the runs."""
    clock, contacts, stop_dispatch = ManualClock(NOW), FakeContacts(), asyncio.Event()  # type: ignore[abstract]  # the other methods are unimplemented
    async with (
        _dispatch(contacts, stop_dispatch) as dispatch,
        open_database(url, application_name="test") as database,
        _served(database, lake, dispatch, clock, url) as channel,
        _working(url, lake, clock, wanted=worker),
    ):
        yield Service(
            rpc.RecommendationServiceStub(channel),
            matrix_rpc.MatrixServiceStub(channel),
            policy_rpc.PolicyServiceStub(channel),
            lake,
            contacts,
            clock,
            stop_dispatch,
            url,
            database,
        )


@asynccontextmanager
async def _dispatch(contacts: FakeContacts, stop: asyncio.Event) -> AsyncIterator[str]:
    """Serve the contacts until `stop` or the end of the body; yield where."""
    started: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def serve() -> None:
        settings = RecommendationServerSettings(port=0, drain_seconds=0, grace_seconds=0)
        async with running(
            settings,
            register=lambda server: contact_service_pb2_grpc.add_ContactServiceServicer_to_server(contacts, server),
            service_names=["visavis.dispatch.v1.ContactService"],
            checks={},
        ) as port:
            started.set_result(port)
            await stop.wait()

    task = asyncio.create_task(serve())
    yield f"127.0.0.1:{await started}"
    stop.set()
    await task


@asynccontextmanager
async def _served(
    database: Database, lake: Lake, dispatch: str, clock: ManualClock, url: str
) -> AsyncIterator[grpc.aio.Channel]:
    settings = RecommendationServerSettings(port=0, drain_seconds=0)
    async with (
        open_single_reads(url, application_name="test-desk") as reads,
        open_channel(dispatch, client_name="recommendation") as to_dispatch,
    ):
        rulebook, logbook, fields = PostgresRulebook(database), PostgresLogbook(database), matrix_fields()
        readings = Readings(rulebook, fields)

        def register(server: grpc.aio.Server) -> None:
            runs = PostgresRuns(database, RunStore(RUNS))
            matrices = MatrixServicer(
                rulebook=rulebook,
                logbook=logbook,
                readings=readings,
                runs=runs,
                changes=LakeChanges(lake),
                fields=fields,
                clock=clock,
            )
            policies = PolicyServicer(rulebook=rulebook, readings=readings, clock=clock)
            recommendation = RecommendationServicer(
                runs=runs,
                rulebook=rulebook,
                logbook=logbook,
                readings=readings,
                desk=PostgresDesk(reads),
                contacts=DispatchContacts.on(to_dispatch, deadline_seconds=settings.contacts_deadline_seconds),
                checks=DispatchChecks.on(to_dispatch),
                evidence=LakeEvidence(lake),
                clock=clock,
            )
            matrix_rpc.add_MatrixServiceServicer_to_server(matrices, server)
            policy_rpc.add_PolicyServiceServicer_to_server(policies, server)
            rpc.add_RecommendationServiceServicer_to_server(recommendation, server)

        async with (
            running(settings, register=register, service_names=SERVICE_NAMES, checks={}) as port,
            open_channel(f"127.0.0.1:{port}", client_name="test") as channel,
        ):
            yield channel


@asynccontextmanager
async def _working(url: str, lake: Lake, clock: ManualClock, *, wanted: bool) -> AsyncIterator[None]:
    if not wanted:
        yield
        return
    stop = asyncio.Event()
    async with open_database(url, application_name="test-worker") as database, asyncio.TaskGroup() as tasks:
        workshop = LakeWorkshop(lake)
        assembler = Assembler(
            readings=Readings(PostgresRulebook(database), matrix_fields()),
            workshop=workshop,
            switches=PostgresSwitches(),
            consent_default=False,
            most_at_once=3,
            weighing=RecommendationWorkerSettings().weighing(),
            clock=clock,
        )
        checker = Checker(assembler.readings, LakeInspector(lake, matrix_fields()), clock)
        previewer = Previewer(assembler.readings, PreviewWorkshop(lake), clock)
        stages = handlers(assembler, TargetPicker(assembler.readings, workshop, clock), checker, previewer)
        tasks.create_task(RunWorker(database=database, tables=RUNS, handlers=stages, clock=clock).run(stop))
        yield
        stop.set()


LATER = timedelta(minutes=5)
