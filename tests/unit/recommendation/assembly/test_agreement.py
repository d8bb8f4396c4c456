"""The base's SQL gives every customer the very list that the pure function gives: all fields, order, blocked ones, nulls."""

import random
from collections import Counter
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import PolicyListRow
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of, policy_list_of
from services.recommendation.datasets.inputs import matrix_fields, score_columns, view_columns
from services.recommendation.domain import BlockReason, PolicyList, Rejected
from services.recommendation.engine.assembly.base import lists
from services.recommendation.engine.assembly.customer import Customer
from services.recommendation.engine.assembly.decided import (
    MEMBERSHIP,
    REJECTS_SQL,
    SCORES,
    VIEWS,
    InputColumns,
    decide,
)
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.assembly.single import assemble
from services.recommendation.engine.assembly.terms import Weighing
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.rulebook import read_matrix
from shared.errors import WrongState
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table
from shared.lake.schema import arrow_schema
from tests.factories.recommendation import (
    Base,
    base_of,
    catalogue_csv,
    holding,
    matrix_csv,
    member,
    need,
    policy_row,
    product_row,
    products_csv,
    retention_row,
    sample,
    sample_rules,
    scores,
    view,
    voice_row,
)
from tests.unit.recommendation.assembly.generated import bases, rules

OFFERED = {"mobile_newspaper": "newspaper-trial", "ring_back_tone": "ring-trial", "mobile_internet": "internet-5"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def customers(base: Base) -> list[Customer]:
    scores = {row["customer_id"]: row for row in messages_to_table(base.scores, CustomerScores).to_pylist()}
    members = {row["customer_id"]: row for row in messages_to_table(base.members, ControlMembership).to_pylist()}
    return [
        customer_of(row, scores.get(row["customer_id"]), members.get(row["customer_id"]))
        for row in messages_to_table(base.views, CustomerView).to_pylist()
    ]


def by_function(base: Base, drawn: Rules) -> list[PolicyList | Rejected]:
    compiled = CompiledRules.of(drawn)
    return [assemble(customer, compiled).outcome for customer in customers(base)]


def by_sql(lake: Lake, base: Base, drawn: Rules) -> list[PolicyList | Rejected]:
    with open_engine(lake, threads=1) as engine:
        engine.register_table(VIEWS, messages_to_table(base.views, CustomerView))
        engine.register_table(SCORES, messages_to_table(base.scores, CustomerScores))
        engine.register_table(MEMBERSHIP, messages_to_table(base.members, ControlMembership))
        decide(engine, drawn, InputColumns(view_columns(), score_columns()))
        batches = lists(engine, drawn, arrow_schema(PolicyListRow.DESCRIPTOR))
        found: list[PolicyList | Rejected] = [policy_list_of(row) for batch in batches for row in batch.to_pylist()]
        found += [Rejected(row["customer_id"], row["reason"]) for row in engine.fetch(REJECTS_SQL).to_pylist()]
        return sorted(found, key=lambda outcome: outcome.customer_id)


@settings(max_examples=20, deadline=None)
@given(drawn=rules(), base=bases())
def test_sql_and_function_assemble_the_same_lists_and_rejects(lake: Lake, drawn: Rules, base: Base) -> None:
    assert by_sql(lake, base, drawn) == by_function(base, drawn)


@pytest.mark.parametrize(
    ("purpose", "headers"),
    [
        ("priority", ["arpu", "=> first", "=> second"]),
        ("retention", ["arpu", "=> policy_group", "=> main_policy"]),
        ("new_service", ["arpu", "=> policy"]),
        ("voice_usage", ["arpu", "=> policy"]),
        ("vpmn", ["arpu", "=> policy"]),
    ],
)
def test_both_refuse_two_rows_of_a_unique_matrix_with_the_same_words(
    lake: Lake, purpose: str, headers: list[str]
) -> None:
    outputs = {
        "priority": ["retention", "new_service"],
        "retention": ["group-6", "contract-100-gift"],
        "new_service": ["newspaper-trial"],
        "voice_usage": ["pack-anhui"],
        "vpmn": ["vpmn-family"],
    }[purpose]
    lines = [["> 100", *outputs], ["< 50", *outputs], [">= 120", *outputs]]
    table = read_matrix(matrix_csv(purpose, "UNIQUE", headers, lines), fields=matrix_fields())
    drawn = replace(sample_rules(), **{purpose: table})  # type: ignore[arg-type]  # the field of that name is a table
    base = base_of(2)
    with pytest.raises(WrongState) as by_base:
        by_sql(lake, base, drawn)
    with pytest.raises(WrongState) as by_one:
        by_function(base, drawn)
    assert by_base.value.message == by_one.value.message
    assert by_one.value.reason == "ERROR_REASON_MATRIX_AMBIGUOUS"
    assert "rows 3, 5 all match customer c00…00" in by_one.value.message


def test_both_refuse_rows_of_an_any_matrix_that_give_different_policies_and_take_those_that_give_the_same(
    lake: Lake,
) -> None:
    base = base_of(2)

    def drawn(*policies: str) -> Rules:
        lines = [[cell, policy] for cell, policy in zip(["> 100", "< 50", ">= 120"], policies, strict=True)]
        text = matrix_csv("voice_usage", "ANY", ["arpu", "=> policy"], lines)
        return replace(sample_rules(), voice_usage=read_matrix(text, fields=matrix_fields()))

    agreed = drawn("pack-anhui", "pack-family", "pack-anhui")
    assert by_sql(lake, base, agreed) == by_function(base, agreed)
    with pytest.raises(WrongState) as by_base:
        by_sql(lake, base, drawn("pack-anhui", "pack-anhui", "pack-family"))
    with pytest.raises(WrongState) as by_one:
        by_function(base, drawn("pack-anhui", "pack-anhui", "pack-family"))
    assert by_base.value.message == by_one.value.message
    assert "is ANY, but rows 3, 5 all match customer c00…00 and do not all give the same" in by_one.value.message


def test_both_order_several_new_services_of_many_customers_alike(lake: Lake) -> None:
    lines = [[f'"{product}"', policy] for product, policy in OFFERED.items()]
    table = read_matrix(matrix_csv("new_service", "FIRST", ["product", "=> policy"], lines), fields=matrix_fields())
    # Products without barriers: all of them stand on the same step of the ladder.
    catalogue = read_catalogue(sample("policies"), "")
    drawn = replace(sample_rules(), new_service=table, catalogue=catalogue, voice_usage=None, vpmn=None)
    chance = random.Random(1)
    ids = [f"c{index:04}" for index in range(300)]
    states = ("active", "inactive", "cancelled", "trial")
    base = Base(
        [
            view(
                customer_id,
                handset_mms=chance.choice([True, True, None]),
                products=[
                    holding(chance.choice(states), product, provisioned=chance.random() < 0.5)
                    for product in OFFERED
                    if chance.random() < 0.4
                ],
            )
            for customer_id in ids
        ],
        [
            scores(
                customer_id,
                needs=[
                    need(product, chance.choice(["rigid", "ordinary", "none"]), chance.randrange(10_001))
                    for product in OFFERED
                    if chance.random() < 0.9
                ],
            )
            for customer_id in ids
        ],
        [member(customer_id) for customer_id in ids],
    )
    expected = by_function(base, drawn)
    assert by_sql(lake, base, drawn) == expected
    values = [
        [r.expected_value_fen for r in found.recommendations if r.product]
        for found in expected
        if isinstance(found, PolicyList)
    ]
    assert sum(len(of_one) > 1 for of_one in values) > 100
    assert all(of_one == sorted(of_one, reverse=True) for of_one in values)


@pytest.mark.parametrize("product", ["o'ring", "彩铃", "a' OR '1'='1"])
def test_products_that_only_policies_speak_of_may_be_called_anything(lake: Lake, product: str) -> None:
    """Their codes are the operator's, in no catalogue of products, and part of the SQL."""
    catalogue = read_catalogue(catalogue_csv([policy_row("ring", product=product)]), "")
    lines = [[f'"{product}"', "ring"]]
    table = read_matrix(matrix_csv("new_service", "FIRST", ["product", "=> policy"], lines), fields=matrix_fields())
    drawn = replace(sample_rules(), new_service=table, catalogue=catalogue, voice_usage=None, vpmn=None)
    base = Base(
        [view("c1"), view("c2", products=[holding("active", product)])],
        [scores(customer, needs=[need(product)]) for customer in ("c1", "c2")],
        [member(customer) for customer in ("c1", "c2")],
    )
    found = by_sql(lake, base, drawn)
    assert found == by_function(base, drawn)
    given = [[r.product for r in one.recommendations if r.product] for one in found if isinstance(one, PolicyList)]
    assert given == [[product], []]


def rules_that_meet_every_obstacle() -> Rules:
    """Return rules by which customers meet everything that may stand in the way of a policy that is valid."""
    policies = [
        policy_row("tone-try", product="tone", kind="trial", exclusions="pack"),
        policy_row("tone-buy", product="tone", margin_fen="900", weight="1.25"),
        policy_row("both", product="tone", kind="combination", combined_products="mail", exclusions="paper-buy"),
        policy_row("mail-buy", product="mail", cities="合肥"),
        policy_row("mail-save", product="mail", revenue_change_fen="-1"),
        policy_row("paper-buy", product="paper", handset_needs="wap", exclusions="group-plan"),
        policy_row("net-buy", product="net", prerequisites="mail"),
        voice_row("pack", margin_fen="700"),
        voice_row("other-pack", exclusions="net-buy"),
        voice_row("group-plan", kind="vpmn_plan"),
        retention_row("stay", exclusions="other-pack"),
        retention_row("stay-long", exclusions="stay"),
    ]
    products = [
        product_row("tone", associated_products="mail"),
        product_row("mail", barriers="setup", associated_products="tone paper"),
        product_row("paper", barriers="handset", handset_needs="gprs mms"),
        product_row("net", barriers="internet", needs_internet="yes"),
    ]
    tables = {
        "priority": ("FIRST", [['"GoTone"', "retention", "new_service"], ["-", "voice_usage", "new_service"]]),
        "retention": ("FIRST", [["null", "", ""], ["-", "group-1", "stay"]]),
        "new_service": ("COLLECT", [["-", row["policy"]] for row in policies if row["product"]]),
        "voice_usage": ("COLLECT", [["-", "other-pack"], ["-", "pack"]]),
        "vpmn": ("FIRST", [['"GoTone"', "group-plan"]]),
    }
    outputs = {"priority": ["first", "second"], "retention": ["policy_group", "main_policy"]}
    read = {
        purpose: read_matrix(
            matrix_csv(purpose, hit_policy, ["brand", *(f"=> {o}" for o in outputs.get(purpose, ["policy"]))], lines),
            fields=matrix_fields(),
        )
        for purpose, (hit_policy, lines) in tables.items()
    }
    return Rules(
        priority=read["priority"],
        retention=read["retention"],
        new_service=read["new_service"],
        voice_usage=read["voice_usage"],
        vpmn=read["vpmn"],
        catalogue=read_catalogue(catalogue_csv(policies), products_csv(products)),
        day=date(2026, 11, 9),
        consent_default=False,
        most_at_once=2,
        weighing=Weighing(affinity_percent=20, combinations_once=True),
    )


def test_both_arbitrate_alike_for_many_customers_and_every_reason_occurs(lake: Lake) -> None:
    drawn = rules_that_meet_every_obstacle()
    base = many_customers(500, ["tone", "mail", "paper", "net"])
    expected = by_function(base, drawn)
    assert by_sql(lake, base, drawn) == expected
    found = [outcome for outcome in expected if isinstance(outcome, PolicyList)]
    counts = Counter(blocked.reason for outcome in found for blocked in outcome.blocked)
    static = {"unknown_policy", "wrong_zone", "wrong_matrix", "wrong_group", "not_valid"}
    assert set(counts) == set(BlockReason) - static
    assert min(counts.values()) > 5
    assert {r.matrix for outcome in found for r in outcome.recommendations} == {
        "retention",
        "new_service",
        "voice_usage",
        "vpmn",
    }


def many_customers(count: int, products: list[str]) -> Base:
    """Return customers who differ in what arbitration looks at."""
    chance = random.Random(2)
    ids = [f"c{index:04}" for index in range(count)]
    flags = (True, True, True, None, False)
    states = ("active", "inactive", "cancelled", "trial", "voice_plan")
    return Base(
        [
            view(
                customer_id,
                city=chance.choice(["合肥", "芜湖"]),
                brand=chance.choice(["GoTone", "M-Zone", None]),
                handset_gprs=chance.choice(flags),
                handset_wap=chance.choice(flags),
                handset_mms=chance.choice(flags),
                internet_access=chance.choice(flags),
                products=[
                    holding(chance.choice(states), product, provisioned=chance.random() < 0.7)
                    for product in products
                    if chance.random() < 0.4
                ],
            )
            for customer_id in ids
        ],
        [
            scores(
                customer_id,
                needs=[
                    need(product, chance.choice(["rigid", "ordinary", "sensitive", "none"]), chance.randrange(10_001))
                    for product in products
                    if chance.random() < 0.9
                ],
            )
            for customer_id in ids
        ],
        [member(customer_id) for customer_id in ids],
    )
