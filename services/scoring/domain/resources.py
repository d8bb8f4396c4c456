"""Models and scorings: runs of this service, with what was asked for and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.lake.dataset import Dataset
from shared.runs.domain import Run

MODELS: Final = "models"
SCORING_RUNS: Final = "scoringRuns"

VIEW_SCHEMA: Final = "visavis.profile.v1.CustomerView"
ENTERPRISE_VIEW_SCHEMA: Final = "visavis.profile.v1.EnterpriseView"
LABEL_SCHEMA: Final = "visavis.profile.v1.CustomerLabels"
SCORE_SCHEMA: Final = "visavis.scoring.v1.CustomerScores"
ENTERPRISE_SCORE_SCHEMA: Final = "visavis.scoring.v1.EnterpriseScores"
MODEL_SCHEMA: Final = "visavis.scoring.v1.Model"


class ModelKind(StrEnum):
    """What a model predicts for the three months after a view."""

    STICKINESS = "STICKINESS"
    CHURN_WARNING = "CHURN_WARNING"
    NEED = "NEED"


@dataclass(frozen=True, slots=True)
class Target:
    """What one model predicts; `product` is set for a need, and empty for all else."""

    kind: ModelKind
    product: str = ""

    def __str__(self) -> str:
        return f"need of {self.product}" if self.kind is ModelKind.NEED else self.kind.lower().replace("_", " ")


@dataclass(frozen=True, slots=True)
class ModelQuality:
    """Quality on customers that the model had not seen, 0 to 1, and how many customers it learnt from."""

    auc: float
    top_decile_precision: float
    base_rate: float
    row_count: int


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """What a training is asked for with: rows of CustomerView, and of CustomerLabels about the same customers."""

    target: Target
    history_views: Dataset
    history_labels: Dataset


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What came of a training: the stored model and its quality."""

    dataset: Dataset
    quality: ModelQuality


@dataclass(frozen=True, slots=True)
class Model:
    """One model. `trained` is there once the training has succeeded."""

    run: Run
    request: TrainingRequest
    trained: TrainedModel | None


@dataclass(frozen=True, slots=True)
class ScoringRequest:
    """What a scoring is asked for with: the marketing month "2026-11", rows of CustomerView, and ids of models.

    Enterprises are scored where there are rows of EnterpriseView; warnings last where there are CustomerScores of before.
    """

    cycle: str
    views: Dataset
    models: tuple[str, ...]
    enterprise_views: Dataset | None = None
    scores_before: Dataset | None = None


@dataclass(frozen=True, slots=True)
class PublishedScores:
    """What came of a scoring."""

    scores: Dataset
    enterprise_scores: Dataset | None = None


@dataclass(frozen=True, slots=True)
class ScoringRun:
    """One scoring of a snapshot. `published` is there once it has succeeded."""

    run: Run
    request: ScoringRequest
    published: PublishedScores | None


def target_faults(targets: Sequence[Target]) -> list[str]:
    """Return what is wrong with a scoring's models taken together: one for each single score, one per product's need."""
    singles = (Target(ModelKind.STICKINESS), Target(ModelKind.CHURN_WARNING))
    faults = [
        f"expected one model of {single}, found {targets.count(single)}"
        for single in singles
        if targets.count(single) != 1
    ]
    needs = {target for target in targets if target.kind is ModelKind.NEED and targets.count(target) > 1}
    return faults + sorted(f"expected one model of {need}, found {targets.count(need)}" for need in needs)
