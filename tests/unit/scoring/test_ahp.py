"""Judgements to weights: exact where they agree, refused where they contradict each other."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.scoring.domain.rules import Comparison
from services.scoring.engine.ahp import judgement_faults, leaf_weights, weigh
from shared.errors import InvalidInput

importances = st.lists(st.floats(1, 9), min_size=2, max_size=8)
judgements_of_four = st.lists(st.floats(1 / 9, 9), min_size=6, max_size=6)


def judged(importance: Sequence[float]) -> list[float]:
    """Compare by known importances, without any contradiction."""
    return [a / b for a, b in combinations(importance, 2)]


@given(importances)
def test_judgements_without_contradiction_give_back_the_importances(importance: list[float]) -> None:
    weighing = weigh(judged(importance), criteria=len(importance))
    assert weighing.weights == pytest.approx([part / sum(importance) for part in importance], rel=1e-9)
    assert weighing.consistency_ratio == pytest.approx(0, abs=1e-9)
    assert weighing.is_consistent


@given(judgements_of_four)
def test_weights_are_positive_and_sum_to_one(judgements: list[float]) -> None:
    weighing = weigh(judgements, criteria=4)
    assert all(weight > 0 for weight in weighing.weights)
    assert sum(weighing.weights) == pytest.approx(1)


@given(judgements_of_four)
def test_order_of_the_criteria_does_not_matter(judgements: list[float]) -> None:
    pairs = dict(zip(combinations(range(4), 2), judgements, strict=True))
    backwards = [1 / pairs[3 - b, 3 - a] for a, b in combinations(range(4), 2)]
    forward, reverse = weigh(judgements, criteria=4), weigh(backwards, criteria=4)
    assert reverse.weights[::-1] == pytest.approx(forward.weights, rel=1e-6)
    assert reverse.consistency_ratio == pytest.approx(forward.consistency_ratio, abs=1e-6)


def test_a_textbook_comparison_has_its_published_weights_and_ratio() -> None:
    weighing = weigh([3, 5, 3], criteria=3)
    assert weighing.weights == pytest.approx([0.637, 0.258, 0.105], abs=5e-4)
    assert weighing.consistency_ratio == pytest.approx(0.033, abs=5e-4)


def test_judgements_in_a_circle_are_inconsistent() -> None:
    assert not weigh([9, 1 / 9, 9], criteria=3).is_consistent


def test_two_criteria_cannot_contradict_each_other() -> None:
    assert weigh([7], criteria=2).consistency_ratio == 0


def test_a_ninth_is_allowed_and_all_faults_are_named() -> None:
    assert judgement_faults(["a", "b"], [1 / 9]) == []
    faults = judgement_faults(["a", "a", ""], [10, 1])
    assert [fault.field for fault in faults] == ["judgements[0]", "criteria", "judgements"]


def test_not_a_number_is_no_judgement() -> None:
    assert judgement_faults(["a", "b"], [float("nan")]) != []


def tree(*comparisons: tuple[str, Sequence[str], Sequence[float]]) -> list[Comparison]:
    return [Comparison(of, tuple(criteria), tuple(judgements)) for of, criteria, judgements in comparisons]


def test_weights_of_leaves_multiply_along_the_branch_and_sum_to_one() -> None:
    leaves = leaf_weights(tree(("value", "ab", [3]), ("a", "cd", [1]), ("b", "e", [])))
    assert {name: float(weight) for name, weight in leaves.items()} == pytest.approx(
        {"c": 0.375, "d": 0.375, "e": 0.25}
    )
    assert sum(leaves.values()) == 1


def test_contradicting_judgements_are_refused_with_their_ratio() -> None:
    with pytest.raises(InvalidInput, match=r"a, b, c contradict each other: consistency ratio \d\.\d{3}") as refused:
        leaf_weights(tree(("value", "abc", [9, 1 / 9, 9])))
    assert refused.value.reason == "ERROR_REASON_JUDGEMENTS_INCONSISTENT"


@pytest.mark.parametrize(
    ("comparisons", "field"),
    [
        (tree(("a", "bc", [1])), "comparisons"),
        (tree(("value", "ab", [1]), ("a", "bc", [1])), "b"),
        (tree(("value", "ab", [1]), ("value", "cd", [1])), "value"),
        (tree(("value", "ab", [1]), ("c", "de", [1])), "c"),
        (tree(("value", "ab", [1]), ("c", "d", []), ("d", "c", [])), "c"),
        (tree(("value", "ab", [1, 2])), "value.judgements"),
        (tree(("value", "", [])), "value.criteria"),
    ],
)
def test_a_malformed_tree_is_refused(comparisons: list[Comparison], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        leaf_weights(comparisons)
    assert field in [violation.field for violation in refused.value.violations]
