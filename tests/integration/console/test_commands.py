"""Every command of the console as a person reads it and as a program does, with its exit codes."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import contact_service_pb2 as contact_service_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1 import explanation_pb2 as explanation_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from services.console.supervisor.supervisor import PROCESSES
from shared.errors import Denied, InvalidInput, NotFound, Unavailable, Violation
from tests.factories.runs import FAILED, SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

RESERVED = datetime(2026, 11, 9, 1, 30, tzinfo=UTC)
"""09:30 in Shanghai."""

NEXT = "more"


def contact() -> contact_pb.Contact:
    made = contact_pb.Contact(
        customer_id="5510000001",
        channel=contact_pb.CHANNEL_SMS,
        policy="newspaper",
        state=contact_pb.CONTACT_STATE_SENT,
        delivery=contact_pb.DELIVERY_DELIVERED,
        answer=contact_pb.CONTACT_ANSWER_ACCEPTED,
    )
    made.reserve_time.FromDatetime(RESERVED)
    return made


def policy_list() -> recommendation_pb.PolicyList:
    offer = policy_pb.Policy(
        policy="newspaper", display_name="Newspaper [trial]", script="Say [b]this[/b]", boss_offer_code="B7"
    )
    recommended = recommendation_pb.RecommendedPolicy(
        policy=offer, main=True, need_level="rigid", fired_rule="new service row 3"
    )
    zone = recommendation_pb.PolicyListZone(zone=policy_pb.ZONE_NEW_SERVICE, policies=[recommended])
    return recommendation_pb.PolicyList(
        customer_id="5510000001",
        masked_msisdn="138****0001",
        city="hefei",
        cycle="2026-11",
        zones=[zone],
        contacts=[contact()],
    )


def plan(name: str = "Spring", number: str = "1") -> plan_pb.PushPlan:
    balance = plan_pb.PushBalance(total_count=1200, sent_count=1150, held_count=50)
    return plan_pb.PushPlan(
        name=f"pushPlans/{number}",
        display_name=name,
        channel=contact_pb.CHANNEL_SMS,
        state=plan_pb.PushPlan.STATE_READY,
        balance=balance,
        load_status=SUCCEEDED,
    )


def listed(*plans: plan_pb.PushPlan) -> plan_pb.ListPushPlansResponse:
    return plan_pb.ListPushPlansResponse(push_plans=plans)


def test_a_list_shows_what_to_say_as_it_is_written_and_contacts_in_local_time(
    visavis: Visavis, services: FakeServices
) -> None:
    services.will("GetPolicyList", recommendation_pb.GetPolicyListResponse(policy_list=policy_list()))
    said = visavis("list", "5510000001")
    assert said.code == 0
    assert "Newspaper [trial]" in said.page
    assert "Say [b]this[/b]" in said.page
    assert "2026-11-09 09:30" in said.page
    assert "Zone: new service" in said.page


def test_json_is_the_message_with_the_names_of_the_contract(visavis: Visavis, services: FakeServices) -> None:
    services.will("GetPolicyList", recommendation_pb.GetPolicyListResponse(policy_list=policy_list()))
    said = visavis("list", "5510000001", "--json")
    assert isinstance(said.value, dict)
    assert said.value["masked_msisdn"] == "138****0001"
    assert said.errors == ""


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ("13800000001", "msisdn"),
        ("+8613800000001", "msisdn"),
        ("5510000001", "customer_id"),
        ("C-13800000001", "customer_id"),
    ],
)
def test_a_number_is_told_from_a_customer_id(visavis: Visavis, services: FakeServices, typed: str, field: str) -> None:
    services.will("GetPolicyList", recommendation_pb.GetPolicyListResponse(policy_list=policy_list()))
    visavis("list", typed)
    (asked,) = services.requests("GetPolicyList")
    assert isinstance(asked, recommendation_pb.GetPolicyListRequest)
    assert asked.WhichOneof("customer") == field


def test_a_withheld_list_says_why_and_that_contacts_are_missing(visavis: Visavis, services: FakeServices) -> None:
    withheld = recommendation_pb.PolicyList(customer_id="c", withheld_reason="opted out", contacts_missing=True)
    services.will("GetPolicyList", recommendation_pb.GetPolicyListResponse(policy_list=withheld))
    said = visavis("list", "c")
    assert "Offer nothing: opted out" in said.page
    assert "dispatch is not answering" in said.page


def test_why_names_rows_values_and_what_blocked(visavis: Visavis, services: FakeServices) -> None:
    cell = explanation_pb.FailedCell(input="value_tier", value='"A"', cell='"B","C"')
    change = explanation_pb.InputChange(input="value_tier", value='"A"', nearest='"B"', wanted='"B","C"')
    row = explanation_pb.FiredRow(row=1, matrix_row=1)
    near = explanation_pb.NearRow(row=row, failed_cells=[cell], changes=[change])
    matrix = recommendation_pb.MatrixExplanation(
        display_name="Retention",
        inputs=[recommendation_pb.InputValue(input="value_tier", value='"A"')],
        fired=[explanation_pb.FiredRow(row=4, matrix_row=4, gives={"main_policy": "gift"})],
        near_rows=[near],
    )
    blocked = recommendation_pb.BlockedPolicy(
        zone=policy_pb.ZONE_RETENTION, policy="gift", row=4, reason="owned already"
    )
    services.will(
        "ExplainPolicyList",
        recommendation_pb.ExplainPolicyListResponse(matrices=[matrix], blocked=[blocked], replays=True),
    )
    page = visavis("why", "c").page
    assert "Retention: fired: row 4 → gift" in page
    assert 'on value_tier = "A"' in page
    assert 'value_tier "A" -> "B","C"' in page
    assert "owned already" in page
    assert "the same list" in page


@pytest.mark.parametrize(
    ("failure", "words"),
    [
        (NotFound("customer nobody"), "customer nobody does not exist"),
        (Denied("outside your cities [hefei]"), "outside your cities [hefei]"),
        (InvalidInput([Violation("msisdn", "expected 11 digits")]), "msisdn: expected 11 digits"),
    ],
)
def test_a_failure_is_told_on_standard_error_with_code_one(
    visavis: Visavis, services: FakeServices, failure: NotFound, words: str
) -> None:
    services.will("GetPolicyList", failure)
    said = visavis("list", "nobody")
    assert (said.code, said.page) == (1, "")
    assert words in said.errors


def test_a_failure_in_json_is_one_value_on_standard_output(visavis: Visavis, services: FakeServices) -> None:
    services.will("GetPolicyList", InvalidInput([Violation("msisdn", "expected 11 digits")]))
    said = visavis("list", "1", "--json")
    assert said.code == 1
    assert isinstance(said.value, dict)
    assert said.value["error"]["reason"] == "ERROR_REASON_INVALID_ARGUMENT"
    assert said.value["error"]["violations"] == [{"field": "msisdn", "description": "expected 11 digits"}]


def test_contacts_of_all_pages_are_one_list(visavis: Visavis, services: FakeServices) -> None:
    opt_out = contact_service_pb.OptOut(customer_id="c", source="sms")
    opt_out.create_time.FromDatetime(RESERVED)
    services.will(
        "ListContacts",
        contact_service_pb.ListContactsResponse(contacts=[contact()], next_page_token=NEXT, opt_out=opt_out),
        contact_service_pb.ListContactsResponse(contacts=[contact()], opt_out=opt_out),
    )
    said = visavis("contacts", "c")
    assert said.page.count("newspaper") == 2
    assert "Opted out on 2026-11-09 09:30, by sms." in said.page


def test_an_opt_out_is_confirmed(visavis: Visavis, services: FakeServices) -> None:
    services.will("CreateOptOut", contact_service_pb.CreateOptOutResponse())
    said = visavis("optout", "c", "--source", "hotline")
    assert "nothing more leaves" in said.page
    (asked,) = services.requests("CreateOptOut")
    assert isinstance(asked, contact_service_pb.CreateOptOutRequest)
    assert (asked.customer_id, asked.source) == ("c", "hotline")


def test_an_answer_at_the_desk_is_recorded_for_the_person_behind_the_line(
    visavis: Visavis, services: FakeServices
) -> None:
    view = CustomerView(customer_id="c", owner_id="o", msisdn="13800000001", city="合肥")
    services.will("GetCustomerView", profile_pb.GetCustomerViewResponse(view=view))
    recorded = contact_pb.Contact(name="contacts/7")
    services.will("RecordContact", contact_service_pb.RecordContactResponse(contact=recorded))
    assert "contacts/7; c said: opted out" in visavis("answered", "c", "gift", "opted_out").page
    (asked,) = services.requests("RecordContact")
    assert isinstance(asked, contact_service_pb.RecordContactRequest)
    assert (asked.owner_id, asked.msisdn, asked.city, asked.policy) == ("o", "13800000001", "合肥", "gift")
    assert asked.answer == contact_pb.CONTACT_ANSWER_OPTED_OUT
    said = visavis("answered", "c", "gift", "maybe")
    assert (said.code, "maybe is not one of: accepted" in said.errors) == (1, True)


def test_a_plan_is_found_by_its_name_and_shows_its_balance(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListPushPlans", listed(plan("Autumn", "2")), listed(plan()))
    services.will("ListPushPlans", listed(plan("Autumn", "2"), plan()))
    services.will("GetPushPlan", plan_pb.GetPushPlanResponse(push_plan=plan()))
    services.will("ListPushes", plan_pb.ListPushesResponse())
    page = visavis("plan", "show", "Spring").page
    (asked,) = services.requests("GetPushPlan")
    assert isinstance(asked, plan_pb.GetPushPlanRequest)
    assert asked.name == "pushPlans/1"
    assert "1,150" in page
    assert "visavis plan start pushPlans/1" in page


def test_two_plans_of_one_name_are_told_apart(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListPushPlans", listed(plan(number="1"), plan(number="2")))
    said = visavis("plan", "start", "Spring")
    assert said.code == 1
    assert "pushPlans/1, pushPlans/2" in said.errors
    assert services.requests("StartPushPlan") == []


def test_an_unknown_plan_is_answered_with_those_there_are(visavis: Visavis, services: FakeServices) -> None:
    services.will("ListPushPlans", listed(plan()))
    said = visavis("report", "Winter")
    assert said.code == 1
    assert "Winter (plans: Spring)" in said.errors


def test_plans_are_listed(visavis: Visavis, services: FakeServices) -> None:
    first = listed(plan("Autumn", "2"))
    first.next_page_token = NEXT
    services.will("ListPushPlans", first, listed(plan()))
    value = visavis("plan", "list", "--json").value
    assert isinstance(value, dict)
    assert [found["display_name"] for found in value["push_plans"]] == ["Autumn", "Spring"]


def test_a_plan_is_made_of_the_newest_lists_that_succeeded(visavis: Visavis, services: FakeServices) -> None:
    runs = [
        recommendation_pb.AssemblyRun(name="assemblyRuns/2", cycle="2026-12", status=FAILED),
        recommendation_pb.AssemblyRun(
            name="assemblyRuns/1", cycle="2026-11", status=SUCCEEDED, policy_catalogue="policyCatalogues/1"
        ),
    ]
    selection = recommendation_pb.TargetSelection(name="targetSelections/1", status=SUCCEEDED)
    offer = policy_pb.Policy(
        policy="newspaper",
        zone=policy_pb.ZONE_NEW_SERVICE,
        sms_text="回复{keyword}",
        script="您好",
        call_script="喂，您好",
    )
    services.will("ListAssemblyRuns", recommendation_pb.ListAssemblyRunsResponse(assembly_runs=runs))
    services.will("ListPolicies", policy_pb.ListPoliciesResponse(policies=[offer]))
    services.will("SelectTargets", recommendation_pb.SelectTargetsResponse(target_selection=selection))
    services.will("GetTargetSelection", recommendation_pb.GetTargetSelectionResponse(target_selection=selection))
    services.will("CreatePushPlan", plan_pb.CreatePushPlanResponse(push_plan=plan()))
    services.will("GetPushPlan", plan_pb.GetPushPlanResponse(push_plan=plan()))
    arguments = ("plan", "create", "Spring", "--channel", "sms", "--zone", "new_service", "--limit", "100")
    assert visavis(*arguments).code == visavis(*arguments).code == 0
    selected, selected_again = services.requests("SelectTargets")
    assert isinstance(selected, recommendation_pb.SelectTargetsRequest)
    assert (selected.assembly_run, selected.limit) == ("assemblyRuns/1", 100)
    created, created_again = services.requests("CreatePushPlan")
    assert isinstance(created, plan_pb.CreatePushPlanRequest)
    assert created.offers[0].text == "回复{keyword}"
    assert (selected, created) == (selected_again, created_again)
    assert visavis("plan", "create", "Calls", "--channel", "call", "--zone", "new_service").code == 0
    *_, called = services.requests("CreatePushPlan")
    assert isinstance(called, plan_pb.CreatePushPlanRequest)
    assert called.offers[0].text == "喂，您好"


def test_a_plan_for_a_policy_that_is_not_in_the_zone_is_refused_before_anything_is_made(
    visavis: Visavis, services: FakeServices
) -> None:
    run = recommendation_pb.AssemblyRun(name="assemblyRuns/1", cycle="2026-11", status=SUCCEEDED)
    services.will("ListAssemblyRuns", recommendation_pb.ListAssemblyRunsResponse(assembly_runs=[run]))
    services.will("ListPolicies", policy_pb.ListPoliciesResponse())
    said = visavis("plan", "create", "X", "--channel", "sms", "--zone", "retention", "--policy", "gift")
    assert said.code == 1
    assert "gift is not a policy of zone retention" in said.errors
    assert services.requests("SelectTargets") == []


def test_a_wrong_choice_is_a_usage_error_that_names_the_choices(visavis: Visavis) -> None:
    said = visavis("plan", "create", "X", "--channel", "fax", "--zone", "retention")
    assert said.code == 2
    assert "'sms'" in said.errors


def test_a_report_tells_arms_and_lift(visavis: Visavis, services: FakeServices) -> None:
    arm = evaluation_pb.ArmReport(
        arm="targeted",
        member_count=1000,
        sent_count=900,
        success_count=450,
        success_percent=50.0,
        success_percent_low=46.7,
        success_percent_high=53.3,
    )
    lift = evaluation_pb.Lift(points=34.0, points_low=30.0, points_high=38.0)
    report = evaluation_pb.PlanReport(display_name="Spring", arms=[arm], lift_over_control=lift, lift_over_random=lift)
    services.will("GetPlanReport", evaluation_pb.GetPlanReportResponse(report=report))
    page = visavis("report", "pushPlans/1").page
    assert "50.0% (46.7-53.3%)" in page
    assert "Targeted over control: +34.0 points (+30.0 to +38.0)" in page


def test_where_nothing_was_started_an_absent_service_is_told_with_the_command_that_starts_it(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    services.will("GetPolicyList", Unavailable("recommendation cannot be reached"))
    assert "start it with `visavis up`" in visavis("list", "5510000001").errors
    (tmp_path / "home").mkdir(exist_ok=True)
    (tmp_path / "home" / PROCESSES).write_text("{}")
    said = visavis("list", "5510000001")
    assert (said.code, said.errors.strip()) == (1, "✗ recommendation cannot be reached")


def test_a_user_without_a_name_can_ask_too(
    visavis: Visavis, services: FakeServices, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 54321")

    monkeypatch.setattr("getpass.getuser", nobody)
    services.will("GetPolicyList", recommendation_pb.GetPolicyListResponse(policy_list=policy_list()))
    assert visavis("list", "5510000001").code == 0


def test_a_plan_says_why_pushes_have_not_left(visavis: Visavis, services: FakeServices) -> None:
    held = plan_pb.Push(name="pushes/1", detail="cap: 2 contacts in 7 days")
    services.will("GetPushPlan", plan_pb.GetPushPlanResponse(push_plan=plan()))
    services.will("ListPushes", plan_pb.ListPushesResponse())
    services.will("ListPushes", plan_pb.ListPushesResponse(pushes=[held, held]))
    (row,) = [line for line in visavis("plan", "show", "pushPlans/1").page.splitlines() if "cap:" in line]
    assert [cell.strip() for cell in row.strip("│").split("│")] == ["held", "cap: 2 contacts in 7 days", "2"]
    (asked,) = services.requests("ListPushes")
    assert isinstance(asked, plan_pb.ListPushesRequest)
    assert (asked.parent, asked.state) == ("pushPlans/1", plan_pb.PUSH_STATE_HELD)


@pytest.mark.parametrize(
    ("variable", "value", "words"),
    [
        ("VISAVIS_SANDBOX_AGENT", "3", "did you mean VISAVIS_SANDBOX_AGENTS?"),
        ("VISAVIS_PROFILE_PORT", "many", "VISAVIS_PROFILE_PORT: Input should be a valid integer"),
        ("VISAVIS_PROFILE_PORT", "1", "VISAVIS_PROFILE_ADDRESS is 127.0.0.1:"),
        ("VISAVIS_CLOCK_OFFSET", "noon", "expected a number of seconds, got 'noon'"),
        ("VISAVIS_LOG_LEVEL", "loud", "VISAVIS_LOG_LEVEL: Input should be"),
    ],
)
def test_a_wrong_variable_is_named_by_every_command(
    visavis: Visavis, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, words: str
) -> None:
    monkeypatch.setenv(variable, value)
    said = visavis("plan", "list")
    assert said.code == 1
    assert words in said.errors
