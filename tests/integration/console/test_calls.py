"""Playing the call platform by hand: leasing calls and reporting them."""

from datetime import UTC, datetime

import pytest
from visavis.dispatch.v1 import call_list_service_pb2 as call_pb
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

DIAL_BEFORE = datetime(2026, 11, 9, 1, 30, tzinfo=UTC)
NONE_LEFT = plan_pb.PushPlan(name="pushPlans/1", balance=plan_pb.PushBalance(held_count=50))


def test_calls_are_leased_with_what_to_say(visavis: Visavis, services: FakeServices) -> None:
    call = call_pb.LeasedCall(
        name="calls/9", msisdn="13800000001", policy="gift", script="您好", attempt=1, max_attempts=3
    )
    call.not_after_time.FromDatetime(DIAL_BEFORE)
    services.will("LeaseCalls", call_pb.LeaseCallsResponse(calls=[call]))
    page = visavis("calls", "lease", "pushPlans/1", "--count", "5", "--minutes", "3").page
    assert "13800000001" in page
    assert "1 of 3" in page
    (asked,) = services.requests("LeaseCalls")
    assert isinstance(asked, call_pb.LeaseCallsRequest)
    assert (asked.max_calls, asked.lease_duration.seconds) == (5, 180)


def test_a_lease_looks_on_while_calls_are_planned_since_the_best_ones_may_all_be_kept_back(
    visavis: Visavis, services: FakeServices
) -> None:
    call = call_pb.LeasedCall(name="calls/9", policy="gift", attempt=1, max_attempts=3)
    call.not_after_time.FromDatetime(DIAL_BEFORE)
    some_left = plan_pb.PushPlan(balance=plan_pb.PushBalance(planned_count=1))
    services.will("GetPushPlan", plan_pb.GetPushPlanResponse(push_plan=some_left))
    services.will("ListPushes", plan_pb.ListPushesResponse())
    services.will("LeaseCalls", call_pb.LeaseCallsResponse(), call_pb.LeaseCallsResponse(calls=[call]))
    assert "calls/9" in visavis("calls", "lease", "pushPlans/1").page
    first, second = services.requests("LeaseCalls")
    assert isinstance(first, call_pb.LeaseCallsRequest)
    assert isinstance(second, call_pb.LeaseCallsRequest)
    assert first.request_id != second.request_id


def test_a_lease_of_nothing_says_where_to_look(visavis: Visavis, services: FakeServices) -> None:
    services.will("GetPushPlan", plan_pb.GetPushPlanResponse(push_plan=NONE_LEFT))
    services.will("ListPushes", plan_pb.ListPushesResponse())
    services.will("LeaseCalls", call_pb.LeaseCallsResponse())
    assert "visavis plan show pushPlans/1" in visavis("calls", "lease", "pushPlans/1").page
    assert len(services.requests("LeaseCalls")) == 1


def test_a_lease_is_kept_and_given_back_by_its_name(visavis: Visavis, services: FakeServices) -> None:
    call = call_pb.LeasedCall(name="calls/9", policy="gift", attempt=2, max_attempts=4)
    call.call_back_time.FromDatetime(DIAL_BEFORE)
    call.earlier_answers.add(policy="care-60", answer=contact_pb.CONTACT_ANSWER_DECLINED)
    services.will("RenewLease", call_pb.RenewLeaseResponse(calls=[call]))
    page = visavis("calls", "renew", "leases/7", "--minutes", "3").page
    assert "declined care-60" in page
    assert "09:30" in page
    (renewed,) = services.requests("RenewLease")
    assert isinstance(renewed, call_pb.RenewLeaseRequest)
    assert (renewed.lease, renewed.lease_duration.seconds) == ("leases/7", 180)
    services.will("ReleaseLease", call_pb.ReleaseLeaseResponse(returned_count=3, started_count=1))
    assert visavis("calls", "release", "leases/7").page.strip() == "Given back: 3; 1 to be reported"


def test_a_call_back_is_reported_with_its_time(visavis: Visavis, services: FakeServices) -> None:
    receipt = call_pb.CallReceipt(call="calls/9", verdict=call_pb.CALL_VERDICT_TAKEN)
    services.will("ReportCallResults", call_pb.ReportCallResultsResponse(receipts=[receipt]))
    said = visavis("calls", "report", "calls/9", "answered", "--answer", "call_back", "--at", "2026-11-09 09:30")
    assert said.code == 0
    (asked,) = services.requests("ReportCallResults")
    assert isinstance(asked, call_pb.ReportCallResultsRequest)
    assert asked.results[0].call_back_time.ToDatetime(UTC) == DIAL_BEFORE


def test_a_call_that_must_not_be_made_ends_with_code_one(visavis: Visavis, services: FakeServices) -> None:
    receipt = call_pb.CallReceipt(call="calls/9", verdict=call_pb.CALL_VERDICT_DO_NOT_DIAL, detail="opted out")
    services.will("ReportCallResults", call_pb.ReportCallResultsResponse(receipts=[receipt]))
    said = visavis("calls", "report", "calls/9", "started")
    assert (said.code, said.page.strip()) == (1, "calls/9: do not dial (opted out)")


def test_an_answer_is_reported_with_the_call(visavis: Visavis, services: FakeServices) -> None:
    receipt = call_pb.CallReceipt(call="calls/9", verdict=call_pb.CALL_VERDICT_TAKEN)
    services.will("ReportCallResults", call_pb.ReportCallResultsResponse(receipts=[receipt]))
    assert visavis("calls", "report", "calls/9", "answered", "--answer", "not_interested").code == 0
    (asked,) = services.requests("ReportCallResults")
    assert isinstance(asked, call_pb.ReportCallResultsRequest)
    assert asked.results[0].business_result == call_pb.BUSINESS_RESULT_NOT_INTERESTED


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("asleep",), "asleep is not one of: started, answered"),
        (("answered", "--answer", "maybe"), "maybe is not one of: accepted"),
        (("busy", "--answer", "accepted"), "a call that was busy has no answer"),
        (("answered", "--answer", "call_back"), "expected with --answer call_back, and only with it"),
        (("answered", "--answer", "accepted", "--at", "2026-11-23 15:00"), "expected with --answer call_back"),
        (("answered", "--answer", "call_back", "--at", "noon"), "expected a time such as"),
    ],
)
def test_a_result_that_makes_no_sense_is_not_reported(
    visavis: Visavis, services: FakeServices, arguments: tuple[str, ...], words: str
) -> None:
    said = visavis("calls", "report", "calls/9", *arguments)
    assert said.code == 1
    assert words in said.errors
    assert services.requests("ReportCallResults") == []
