"""The base's SQL gives every customer the very list that the pure function gives: all fields, order, blocked ones, nulls."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.evidence import customer_of, policy_list_of
from services.recommendation.datasets.inputs import matrix_fields, score_columns, view_columns
from services.recommendation.domain import PolicyList, Rejected
from services.recommendation.engine.assembly.base import (
    LISTS_SQL,
    MEMBERSHIP,
    REJECTS_SQL,
    SCORES,
    VIEWS,
    InputColumns,
    prepare,
)
from services.recommendation.engine.assembly.customer import Customer, assemble
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.rulebook import read_matrix
from shared.errors import WrongState
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.messages import messages_to_table
from tests.factories.recommendation import Base, base_of, holding, matrix_csv, member, need, sample_rules, scores, view
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
        prepare(engine, drawn, InputColumns(view_columns(), score_columns()))
        found: list[PolicyList | Rejected] = [policy_list_of(row) for row in engine.fetch(LISTS_SQL).to_pylist()]
        found += [Rejected(row["customer_id"], row["reason"]) for row in engine.fetch(REJECTS_SQL).to_pylist()]
        return sorted(found, key=lambda outcome: outcome.customer_id)


@settings(max_examples=30, deadline=None)
@given(drawn=rules(), base=bases())
def test_sql_and_function_assemble_the_same_lists_and_rejects(lake: Lake, drawn: Rules, base: Base) -> None:
    assert by_sql(lake, base, drawn) == by_function(base, drawn)


@pytest.mark.parametrize(
    ("purpose", "headers"),
    [
        ("priority", ["arpu", "=> first", "=> second"]),
        ("retention", ["arpu", "=> policy_group", "=> main_policy"]),
        ("new_service", ["arpu", "=> policy"]),
    ],
)
def test_both_refuse_two_rows_of_a_unique_matrix_with_the_same_words(
    lake: Lake, purpose: str, headers: list[str]
) -> None:
    outputs = {
        "priority": ["retention", "new_service"],
        "retention": ["group-6", "contract-100-gift"],
        "new_service": ["newspaper-trial"],
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


def test_both_order_several_new_services_of_many_customers_alike(lake: Lake) -> None:
    lines = [[f'"{product}"', policy] for product, policy in OFFERED.items()]
    table = read_matrix(matrix_csv("new_service", "FIRST", ["product", "=> policy"], lines), fields=matrix_fields())
    drawn, chance = replace(sample_rules(), new_service=table), random.Random(1)
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
