"""One cycle: extracts in, views, arms, models, scores, lists switched in. Keeps no state: each step is found again by its request id."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from visavis.feedback.v1 import feedback_service_pb2 as feedback_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.clients import Clients
from services.console.identity import fingerprint, request_id
from services.console.runs import Follower, patient
from shared.errors import InvalidInput

MATRICES = ("priority.csv", "retention.csv", "new_service.csv")
POLICIES = "policies.csv"
MAPPING = "mapping.toml"


@dataclass(frozen=True, slots=True)
class CycleInputs:
    """What a cycle is made of: extracts with their mapping file, the planners' files, the arms, the products scored."""

    cycle: str
    extracts: Path
    planner: Path
    control_percent: int
    random_percent: int
    seed: int
    products: Sequence[str]


@dataclass(frozen=True, slots=True)
class CycleResult:
    """The resources of a finished cycle."""

    imported: profile_pb.Import
    snapshot: profile_pb.Snapshot
    control_group: feedback_pb.ControlGroup
    scoring_run: scoring_pb.ScoringRun
    assembly_run: recommendation_pb.AssemblyRun


@dataclass(frozen=True, slots=True)
class _Rules:
    matrices: tuple[str, ...]
    catalogue: str


async def run_cycle(inputs: CycleInputs, *, clients: Clients, follower: Follower) -> CycleResult:
    """Run a cycle to its end, or go on with it. Raises shared.errors.Failure with what a person can do about it."""
    rules = await _take_rules(inputs, clients=clients)
    imported = await take_extracts(inputs.cycle, inputs.extracts, clients=clients, follower=follower)
    snapshot = await _make_snapshot(inputs, imported, clients=clients, follower=follower)
    group, models = await asyncio.gather(
        _draw_arms(inputs, snapshot, clients=clients, follower=follower),
        _train(inputs, snapshot, clients=clients, follower=follower),
    )
    scoring_run = await _score(inputs, snapshot, models, clients=clients, follower=follower)
    assembly_run = await _assemble(inputs, rules, snapshot, scoring_run, group, clients=clients, follower=follower)
    return CycleResult(imported, snapshot, group, scoring_run, assembly_run)


async def _take_rules(inputs: CycleInputs, *, clients: Clients) -> _Rules:
    """Take in the planners' files first: a wrong cell is known before the base is touched."""
    matrices = []
    for name in MATRICES:
        text = _read_rules(inputs.planner, name)
        asked = matrix_pb.ImportMatrixRequest(request_id=request_id(inputs.cycle, "matrix", text), csv=text)
        matrices.append((await patient(partial(clients.matrices.ImportMatrix, asked))).matrix.name)
    text = _read_rules(inputs.planner, POLICIES)
    policies = policy_pb.ImportPoliciesRequest(request_id=request_id(inputs.cycle, "policies", text), csv=text)
    taken = await patient(lambda: clients.policies.ImportPolicies(policies))
    return _Rules(tuple(matrices), taken.policy_catalogue)


async def take_extracts(cycle: str, extracts: Path, *, clients: Clients, follower: Follower) -> profile_pb.Import:
    """Import an absolute folder of extracts by the mapping file in it, and wait for the end."""
    content, mapping = await asyncio.to_thread(_read_folder, extracts)
    asked = profile_pb.CreateImportRequest(
        request_id=request_id(cycle, "import", content, str(extracts)),
        cycle=cycle,
        source_uri=str(extracts),
        mapping=mapping,
    )
    name = (await patient(lambda: clients.profile.CreateImport(asked))).import_run.name
    asked_again = profile_pb.GetImportRequest(name=name)
    answer = await follower.finish(
        "import", lambda: clients.profile.GetImport(asked_again), lambda answer: answer.import_run.status
    )
    return answer.import_run


def _read_folder(extracts: Path) -> tuple[str, str]:
    if not (extracts / MAPPING).is_file():
        raise InvalidInput.of(str(extracts), f"expected a folder of extracts with a mapping file {MAPPING} in it")
    return fingerprint(path for path in extracts.iterdir() if path.is_file()), (extracts / MAPPING).read_text()


def _read_rules(planner: Path, name: str) -> str:
    if not (planner / name).is_file():
        raise InvalidInput.of(str(planner / name), f"expected the planners' files {', '.join((*MATRICES, POLICIES))}")
    return (planner / name).read_text()


async def _make_snapshot(
    inputs: CycleInputs, imported: profile_pb.Import, *, clients: Clients, follower: Follower
) -> profile_pb.Snapshot:
    asked = profile_pb.CreateSnapshotRequest(
        request_id=request_id(inputs.cycle, "snapshot", imported.name), import_run=imported.name
    )
    name = (await patient(lambda: clients.profile.CreateSnapshot(asked))).snapshot.name
    asked_again = profile_pb.GetSnapshotRequest(name=name)
    answer = await follower.finish(
        "customer views", lambda: clients.profile.GetSnapshot(asked_again), lambda answer: answer.snapshot.status
    )
    return answer.snapshot


async def _draw_arms(
    inputs: CycleInputs, snapshot: profile_pb.Snapshot, *, clients: Clients, follower: Follower
) -> feedback_pb.ControlGroup:
    shares = (str(inputs.control_percent), str(inputs.random_percent), str(inputs.seed))
    asked = feedback_pb.CreateControlGroupRequest(
        request_id=request_id(inputs.cycle, "control group", snapshot.views.fingerprint, *shares),
        cycle=inputs.cycle,
        views=snapshot.views,
        control_percent=inputs.control_percent,
        random_percent=inputs.random_percent,
        seed=inputs.seed,
    )
    name = (await patient(lambda: clients.feedback.CreateControlGroup(asked))).control_group.name
    asked_again = feedback_pb.GetControlGroupRequest(name=name)
    answer = await follower.finish(
        "control group",
        lambda: clients.feedback.GetControlGroup(asked_again),
        lambda answer: answer.control_group.status,
    )
    return answer.control_group


async def _train(
    inputs: CycleInputs, snapshot: profile_pb.Snapshot, *, clients: Clients, follower: Follower
) -> list[model_pb.Model]:
    kinds = [
        (model_pb.MODEL_KIND_STICKINESS, "", "stickiness model"),
        (model_pb.MODEL_KIND_CHURN_WARNING, "", "churn model"),
        *((model_pb.MODEL_KIND_NEED, product, f"need model {product}") for product in inputs.products),
    ]
    return await asyncio.gather(
        *(_train_one(inputs, snapshot, *kind, clients=clients, follower=follower) for kind in kinds)
    )


async def _train_one(
    inputs: CycleInputs,
    snapshot: profile_pb.Snapshot,
    kind: model_pb.ModelKind.ValueType,
    product: str,
    step: str,
    *,
    clients: Clients,
    follower: Follower,
) -> model_pb.Model:
    history = (snapshot.history_views.fingerprint, snapshot.history_labels.fingerprint)
    asked = model_pb.TrainModelRequest(
        request_id=request_id(inputs.cycle, step, *history),
        kind=kind,
        product=product,
        history_views=snapshot.history_views,
        history_labels=snapshot.history_labels,
    )
    name = (await patient(lambda: clients.models.TrainModel(asked))).model.name
    asked_again = model_pb.GetModelRequest(name=name)
    answer = await follower.finish(
        step, lambda: clients.models.GetModel(asked_again), lambda answer: answer.model.status
    )
    return answer.model


async def _score(
    inputs: CycleInputs,
    snapshot: profile_pb.Snapshot,
    models: Sequence[model_pb.Model],
    *,
    clients: Clients,
    follower: Follower,
) -> scoring_pb.ScoringRun:
    names = [model.name for model in models]
    asked = scoring_pb.CreateScoringRunRequest(
        request_id=request_id(inputs.cycle, "scores", snapshot.views.fingerprint, *names),
        cycle=inputs.cycle,
        views=snapshot.views,
        models=names,
    )
    name = (await patient(lambda: clients.scoring.CreateScoringRun(asked))).scoring_run.name
    asked_again = scoring_pb.GetScoringRunRequest(name=name)
    answer = await follower.finish(
        "scores", lambda: clients.scoring.GetScoringRun(asked_again), lambda answer: answer.scoring_run.status
    )
    return answer.scoring_run


async def _assemble(
    inputs: CycleInputs,
    rules: _Rules,
    snapshot: profile_pb.Snapshot,
    scoring_run: scoring_pb.ScoringRun,
    group: feedback_pb.ControlGroup,
    *,
    clients: Clients,
    follower: Follower,
) -> recommendation_pb.AssemblyRun:
    made_of = (snapshot.name, scoring_run.name, group.name, *rules.matrices, rules.catalogue)
    asked = recommendation_pb.CreateAssemblyRunRequest(
        request_id=request_id(inputs.cycle, "lists", *made_of),
        cycle=inputs.cycle,
        views=snapshot.views,
        scores=scoring_run.scores,
        membership=group.membership,
        matrices=rules.matrices,
        policy_catalogue=rules.catalogue,
        snapshot=snapshot.name,
        scoring_run=scoring_run.name,
    )
    name = (await patient(lambda: clients.recommendation.CreateAssemblyRun(asked))).assembly_run.name
    asked_again = recommendation_pb.GetAssemblyRunRequest(name=name)
    answer = await follower.finish(
        "policy lists",
        lambda: clients.recommendation.GetAssemblyRun(asked_again),
        lambda answer: answer.assembly_run.status,
    )
    return answer.assembly_run
