"""Searches stay small on tables as planners write them, and end at their budget on those that explode."""

import random

import pytest

from services.recommendation.engine.checking.check import Surroundings, check_table
from services.recommendation.engine.checking.findings import FindingKind, Severity
from services.recommendation.engine.checking.segments import Domain
from services.recommendation.engine.feel import FieldType, Kind
from services.recommendation.engine.matrix import DecisionTable, HitPolicy
from tests.bench.checks import DOMAINS, planners_table
from tests.unit.recommendation.checking.drawn import table_of


def clauses(inputs: int, rules: int) -> tuple[DecisionTable, dict[str, Domain]]:
    """Return a table whose gaps are the solutions of a random 3-SAT problem: as hard as tables get."""
    chance = random.Random(1)
    domains = {f"flag{number}": Domain(FieldType(Kind.BOOLEAN), nullable=False) for number in range(inputs)}
    cells = []
    for _ in range(rules):
        row = dict.fromkeys(domains, "-")
        row |= {name: chance.choice(["true", "false"]) for name in chance.sample(list(domains), 3)}
        cells.append([*row.values(), "a"])
    return table_of(list(domains), cells, domains=domains), domains


@pytest.mark.parametrize("hit_policy", [HitPolicy.FIRST, HitPolicy.UNIQUE])
@pytest.mark.parametrize("seed", range(3))
def test_fifty_rows_of_six_inputs_take_few_steps(hit_policy: HitPolicy, seed: int) -> None:
    checked = check_table(planners_table(50, hit_policy, seed=seed), Surroundings(DOMAINS))
    assert FindingKind.INCOMPLETE not in {finding.kind for finding in checked.findings}
    assert checked.steps < 25_000


def test_a_table_that_explodes_ends_at_its_budget_and_says_so() -> None:
    table, domains = clauses(60, 260)
    checked = check_table(table, Surroundings(domains, steps=4_000))
    told = [finding for finding in checked.findings if finding.kind is FindingKind.INCOMPLETE]
    assert checked.steps == 2 * 4_000  # gaps, and rows that never fire
    assert [finding.severity for finding in told] == [Severity.ERROR] * 2
    assert all("ended after 4,000 steps" in finding.text for finding in told)
    assert checked.has_errors


def test_more_gaps_than_are_shown_are_counted() -> None:
    table, domains = clauses(30, 100)
    gaps = [each for each in check_table(table, Surroundings(domains)).findings if each.kind is FindingKind.GAP]
    *shown, rest = gaps
    assert len(shown) == 20
    assert rest.text.startswith("at least ")
    assert rest.concern is None


def test_inputs_that_name_one_another_too_often_are_not_looked_at_and_it_is_said() -> None:
    names = [f"n{number}" for number in range(4)]
    domains = {name: Domain(FieldType.integer(), nullable=True) for name in names}
    rules = [[*(f"[{step}..{other})" for other in names[1:]), "-", "a"] for step in range(30)]
    (told,) = check_table(table_of(names, rules, domains=domains), Surroundings(domains)).findings
    assert (told.kind, told.severity) == (FindingKind.INCOMPLETE, Severity.ERROR)
    assert "n0, n1, n2, n3" in told.text
