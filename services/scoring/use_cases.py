"""What callers can ask of scoring. Nothing here commits: whoever opened the transaction does."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.scoring.domain.resources import Model, ScoringRequest, ScoringRun, TrainingRequest, target_faults
from services.scoring.engine.ahp import Weighing, judgement_faults, weigh
from services.scoring.ports import ChangeableResources, PublishedRows, Row
from shared.clock import Clock
from shared.errors import InvalidInput, NotFound, Violation, WrongState
from shared.rpc.identity import Caller
from shared.runs.domain import RunState


@dataclass(frozen=True, slots=True)
class TrainModel:
    """`model_id` is the caller's request id, or a new id."""

    model_id: str
    request: TrainingRequest
    principal: str


@dataclass(frozen=True, slots=True)
class CreateScoringRun:
    """`scoring_run_id` is the caller's request id, or a new id."""

    scoring_run_id: str
    request: ScoringRequest
    principal: str


async def train_model(command: TrainModel, *, resources: ChangeableResources, clock: Clock) -> Model:
    """Queue a training."""
    return await resources.create_model(command.model_id, command.request, principal=command.principal, now=clock.now())


async def create_scoring_run(command: CreateScoringRun, *, resources: ChangeableResources, clock: Clock) -> ScoringRun:
    """Queue a scoring with models that are trained and make a whole. Raises NotFound, WrongState, InvalidInput."""
    models = [await resources.get_model(model_id) for model_id in command.request.models]
    faults = target_faults([model.request.target for model in models])
    if faults:
        raise InvalidInput([Violation("models", fault) for fault in faults])
    for model in models:
        _require_succeeded(model)
    return await resources.create_scoring_run(
        command.scoring_run_id, command.request, principal=command.principal, now=clock.now()
    )


async def find_scores(scoring_run: ScoringRun, customer_id: str, *, rows: PublishedRows, caller: Caller) -> Row:
    """Return one customer's scores. Raises WrongState; NotFound also when the customer's city is outside the caller's."""
    _require_succeeded(scoring_run)
    if scoring_run.published is None:
        raise LookupError(f"{scoring_run.run.name} has succeeded without scores")
    scores = await rows.find(scoring_run.published.scores, customer_id)
    if scores is None or not await _is_in_scope(scoring_run, customer_id, rows=rows, caller=caller):
        raise NotFound(f"customer {customer_id} in {scoring_run.run.name}")
    return scores


def check_judgements(criteria: Sequence[str], judgements: Sequence[float]) -> Weighing:
    """Weigh criteria by pairwise judgements, consistent or not. Raises InvalidInput with all that is wrong."""
    faults = judgement_faults(criteria, judgements)
    if faults:
        raise InvalidInput(faults)
    return weigh(judgements, criteria=len(criteria))


async def _is_in_scope(scoring_run: ScoringRun, customer_id: str, *, rows: PublishedRows, caller: Caller) -> bool:
    """Scores name no city; the views that they were made from do."""
    if caller.cities is None:
        return True
    view = await rows.find(scoring_run.request.views, customer_id)
    return view is not None and caller.sees(str(view["city"]))


def _require_succeeded(resource: Model | ScoringRun) -> None:
    run = resource.run
    if run.state is not RunState.SUCCEEDED:
        raise WrongState(f"{run.name} is {run.state}; it must have succeeded first", subject=run.name)
