"""What a value is made of: each term can be switched off, adds up exactly, and orders the list."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recommendation.domain import BlockReason
from services.recommendation.engine.assembly.rules import Rules, excludes, offers_of
from services.recommendation.engine.assembly.terms import Terms, Weighing, worth_fen
from services.recommendation.engine.catalogue import read_policies
from shared.errors import InvalidInput
from tests.factories.recommendation import (
    catalogue_csv,
    holding,
    need,
    policy_row,
    product_row,
    retention_row,
    scores,
    view,
)
from tests.unit.recommendation.assembly.generated import rules as drawn_rules
from tests.unit.recommendation.assembly.generated import weighings
from tests.unit.recommendation.assembly.one_customer import list_of, rules_of

PAPER, TONE, MAIL = "mobile_newspaper", "ring_back_tone", "mail_139"
NEEDS = scores(
    "c1", needs=[need(PAPER, probability=5_000), need(TONE, probability=2_000), need(MAIL, probability=9_000)]
)


def rules(**weighing: object) -> Rules:
    """Return rules whose three offers take each other's place with every term that counts or not."""
    made = rules_of(
        policy_row("paper", product=PAPER, margin_fen="1000"),
        policy_row("tone", product=TONE, margin_fen="3000"),
        policy_row("mail", product=MAIL, margin_fen="300", weight="1.85"),
        new_service=[[f'"{PAPER}"', "paper"], [f'"{TONE}"', "tone"], [f'"{MAIL}"', "mail"]],
        products=[
            product_row(PAPER),
            product_row(TONE),
            product_row(MAIL),
            product_row("sms", associated_products=PAPER),
        ],
    )
    return replace(made, weighing=Weighing(**weighing))  # type: ignore[arg-type]  # the fields by name


@pytest.mark.parametrize(
    ("weighing", "expected"),
    [
        ({}, [("tone", 600), ("paper", 500), ("mail", 500)]),
        ({"probability": False}, [("tone", 3000), ("paper", 1000), ("mail", 555)]),
        ({"margin": False}, [("mail", 16650), ("paper", 5000), ("tone", 2000)]),
        ({"weight": False}, [("tone", 600), ("paper", 500), ("mail", 270)]),
        ({"affinity_percent": 20}, [("paper", 600), ("tone", 600), ("mail", 500)]),
        ({"affinity_percent": 21}, [("paper", 605), ("tone", 600), ("mail", 500)]),
    ],
)
def test_each_term_of_the_value_can_be_switched(weighing: dict[str, object], expected: list[tuple[str, int]]) -> None:
    found = list_of(rules(**weighing), view("c1", products=[holding("active", "sms")]), NEEDS)
    told = [(r.policy, r.expected_value_fen) for r in found.recommendations]
    # 9000 x 300 x 1.85 = 499.5 fen, half up; of equals the code decides.
    assert sorted(told, key=lambda one: (-one[1], one[0])) == sorted(expected, key=lambda one: (-one[1], one[0]))
    assert [value for _, value in told] == sorted((value for _, value in told), reverse=True)


@pytest.mark.parametrize(("state", "adds"), [("active", True), ("inactive", True), ("cancelled", False)])
def test_affinity_speaks_for_who_has_the_other_product_now(state: str, adds: bool) -> None:
    found = list_of(rules(affinity_percent=50), view("c1", products=[holding(state, "sms")]), NEEDS)
    values = {r.policy: r.expected_value_fen for r in found.recommendations}
    assert values["paper"] == (750 if adds else 500)


def test_the_group_behind_the_main_policy_goes_by_margin_times_weight() -> None:
    made = rules_of(
        retention_row("main", margin_fen="1"),
        retention_row("big", margin_fen="900"),
        retention_row("wanted", margin_fen="500", weight="2"),
        retention=("-", "group-1", "main"),
    )
    assert [r.policy for r in list_of(made).recommendations] == ["main", "wanted", "big"]
    unweighed = replace(made, weighing=Weighing(weight=False))
    assert [r.policy for r in list_of(unweighed).recommendations] == ["main", "big", "wanted"]


@given(
    weighing=weighings,
    margin=st.integers(0, 10**9),
    weight=st.integers(0, 9_999).map(lambda hundredths: Decimal(hundredths) / 100),
    probability=st.none() | st.integers(0, 10_000).map(lambda scaled: Decimal(scaled) / 10_000),
    has=st.booleans(),
)
def test_the_terms_multiply_to_the_value(
    weighing: Weighing, margin: int, weight: Decimal, probability: Decimal | None, *, has: bool
) -> None:
    row = policy_row("paper", margin_fen=str(margin), weight=str(weight))
    policy = read_policies(catalogue_csv([row]))["paper"]
    assert policy.weight == weight
    terms = Terms(policy, weighing, worth_fen(policy, weighing), True, probability, ("sms",) if has else ())
    product = Fraction(1)
    for factor in terms.factors.values():
        product *= factor
    # Margin x weight is rounded to fen before the rest; affinity at most trebles that half fen.
    assert abs(product - terms.value_fen) <= 2


def test_what_a_combination_brings_is_not_offered_again_beside_it() -> None:
    both = policy_row("both", product=TONE, kind="combination", combined_products=PAPER, margin_fen="9000")
    made = rules_of(
        both,
        policy_row("paper", product=PAPER),
        policy_row("tone", product=TONE),
        policy_row("mail", product=MAIL),
        new_service=[["-", "both"], ["-", "tone"], [f'"{PAPER}"', "paper"], [f'"{MAIL}"', "mail"]],
        hit_policy="COLLECT",
    )
    assert [r.policy for r in list_of(made, the_scores=NEEDS).recommendations] == ["both", "mail", "paper"]
    once = list_of(replace(made, weighing=Weighing(combinations_once=True)), the_scores=NEEDS)
    assert [r.policy for r in once.recommendations] == ["both", "mail", "paper"][:2]
    assert ("paper", "combined_by", "both") in [(b.policy, b.reason, b.by) for b in once.blocked]
    words = next(b.words for b in once.blocked if b.reason is BlockReason.COMBINED_BY)
    assert words == "a product of it comes by both already, one of the two being a combination"


@settings(max_examples=8, deadline=None)
@given(made=drawn_rules())
def test_exclusions_hold_in_both_directions(made: Rules) -> None:
    offers = [
        offer
        for matrix, table in made.giving.items()
        for product in (made.products if matrix == "new_service" else (None,))
        for offer in offers_of(made, matrix, table, product)
    ]
    assert all(excludes(one, other) == excludes(other, one) for one in offers for other in offers)


@pytest.mark.parametrize("weight", ["100", "1.001", "-1", "x", ".5", "1,5"])
def test_a_weight_has_two_digits_and_bounds(weight: str) -> None:
    with pytest.raises(InvalidInput, match=r"expected a number from 0 to 99\.99"):
        read_policies(catalogue_csv([policy_row("paper", weight=weight)]))


def test_margin_and_weight_together_stay_within_what_values_may_be() -> None:
    with pytest.raises(InvalidInput, match="expected margin_fen x weight of at most"):
        read_policies(catalogue_csv([policy_row("paper", margin_fen=str(10**11), weight="1.01")]))
