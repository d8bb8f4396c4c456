"""The analytic hierarchy process: pairwise judgements to weights, and how far the judgements contradict each other.

T. L. Saaty, The Analytic Hierarchy Process (1980): weights are the principal eigenvector of the reciprocal matrix,
consistency index = (largest eigenvalue - n) / (n - 1), consistency ratio = index / mean index of random matrices.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from services.scoring.domain.rules import Comparison
from shared.errors import InvalidInput, Violation

MOST_INCONSISTENT = 0.1
ROOT = "value"
_RANDOM_INDEX = (0.0, 0.0, 0.58, 0.90, 1.12, 1.24, 1.32, 1.41, 1.45, 1.49, 1.51, 1.48, 1.56, 1.57, 1.59)
"""Saaty's mean consistency index of random matrices, for 1 to 15 criteria."""
_EXTREME = 9.0
_SLACK = 1e-9
"""1/9 has no exact binary form; nobody means to be refused for it."""


@dataclass(frozen=True, slots=True)
class Weighing:
    """Weights in the order of the criteria, summing to 1, and Saaty's consistency ratio (0 = no contradiction)."""

    weights: tuple[float, ...]
    consistency_ratio: float

    @property
    def is_consistent(self) -> bool:
        return self.consistency_ratio <= MOST_INCONSISTENT


def weigh(judgements: Sequence[float], *, criteria: int) -> Weighing:
    """Return the weights of `criteria` criteria; `judgements` have passed `judgement_faults`."""
    values, vectors = np.linalg.eig(_reciprocal(judgements, criteria))
    principal = int(np.argmax(values.real))
    vector = np.abs(vectors[:, principal].real)
    weights = tuple(float(weight) for weight in vector / vector.sum())
    return Weighing(weights, _consistency_ratio(float(values[principal].real), criteria))


def judgement_faults(criteria: Sequence[str], judgements: Sequence[float]) -> list[Violation]:
    """Return everything that is wrong with the form of the judgements."""
    count = len(criteria)
    pairs = count * (count - 1) // 2
    faults = [
        Violation(f"judgements[{i}]", f"expected 1/9 to 9, got {judgement:g}")
        for i, judgement in enumerate(judgements)
        if not 1 / _EXTREME - _SLACK <= judgement <= _EXTREME + _SLACK
    ]
    if not 2 <= count <= len(_RANDOM_INDEX):
        faults.append(Violation("criteria", f"expected 2 to {len(_RANDOM_INDEX)}, got {count}"))
    if "" in criteria or len(set(criteria)) != count:
        faults.append(Violation("criteria", "expected names that differ and are not empty"))
    if len(judgements) != pairs:
        text = f"expected {pairs}, one for each pair of {count} criteria, got {len(judgements)}"
        faults.append(Violation("judgements", text))
    return faults


def leaf_weights(comparisons: Sequence[Comparison]) -> Mapping[str, Fraction]:
    """Return the weight of each leaf of the tree under `value`: the product along its branch, exact, summing to 1.

    Raises InvalidInput, with reason JUDGEMENTS_INCONSISTENT where a consistency ratio is over 0.1.
    """
    _refuse_malformed(comparisons)
    weighed = {c.of: dict(zip(c.criteria, _consistent_weights(c), strict=True)) for c in comparisons}
    leaves: dict[str, Fraction] = {}
    _descend(ROOT, Fraction(1), weighed, leaves)
    return leaves


def _reciprocal(judgements: Sequence[float], criteria: int) -> npt.NDArray[np.float64]:
    matrix = np.ones((criteria, criteria))
    upper = np.triu_indices(criteria, k=1)
    matrix[upper] = judgements
    matrix.T[upper] = 1 / np.asarray(judgements)
    return matrix


def _consistency_ratio(eigenvalue: float, criteria: int) -> float:
    random_index = _RANDOM_INDEX[criteria - 1]
    if not random_index:
        return 0.0  # two criteria cannot contradict each other
    return max(0.0, (eigenvalue - criteria) / (criteria - 1) / random_index)


def _refuse_malformed(comparisons: Sequence[Comparison]) -> None:
    faults = [
        Violation(f"{c.of}.{fault.field}", fault.description)
        for c in comparisons
        if len(c.criteria) != 1 or c.judgements
        for fault in judgement_faults(c.criteria, c.judgements)
    ]
    named = [name for c in comparisons for name in c.criteria]
    compared = [c.of for c in comparisons]
    if ROOT not in compared:
        faults.append(Violation("comparisons", f"expected one of '{ROOT}', the root of the tree"))
    faults += [Violation(name, "stands in the tree twice") for name in sorted(_repeated([ROOT, *named]))]
    faults += [Violation(name, "is compared twice") for name in sorted(_repeated(compared))]
    faults += [Violation(name, "does not hang on the tree") for name in sorted({*compared} - _reached(comparisons))]
    if faults:
        raise InvalidInput(faults)


def _repeated(names: Sequence[str]) -> set[str]:
    return {name for name in names if names.count(name) > 1}


def _reached(comparisons: Sequence[Comparison]) -> set[str]:
    """Return the root and all that hangs on it."""
    reached: set[str] = set()
    waiting = {ROOT}
    while waiting:
        reached |= waiting
        waiting = {name for c in comparisons if c.of in waiting for name in c.criteria} - reached
    return reached


def _consistent_weights(comparison: Comparison) -> tuple[float, ...]:
    if len(comparison.criteria) == 1:
        return (1.0,)
    weighing = weigh(comparison.judgements, criteria=len(comparison.criteria))
    if not weighing.is_consistent:
        text = (
            f"the judgements of {', '.join(comparison.criteria)} contradict each other: consistency ratio "
            f"{weighing.consistency_ratio:.3f}, expected at most {MOST_INCONSISTENT}; compare them anew"
        )
        raise InvalidInput([Violation(comparison.of, text)], reason="ERROR_REASON_JUDGEMENTS_INCONSISTENT")
    return weighing.weights


def _descend(
    criterion: str, weight: Fraction, weighed: Mapping[str, Mapping[str, float]], leaves: dict[str, Fraction]
) -> None:
    if criterion not in weighed:
        leaves[criterion] = weight
        return
    total = sum((Fraction(share) for share in weighed[criterion].values()), Fraction(0))
    for child, share in weighed[criterion].items():
        _descend(child, weight * Fraction(share) / total, weighed, leaves)
