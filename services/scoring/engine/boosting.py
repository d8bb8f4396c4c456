"""Gradient-boosted trees: probabilities from features, the same bytes for the same data whatever the threads.

Imports XGBoost, which takes seconds: only for the worker.
"""

from collections.abc import Sequence
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

TREES: Final = 100
FOLDS: Final = 5
SEED: Final = 20261121
PARAMETERS: Final[dict[str, JsonValue]] = {
    "objective": "binary:logistic",
    "tree_method": "hist",
    "max_depth": 3,
    "learning_rate": 0.05,
    "min_child_weight": 5,
    "seed": SEED,
}


def recipe() -> JsonObject:
    """Return what decides on a model besides its data."""
    return {"xgboost": xgboost.__version__, "trees": TREES, **PARAMETERS}


def fit(matrix: Matrix, labels: Labels, *, names: Sequence[str], threads: int) -> xgboost.Booster:
    """Return trees fitted to all rows."""
    data = xgboost.QuantileDMatrix(matrix, label=labels, feature_names=list(names), nthread=threads)
    return xgboost.train({**PARAMETERS, "nthread": threads}, data, num_boost_round=TREES)


def predict(model: xgboost.Booster, matrix: Matrix) -> Probabilities:
    """Return the probability of each row, 0 to 1."""
    return np.asarray(model.inplace_predict(matrix, validate_features=False), dtype=np.float64)


def cross_validate(matrix: Matrix, labels: Labels, *, names: Sequence[str], threads: int) -> ModelQuality:
    """Return the quality of models that are fitted to four fifths of the rows each and judged on the fifth left out."""
    unseen = np.empty(len(labels), dtype=np.float64)
    folds = StratifiedKFold(n_splits=FOLDS, shuffle=True, random_state=SEED)
    for learnt, left_out in folds.split(matrix, labels):
        model = fit(matrix[learnt], labels[learnt], names=names, threads=threads)
        unseen[left_out] = predict(model, matrix[left_out])
    return ModelQuality(
        auc=float(roc_auc_score(labels, unseen)),
        top_decile_precision=top_decile_precision(labels, unseen),
        base_rate=float(labels.mean()),
        row_count=len(labels),
    )


def top_decile_precision(labels: Labels, probabilities: Probabilities) -> float:
    """Return the share of true cases among the tenth (rounded up) with the highest probability."""
    top = np.argsort(-probabilities, kind="stable")[: -(-len(labels) // 10)]
    return float(labels[top].mean())


def to_bytes(model: xgboost.Booster) -> bytes:
    """Return the model in UBJSON, which later versions read."""
    return bytes(model.save_raw("ubj"))


def from_bytes(stored: bytes, *, threads: int) -> xgboost.Booster:
    """Return the model, to predict with so many threads."""
    model = xgboost.Booster({"nthread": threads})
    model.load_model(bytearray(stored))
    return model
