"""A purpose knows what its matrix may give, beyond what any cell shows."""

import pytest

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import Purpose
from services.recommendation.engine.feel import Kind
from services.recommendation.engine.rulebook import read_matrix
from shared.errors import InvalidInput
from tests.factories.recommendation import matrix_csv, sample, sample_rules


def faults(text: str) -> list[str]:
    with pytest.raises(InvalidInput) as refused:
        read_matrix(text, fields=matrix_fields())
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    return [f"{violation.field}: {violation.description}" for violation in refused.value.violations]


def test_inputs_are_the_exact_fields_of_views_and_scores_and_never_a_person() -> None:
    fields = matrix_fields()
    assert (fields["arpu"].kind, fields["arpu"].scale, fields["arpu"].unit) == (Kind.NUMBER, 2, "yuan")
    assert fields["value_tier"].domain == ("high", "mid_high", "mid", "low")
    assert fields["warned"].kind is Kind.BOOLEAN
    assert not {"customer_id", "msisdn", "owner_id", "arpu_fen", "products", "needs"} & set(fields)


def test_the_zones_of_a_priority_differ() -> None:
    text = matrix_csv("priority", "FIRST", ["arpu", "=> first", "=> second"], [["-", "retention", "retention"]])
    assert faults(text) == ['row 3, column => second: "retention" is the first zone, too: expected another one']
    headers = ["arpu", "=> first", "=> second", "=> third"]
    text = matrix_csv("priority", "FIRST", headers, [["-", "retention", "voice_usage", "voice_usage"]])
    assert faults(text) == ['row 3, column => third: "voice_usage" is the second zone, too: expected another one']


def test_an_extraction_is_no_override() -> None:
    text = matrix_csv("extraction", "FIRST", ["age", "=> policy"], [["-", "care-60"]])
    head, rest = text.split("\n", 1)
    (fault,) = faults(f"{head}\ncity,芜湖\n{rest}")
    assert "test the input city instead" in fault


def test_a_priority_may_leave_the_third_zone_open() -> None:
    headers = ["arpu", "=> first", "=> second", "=> third"]
    for text in (
        matrix_csv("priority", "FIRST", headers, [["-", "voice_usage", "new_service", ""]]),
        matrix_csv("priority", "FIRST", headers[:-1], [["-", "voice_usage", "new_service"]]),
    ):
        (rule,) = read_matrix(text, fields=matrix_fields()).rules
        assert rule.outputs[:2] == ("voice_usage", "new_service")


@pytest.mark.parametrize("purpose", ["voice_usage", "vpmn", "extraction"])
def test_purposes_about_the_customer_know_no_product_and_may_give_nothing(purpose: str) -> None:
    rows = [['"called_from_outside"', "a-pack"], ["-", ""]]
    table = read_matrix(matrix_csv(purpose, "FIRST", ["voice_segment", "=> policy"], rows), fields=matrix_fields())
    assert [rule.outputs for rule in table.rules] == [("a-pack",), (None,)]
    assert 'no field is called "product"' in faults(matrix_csv(purpose, "FIRST", ["product", "=> policy"], rows))[0]


def test_group_and_main_policy_go_together() -> None:
    headers = ["arpu", "=> policy_group", "=> main_policy"]
    text = matrix_csv("retention", "FIRST", headers, [["-", "g", ""], ["-", "", "m"], ["-", "", ""]])
    assert [fault.partition(":")[0] for fault in faults(text)] == [
        "row 3, column => main_policy",
        "row 4, column => main_policy",
    ]


@pytest.mark.parametrize(
    ("purpose", "outputs", "values"),
    [
        ("priority", ["=> first", "=> second"], ["retention", "new_service"]),
        ("retention", ["=> policy_group", "=> main_policy"], ["g", "m"]),
        ("vpmn", ["=> policy"], ["p"]),
    ],
)
def test_a_purpose_that_needs_one_row_cannot_collect(purpose: str, outputs: list[str], values: list[str]) -> None:
    (fault,) = faults(matrix_csv(purpose, "COLLECT", ["arpu", *outputs], [["-", *values]]))
    assert fault == f'row 1, column C: "COLLECT": a matrix {purpose} is FIRST or UNIQUE or ANY or PRIORITY'


def test_only_the_new_service_matrix_knows_products() -> None:
    outputs = ["=> first", "=> second"]
    text = matrix_csv("priority", "FIRST", ["product", *outputs], [["-", "retention", "new_service"]])
    assert 'no field is called "product"' in faults(text)[0]
    paired = matrix_csv("new_service", "COLLECT", ["product", "need_probability", "=> policy"], [["-", "> 0.25", "p"]])
    assert read_matrix(paired, fields=matrix_fields()).purpose == Purpose.NEW_SERVICE


def test_faults_of_cells_come_with_the_nearest_name() -> None:
    text = matrix_csv("retention", "FIRST", ["arpuu", "=> policy_group", "=> main_policy"], [["-", "g", "m"]])
    assert faults(text)[0] == 'row 2, column arpuu: no field is called "arpuu": did you mean "arpu"?'


def test_the_sample_matrices_name_policies_of_the_sample_catalogue_and_end_in_a_row_for_everyone() -> None:
    rules = sample_rules()
    policies = rules.catalogue.policies
    named = set()
    for table in rules.giving.values():
        given = {rule.outputs[-1] for rule in table.rules} - {None}
        assert given
        assert given <= set(policies)
        named |= given
    groups = {policies[str(code)].policy_group for code in named} - {""}
    assert set(policies) == named | {policy.policy for policy in policies.values() if policy.policy_group in groups}
    for whole in (rules.priority, rules.retention, rules.new_service, rules.vpmn):
        assert whole is not None
        assert {cell.text for cell in whole.rules[-1].cells} == {"-"}
    assert sample("priority").startswith("matrix,priority,FIRST,")


def test_what_only_the_purpose_knows_is_told_under_the_planners_own_headers() -> None:
    assert faults("# notes\n矩阵,存量保有,首个,x\n在网月数,=> 政策组,=> 主推政策\n-,g,\n") == [
        "row 4, column => 主推政策: group and main policy go together: fill in both, or neither for no policy"
    ]
    assert faults("matrix,retention,FIRST,x\ndefault,政策组,g\narpu,=> policy_group,=> main_policy\n-,g,m\n") == [
        "row 2, column C: group and main policy go together: fill in both, or neither for no policy"
    ]
    values = "matrix,vpmn,PRIORITY,x\nvalues,policy,vpmn-key,vpmn-family\narpu,=> 推荐政策\n-,vpmn-famly\n"
    assert faults(values) == [
        'row 4, column => 推荐政策: "vpmn-famly" does not stand in the line of values: did you mean "vpmn-family"?'
    ]
    assert faults("matrix,extraction,FIRST,x\ncity,合肥\narpu,=> policy\n-,a\n")[0].startswith(
        'row 2, column B: "合肥": a plan is made of one matrix extraction, which overrides none'
    )
