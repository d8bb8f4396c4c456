"""Gradient-boosted trees: probabilities from features, the same bytes for the same data whatever the threads.

Imports XGBoost, which takes seconds: only for the worker.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from services.scoring.domain.resources import ModelQuality
from services.scoring.engine.features import Labels, Matrix
from shared.jsontypes import JsonObject, JsonValue

Probabilities = npt.NDArray[np.float64]

LENGTHS: Final = (25, 50, 100)
"""How many trees a model may have: what a small base teaches is learnt soon, and what comes after is chance. More are only grown
where the number before was better than the one before that: two of three models of a million customers end at 25."""
FOLDS: Final = 5
SEED: Final = 20261121
_BINS: Final = 64
PARAMETERS: Final[dict[str, JsonValue]] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 4,
    "learning_rate": 0.15,
    "min_child_weight": 10,
    "max_bin": _BINS,
    "seed": SEED,
    "nthread": 1,
}
"""Few and quick trees over coarse bins: on cell2cell 300 slow ones (rate 0.05) gain 0.001 of AUC at three times the cost.
Each is grown by one thread, because a small one does not gain from a second; models are trained side by side."""


@dataclass(frozen=True, slots=True)
class _Fold:
    """Trees that grow on four fifths of the rows, each of which weighs 1; those of the fifth left out weigh 0.

    So all folds share the rows in bins: to put each fold's own into bins took a third of a training.
    """

    weights: npt.NDArray[np.float32]
    left_out: npt.NDArray[np.int64]
    trees: xgboost.Booster

    def predicted(self, rows: xgboost.QuantileDMatrix, *, length: int) -> Probabilities:
        """Grow to this length, and return the probability of each row left out."""
        rows.set_weight(self.weights)
        _grow(self.trees, rows, length)
        return np.asarray(self.trees.predict(rows)[self.left_out], dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Trees fitted to all rows, and how good such trees are on rows that they have not seen."""

    trees: xgboost.Booster
    quality: ModelQuality


def recipe() -> JsonObject:
    """Return what decides on a model besides its data."""
    return {"xgboost": xgboost.__version__, "folds": FOLDS, **PARAMETERS}


def fit_and_judge(matrix: Matrix, labels: Labels, *, names: Sequence[str]) -> Fitted:
    """Return trees fitted to all rows, judged by others that are fitted to four fifths each and predict the fifth left out.

    Their number is the first of `LENGTHS` that is better on what was left out than the next, which is the last that is tried.
    Bins are those of all rows: outcomes are no part of them.
    """
    rows = xgboost.QuantileDMatrix(matrix, label=labels, feature_names=list(names), nthread=1, max_bin=_BINS)
    splits = StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=SEED).split(matrix, labels)
    folds = [_fold(rows, left_out) for _, left_out in splits]

    def judge(length: int) -> ModelQuality:
        unseen = np.empty(len(labels), dtype=np.float64)
        for fold in folds:
            unseen[fold.left_out] = fold.predicted(rows, length=length)
        return _quality(labels, unseen)

    length, quality = _best_length(judge)
    rows.set_weight(np.ones(len(labels), dtype=np.float32))
    trees = xgboost.Booster(PARAMETERS, [rows])
    _grow(trees, rows, length)
    return Fitted(trees, quality)


def _fold(rows: xgboost.QuantileDMatrix, left_out: npt.NDArray[np.int64]) -> _Fold:
    weights = np.ones(rows.num_row(), dtype=np.float32)
    weights[left_out] = 0
    return _Fold(weights, left_out, xgboost.Booster(PARAMETERS, [rows]))


def _best_length(judge: Callable[[int], ModelQuality]) -> tuple[int, ModelQuality]:
    best = LENGTHS[0], judge(LENGTHS[0])
    for length in LENGTHS[1:]:
        quality = judge(length)
        if quality.auc <= best[1].auc:
            break
        best = length, quality
    return best


def predict(model: xgboost.Booster, matrix: Matrix) -> Probabilities:
    """Return the probability of each row, 0 to 1."""
    return np.asarray(model.inplace_predict(matrix, validate_features=False), dtype=np.float64)


def top_decile_precision(labels: Labels, probabilities: Probabilities) -> float:
    """Return the share of true cases among the tenth (rounded up) with the highest probability."""
    top = np.argsort(-probabilities, kind="stable")[: -(-len(labels) // 10)]
    return float(labels[top].mean())


def to_bytes(model: xgboost.Booster) -> bytes:
    """Return the model in UBJSON, which later versions read."""
    return bytes(model.save_raw("ubj"))


def from_bytes(stored: bytes) -> xgboost.Booster:
    """Return the model, to predict with one thread; several threads may predict with it at once."""
    model = xgboost.Booster({"nthread": 1})
    model.load_model(bytearray(stored))
    return model


def _grow(trees: xgboost.Booster, data: xgboost.QuantileDMatrix, length: int) -> None:
    """Go on until there are so many."""
    for number in range(trees.num_boosted_rounds(), length):
        trees.update(data, number)


def _quality(labels: Labels, unseen: Probabilities) -> ModelQuality:
    return ModelQuality(
        auc=float(roc_auc_score(labels, unseen)),
        top_decile_precision=top_decile_precision(labels, unseen),
        base_rate=float(labels.mean()),
        row_count=len(labels),
    )
