"""One cycle: extracts in, views, arms, models, scores, lists switched in. Keeps no state: each step is found again by its request id."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from visavis.common.v1.dataset_pb2 import DatasetRef
from visavis.feedback.v1 import feedback_service_pb2 as feedback_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.clients import Clients
from services.console.extracts import read_extracts, take_extracts
from services.console.identity import request_id
from services.console.matrices import newest_catalogue
from services.console.planner_files import planner_files, take_matrices_of, take_policies_of
from services.console.publishing import Publisher
from services.console.runs import Follower, pages, patient
from shared.errors import Failure

_TOO_LITTLE = "ERROR_REASON_TRAINING_DATA_INSUFFICIENT"


@dataclass(frozen=True, slots=True)
class CycleInputs:
    """What a cycle is made of: extracts with their mapping file, the planners' files, the arms, the products scored.

    Without planners' files lists are made by what is published for the cycle, and the newest catalogue. Without `products` the
    need of every product is scored that was taken in the history. `reviewer` stands for the planner's matrices that are not
    published for the cycle; without one those are refused.
    """

    cycle: str
    extracts: Path
    planner: Path | None
    control_percent: int
    random_percent: int
    seed: int
    products: Sequence[str]
    reviewer: str = ""


@dataclass(frozen=True, slots=True)
class CycleResult:
    """The resources of a finished cycle, and why the need of some products is not scored."""

    imported: profile_pb.Import
    snapshot: profile_pb.Snapshot
    control_group: feedback_pb.ControlGroup
    scoring_run: scoring_pb.ScoringRun
    assembly_run: recommendation_pb.AssemblyRun
    unscored: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Rules:
    matrices: tuple[str, ...]
    catalogue: str
    scoring: str
    """The fingerprint of the province's rules for scores: other rules, other scores."""


@dataclass(frozen=True, slots=True)
class _Kind:
    """A model that a cycle needs."""

    step: str
    kind: model_pb.ModelKind.ValueType
    product: str = ""


@dataclass(frozen=True, slots=True)
class _Models:
    """What was trained, and why the rest was not."""

    trained: Sequence[str]
    unscored: Sequence[str]


async def run_cycle(inputs: CycleInputs, *, clients: Clients, follower: Follower) -> CycleResult:
    """Run a cycle to its end, or go on with it. Raises shared.errors.Failure with what a person can do about it."""
    steps = _Steps(inputs, clients, follower)
    # Meanwhile; they are taken in once the rules are.
    reading = asyncio.ensure_future(read_extracts(inputs.extracts, progress=follower.progress))
    try:
        rules = await steps.take_rules()
        imported = await take_extracts(inputs.cycle, await reading, clients=clients, follower=follower)
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    snapshot = await steps.make_snapshot(imported)
    group, models = await asyncio.gather(steps.draw_arms(snapshot), steps.train(snapshot))
    scoring_run = await steps.score(rules, snapshot, models.trained)
    assembly_run = await steps.assemble(rules, snapshot, scoring_run, group)
    return CycleResult(imported, snapshot, group, scoring_run, assembly_run, models.unscored)


@dataclass(frozen=True, slots=True)
class _Steps:
    """The steps of one cycle; each creates its run or finds it, and returns it when it has succeeded."""

    inputs: CycleInputs
    clients: Clients
    follower: Follower

    async def take_rules(self) -> _Rules:
        """Take in and publish the planners' files, and check the rules for scores, first: what is wrong is known before the base is
        touched."""
        matrices, catalogue = await self._matrices_and_catalogue()
        asked = scoring_pb.GetScoringRulesRequest()
        scoring = await patient(partial(self.clients.scoring.GetScoringRules, asked))
        return _Rules(matrices, catalogue, scoring.fingerprint)

    async def _matrices_and_catalogue(self) -> tuple[tuple[str, ...], str]:
        publisher = Publisher(self.clients, self.follower, self.inputs.reviewer)
        if self.inputs.planner is None:
            present = await patient(partial(publisher.present, self.inputs.cycle))
            return present, await patient(partial(newest_catalogue, self.clients))
        files = planner_files(self.inputs.planner)
        taken = await take_matrices_of(files, self.clients)
        catalogue = await take_policies_of(files, self.inputs.cycle, self.clients)
        return await publisher.for_cycle(taken, self.inputs.cycle, catalogue=catalogue), catalogue

    async def make_snapshot(self, imported: profile_pb.Import) -> profile_pb.Snapshot:
        return await self.follower.complete(
            "customer views",
            create=self.clients.profile.CreateSnapshot,
            asked=profile_pb.CreateSnapshotRequest(
                request_id=request_id(self.inputs.cycle, "snapshot", imported.name), import_run=imported.name
            ),
            read=self.clients.profile.GetSnapshot,
            named=lambda name: profile_pb.GetSnapshotRequest(name=name),
            of=lambda answer: answer.snapshot,
        )

    async def draw_arms(self, snapshot: profile_pb.Snapshot) -> feedback_pb.ControlGroup:
        inputs = self.inputs
        shares = (str(inputs.control_percent), str(inputs.random_percent), str(inputs.seed))
        asked = feedback_pb.CreateControlGroupRequest(
            request_id=request_id(inputs.cycle, "control group", snapshot.views.fingerprint, *shares),
            cycle=inputs.cycle,
            views=snapshot.views,
            control_percent=inputs.control_percent,
            random_percent=inputs.random_percent,
            seed=inputs.seed,
        )
        return await self.follower.complete(
            "control group",
            create=self.clients.feedback.CreateControlGroup,
            asked=asked,
            read=self.clients.feedback.GetControlGroup,
            named=lambda name: feedback_pb.GetControlGroupRequest(name=name),
            of=lambda answer: answer.control_group,
        )

    async def train(self, snapshot: profile_pb.Snapshot) -> _Models:
        """Train every model of the cycle. A product of which there is too little to learn is left out, and said so."""
        needs = [
            _Kind(f"need model {product}", model_pb.MODEL_KIND_NEED, product)
            for product in self.inputs.products or await self._products_taken(snapshot)
        ]
        singles = [
            _Kind("stickiness model", model_pb.MODEL_KIND_STICKINESS),
            _Kind("churn model", model_pb.MODEL_KIND_CHURN_WARNING),
        ]
        trained, tried = await asyncio.gather(
            asyncio.gather(*(self._train_one(kind, snapshot) for kind in singles)),
            asyncio.gather(*(self._train_if_enough(kind, snapshot) for kind in needs)),
        )
        models = [*trained, *(found for found in tried if isinstance(found, model_pb.Model))]
        return _Models([model.name for model in models], [why for why in tried if isinstance(why, str)])

    async def _products_taken(self, snapshot: profile_pb.Snapshot) -> Sequence[str]:
        asked = model_pb.ListNeedProductsRequest(history_labels=snapshot.history_labels)
        taken = await patient(partial(self.clients.models.ListNeedProducts, asked))
        return [entry.product for entry in taken.products]

    async def _train_if_enough(self, wanted: _Kind, snapshot: profile_pb.Snapshot) -> model_pb.Model | str:
        """Return the model, or why there is none."""
        try:
            return await self._train_one(wanted, snapshot)
        except Failure as failure:
            if failure.reason != _TOO_LITTLE:
                raise
            return f"The need of {wanted.product} is not scored. {failure.message}"

    async def _train_one(self, wanted: _Kind, snapshot: profile_pb.Snapshot) -> model_pb.Model:
        history = (snapshot.history_views.fingerprint, snapshot.history_labels.fingerprint)
        asked = model_pb.TrainModelRequest(
            request_id=request_id(self.inputs.cycle, wanted.step, *history),
            kind=wanted.kind,
            product=wanted.product,
            history_views=snapshot.history_views,
            history_labels=snapshot.history_labels,
        )
        return await self.follower.complete(
            wanted.step,
            create=self.clients.models.TrainModel,
            asked=asked,
            read=self.clients.models.GetModel,
            named=lambda name: model_pb.GetModelRequest(name=name),
            of=lambda answer: answer.model,
        )

    async def score(self, rules: _Rules, snapshot: profile_pb.Snapshot, models: Sequence[str]) -> scoring_pb.ScoringRun:
        """Score customers and enterprises; warnings of the cycle before last until they are calm again."""
        before = await self._scores_before()
        others = (snapshot.enterprise_views.fingerprint, before.fingerprint, rules.scoring)
        asked = scoring_pb.CreateScoringRunRequest(
            request_id=request_id(self.inputs.cycle, "scores", snapshot.views.fingerprint, *others, *models),
            cycle=self.inputs.cycle,
            views=snapshot.views,
            models=models,
            enterprise_views=snapshot.enterprise_views,
            scores_before=before,
        )
        return await self.follower.complete(
            "scores",
            create=self.clients.scoring.CreateScoringRun,
            asked=asked,
            read=self.clients.scoring.GetScoringRun,
            named=lambda name: scoring_pb.GetScoringRunRequest(name=name),
            of=lambda answer: answer.scoring_run,
        )

    async def _scores_before(self) -> DatasetRef:
        """Return the newest scores of the latest cycle before this one; an empty reference where there are none."""
        found: scoring_pb.ScoringRun | None = None
        listed = pages(
            lambda size, token: patient(
                lambda: self.clients.scoring.ListScoringRuns(
                    scoring_pb.ListScoringRunsRequest(page_size=size, page_token=token)
                )
            )
        )
        async for page in listed:
            for run in page.scoring_runs:
                is_before = run.HasField("scores") and run.cycle < self.inputs.cycle
                if is_before and (found is None or run.cycle > found.cycle):  # of one cycle the newest comes first
                    found = run
        return found.scores if found else DatasetRef()

    async def assemble(
        self,
        rules: _Rules,
        snapshot: profile_pb.Snapshot,
        scoring_run: scoring_pb.ScoringRun,
        group: feedback_pb.ControlGroup,
    ) -> recommendation_pb.AssemblyRun:
        made_of = (snapshot.name, scoring_run.name, group.name, *rules.matrices, rules.catalogue)
        asked = recommendation_pb.CreateAssemblyRunRequest(
            request_id=request_id(self.inputs.cycle, "lists", *made_of),
            cycle=self.inputs.cycle,
            views=snapshot.views,
            scores=scoring_run.scores,
            membership=group.membership,
            matrices=rules.matrices,
            policy_catalogue=rules.catalogue,
            snapshot=snapshot.name,
            scoring_run=scoring_run.name,
            models=scoring_run.models,
        )
        return await self.follower.complete(
            "policy lists",
            create=self.clients.recommendation.CreateAssemblyRun,
            asked=asked,
            read=self.clients.recommendation.GetAssemblyRun,
            named=lambda name: recommendation_pb.GetAssemblyRunRequest(name=name),
            of=lambda answer: answer.assembly_run,
        )
