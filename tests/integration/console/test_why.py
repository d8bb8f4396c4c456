"""`visavis why --push`: every link from the extract to what came of it, and the rest where some cannot be read."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

import pytest
from visavis.common.v1 import dataset_pb2
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_record_pb2 as record_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import customer_scores_pb2 as scores_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from shared.errors import NotFound, Unavailable
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

SENT = datetime(2026, 11, 9, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""
LISTS_TRACE, PUSH_TRACE = "a" * 32, "b" * 32


def contact() -> contact_pb.Contact:
    made = contact_pb.Contact(
        state=contact_pb.CONTACT_STATE_SENT,
        delivery=contact_pb.DELIVERY_DELIVERED,
        answer=contact_pb.CONTACT_ANSWER_ACCEPTED,
        trace_id=PUSH_TRACE,
    )
    made.send_time.FromDatetime(SENT)
    made.answer_time.FromDatetime(SENT)
    return made


def a_message() -> plan_pb.GetPushResponse:
    receipt = record_pb.GatewayReceipt(message_id="m-1", status="DELIVRD")
    reply = record_pb.CustomerReply(meaning=record_pb.REPLY_MEANING_ACCEPTED)
    for time in (receipt.receive_time, reply.receive_time):
        time.FromDatetime(SENT)
    entry = record_pb.ContactRecord(
        contact=contact(), attempt=1, account="901234", message_ids=["m-1"], receipts=[receipt], replies=[reply]
    )
    record = record_pb.PushRecord(
        push_plan="pushPlans/1",
        plan_display_name="Spring",
        channel=contact_pb.CHANNEL_SMS,
        targets=dataset_pb2.DatasetRef(uri="recommendation/targets/t"),
        masked_msisdn="138****0001",
        city="hefei",
        words=record_pb.PushWords(
            message="【移动】手机报[试用]\n回复DGSJB", product="mobile_newspaper", order_keyword="DGSJB"
        ),
        contacts=[entry],
    )
    push = plan_pb.Push(
        name="pushes/17",
        customer_id="5510000001",
        policy="newspaper",
        arm="targeted",
        rank=3,
        state=plan_pb.PUSH_STATE_SENT,
    )
    return plan_pb.GetPushResponse(push=push, record=record)


def a_call() -> plan_pb.GetPushResponse:
    told = a_message()
    told.record.channel = contact_pb.CHANNEL_CALL
    del told.record.contacts[:]
    call = told.record.calls.add(
        name="calls/5",
        attempt=1,
        state=record_pb.CALL_STATE_FINISHED,
        system_result=call_pb.SYSTEM_RESULT_ANSWERED,
        business_result=call_pb.BUSINESS_RESULT_CALL_BACK,
    )
    for time in (call.lease_time, call.start_time, call.call_back_time):
        time.FromDatetime(SENT)
    return told


def explanation() -> recommendation_pb.ExplainPolicyListResponse:
    def matrix(purpose: str, row: int, product: str = "") -> recommendation_pb.MatrixExplanation:
        value = recommendation_pb.InputValue(input="need_level", value='"rigid"')
        return recommendation_pb.MatrixExplanation(
            matrix=f"matrices/{purpose}",
            display_name=f"the {purpose} table",
            purpose=purpose,
            product=product,
            inputs=[value],
            fired_rows=[row],
        )

    given = recommendation_pb.GivenPolicy(
        zone=policy_pb.ZONE_NEW_SERVICE,
        rank=2,
        policy="newspaper",
        product="mobile_newspaper",
        matrix="new_service",
        row=6,
    )
    return recommendation_pb.ExplainPolicyListResponse(
        assembly_run="assemblyRuns/1",
        matrices=[
            matrix("priority", 2),
            matrix("new_service", 9, "ring_back_tone"),
            matrix("new_service", 6, "mobile_newspaper"),
            matrix("extraction", 4),
        ],
        given=[given],
        replays=True,
    )


def everything(services: FakeServices, told: plan_pb.GetPushResponse, *, matrix: str = "") -> None:
    """Let every service answer about one push."""
    zone = policy_pb.ZONE_UNSPECIFIED if matrix else policy_pb.ZONE_NEW_SERVICE
    selection = recommendation_pb.TargetSelection(
        name="targetSelections/t", assembly_run="assemblyRuns/1", zone=zone, matrix=matrix
    )
    run = recommendation_pb.AssemblyRun(name="assemblyRuns/1", snapshot="snapshots/1", scoring_run="scoringRuns/1")
    run.status.trace_id = LISTS_TRACE
    scores = scores_pb.CustomerScores(
        churn_warning=1231,
        stickiness=8000,
        value=6150,
        value_tier="mid",
        needs=[scores_pb.ProductNeed(product="mobile_newspaper", probability=4213, level="rigid")],
    )
    model = model_pb.Model(name="models/n", kind=model_pb.MODEL_KIND_NEED, product="mobile_newspaper")
    model.quality.auc = 0.71
    outcome = evaluation_pb.MemberOutcome(arm="targeted", reached=True, success=True)
    outcome.order_time.FromDatetime(SENT)
    snapshot = profile_pb.Snapshot(name="snapshots/1", import_run="imports/1")
    imported = profile_pb.Import(name="imports/1", cycle="2026-11", source_uri="extracts/2026-11")
    services.will("GetPush", told)
    services.will("GetTargetSelection", recommendation_pb.GetTargetSelectionResponse(target_selection=selection))
    services.will("GetAssemblyRun", recommendation_pb.GetAssemblyRunResponse(assembly_run=run))
    services.will("ExplainPolicyList", explanation())
    services.will("GetSnapshot", profile_pb.GetSnapshotResponse(snapshot=snapshot))
    services.will("GetImport", profile_pb.GetImportResponse(import_run=imported))
    services.will(
        "GetScoringRun",
        scoring_pb.GetScoringRunResponse(scoring_run=scoring_pb.ScoringRun(name="scoringRuns/1", models=["models/n"])),
    )
    services.will("GetModel", model_pb.GetModelResponse(model=model))
    services.will("GetCustomerScores", scoring_pb.GetCustomerScoresResponse(scores=scores))
    services.will("GetMemberOutcome", evaluation_pb.GetMemberOutcomeResponse(outcome=outcome))


@pytest.mark.parametrize("typed", ["17", "pushes/17"])
def test_a_message_is_told_link_by_link(visavis: Visavis, services: FakeServices, typed: str) -> None:
    everything(services, a_message())
    said = visavis("why", "--push", typed)
    assert (said.code, said.errors) == (0, "")
    links = (
        "Why customer 5510000001 got newspaper by sms: pushes/17",
        "imports/1 of cycle 2026-11, from extracts/2026-11",
        "snapshots/1",
        "of mobile_newspaper, probability 0.4213: rigid (by models/n, AUC 0.71)",
        "12.31 of 100, not warned",
        "by row 2 of “the priority table”",
        "no. 2 of zone new service, by row 6 of “the new_service table” (new_service for mobile_newspaper,",
        'which saw need_level = "rigid"',
        "Spring (pushPlans/1)",
        "targetSelections/t, picked by zone new service",
        "138****0001, hefei",
        "text             【移动】手机报[试用]\n                   回复DGSJB",
        "order word       DGSJB",
        "attempt 1: sent 2026-11-09 09:30, taken by gateway account 901234 as m-1",
        "receipt 2026-11-09 09:30: DELIVRD for m-1",
        "so it was delivered",
        "reply 2026-11-09 09:30: the customer says yes",
        "accepted, 2026-11-09 09:30",
        "a success",
        f"visavis trace {LISTS_TRACE}",
        f"visavis trace {PUSH_TRACE}",
    )
    rest = said.page
    for link in links:
        before, found, rest = rest.partition(link)
        assert found, f"{link} does not follow in {before}"
    assert "Missing" not in said.page
    (asked,) = services.requests("GetPush")
    assert isinstance(asked, plan_pb.GetPushRequest)
    assert asked.name == "pushes/17"
    (by_targets,) = services.requests("GetTargetSelection")
    assert isinstance(by_targets, recommendation_pb.GetTargetSelectionRequest)
    assert by_targets.targets.uri == "recommendation/targets/t"


def test_where_a_matrix_picked_its_row_is_the_one_that_gave_the_policy(
    visavis: Visavis, services: FakeServices
) -> None:
    everything(services, a_message(), matrix="matrices/extraction")
    page = visavis("why", "--push", "17").page
    assert "by row 4 of “the extraction table”" in page
    assert "picked by extraction matrix matrices/extraction" in page
    assert "by row 6" not in page


def test_a_call_is_told_with_what_was_said(visavis: Visavis, services: FakeServices) -> None:
    everything(services, a_call())
    page = visavis("why", "--push", "17").page
    assert "calls/5, attempt 1: lent 2026-11-09 09:30; dialled 2026-11-09 09:30; over" in page
    assert "the network: answered; the customer: call back; to be called back 2026-11-09 09:30" in page


def value_of(visavis: Visavis) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", visavis("why", "--push", "17", "--json").value)


def test_json_is_one_object_with_every_link(visavis: Visavis, services: FakeServices) -> None:
    everything(services, a_message())
    value = value_of(visavis)
    assert value["push"]["name"] == "pushes/17"
    assert value["record"]["words"]["message"] == "【移动】手机报[试用]\n回复DGSJB"
    assert value["import"]["name"] == "imports/1"
    assert value["scores"]["churn_warning"] == "1231"
    assert [model["name"] for model in value["models"]] == ["models/n"]
    assert value["traces"] == {"push": PUSH_TRACE, "lists": LISTS_TRACE}
    assert value["missing"] == {}


def test_what_cannot_be_read_is_said_to_be_missing_and_the_rest_is_shown(
    visavis: Visavis, services: FakeServices
) -> None:
    everything(services, a_message())
    services.will("GetCustomerScores", Unavailable("scoring is away"))
    services.will("GetMemberOutcome", NotFound("pushPlans/1"))
    said = visavis("why", "--push", "17")
    assert said.code == 0
    assert "Missing: scores: scoring is away" in said.page
    assert "Missing: outcome: pushPlans/1 does not exist" in said.page
    assert "receipt 2026-11-09 09:30: DELIVRD" in said.page
    assert "imports/1" in said.page


def test_links_that_hang_on_a_missing_one_are_missing_too(visavis: Visavis, services: FakeServices) -> None:
    everything(services, a_message())
    services.will("GetTargetSelection", Unavailable("recommendation is away"))
    value = value_of(visavis)
    assert value["missing"]["target selection"] == "recommendation is away"
    assert value["missing"]["lists"] == "not known without the target selection"
    assert {"matrices", "snapshot", "extract", "scoring run", "scores"} <= set(value["missing"])
    assert (value["import"], value["scores"], value["outcome"]["success"]) == (None, None, True)


def test_a_push_that_is_not_there_is_a_failure(visavis: Visavis, services: FakeServices) -> None:
    services.will("GetPush", NotFound("pushes/17"))
    said = visavis("why", "--push", "17")
    assert (said.code, said.page) == (1, "")
    assert "pushes/17 does not exist" in said.errors


@pytest.mark.parametrize("arguments", [(), ("5510000001", "--push", "17")])
def test_why_asks_about_a_customer_or_a_push(visavis: Visavis, arguments: tuple[str, ...]) -> None:
    said = visavis("why", *arguments)
    assert said.code == 1
    assert "expected a customer id, or --push" in said.errors


def test_pushes_of_a_plan_are_listed_with_the_names_that_why_takes(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListPushes", plan_pb.ListPushesResponse(pushes=[a_message().push], next_page_token="more"))  # noqa: S106 - a page's token is no secret
    page = visavis("plan", "pushes", "pushPlans/1", "--state", "sent", "--limit", "1").page
    assert "visavis why --push pushes/17" in page
    assert "5510000001" in page
    (asked,) = services.requests("ListPushes")
    assert isinstance(asked, plan_pb.ListPushesRequest)
    assert (asked.parent, asked.state, asked.page_size) == ("pushPlans/1", plan_pb.PUSH_STATE_SENT, 1)
    said = visavis("plan", "pushes", "pushPlans/1", "--state", "gone")
    assert (said.code, "gone is not one of: planned" in said.errors) == (1, True)
