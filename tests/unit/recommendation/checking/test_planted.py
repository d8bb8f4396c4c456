"""A fault planted in a table without any is found, and nothing else is."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.checking.check import Surroundings, check_table
from services.recommendation.engine.checking.domains import domains_of
from services.recommendation.engine.checking.findings import Finding, FindingKind, Severity
from services.recommendation.engine.checking.policies import Shelf
from services.recommendation.engine.checking.words import where_text
from services.recommendation.engine.feel import FieldType, Kind, parse, text
from services.recommendation.engine.feel.expressions import Field, Span, Until
from services.recommendation.engine.matrix import Computed, DecisionTable, HitPolicy, Origin, Parameter
from services.recommendation.engine.rulebook import read_matrix
from tests.factories.recommendation import catalogue_csv, matrix_csv, policy_row, retention_row
from tests.unit.recommendation.checking.drawn import DOMAINS, table_of

K, S = FindingKind, Severity
HEADERS = ["months", "need", "warned"]
CLEAN = (
    ["null,< 3", "-", "-", "a"],
    [">= 3", '"rigid"', "-", "b"],
    [">= 3", 'not("rigid")', "true", "c"],
    [">= 3", 'not("rigid")', "null,false", "d"],
)


def found_in(table: DecisionTable, surroundings: Surroundings | None = None) -> tuple[Finding, ...]:
    return check_table(table, surroundings or Surroundings(DOMAINS)).findings


def only_finding(table: DecisionTable, surroundings: Surroundings | None = None) -> Finding:
    (finding,) = found_in(table, surroundings)
    return finding


def planted(row: int, *cells: str) -> list[Sequence[str]]:
    """Return the clean rules with another one in this place; rules are numbered from 3."""
    rules: list[Sequence[str]] = list(CLEAN)
    rules[row - 3 : row - 2] = [cells] if cells else []
    return rules


@pytest.mark.parametrize("hit_policy", HitPolicy)
def test_nothing_is_found_in_a_complete_table_without_overlaps(hit_policy: HitPolicy) -> None:
    assert found_in(table_of(HEADERS, CLEAN, hit_policy=hit_policy, values=("a", "b", "c", "d"))) == ()


@pytest.mark.parametrize("hit_policy", [HitPolicy.UNIQUE, HitPolicy.ANY, HitPolicy.FIRST])
def test_a_gap_is_told_by_the_inputs_that_matter(hit_policy: HitPolicy) -> None:
    gap = only_finding(table_of(HEADERS, planted(5), hit_policy=hit_policy))
    assert (gap.kind, gap.severity, gap.rows) == (K.GAP, S.ERROR, ())
    assert where_text(gap.witness) == 'months >= 3, need not("rigid"), warned true'


@pytest.mark.parametrize(("purpose", "severity"), [("voice_usage", S.INFO), ("vpmn", S.ERROR), ("extraction", None)])
def test_a_gap_is_as_bad_as_its_purpose_makes_it(purpose: str, severity: Severity | None) -> None:
    found = found_in(table_of(HEADERS, planted(4), purpose=purpose))
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_a_default_output_closes_all_gaps() -> None:
    assert found_in(table_of(HEADERS, planted(4), default="z")) == ()


def test_whole_numbers_and_decimals_leave_no_gap_between_neighbours() -> None:
    rules = [["<= 2", "-", "a"], ["> 2", "<= 0.2", "b"], [">= 3", ">= 0.3", "c"]]
    assert found_in(table_of(["left", "minutes"], rules)) == ()
    gap = only_finding(table_of(["minutes"], [["<= 0.2", "a"], ["> 0.3", "b"]]))
    assert where_text(gap.witness) == "minutes 0.3"


@pytest.mark.parametrize(
    ("hit_policy", "severity"),
    [
        (HitPolicy.UNIQUE, S.ERROR),
        (HitPolicy.ANY, S.ERROR),
        (HitPolicy.FIRST, S.WARNING),
        (HitPolicy.PRIORITY, S.WARNING),
        (HitPolicy.COLLECT, S.INFO),
        (HitPolicy.RULE_ORDER, S.INFO),
        (HitPolicy.OUTPUT_ORDER, S.INFO),
    ],
)
def test_an_overlap_is_as_bad_as_the_hit_policy_makes_it(hit_policy: HitPolicy, severity: Severity) -> None:
    rules = planted(3, "null,<= 3", "-", "-", "a")
    rules[1:2] = [[">= 3", '"rigid"', "-", "b"]]
    overlaps = found_in(table_of(HEADERS, rules, hit_policy=hit_policy, values=("a", "b", "c", "d")))
    assert {(each.kind, each.severity) for each in overlaps} == {(K.OVERLAP, severity)}
    assert [each.rows for each in overlaps] == [(3, 4), (3, 5), (3, 6)]
    assert where_text(overlaps[0].witness) == 'months 3, need "rigid"'


def test_equal_outputs_are_an_overlap_for_unique_only() -> None:
    rules = [["<= 3", "a"], [">= 3", "a"]]
    (overlap,) = found_in(table_of(["left"], rules, hit_policy=HitPolicy.UNIQUE))
    assert (overlap.kind, overlap.severity) == (K.OVERLAP, S.ERROR)
    assert [each.kind for each in found_in(table_of(["left"], rules, hit_policy=HitPolicy.ANY))] == [K.MERGEABLE]


def test_an_exception_before_a_wider_row_is_a_remark_and_the_rest_row_and_a_guard_are_none() -> None:
    exception = only_finding(table_of(["left", "need"], [["< 3", '"rigid"', "a"], ["< 3", "-", "b"], ["-", "-", "c"]]))
    assert (exception.kind, exception.severity, exception.rows) == (K.OVERLAP, S.INFO, (3, 4))
    assert found_in(table_of(["left", "need"], [["< 3", "-", ""], ["-", '"rigid"', "b"], ["-", "-", "c"]])) == ()


def test_a_row_that_others_take_together_never_fires() -> None:
    rules = [["< 2", "a"], ["> 3", "d"], ["[2..3]", "b"], ["[1..4]", "c"]]
    dead = only_finding(table_of(["left"], rules))
    assert (dead.kind, dead.severity, dead.rows) == (K.NEVER_FIRES, S.WARNING, (6, 3, 4, 5))
    by_priority = only_finding(
        table_of(["left"], [["< 3", "c"], ["-", "a"]], hit_policy=HitPolicy.PRIORITY, values=("a", "c"))
    )
    assert (by_priority.kind, by_priority.rows) == (K.NEVER_FIRES, (3, 4))


def test_a_row_that_stands_twice_is_told_once() -> None:
    twice = only_finding(table_of(HEADERS, [*CLEAN, [">= 3.0", '"rigid"', "-", "b"]]))
    assert (twice.kind, twice.severity, twice.rows) == (K.DUPLICATE, S.WARNING, (4, 7))
    unique = only_finding(table_of(HEADERS, [*CLEAN, CLEAN[0]], hit_policy=HitPolicy.UNIQUE))
    assert (unique.kind, unique.severity) == (K.DUPLICATE, S.ERROR)


def test_rows_that_one_row_could_say_are_told_with_its_cell() -> None:
    rules = [
        ["< 1", "-", "a"],
        ["[1..3)", '"rigid"', "b"],
        ["[1..3)", 'not("rigid")', "c"],
        ["[3..5]", "-", "a"],
        ["> 5", "-", "a"],
    ]
    remark = only_finding(table_of(["left", "need"], rules, hit_policy=HitPolicy.UNIQUE))
    assert (remark.kind, remark.severity, remark.rows) == (K.MERGEABLE, S.INFO, (3, 6, 7))
    assert "left < 1,>= 3" in remark.text


@pytest.mark.parametrize(
    ("cell", "kind", "severity"),
    [
        ("(2..3)", K.EMPTY_INTERVAL, S.ERROR),
        ("null", K.OUTSIDE_DOMAIN, S.ERROR),
        ("7,(2..3)", K.EMPTY_INTERVAL, S.WARNING),
        ("7,null", K.OUTSIDE_DOMAIN, S.WARNING),
        ("7,> 99999999999999999999", K.OUTSIDE_DOMAIN, S.WARNING),
    ],
)
def test_a_test_that_no_value_passes_is_told(cell: str, kind: FindingKind, severity: Severity) -> None:
    finding = only_finding(table_of(["left"], [[cell, ""], ["-", "b"]]))
    assert (finding.kind, finding.severity, finding.rows) == (kind, severity, (3,))


def test_a_value_outside_the_domain_and_a_cell_that_leaves_none_are_told() -> None:
    typed = replace(table_of(["need"], [['"rigid","urgent"', ""], ["-", "b"]]), name="imported from elsewhere")
    outside = only_finding(typed)
    assert (outside.kind, outside.severity) == (K.OUTSIDE_DOMAIN, S.WARNING)
    assert '"urgent"' in outside.text
    nothing = only_finding(table_of(["warned"], [["not(true,false)", ""], ["-", "b"]]))
    assert (nothing.kind, nothing.severity) == (K.EMPTY_INTERVAL, S.ERROR)


def test_an_output_value_that_no_row_gives_is_told() -> None:
    unused = only_finding(table_of(HEADERS, CLEAN, values=("a", "b", "c", "d", "e")))
    assert (unused.kind, unused.severity) == (K.UNUSED_VALUE, S.INFO)
    assert "gives e as policy" in unused.text


def test_cells_that_name_another_field_are_cut_by_their_order() -> None:
    rules = [["< left", "a"], ["> left", "b"]]
    gap = only_finding(table_of(["months"], rules))
    assert gap.text.startswith("no row matches months left or months null: ")
    assert found_in(table_of(["months"], [*rules, ["null,left", "c"]])) == ()


def test_city_parameters_are_checked_in_each_city() -> None:
    table = table_of(["left"], [["< low", "a"], [">= 3", "b"]])
    parameter = Parameter("low", FieldType.integer(), 3, {"合肥": 2, "芜湖": 3})
    gap = only_finding(replace(table, parameters=(parameter,)))
    assert (gap.kind, where_text(gap.witness)) == (K.GAP, 'city "合肥", left 2')
    assert gap.text.startswith("in 合肥: ")
    assert found_in(replace(table, parameters=(parameter,)), Surroundings(DOMAINS, city="芜湖")) == ()
    elsewhere = only_finding(
        replace(table, parameters=(replace(parameter, value=1),)), Surroundings(DOMAINS, city="巢湖")
    )
    assert where_text(elsewhere.witness) == "left [1..3)"


def test_a_parameter_that_is_null_in_a_city_matches_nobody_there() -> None:
    table = table_of(["left"], [["< low", "a"], [">= 3", "b"]])
    found = found_in(replace(table, parameters=(Parameter("low", FieldType.integer(), 3, {"合肥": None}),)))
    assert {each.kind for each in found} == {K.GAP, K.EMPTY_INTERVAL}
    assert {where_text(each.witness[:2]) for each in found if each.kind is K.GAP} == {'city "合肥", left < 3'}


def test_rows_whose_cells_name_a_parameter_are_not_proposed_as_one() -> None:
    table = table_of(["left"], [["< low", "a"], [">= low", "a"]])
    assert found_in(replace(table, parameters=(Parameter("low", FieldType.integer(), 3),))) == ()


def test_rows_of_an_override_are_called_by_their_own_numbers() -> None:
    table = table_of(["left"], [["< 3", "a"], ["[1..2]", "b"], ["-", "c"]])
    places = (Origin("m", 7, "芜湖"), Origin("m", 9, "芜湖"), Origin("m", 3, ""))
    rules = tuple(replace(rule, origin=origin) for rule, origin in zip(table.rules, places, strict=True))
    dead = only_finding(replace(table, rules=rules))
    assert dead.text.startswith("row 9 of 芜湖's override never fires, because row 7 of 芜湖's override takes")


def test_a_computed_input_is_a_column_that_can_be_null_if_its_fields_can() -> None:
    domains = {**DOMAINS, "ends_in": DOMAINS["months"]}
    table = table_of(["ends_in"], [["<= 3", "a"], ["> 3", "b"]], domains=domains)
    computed = Computed(
        "ends_in",
        FieldType.integer(),
        "months until(ends_on)",
        Until(Span.MONTHS, Field("ends_on", FieldType(Kind.DATE))),
    )
    gap = only_finding(replace(table, computed=(computed,)))
    assert where_text(gap.witness) == "ends_in null"


DAY = date(2026, 11, 9)
RETENTION = ["arpu", "city", "=> policy_group", "=> main_policy"]
NEW = ["product", "=> policy"]


POLICIES = [
    retention_row("keep"),
    retention_row("keep-old", valid_until="2026-11-05"),
    retention_row("keep-hefei", cities="合肥"),
    policy_row("paper"),
    policy_row("tone", product="ring_back_tone"),
    policy_row("cheap", revenue_change_fen="-100"),
]


@pytest.mark.parametrize(
    ("cells", "kind", "severity", "words"),
    [
        (["-", "-", "group-1", "kept"], K.POLICY_UNKNOWN, S.ERROR, 'did you mean "keep"?'),
        (["-", "-", "group-1", "keep-old"], K.POLICY_EXPIRED, S.ERROR, "until the day before 2026-11-05"),
        (["-", "-", "group-2", "keep"], K.POLICY_MISPLACED, S.ERROR, "the catalogue has it in group-1"),
        (["-", "-", "", ""], None, None, ""),
        (["-", "-", "group-1", "keep-hefei"], K.POLICY_NOT_IN_CITY, S.WARNING, "who get nothing"),
    ],
)
def test_policies_that_nobody_can_get_by_a_row_are_told(
    cells: list[str], kind: FindingKind | None, severity: Severity | None, words: str
) -> None:
    text = matrix_csv("retention", "FIRST", RETENTION, [cells])
    if kind is None:
        assert found_in_planner_sheet(text) == ()
        return
    (finding,) = found_in_planner_sheet(text)
    assert (finding.kind, finding.severity, finding.rows) == (kind, severity, (3,))
    assert words in finding.text


def found_in_planner_sheet(text: str) -> tuple[Finding, ...]:
    catalogue = read_catalogue(catalogue_csv(POLICIES), "")
    surroundings = Surroundings(domains_of(matrix_fields(), catalogue), Shelf(catalogue, DAY))
    return found_in(read_matrix(text, fields=matrix_fields()), surroundings)


def test_a_policy_for_another_city_than_the_row_s_is_an_error() -> None:
    rules = [["-", '"芜湖"', "group-1", "keep-hefei"], ["-", "-", "", ""]]
    (finding,) = found_in_planner_sheet(matrix_csv("retention", "FIRST", RETENTION, rules))
    assert (finding.kind, finding.severity) == (K.POLICY_NOT_IN_CITY, S.ERROR)


def test_in_one_city_only_its_own_policies_count() -> None:
    rules = [["< 50", "-", "group-1", "keep-hefei"], [">= 50", '"芜湖"', "group-1", "kept"], ["-", "-", "", ""]]
    table = read_matrix(matrix_csv("retention", "FIRST", RETENTION, rules), fields=matrix_fields())
    catalogue = read_catalogue(catalogue_csv(POLICIES), "")
    domains = domains_of(matrix_fields(), catalogue)
    found = {
        city: [each.kind for each in found_in(table, Surroundings(domains, Shelf(catalogue, DAY, city), city))]
        for city in ("合肥", "芜湖")
    }
    assert found == {"合肥": [], "芜湖": [K.POLICY_UNKNOWN, K.POLICY_NOT_IN_CITY]}


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        (['"ring_back_tone"', "paper"], K.POLICY_MISPLACED),
        (["-", "keep"], K.POLICY_MISPLACED),
        (["-", "cheap"], K.POLICY_DILUTES),
        (['"ring_tone"', ""], K.OUTSIDE_DOMAIN),
    ],
)
def test_a_new_service_row_gives_policies_about_its_own_products(rule: list[str], kind: FindingKind) -> None:
    text = matrix_csv("new_service", "FIRST", NEW, [rule, ["-", ""]])
    found = [each for each in found_in_planner_sheet(text) if each.kind is not K.NEVER_FIRES]
    assert [each.kind for each in found] == [kind]


def test_proposed_cells_are_cells() -> None:
    for finding in found_in(table_of(HEADERS, planted(5))):
        for cell in finding.witness:
            assert parse(text.tests_text(cell.tests)) == cell.tests
