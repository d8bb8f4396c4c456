"""On small tables the checker says exactly what looking at every value says, for all hit policies, nulls included."""

from collections import Counter
from itertools import combinations

from hypothesis import given, settings

from services.recommendation.engine.checking.check import Checked, Surroundings, check_table
from services.recommendation.engine.checking.findings import Finding, FindingKind, Severity
from services.recommendation.engine.feel import Value
from services.recommendation.engine.matrix import HitPolicy, compile_closure
from services.recommendation.engine.matrix.hit_policies import LISTING, in_firing_order
from tests.unit.recommendation.checking.drawn import DOMAINS, Drawn, tables

SURROUNDINGS = Surroundings(DOMAINS)
ONE_OF_SEVERAL = (HitPolicy.FIRST, HitPolicy.PRIORITY)


def of_kind(checked: Checked, kind: FindingKind) -> list[Finding]:
    return [finding for finding in checked.findings if finding.kind is kind]


def holds_against_brute_force(drawn: Drawn) -> None:
    checked = check_table(drawn.table, SURROUNDINGS)
    assert not of_kind(checked, FindingKind.INCOMPLETE)
    gaps_are_exact(drawn, checked)
    dead_rows_are_exact(drawn, checked)
    overlaps_are_exact(drawn, checked)
    duplicates_are_exact(drawn, checked)
    merged_rows_change_nothing(drawn, checked)


def gaps_are_exact(drawn: Drawn, checked: Checked) -> None:
    found = of_kind(checked, FindingKind.GAP)
    nobody = frozenset(range(len(drawn.rows))).difference(*drawn.matched.values())
    told: frozenset[int] = frozenset()
    for gap in found:
        if gap.concern is None:  # the count of those not shown
            continue
        region = drawn.within(gap.concern)
        assert frozenset() < drawn.lying(gap.witness) <= region <= nobody
        told |= region
    assert told == nobody or found[-1].concern is None


def dead_rows_are_exact(drawn: Drawn, checked: Checked) -> None:
    fire = compile_closure(drawn.table)
    fired = {rule for row in drawn.rows for rule in fire(row).rules}
    of_old = {row for finding in of_kind(checked, FindingKind.DUPLICATE) for row in finding.rows[1:]}
    expected = {rule for rule, matched in drawn.matched.items() if matched} - fired - of_old
    if drawn.table.hit_policy is HitPolicy.ANY:  # there it makes no difference which of several fires
        expected = set()
    dead = of_kind(checked, FindingKind.NEVER_FIRES)
    assert {finding.rows[0] for finding in dead} == expected
    for finding in dead:
        row, *winners = finding.rows
        assert drawn.matched[row] <= frozenset().union(*(drawn.matched[winner] for winner in winners))
    hopeless = {rule for rule, matched in drawn.matched.items() if not matched}
    cells = [*of_kind(checked, FindingKind.EMPTY_INTERVAL), *of_kind(checked, FindingKind.OUTSIDE_DOMAIN)]
    assert {row for finding in cells if finding.severity is Severity.ERROR for row in finding.rows} == hopeless


def overlaps_are_exact(drawn: Drawn, checked: Checked) -> None:
    said = {
        (earlier, finding.rows[-1], finding.severity)
        for finding in of_kind(checked, FindingKind.OVERLAP)
        for earlier in finding.rows[:-1]
    }
    assert said == set(expected_overlaps(drawn, checked))
    for finding in of_kind(checked, FindingKind.OVERLAP):
        lying, later = drawn.lying(finding.witness), drawn.matched[finding.rows[-1]]
        assert any(lying <= drawn.matched[earlier] & later for earlier in finding.rows[:-1])


def expected_overlaps(drawn: Drawn, checked: Checked) -> list[tuple[int, int, Severity]]:
    found = []
    policy = drawn.table.hit_policy
    ignored = {row for finding in of_kind(checked, FindingKind.DUPLICATE) for row in finding.rows[1:]}
    ignored |= {finding.rows[0] for finding in of_kind(checked, FindingKind.NEVER_FIRES)}
    rules = in_firing_order(drawn.table) if policy is HitPolicy.PRIORITY else drawn.table.rules
    for earlier, later in combinations([rule for rule in rules if rule.id not in ignored], 2):
        one, other = drawn.matched[earlier.id], drawn.matched[later.id]
        if not one & other or (earlier.outputs == later.outputs and policy is not HitPolicy.UNIQUE):
            continue
        if policy in ONE_OF_SEVERAL:
            if len(other) < len(drawn.rows) and earlier.outputs != (None,):
                found.append((earlier.id, later.id, Severity.INFO if one <= other else Severity.WARNING))
        else:
            found.append((earlier.id, later.id, Severity.INFO if policy in LISTING else Severity.ERROR))
    return found


def duplicates_are_exact(drawn: Drawn, checked: Checked) -> None:
    groups: dict[object, list[int]] = {}
    for rule in drawn.table.rules:
        if drawn.matched[rule.id]:
            groups.setdefault((drawn.matched[rule.id], rule.outputs), []).append(rule.id)
    expected = {tuple(rows) for rows in groups.values() if len(rows) > 1}
    assert {finding.rows for finding in of_kind(checked, FindingKind.DUPLICATE)} == expected


def merged_rows_change_nothing(drawn: Drawn, checked: Checked) -> None:
    """Put one row in place of the first, which matches what any of the merged ones did: everybody is given the same."""
    outputs = {rule.id: rule.outputs for rule in drawn.table.rules}
    order = [rule.id for rule in in_firing_order(drawn.table)]
    for finding in of_kind(checked, FindingKind.MERGEABLE):
        first, rest = min(finding.rows, key=order.index), set(finding.rows)
        after = [row for row in order if row == first or row not in rest]
        for place in range(len(drawn.rows)):
            old = [outputs[row] for row in order if place in drawn.matched[row]]
            new = [
                outputs[row]
                for row in after
                if any(place in drawn.matched[one] for one in (rest if row == first else {row}))
            ]
            assert _what_counts(drawn.table.hit_policy, old) == _what_counts(drawn.table.hit_policy, new)


def _what_counts(policy: HitPolicy, given: list[tuple[Value, ...]]) -> object:
    """Return what a customer is given by rules in firing order, as far as the hit policy looks at it."""
    if policy in ONE_OF_SEVERAL:
        return given[:1]
    if policy is HitPolicy.ANY:
        return set(given)
    return Counter(given) if policy in {HitPolicy.UNIQUE, HitPolicy.COLLECT} else given


@given(tables())
@settings(max_examples=100, deadline=None)
def test_findings_are_what_every_combination_of_values_says(drawn: Drawn) -> None:
    holds_against_brute_force(drawn)


@given(tables(names=True))
@settings(max_examples=40, deadline=None)
def test_findings_are_exact_where_cells_name_other_fields(drawn: Drawn) -> None:
    holds_against_brute_force(drawn)
