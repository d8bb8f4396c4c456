"""Renders policies, lists and explanations for the contract."""

from functools import lru_cache

from visavis.dispatch.v1 import contact_pb2
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from services.recommendation.domain import Policy, Product, Zone
from services.recommendation.ports import Answer, DeskItem
from services.recommendation.use_cases.assembly import ASSEMBLY_RUNS
from services.recommendation.use_cases.desk import DeskAnswer, Offered
from shared.observability.masking import mask_msisdn

_ZONES = {
    Zone.RETENTION: policy_pb.ZONE_RETENTION,
    Zone.NEW_SERVICE: policy_pb.ZONE_NEW_SERVICE,
    Zone.VOICE_USAGE: policy_pb.ZONE_VOICE_USAGE,
}
_ANSWERS = {
    None: contact_pb2.CONTACT_ANSWER_UNSPECIFIED,
    Answer.ACCEPTED: contact_pb2.CONTACT_ANSWER_ACCEPTED,
    Answer.CONSIDERING: contact_pb2.CONTACT_ANSWER_CONSIDERING,
    Answer.DECLINED: contact_pb2.CONTACT_ANSWER_DECLINED,
    Answer.OPTED_OUT: contact_pb2.CONTACT_ANSWER_OPTED_OUT,
}


def zone_of(value: int) -> Zone | None:
    """Return the zone of an enum value, None where it is not given or not known."""
    return next((zone for zone, number in _ZONES.items() if number == value), None)


def zone_number(zone: Zone | None) -> policy_pb.Zone.ValueType:
    """Return a zone as the contract has it."""
    return _ZONES[zone] if zone is not None else policy_pb.ZONE_UNSPECIFIED


@lru_cache(maxsize=1024)
def policy_message(policy: Policy) -> policy_pb.Policy:
    """Return a policy with all its texts; shared between answers, each of which copies it: not to be changed."""
    return policy_pb.Policy(
        policy=policy.policy,
        display_name=policy.display_name,
        zone=_ZONES[policy.zone],
        policy_group=policy.policy_group,
        product=policy.product,
        boss_offer_code=policy.boss_offer_code,
        margin_fen=policy.margin_fen,
        valid_from=policy.valid_from.isoformat(),
        valid_until=policy.valid_until.isoformat(),
        handset_needs=policy.handset_needs,
        script=policy.script,
        sms_text=policy.sms_text,
        order_keyword=policy.order_keyword,
        kind=policy.kind,
        combined_products=policy.combined_products,
        prerequisites=policy.prerequisites,
        exclusions=policy.exclusions,
        cities=policy.cities,
        cost_fen=policy.cost_fen,
        revenue_change_fen=policy.revenue_change_fen,
        call_script=policy.call_script,
        page_url=policy.page_url,
        weight=str(policy.weight),
    )


@lru_cache(maxsize=256)
def product_message(product: Product) -> policy_pb.Product:
    """Return a product with its demonstration; shared between answers as policies are."""
    return policy_pb.Product(
        product=product.product,
        display_name=product.display_name,
        product_class=product.product_class,
        barriers=product.barriers,
        tier=product.tier,
        associated_products=product.associated_products,
        price_fen=product.price_fen,
        boss_order_code=product.boss_order_code,
        sms_order_keyword=product.sms_order_keyword,
        sms_cancel_keyword=product.sms_cancel_keyword,
        handset_needs=product.handset_needs,
        needs_internet=product.needs_internet,
        demonstration=product.demonstration,
    )


def policy_list_message(answer: DeskAnswer[contact_pb2.Contact]) -> pb.PolicyList:
    """Return the desk's answer."""
    found = answer.found
    message = pb.PolicyList(
        customer_id=found.customer_id,
        masked_msisdn=mask_msisdn(found.msisdn),
        city=found.city,
        cycle=found.cycle,
        assembly_run=f"{ASSEMBLY_RUNS}/{found.run_id}",
        zones=[
            pb.PolicyListZone(zone=_ZONES[zone], policies=list(map(_recommended, offers)))
            for zone, offers in answer.zones
        ],
        withheld_reason=answer.withheld_reason,
        contacts_missing=answer.contacts is None,
    )
    message.switch_time.FromDatetime(found.switch_time)
    if answer.contacts is not None:
        message.contacts.extend(answer.contacts.entries)
    return message


def _row_words(item: DeskItem) -> str:
    row = f"{item.matrix} row {item.rule}" if item.rule else f"{item.matrix} by default"
    return f"{row} of {item.city}'s override" if item.city else row


def _recommended(offer: Offered) -> pb.RecommendedPolicy:
    return pb.RecommendedPolicy(
        policy=policy_message(offer.policy),
        need_level=offer.item.need_level,
        fired_rule=_row_words(offer.item),
        main=offer.item.main,
        answer=_ANSWERS[offer.answer],
        product=None if offer.product is None else product_message(offer.product),
    )
