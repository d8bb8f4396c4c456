"""What became of each find: the order agrees with the terms told, each block says what exactly stood in the way."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of
from services.recommendation.domain import PolicyList
from services.recommendation.engine.assembly.customer import Customer
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.assembly.single import assemble
from services.recommendation.engine.assembly.terms import Weighing
from services.recommendation.engine.explaining.findings import CODE, PLACE, TIER, Finding, findings
from shared.lake.messages import messages_to_table
from tests.factories.recommendation import (
    Base,
    holding,
    need,
    policy_row,
    product_row,
    retention_row,
    scores,
    view,
    voice_row,
)
from tests.unit.recommendation.assembly.generated import bases, rules
from tests.unit.recommendation.assembly.one_customer import rules_of
from tests.unit.recommendation.assembly.test_agreement import customers

PAPER, TONE, MAIL = "mobile_newspaper", "ring_back_tone", "mail_139"


def found(made: Rules, the_view: CustomerView | None = None, *needs: tuple[str, int]) -> dict[str, Finding]:
    row = messages_to_table([the_view or view("c1")], CustomerView).to_pylist()[0]
    needed = scores("c1", needs=[need(product, probability=probability) for product, probability in needs])
    scored = messages_to_table([needed], CustomerScores).to_pylist()[0]
    customer = customer_of(row, scored, {"arm": "targeted"})
    told = findings(assemble(customer, CompiledRules.of(made)).verdicts, customer, made)
    return {finding.verdict.find.offer.code: finding for finding in told}


def lost(finding: Finding) -> tuple[str, str]:
    return finding.behind.offer.code if finding.behind else "", finding.lost_by


@settings(max_examples=10, deadline=None)
@given(drawn=rules(), base=bases())
def test_what_is_told_agrees_with_the_list_and_its_order(drawn: Rules, base: Base) -> None:
    compiled = CompiledRules.of(drawn)
    for customer in customers(base):
        _check(customer, compiled)


def _check(customer: Customer, compiled: CompiledRules) -> None:
    assembly = assemble(customer, compiled)
    if not isinstance(assembly.outcome, PolicyList):
        return
    told = list(findings(assembly.verdicts, customer, compiled.rules))
    given = [finding for finding in told if finding.rank]
    assert [(one.verdict.find.offer.code, one.rank) for one in given] == [
        (one.policy, one.rank) for one in assembly.outcome.recommendations
    ]
    assert [one.words.partition(" by ")[0] for one in told if not one.rank] == [
        blocked.words.partition(" by ")[0] for blocked in assembly.outcome.blocked
    ]
    for one in told:
        if one.behind and one.lost_by not in {TIER, PLACE, CODE}:
            ours, theirs = one.verdict.find.terms, one.behind.terms
            assert ours.value_fen < theirs.value_fen
            assert ours.factors[one.lost_by] < theirs.factors[one.lost_by]  # type: ignore[index]  # a factor's name is a factor


def test_what_comes_second_lost_by_the_term_that_is_furthest_behind() -> None:
    made = rules_of(
        policy_row("paper", product=PAPER, margin_fen="1000"),
        policy_row("tone", product=TONE, margin_fen="1000", weight="0.5"),
        policy_row("mail", product=MAIL, margin_fen="400"),
        new_service=[[f'"{PAPER}"', "paper"], [f'"{TONE}"', "tone"], [f'"{MAIL}"', "mail"]],
        products=[product_row(PAPER), product_row(TONE), product_row(MAIL)],
    )
    told = found(made, None, (PAPER, 5_000), (TONE, 4_000), (MAIL, 4_500))
    assert {code: lost(one) for code, one in told.items()} == {
        "paper": ("", ""),
        "tone": ("paper", "weight"),
        "mail": ("tone", "margin"),
    }
    needs = found(made, None, (PAPER, 5_000), (TONE, 100), (MAIL, 0))
    assert lost(needs["tone"]) == ("paper", "probability")
    has_mail = view("c1", products=[holding("active", MAIL)])
    kindred = [product_row(PAPER), product_row(TONE), product_row(MAIL, associated_products=PAPER)]
    alike = rules_of(
        policy_row("paper", product=PAPER),
        policy_row("tone", product=TONE),
        new_service=[[f'"{PAPER}"', "paper"], [f'"{TONE}"', "tone"]],
        products=kindred,
    )
    affine = found(replace(alike, weighing=Weighing(affinity_percent=20)), has_mail, (PAPER, 5_000), (TONE, 5_000))
    assert lost(affine["tone"]) == ("paper", "affinity")
    assert lost(found(alike, has_mail, (PAPER, 5_000), (TONE, 5_000))["tone"]) == ("paper", "code")


def test_harder_products_and_the_planners_order_come_before_the_value() -> None:
    made = rules_of(
        policy_row("paper", product=PAPER, margin_fen="100"),
        policy_row("mail", product=MAIL, margin_fen="9000"),
        retention_row("main", margin_fen="1"),
        retention_row("other", margin_fen="900"),
        retention=("-", "group-1", "main"),
        new_service=[[f'"{PAPER}"', "paper"], [f'"{MAIL}"', "mail"]],
        products=[product_row(PAPER), product_row(MAIL, barriers="setup")],
    )
    told = found(made, None, (PAPER, 5_000), (MAIL, 5_000))
    assert (lost(told["other"]), lost(told["mail"])) == (("main", "place"), ("paper", "tier"))
    assert (told["mail"].by, told["mail"].rank) == ("paper", 0)


@pytest.mark.parametrize(
    ("policy", "the_view", "detail"),
    [
        (
            policy_row("x", product=TONE, valid_until="2026-11-09"),
            view("c1"),
            "offered from 2026-11-01 until the day before 2026-11-09; the run was of 2026-11-09",
        ),
        (policy_row("x", product=TONE, cities="芜湖"), view("c1"), "offered in 芜湖"),
        (policy_row("x", product=TONE, prerequisites="news mail"), view("c1"), "lacks news mail"),
        (policy_row("x", product=TONE, revenue_change_fen="-5"), view("c1"), "-5 fen a month"),
        (
            policy_row("x", product=TONE, kind="combination", combined_products="news"),
            view("c1", products=[holding("active", "news")]),
            "has news",
        ),
        (policy_row("x", product=TONE, handset_needs="mms"), view("c1", handset_mms=None), ""),
    ],
)
def test_a_block_says_what_exactly_stood_in_the_way(
    policy: dict[str, str], the_view: CustomerView, detail: str
) -> None:
    told = found(rules_of(policy, new_service=[[f'"{TONE}"', "x"]]), the_view)
    assert (told["x"].rank, told["x"].detail, lost(told["x"])) == (0, detail, ("", ""))


def test_what_is_excluded_lost_to_the_policy_that_excludes_it_where_that_is_of_its_zone() -> None:
    made = rules_of(
        voice_row("a", margin_fen="900", exclusions="b"),
        voice_row("b", margin_fen="800"),
        voice_usage=[["-", "a"], ["-", "b"]],
    )
    told = found(made)
    assert (told["b"].by, told["b"].words, lost(told["b"])) == (
        "a",
        "the policy may not stand beside a, which comes before it in the list",
        ("a", "margin"),
    )
