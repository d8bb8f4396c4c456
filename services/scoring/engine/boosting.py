"""Gradient-boosted trees: probabilities from features, the same bytes for the same data whatever the threads.

Imports XGBoost, which takes seconds: only for the worker.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from services.scoring.domain.resources import ModelQuality
from services.scoring.engine.features import Labels, Matrix
from shared.jsontypes import JsonObject, JsonValue

Probabilities = npt.NDArray[np.float64]
_Split: TypeAlias = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]

LENGTHS: Final = (25, 50, 100)
"""How many trees a model may have: what a small base teaches is learnt soon, and what comes after is chance."""
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
Each is grown by one thread; several are grown side by side, because a small one does not gain from a second thread."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Trees fitted to all rows, and how good such trees are on rows that they have not seen."""

    trees: xgboost.Booster
    quality: ModelQuality


def recipe() -> JsonObject:
    """Return what decides on a model besides its data."""
    return {"xgboost": xgboost.__version__, "folds": FOLDS, **PARAMETERS}


def fit_and_judge(matrix: Matrix, labels: Labels, *, names: Sequence[str], threads: int) -> Fitted:
    """Return trees fitted to all rows, judged by others that are fitted to four fifths each and predict the fifth left out.

    Of `LENGTHS` the one that is best on what was left out is taken, the shortest among equals.
    """
    whole = _quantiles(matrix, labels, names)
    folds = list(StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=SEED).split(matrix, labels))

    def judge(split: _Split) -> list[Probabilities]:
        learnt, left_out = split
        trees = _grow(_quantiles(matrix[learnt], labels[learnt], names, bins_of=whole))
        return [predict(trees[:length], matrix[left_out]) for length in LENGTHS]

    with ThreadPoolExecutor(threads) as pool:
        growing = pool.submit(_grow, whole)
        parts = list(pool.map(judge, folds))
        trees = growing.result()
    unseen = np.empty((len(LENGTHS), len(labels)), dtype=np.float64)
    for (_, left_out), predicted in zip(folds, parts, strict=True):
        unseen[:, left_out] = predicted
    qualities = [_quality(labels, probabilities) for probabilities in unseen]
    best = max(range(len(LENGTHS)), key=lambda i: qualities[i].auc)
    return Fitted(trees[: LENGTHS[best]], qualities[best])


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


def _quantiles(
    matrix: Matrix, labels: Labels, names: Sequence[str], *, bins_of: xgboost.QuantileDMatrix | None = None
) -> xgboost.QuantileDMatrix:
    """Return rows in bins: those of `bins_of`, which is quicker, and of which outcomes are no part."""
    return xgboost.QuantileDMatrix(
        matrix, label=labels, feature_names=list(names), nthread=1, max_bin=_BINS, ref=bins_of
    )


def _grow(data: xgboost.QuantileDMatrix) -> xgboost.Booster:
    return xgboost.train(PARAMETERS, data, num_boost_round=LENGTHS[-1])


def _quality(labels: Labels, unseen: Probabilities) -> ModelQuality:
    return ModelQuality(
        auc=float(roc_auc_score(labels, unseen)),
        top_decile_precision=top_decile_precision(labels, unseen),
        base_rate=float(labels.mean()),
        row_count=len(labels),
    )
