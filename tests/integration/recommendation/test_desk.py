"""The desk's question over a real socket: one customer's list, under what dispatch knows."""

import asyncio
from datetime import timedelta

import pytest
from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from shared.errors import Denied, InvalidInput, NotFound
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.recommendation import NOW, Base, base_of, holding, member, sample, scores, view
from tests.integration.recommendation.service import LATER, SAMPLE_MATRICES, Service

LOYAL = "c00000"


def base(**changes: object) -> Base:
    """Return one customer with a bill of 120 yuan, a good return rate and a sensitive need for the newspaper, who has mail."""
    return Base(
        [view(LOYAL, **{"products": [holding("active", "mail_139")], **changes})], [scores(LOYAL)], [member(LOYAL)]
    )


async def test_a_list_shows_zones_in_priority_order_with_texts_reasons_and_alternatives(service: Service) -> None:
    run = await service.assemble(base(contract_ends_on="2027-01-31", in_contract=True).publish(service.lake, "one"))
    found = await service.list_of(LOYAL)
    assert (found.cycle, found.assembly_run, found.masked_msisdn) == ("2026-11", run.name, "138****0000")
    assert [zone.zone for zone in found.zones] == [policy_pb.ZONE_RETENTION, policy_pb.ZONE_NEW_SERVICE]
    retention, new_service = (list(zone.policies) for zone in found.zones)
    assert [(p.policy.policy, p.main) for p in retention] == [
        ("renew-24", True),
        ("renew-12", False),
    ]
    assert retention[0].fired_rule == "retention row 8"
    assert "续约" in retention[0].policy.script
    assert [(p.policy.policy, p.need_level, p.main) for p in new_service] == [
        ("newspaper-trial", "sensitive", True),
    ]
    product = new_service[0].product
    assert (product.display_name, product.tier, product.boss_order_code) == ("手机报", "handset_bound", "SJB03")
    assert "早报" in product.demonstration
    assert not retention[0].HasField("product")
    assert found.switch_time == run.switch_time


async def test_packs_and_the_plan_of_a_group_share_a_zone_and_name_their_matrices(service: Service) -> None:
    calls = {"unit_price": 2_600, "long_distance_minutes": 800, "top_counterpart": "江苏", "enterprise_role": "member"}
    called = scores(LOYAL, voice_segment="called_from_outside", strategic_group="voice_stimulation", needs=[])
    views = [view(LOYAL, city="芜湖", return_rate_score=6_000, arpu_fen=2_000, **calls)]
    matrices = [*SAMPLE_MATRICES, sample("voice_usage.wuhu")]
    await service.assemble(Base(views, [called], [member(LOYAL)]).publish(service.lake, "one"), matrices=matrices)
    found = await service.list_of(LOYAL)
    voice = found.zones[0]
    assert voice.zone == policy_pb.ZONE_VOICE_USAGE
    assert [(p.policy.policy, p.fired_rule, p.main) for p in voice.policies] == [
        ("pack-nanjing", "voice_usage row 6 of 芜湖's override", True),
        ("vpmn-enterprise", "vpmn row 7", True),
    ]
    told = await service.recommendation.ExplainPolicyList(pb.ExplainPolicyListRequest(customer_id=LOYAL))
    assert told.replays
    assert [(b.policy, b.matrix, b.reason.partition(",")[0]) for b in told.blocked if b.matrix == "voice_usage"] == [
        ("pack-jiangsu", "voice_usage", "the policy may not stand beside pack-nanjing"),
        ("pack-inter", "voice_usage", "the policy may not stand beside pack-nanjing"),
    ]


async def test_a_number_finds_the_customer_who_holds_it(service: Service) -> None:
    await service.assemble(base_of(3).publish(service.lake, "three"))
    for text in ("13800000002", "+8613800000002", "8613800000002"):
        answer = await service.recommendation.GetPolicyList(pb.GetPolicyListRequest(msisdn=text))
        assert answer.policy_list.customer_id == "c00002"
    with pytest.raises(NotFound) as unknown:
        await service.recommendation.GetPolicyList(pb.GetPolicyListRequest(msisdn="13900000000"))
    assert "13900000000" not in str(unknown.value)


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (pb.GetPolicyListRequest(), "customer"),
        (pb.GetPolicyListRequest(customer_id=""), "customer"),
        (pb.GetPolicyListRequest(msisdn="1380000"), "msisdn"),
        (pb.GetPolicyListRequest(msisdn="23800000000"), "msisdn"),
    ],
)
async def test_a_question_about_nobody_says_which_field_is_wrong(
    service: Service, request_: pb.GetPolicyListRequest, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await service.recommendation.GetPolicyList(request_)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_an_answer_since_the_switch_is_shown_and_an_earlier_one_is_only_listed(service: Service) -> None:
    await service.assemble(base().publish(service.lake, "one"))
    service.contacts.add(LOYAL, "contract-100-gift", answer="DECLINED", at=NOW - LATER)
    service.contacts.add(LOYAL, "newspaper-trial", answer="CONSIDERING", at=NOW + LATER)
    service.contacts.add(LOYAL, "newspaper-trial", answer="ACCEPTED", at=NOW + 2 * LATER)
    found = await service.list_of(LOYAL)
    answers = {p.policy.policy: p.answer for zone in found.zones for p in zone.policies}
    assert answers["newspaper-trial"] == contact_pb2.CONTACT_ANSWER_ACCEPTED
    assert answers["contract-100-gift"] == contact_pb2.CONTACT_ANSWER_UNSPECIFIED
    assert [contact.policy for contact in found.contacts] == [
        "newspaper-trial", "newspaper-trial", "contract-100-gift",
    ]  # fmt: skip


async def test_who_must_not_be_marketed_to_gets_a_reason_and_no_offer(service: Service) -> None:
    cases: dict[str, tuple[dict[str, object], str, str]] = {
        "c00001": ({}, "targeted", "opted out"),
        "c00002": ({"red_list": True}, "control", "on the red list"),
        "c00003": ({"marketing_consent": False}, "targeted", "has not agreed to marketing"),
        "c00004": ({"marketing_consent": None}, "random", "has not agreed to marketing"),
        "c00005": ({}, "control", "in the control group"),
    }
    inputs = Base(
        [view(customer, **facts) for customer, (facts, _, _) in cases.items()],
        [scores(customer) for customer in cases],
        [member(customer, arm) for customer, (_, arm, _) in cases.items()],
    )
    await service.assemble(inputs.publish(service.lake, "withheld"))
    service.contacts.opted_out.add("c00001")
    for customer, (_, _, reason) in cases.items():
        service.contacts.add(customer, "newspaper-trial", at=NOW)
        found = await service.list_of(customer)
        assert (found.withheld_reason, list(found.zones), len(found.contacts)) == (reason, [], 1)


async def test_an_empty_zone_is_not_there(service: Service) -> None:
    inputs = base(
        products=[holding("active", product) for product in ("mobile_newspaper", "mobile_internet", "mail_139")],
        arpu_fen=2_000,
        return_rate_score=6_000,
    ).publish(service.lake, "one")
    await service.assemble(inputs)
    found = await service.list_of(LOYAL)
    assert (list(found.zones), found.withheld_reason) == ([], "")


async def test_a_slow_or_absent_dispatch_leaves_the_list_without_contacts(service: Service) -> None:
    await service.assemble(base().publish(service.lake, "one"))
    service.contacts.delay = 2.0
    slow = await service.list_of(LOYAL)
    service.stop_dispatch.set()
    absent = await service.list_of(LOYAL)
    assert [(found.contacts_missing, len(found.zones)) for found in (slow, absent)] == [(True, 2), (True, 2)]


async def test_those_who_ask_at_once_get_their_own_contacts_by_few_calls(service: Service) -> None:
    customers = [f"c{n:05}" for n in range(20)]
    inputs = Base(
        [view(c) for c in customers], [scores(c) for c in customers], [member(c, "targeted") for c in customers]
    )
    await service.assemble(inputs.publish(service.lake, "many"))
    for customer in customers:
        service.contacts.add(customer, f"told-{customer}", at=NOW)
    service.contacts.delay = 0.05  # so that the others come while the first one's call is on its way
    found = await asyncio.gather(*(service.list_of(customer) for customer in customers))
    assert [[contact.policy for contact in each.contacts] for each in found] == [[f"told-{c}"] for c in customers]
    assert sorted(customer for call in service.contacts.asked for customer in call) == customers
    assert len(service.contacts.asked) < len(customers) / 2


async def test_a_policy_whose_time_is_over_is_not_offered_any_more(service: Service) -> None:
    await service.assemble(base().publish(service.lake, "one"))
    service.clock.advance(timedelta(days=300))
    assert list((await service.list_of(LOYAL)).zones) == []


async def test_a_caller_sees_the_customers_of_its_cities_only(service: Service) -> None:
    await service.assemble(base().publish(service.lake, "one"))
    with acting_as(Caller("clerk", Role.CLERK, frozenset({"wuhu"}))):
        with pytest.raises(Denied) as denied:
            await service.list_of(LOYAL)
        assert "hefei" not in denied.value.message
        with pytest.raises(Denied):
            await service.recommendation.ExplainPolicyList(pb.ExplainPolicyListRequest(customer_id=LOYAL))
    with acting_as(Caller("clerk", Role.CLERK, frozenset({"hefei"}))):
        assert (await service.list_of(LOYAL)).customer_id == LOYAL


async def test_before_the_first_switch_there_is_no_list(service: Service) -> None:
    with pytest.raises(NotFound):
        await service.list_of(LOYAL)
    with pytest.raises(NotFound):
        await service.recommendation.ExplainPolicyList(pb.ExplainPolicyListRequest(customer_id=LOYAL))
