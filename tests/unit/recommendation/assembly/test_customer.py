"""What one customer gets: zones, order, alternatives, values, and what stands in the way."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import PolicyList, Rejected, Zone
from services.recommendation.engine.assembly.customer import assemble, expected_value
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.policies import read_policies
from services.recommendation.engine.rulebook import read_matrix
from shared.lake.messages import messages_to_table
from tests.factories.recommendation import (
    catalogue_csv,
    holding,
    matrix_csv,
    need,
    policy_row,
    retention_row,
    scores,
    view,
)

ANYBODY = [["-", "retention", "new_service"]]


def rules_of(
    *policies: dict[str, str],
    new_service: Sequence[Sequence[str]] = (("-", ""),),
    retention: Sequence[str] = ("-", "", ""),
    priority: Sequence[Sequence[str]] = ANYBODY,
    hit_policy: str = "FIRST",
) -> Rules:
    fields = matrix_fields()
    return Rules(
        priority=read_matrix(
            matrix_csv("priority", "FIRST", ["arpu", "=> first", "=> second"], priority), fields=fields
        ),
        retention=read_matrix(
            matrix_csv("retention", "FIRST", ["arpu", "=> policy_group", "=> main_policy"], [retention]), fields=fields
        ),
        new_service=read_matrix(
            matrix_csv("new_service", hit_policy, ["product", "=> policy"], new_service), fields=fields
        ),
        catalogue=read_policies(catalogue_csv(policies)),
        day=date(2026, 11, 9),
        consent_default=False,
    )


def outcome_of(
    rules: Rules, the_view: CustomerView | None = None, the_scores: CustomerScores | None = None
) -> PolicyList | Rejected:
    row = messages_to_table([the_view or view("c1")], CustomerView).to_pylist()[0]
    scored = messages_to_table([the_scores or scores("c1")], CustomerScores).to_pylist()[0]
    return assemble(customer_of(row, scored, {"arm": "targeted"}), CompiledRules.of(rules)).outcome


def list_of(rules: Rules, the_view: CustomerView | None = None, the_scores: CustomerScores | None = None) -> PolicyList:
    outcome = outcome_of(rules, the_view, the_scores)
    assert isinstance(outcome, PolicyList)
    return outcome


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
    assert rich.zone_order == (Zone.RETENTION, Zone.NEW_SERVICE)


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
        (policy_row("paper"), view("c1", products=[holding("active")]), scores("c1"), "already_active"),
        (policy_row("paper"), view("c1", products=[holding("trial")]), scores("c1"), "in_trial"),
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
