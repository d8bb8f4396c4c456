"""`visavis why CUSTOMER`: the answer in words first, then the terms, then what came near; for one cycle, matrix or row."""

from datetime import UTC, datetime

import pytest
from visavis.recommendation.v1 import explanation_pb2 as explanation_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from shared.errors import Unavailable
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

UNTIL = datetime(2026, 11, 16, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""
RETENTION, NEW_SERVICE = policy_pb.ZONE_RETENTION, policy_pb.ZONE_NEW_SERVICE


def matrix(purpose: str, row: int, *, product: str = "", city: str = "", **gives: str) -> pb.MatrixExplanation:
    fired = explanation_pb.FiredRow(row=row, matrix_row=row, city=city, gives=gives, note="a note")
    cell = explanation_pb.FailedCell(input="arpu", value="88.00", cell=">= 100")
    change = explanation_pb.InputChange(input="arpu", value="88.00", nearest="100.00", wanted=">= 100")
    beside = explanation_pb.FiredRow(row=row + 1, matrix_row=row + 1, gives={"policy": "better"})
    return pb.MatrixExplanation(
        display_name=f"the {purpose} table",
        purpose=purpose,
        product=product,
        inputs=[pb.InputValue(input="arpu", value="88.00")],
        fired=[fired],
        near_rows=[
            explanation_pb.NearRow(row=beside, failed_cells=[cell], changes=[change]),
            explanation_pb.NearRow(row=beside, overtaken_by=row),
            explanation_pb.NearRow(row=beside, failed_cells=[cell], obstacle="balance is not known"),
        ],
    )


def weighed(
    policy: str, *, rank: int = 0, behind: str = "", lost_by: str = "", blocked_by: str = ""
) -> explanation_pb.WeighedPolicy:
    need = explanation_pb.ValueTerm(term="probability", value="0.2500", counts=True)
    weight = explanation_pb.ValueTerm(term="weight", value="1.25", counts=False)
    return explanation_pb.WeighedPolicy(
        zone=NEW_SERVICE,
        policy=policy,
        rank=rank,
        behind=behind,
        lost_by=lost_by,
        blocked_by=blocked_by,
        terms=[need, weight],
        value_fen=375,
    )


def answer() -> pb.ExplainPolicyListResponse:
    cap = explanation_pb.ChannelStanding(channel="sms", rule="cap", reason="2 contacts in 7 days")
    cap.until_time.FromDatetime(UNTIL)
    told = pb.ExplainPolicyListResponse(
        assembly_run="assemblyRuns/1",
        cycle="2026-11",
        replays=True,
        models=["models/1", "models/gone"],
        zone_order=[RETENTION, NEW_SERVICE],
        given=[
            pb.GivenPolicy(zone=RETENTION, rank=1, policy="stay", matrix="retention", row=4),
            pb.GivenPolicy(zone=RETENTION, rank=2, policy="stay-long", matrix="retention", row=4),
            pb.GivenPolicy(zone=NEW_SERVICE, rank=1, policy="paper", product="news", matrix="new_service", row=6),
        ],
        blocked=[
            pb.BlockedPolicy(policy="mail", reason="an easier product comes first", code="ladder", by="paper"),
            pb.BlockedPolicy(policy="old", reason="the policy was not valid on the day of the run", detail="ended"),
        ],
        weighed=[
            weighed("paper", rank=1),
            weighed("tone", rank=2, behind="paper", lost_by="probability"),
            weighed("mail", blocked_by="ladder"),
        ],
        matrices=[
            matrix("priority", 2, first="retention"),
            matrix("retention", 4, city="芜湖", main_policy="stay"),
            matrix("new_service", 6, product="news", policy="paper"),
        ],
        versions=[
            explanation_pb.RuleVersion(
                name="matrices/1",
                purpose="retention",
                author="li",
                state="published",
                steps=[explanation_pb.RuleStep(kind="approved", principal="wang")],
            )
        ],
        circumstances=explanation_pb.RunCircumstances(weighs_probability=True, weighs_margin=True),
        standing=explanation_pb.ContactStanding(channels=[cap], expired_policies=["paper"]),
    )
    told.switch_time.FromDatetime(UNTIL)
    return told


def will_explain(services: FakeServices, told: pb.ExplainPolicyListResponse) -> None:
    model = model_pb.Model(name="models/1", kind=model_pb.MODEL_KIND_NEED, product="news")
    services.will("ExplainPolicyList", told)
    services.will("GetModel", model_pb.GetModelResponse(model=model))


def test_the_answer_comes_in_words_then_terms_then_near_rows_then_what_it_was_made_of(
    visavis: Visavis, services: FakeServices
) -> None:
    will_explain(services, answer())
    rest = visavis("why", "c").page
    for told in (
        "The list of 2026-11, switched in 2026-11-16 09:30.",
        "Zones: retention, then new service, by row 2 of “the priority table”, “a note”.",
        "Retention: stay, by row 4 of 芜湖's override of “the retention table”, “a note”; then stay-long.",
        "New service: paper, by row 6 of “the new_service table”, “a note”.",
        "Not offered: mail, as an easier product comes first, for the sake of paper.",
        "Not offered: old, as the policy was not valid on the day of the run (ended).",
        "Now, by sms: no contact until 2026-11-16 09:30: 2 contacts in 7 days.",
        "No longer offered today: paper.",
        "What was found",
        "1.25 (off)",
        "less need",
        "the retention table: fired: row 4 of 芜湖's override → stay",
        "arpu 88.00 -> >= 100",
        "nothing: row 4 of 芜湖's override came first",
        "balance is not known",
        "need news (models/1), need news (models/gone)",
        "need, margin",
        "weight, affinity, combinations once",
        "wang",
    ):
        before, found, rest = rest.partition(told)
        assert found, f"{told} does not follow in {before}"


def test_one_matrix_and_rows_of_one_cycle_are_asked_about_by_name(visavis: Visavis, services: FakeServices) -> None:
    will_explain(services, answer())
    page = visavis(
        "why", "c", "--cycle", "2026-11", "--matrix", "retention", "--row", "4", "--row", "5", "--city", "芜湖"
    ).page
    assert "the retention table: fired" in page
    assert "the priority table: fired" not in page
    (asked,) = services.requests("ExplainPolicyList")
    rows = [explanation_pb.AskedRows(purpose="retention", rows=[4, 5], city="芜湖")]
    assert asked == pb.ExplainPolicyListRequest(customer_id="c", cycle="2026-11", rows=rows)


def test_who_has_no_list_is_told_why(visavis: Visavis, services: FakeServices) -> None:
    told = pb.ExplainPolicyListResponse(
        cycle="2026-11", reject_reason="no row of matrix priority matches", replays=True
    )
    services.will("ExplainPolicyList", told)
    services.will("GetScoringRun", Unavailable("scoring is away"))
    page = visavis("why", "c").page
    assert "This customer has no list in 2026-11: no row of matrix priority matches." in page
    assert "What was found" not in page


def test_lists_that_were_not_told_their_models_have_those_of_the_scoring_run(
    visavis: Visavis, services: FakeServices
) -> None:
    told = answer()
    told.ClearField("models")
    will_explain(services, told)
    run = scoring_pb.ScoringRun(name="scoringRuns/1", models=["models/1"])
    services.will("GetScoringRun", scoring_pb.GetScoringRunResponse(scoring_run=run))
    value = visavis("why", "c", "--json").value
    assert isinstance(value, dict)
    assert value["models"] == ["models/1"]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("c", "--row", "4"), "expected --matrix with it"),
        (("c", "--matrix", "retention", "--city", "芜湖"), "expected --row with it"),
        (("--push", "1", "--cycle", "2026-11"), "is explained whole"),
        (("c", "--matrix", "vpmn"), "the customer met priority, retention, new_service"),
    ],
)
def test_what_does_not_go_together_is_said(
    visavis: Visavis, services: FakeServices, arguments: tuple[str, ...], expected: str
) -> None:
    will_explain(services, answer())
    said = visavis("why", *arguments)
    assert said.code == 1
    assert expected in said.errors
