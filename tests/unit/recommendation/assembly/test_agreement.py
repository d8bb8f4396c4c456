"""The base's SQL gives every customer the very list that the pure function gives: all fields, order, blocked ones, nulls."""

import itertools

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings

from services.recommendation.datasets.evidence import customer_of, policy_list_of
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.domain import PolicyList, Rejected
from services.recommendation.engine.assembly.customer import assemble
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.use_cases.assembly import AssemblyInputs
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from tests.factories.recommendation import NOW, Base
from tests.unit.recommendation.assembly.generated import bases, rules

numbers = itertools.count()


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def rows(lake: Lake, dataset: Dataset) -> list[dict[str, object]]:
    return [row for path in lake.open(dataset) for row in pq.read_table(path).to_pylist()]


def by_function(lake: Lake, inputs: AssemblyInputs, drawn: Rules) -> list[PolicyList | Rejected]:
    compiled = CompiledRules.of(drawn)
    scores, members = (
        {row["customer_id"]: row for row in rows(lake, dataset)} for dataset in (inputs.scores, inputs.membership)
    )
    return [
        assemble(customer_of(row, scores.get(row["customer_id"]), members.get(row["customer_id"])), compiled).outcome
        for row in rows(lake, inputs.views)
    ]


def by_sql(lake: Lake, inputs: AssemblyInputs, drawn: Rules, name: str) -> list[PolicyList | Rejected]:
    assembled = LakeWorkshop(lake).assemble(inputs, drawn, run_id=name, cycle="2026-11", created_at=NOW, traceparent="")
    found: list[PolicyList | Rejected] = [policy_list_of(row) for row in rows(lake, assembled.lists)]
    found += [Rejected(str(row["customer_id"]), str(row["reason"])) for row in rows(lake, assembled.rejects)]
    return sorted(found, key=lambda outcome: outcome.customer_id)


@settings(max_examples=50, deadline=None)
@given(drawn=rules(), base=bases())
def test_sql_and_function_assemble_the_same_lists_and_rejects(lake: Lake, drawn: Rules, base: Base) -> None:
    name = f"run-{next(numbers)}"
    inputs = base.publish(lake, name)
    assert by_sql(lake, inputs, drawn, name) == by_function(lake, inputs, drawn)
