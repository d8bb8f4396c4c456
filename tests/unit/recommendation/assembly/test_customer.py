"""What one customer gets: zones, order, alternatives, values, and what stands in the way."""

from dataclasses import replace
from decimal import Decimal

import pytest
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of
from services.recommendation.domain import Rejected, Zone
from services.recommendation.engine.assembly.rules import CompiledRules
from services.recommendation.engine.assembly.single import assemble
from services.recommendation.engine.assembly.terms import expected_value
from shared.lake.messages import messages_to_table
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
from tests.unit.recommendation.assembly.one_customer import list_of, outcome_of, rules_of


def test_the_main_policy_comes_first_then_its_group_by_margin_and_code() -> None:
    rules = rules_of(
        retention_row("b-small", margin_fen="100"),
        retention_row("main", margin_fen="50"),
        retention_row("d-big", margin_fen="900"),
        retention_row("a-small", margin_fen="100"),
        retention_row("elsewhere", "group-2"),
        retention=("-", "group-1", "main"),
    )
    found = list_of(rules)
    assert [(r.policy, r.rank, r.expected_value_fen) for r in found.recommendations] == [
        ("main", 1, 50),
        ("d-big", 2, 900),
        ("a-small", 3, 100),
        ("b-small", 4, 100),
    ]


def test_new_services_are_ordered_by_need_times_margin() -> None:
    rules = rules_of(
        policy_row("paper", margin_fen="1000"),
        policy_row("tone", product="ring_back_tone", margin_fen="900"),
        policy_row("net", product="mobile_internet", margin_fen="5000"),
        new_service=[
            ['"mobile_newspaper"', "paper"],
            ['"ring_back_tone"', "tone"],
            ['"mobile_internet"', "net"],
        ],
    )
    needs = [need(probability=1000), need("ring_back_tone", probability=9000)]
    found = list_of(rules, the_scores=scores("c1", needs=needs))
    values = [(r.policy, r.expected_value_fen, r.need_level) for r in found.recommendations]
    assert values == [("tone", 810, "sensitive"), ("paper", 100, "sensitive"), ("net", 0, None)]


@pytest.mark.parametrize(
    ("probability", "margin", "value"),
    [("0.2500", 2, 1), ("0.2499", 2, 0), ("0.0005", 1000, 1), ("0.0004", 1000, 0), ("1", 10**11, 10**11), (None, 9, 0)],
)
def test_expected_value_is_rounded_half_up(probability: str | None, margin: int, value: int) -> None:
    assert expected_value(None if probability is None else Decimal(probability), margin) == value


def test_zones_stand_in_the_order_of_the_priority() -> None:
    rules = rules_of(
        retention_row("stay"),
        policy_row("paper"),
        retention=("-", "group-1", "stay"),
        new_service=[["-", "paper"]],
        priority=[["> 200", "retention", "new_service"], ["-", "new_service", "retention"]],
    )
    poor, rich = list_of(rules), list_of(rules, view("c1", arpu_fen=20_001))
    assert [r.policy for r in poor.recommendations] == ["paper", "stay"]
    assert [r.policy for r in rich.recommendations] == ["stay", "paper"]
    assert (poor.priority_rule, rich.priority_rule) == (4, 3)
    assert rich.zone_order == (Zone.RETENTION, Zone.NEW_SERVICE, Zone.VOICE_USAGE)


@pytest.mark.parametrize(
    ("policy", "the_view", "the_scores", "reason"),
    [
        (policy_row("other"), view("c1"), scores("c1"), "unknown_policy"),
        (retention_row("paper"), view("c1"), scores("c1"), "wrong_zone"),
        (policy_row("paper", product="ring_back_tone"), view("c1"), scores("c1"), "wrong_product"),
        (policy_row("paper", valid_until="2026-11-09"), view("c1"), scores("c1"), "not_valid"),
        (policy_row("paper", valid_from="2026-11-10"), view("c1"), scores("c1"), "not_valid"),
        (policy_row("paper", handset_needs="mms wap"), view("c1", handset_wap=None), scores("c1"), "handset_wap"),
        (policy_row("paper", handset_needs="mms"), view("c1", handset_mms=False), scores("c1"), "handset_mms"),
        (policy_row("paper", revenue_change_fen="-1"), view("c1"), scores("c1"), "dilution"),
        (policy_row("paper", cities="芜湖 合肥"), view("c1"), scores("c1"), "not_in_city"),
        (policy_row("paper"), view("c1", products=[holding("active")]), scores("c1"), "already_active"),
        (policy_row("paper"), view("c1", products=[holding("voice_plan")]), scores("c1"), "in_voice_plan"),
        (policy_row("paper", kind="trial"), view("c1", products=[holding("trial")]), scores("c1"), "in_trial"),
        (policy_row("paper", kind="trial"), view("c1", products=[holding("cancelled")]), scores("c1"), "had_before"),
        (policy_row("paper", kind="trial"), view("c1", products=[holding("inactive")]), scores("c1"), "had_before"),
        (policy_row("paper", prerequisites="ring"), view("c1"), scores("c1"), "prerequisite"),
        (
            policy_row("paper", prerequisites="ring"),
            view("c1", products=[holding("cancelled", "ring")]),
            scores("c1"),
            "prerequisite",
        ),
        (
            policy_row("paper", kind="combination", combined_products="ring"),
            view("c1", products=[holding("inactive", "ring")]),
            scores("c1"),
            "combined_held",
        ),
        (
            policy_row("paper", kind="combination", combined_products="ring"),
            view("c1"),
            scores("c1", needs=[need(), need("ring", "none")]),
            "combined_unneeded",
        ),
        (
            policy_row("paper"),
            view("c1", products=[holding("inactive", provisioned=False)]),
            scores("c1"),
            "not_provisioned",
        ),
        (policy_row("paper"), view("c1"), scores("c1", needs=[need(level="none")]), "need_none"),
    ],
)
def test_a_blocked_policy_is_kept_with_its_row_and_reason(
    policy: dict[str, str], the_view: CustomerView, the_scores: CustomerScores, reason: str
) -> None:
    rules = rules_of(policy, policy_row("zz"), new_service=[['"mobile_newspaper"', "paper"]])
    found = list_of(rules, the_view, the_scores)
    assert found.recommendations == ()
    assert [(b.policy, b.rule, b.reason) for b in found.blocked] == [("paper", 3, reason)]


@pytest.mark.parametrize(
    ("policy", "state"),
    [
        (policy_row("paper", kind="order"), "trial"),
        (policy_row("paper", kind="order"), "cancelled"),
        (policy_row("paper", prerequisites="mobile_newspaper"), "inactive"),
    ],
)
def test_who_tries_the_product_may_keep_it_and_who_had_it_may_come_back(policy: dict[str, str], state: str) -> None:
    rules = rules_of(policy, new_service=[["-", "paper"]])
    assert [r.policy for r in list_of(rules, view("c1", products=[holding(state)])).recommendations] == ["paper"]


def test_internet_access_that_is_not_known_bars_what_needs_it() -> None:
    rules = rules_of(
        policy_row("paper"),
        new_service=[["-", "paper"]],
        products=[product_row("mobile_newspaper", barriers="internet", needs_internet="yes")],
    )
    reasons = [
        [b.reason for b in list_of(rules, view("c1", internet_access=access)).blocked] for access in (None, False, True)
    ]
    assert reasons == [["no_internet"], ["no_internet"], []]


def test_the_handset_must_bear_what_policy_and_combined_products_need_together() -> None:
    rules = rules_of(
        policy_row("both", kind="combination", combined_products="net", handset_needs="mms"),
        new_service=[['"mobile_newspaper"', "both"]],
        products=[
            product_row("mobile_newspaper"),
            product_row("net", barriers="handset", handset_needs="gprs"),
        ],
    )
    found = list_of(rules, view("c1", handset_gprs=None))
    assert [b.reason for b in found.blocked] == ["handset_gprs"]


def test_a_city_has_policies_of_its_own() -> None:
    rules = rules_of(
        voice_row("near", cities="芜湖", margin_fen="500"),
        voice_row("far"),
        voice_usage=[["-", "near"], ["-", "far"]],
    )
    lists = [list_of(rules, view("c1", city=city)) for city in ("合肥", "芜湖")]
    assert [[r.policy for r in found.recommendations] for found in lists] == [["far"], ["far", "near"]]
    assert [b.words for b in lists[0].blocked] == ["the policy is not offered in the customer's city"]


def test_an_alternative_steps_in_for_a_main_policy_that_is_blocked() -> None:
    rules = rules_of(
        retention_row("main", valid_until="2026-11-02"), retention_row("next"), retention=("-", "group-1", "main")
    )
    found = list_of(rules)
    assert [(r.policy, r.rank) for r in found.recommendations] == [("next", 1)]
    assert [(b.policy, b.reason) for b in found.blocked] == [("main", "not_valid")]


def test_a_main_policy_of_another_group_is_blocked() -> None:
    rules = rules_of(retention_row("main", "group-2"), retention=("-", "group-1", "main"))
    assert [b.reason for b in list_of(rules).blocked] == ["wrong_group"]


def test_collect_gives_a_series_and_each_policy_once() -> None:
    rules = rules_of(
        policy_row("paper"),
        policy_row("trial", margin_fen="2000"),
        new_service=[["-", "paper"], ['"mobile_newspaper"', "trial"], ["-", "paper"]],
        hit_policy="COLLECT",
    )
    assert [(r.policy, r.rule) for r in list_of(rules).recommendations] == [("trial", 4), ("paper", 3)]


def test_nobody_without_scores_arm_or_priority_gets_a_list() -> None:
    rules = rules_of(policy_row("paper"), priority=[["> 1000", "retention", "new_service"]])
    rejected = outcome_of(rules)
    assert isinstance(rejected, Rejected)
    assert rejected.reason == "no row of matrix priority matches"
    row = messages_to_table([view("c1")], CustomerView).to_pylist()[0]
    scored = messages_to_table([scores("c1")], CustomerScores).to_pylist()[0]
    compiled = CompiledRules.of(rules)
    reasons = [
        assemble(customer, compiled).outcome
        for customer in (customer_of(row, None, {"arm": "control"}), customer_of(row, scored, None))
    ]
    assert [r.reason for r in reasons if isinstance(r, Rejected)] == [
        "the scoring run has no scores of the customer",
        "the control group has no arm of the customer",
    ]


@pytest.mark.parametrize(
    ("facts", "default", "contactable"),
    [
        ({}, False, True),
        ({"marketing_consent": False}, True, False),
        ({"marketing_consent": None}, True, True),
        ({"marketing_consent": None}, False, False),
        ({"red_list": True}, True, False),
    ],
)
def test_only_who_agreed_and_is_on_no_red_list_is_contactable(
    facts: dict[str, object], default: bool, contactable: bool
) -> None:
    rules = replace(rules_of(policy_row("paper")), consent_default=default)
    assert list_of(rules, view("c1", **facts)).contactable == contactable
