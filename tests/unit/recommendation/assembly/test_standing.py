"""What may stand together in one list: packs and plans, exclusions, the ladder, and no more than enough."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from visavis.profile.v1.customer_view_pb2 import ProductState

from services.recommendation.engine.assembly.rules import Rules
from tests.factories.recommendation import (
    holding,
    need,
    policy_row,
    product_row,
    retention_row,
    scores,
    view,
    voice_row,
)
from tests.unit.recommendation.assembly.one_customer import list_of, rules_of


@pytest.mark.parametrize(
    ("hit_policy", "expected"),
    [
        ("COLLECT", ["dear", "b", "z", "plan"]),
        ("RULE ORDER", ["z", "dear", "b", "plan"]),
        ("OUTPUT ORDER", ["b", "z", "dear", "plan"]),
        ("FIRST", ["z", "plan"]),
        ("PRIORITY", ["b", "plan"]),
    ],
)
def test_packs_go_by_value_where_they_are_collected_else_by_the_hit_policy_and_the_plan_of_a_group_comes_last(
    hit_policy: str, expected: list[str]
) -> None:
    rules = rules_of(
        voice_row("z"),
        voice_row("b"),
        voice_row("dear", margin_fen="2000"),
        voice_row("plan", kind="vpmn_plan", margin_fen="9000"),
        voice_usage=[["-", "z"], ["-", "dear"], ["-", "b"]],
        voice_hit_policy=hit_policy,
        voice_values=["b", "z", "dear"] if hit_policy in {"PRIORITY", "OUTPUT ORDER"} else [],
        vpmn="plan",
    )
    found = list_of(rules).recommendations
    assert [r.policy for r in found] == expected
    assert [r.rank for r in found] == list(range(1, len(expected) + 1))
    assert [r.matrix for r in found] == [*["voice_usage"] * (len(expected) - 1), "vpmn"]


def test_plans_of_groups_and_packs_come_only_by_their_own_matrix() -> None:
    rules = rules_of(voice_row("pack"), voice_row("plan", kind="vpmn_plan"), voice_usage=[["-", "plan"]], vpmn="pack")
    found = list_of(rules)
    assert found.recommendations == ()
    assert [(b.policy, b.reason, b.matrix) for b in found.blocked] == [
        ("plan", "wrong_matrix", "voice_usage"),
        ("pack", "wrong_matrix", "vpmn"),
    ]


def test_what_comes_first_excludes_what_may_not_stand_beside_it() -> None:
    rules = rules_of(
        retention_row("main", exclusions="paper"),
        retention_row("other"),
        policy_row("paper"),
        policy_row("tone", product="ring"),
        voice_row("pack", exclusions="tone paper"),
        retention=("-", "group-1", "main"),
        new_service=[['"mobile_newspaper"', "paper"], ['"ring"', "tone"]],
        voice_usage=[["-", "pack"]],
        priority=[["> 200", "voice_usage", "new_service"], ["-", "retention", "new_service"]],
    )
    found, voice_first = list_of(rules), list_of(rules, view("c1", arpu_fen=20_001))
    assert [r.policy for r in found.recommendations] == ["main", "other", "tone"]
    assert [(b.policy, b.by) for b in found.blocked] == [("paper", "main"), ("pack", "tone")]
    assert found.blocked[0].words == "the policy may not stand beside main, which comes before it in the list"
    # What is blocked itself excludes nobody: without paper, main stands.
    assert [r.policy for r in voice_first.recommendations] == ["pack", "main", "other"]


def test_policies_of_one_group_are_a_choice_and_exclude_nobody_in_it() -> None:
    rules = rules_of(retention_row("a", exclusions="b"), retention_row("b"), retention=("-", "group-1", "a"))
    assert [r.policy for r in list_of(rules).recommendations] == ["a", "b"]


LADDER = [
    product_row("tone"),
    product_row("mail", barriers="setup"),
    product_row("paper", barriers="handset", handset_needs="mms"),
    product_row("net", barriers="internet"),
]


def on_the_ladder(most_at_once: int = 3) -> Rules:
    products = [row["product"] for row in LADDER]
    return rules_of(
        *(policy_row(f"{product}-offer", product=product, margin_fen="9000") for product in products),
        new_service=[[f'"{product}"', f"{product}-offer"] for product in products],
        products=LADDER,
        most_at_once=most_at_once,
    )


@pytest.mark.parametrize(
    ("holdings", "offered"),
    [
        ([], ["tone"]),
        ([holding("active", "tone")], ["mail"]),
        ([holding("active", "tone"), holding("active", "mail")], ["paper"]),
        ([holding("inactive", "tone", provisioned=False)], ["mail"]),
        # What they have is no step of the ladder: waking it up bars nothing, and stands by its tier.
        ([holding("inactive", "tone")], ["tone", "mail"]),
        ([holding("inactive", "net")], ["tone", "net"]),
    ],
)
def test_the_next_easiest_step_is_sold_first(holdings: list[ProductState], offered: list[str]) -> None:
    found = list_of(on_the_ladder(), view("c1", products=holdings), scores("c1", needs=[]))
    assert [r.product for r in found.recommendations] == offered
    assert {b.reason for b in found.blocked} <= {"ladder", "already_active", "not_provisioned"}


def test_enough_is_enough() -> None:
    holdings = [holding("inactive", product) for product in ("tone", "mail", "paper", "net")]
    found = list_of(on_the_ladder(2), view("c1", products=holdings), scores("c1", needs=[]))
    assert [r.product for r in found.recommendations] == ["tone", "mail"]
    assert [(b.policy, b.reason) for b in found.blocked] == [("paper-offer", "enough"), ("net-offer", "enough")]


@settings(max_examples=150, deadline=None)
@given(data=st.data(), most_at_once=st.integers(1, 3))
def test_nobody_is_sold_a_harder_product_while_an_easier_one_is_open(data: st.DataObject, most_at_once: int) -> None:
    states = data.draw(
        st.lists(
            st.sampled_from([None, "active", "inactive", "cancelled", "trial"]),
            min_size=len(LADDER),
            max_size=len(LADDER),
        )
    )
    holdings = [holding(state, row["product"]) for row, state in zip(LADDER, states, strict=True) if state]
    levels = {row["product"]: data.draw(st.sampled_from(["rigid", "ordinary", "none"])) for row in LADDER}
    found = list_of(
        on_the_ladder(most_at_once),
        view("c1", products=holdings, handset_mms=data.draw(st.booleans())),
        scores("c1", needs=[need(product, level) for product, level in levels.items()]),
    )
    steps = {row["product"]: place for place, row in enumerate(LADDER)}
    lacked = {row["product"] for row, state in zip(LADDER, states, strict=True) if state in {None, "cancelled"}}
    sold = [steps[r.product] for r in found.recommendations if r.product in lacked]
    waiting = [steps[b.policy.removesuffix("-offer")] for b in found.blocked if b.reason == "ladder"]
    assert len(found.recommendations) <= most_at_once
    assert len(set(sold)) <= 1
    assert all(step > min(sold) for step in waiting)
    assert not any(levels[str(r.product)] == "none" for r in found.recommendations)
    assert {*lacked} == {product for product in lacked if product in {r.product for r in found.recommendations}} | {
        b.policy.removesuffix("-offer") for b in found.blocked if b.policy.removesuffix("-offer") in lacked
    }
