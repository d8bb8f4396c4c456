"""The stages of trainings and scorings."""

import asyncio
from collections.abc import Mapping, Sequence
from importlib import import_module

from services.scoring.domain.resources import MODELS, SCORING_RUNS
from services.scoring.ports import Store
from services.scoring.settings import ScoringSettings
from services.scoring.worker.scoring import Scoring
from services.scoring.worker.training import Training
from shared.clock import Clock
from shared.lake.lake import Lake
from shared.runs.stages import Stage


def handlers(settings: ScoringSettings, *, lake: Lake, store: Store, clock: Clock) -> Mapping[str, Sequence[Stage]]:
    """Return what a `RunWorker` does for each kind of run."""
    training = Training(lake=lake, settings=settings, clock=clock)
    scoring = Scoring(lake=lake, settings=settings, clock=clock, store=store)
    return {
        MODELS: (Stage("model", training.train),),
        SCORING_RUNS: (Stage("customer_scores", scoring.score),),
    }


async def warm_up() -> None:
    """Import the model library, which takes seconds, while there is nothing to do yet."""
    await asyncio.to_thread(import_module, "services.scoring.engine.predictions")
