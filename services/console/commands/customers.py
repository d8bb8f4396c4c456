"""`visavis list`, `contacts`, `optout`, `answered`: one customer at a time, as a desk or a hotline sees them."""

import re
import uuid
from typing import Annotated

import typer
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import contact_service_pb2 as contact_service_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from services.console.clients import Clients, connect
from services.console.render.output import Output, enum_word, local_time
from services.console.runs import pages
from services.console.session import AsJson, Session, run
from shared.errors import InvalidInput

_NUMBER = re.compile(r"(\+?86)?1\d{10}", re.ASCII)
"""A mobile number, as GetPolicyList takes it."""

_ANSWERS = {
    name.removeprefix("CONTACT_ANSWER_").lower(): number for name, number in contact_pb.ContactAnswer.items() if number
}

Customer = Annotated[str, typer.Argument(help="The customer id.")]


def list_(
    customer: Annotated[str, typer.Argument(help="The customer id, or a number of 11 digits.")], as_json: AsJson = False
) -> None:
    """Show what to offer a customer now, with what to say and why."""

    async def command(session: Session) -> None:
        asked = (
            recommendation_pb.GetPolicyListRequest(msisdn=customer)
            if _NUMBER.fullmatch(customer)
            else recommendation_pb.GetPolicyListRequest(customer_id=customer)
        )
        async with connect(session.settings) as clients:
            answer = (await clients.recommendation.GetPolicyList(asked)).policy_list
        if not session.output.message(answer):
            _print_list(answer, session.output)

    run(command, as_json=as_json)


def contacts(customer: Customer, as_json: AsJson = False) -> None:
    """List a customer's contacts of three months, and the opt-out if there is one."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            answer = await _all_contacts(customer, clients)
        if session.output.message(answer):
            return
        _print_contacts(list(answer.contacts), session.output)
        if answer.HasField("opt_out"):
            opt_out = answer.opt_out
            session.output.line(f"Opted out on {local_time(opt_out.create_time)}, by {opt_out.source}.", style="yellow")

    run(command, as_json=as_json)


def optout(
    customer: Customer,
    source: Annotated[str, typer.Option(help="Where the customer said so.")] = "desk",
    as_json: AsJson = False,
) -> None:
    """Take an opt-out: when this returns, nothing more leaves for the customer."""

    async def command(session: Session) -> None:
        asked = contact_service_pb.CreateOptOutRequest(
            request_id=str(uuid.uuid4()), customer_id=customer, source=source
        )
        async with connect(session.settings) as clients:
            answer = (await clients.contacts.CreateOptOut(asked)).opt_out
        if not session.output.message(answer):
            session.output.line(f"{customer} has opted out; nothing more leaves for this customer.")

    run(command, as_json=as_json)


def answered(
    customer: Customer,
    policy: Annotated[str, typer.Argument(help="The policy that was offered.")],
    answer: Annotated[str, typer.Argument(help=f"What the customer said: {', '.join(_ANSWERS)}.")],
    request_id: Annotated[str, typer.Option(help="A UUID; the same one is the same contact.")] = "",
    as_json: AsJson = False,
) -> None:
    """Record what a customer at the desk answered to an offer: it counts like any contact, and changes the list."""

    async def command(session: Session) -> None:
        if answer not in _ANSWERS:
            raise InvalidInput.of("answer", f"{answer} is not one of: {', '.join(_ANSWERS)}")
        async with connect(session.settings) as clients:
            view = (await clients.profile.GetCustomerView(profile_pb.GetCustomerViewRequest(customer_id=customer))).view
            asked = contact_service_pb.RecordContactRequest(
                request_id=request_id or str(uuid.uuid4()),
                customer_id=customer,
                owner_id=view.owner_id,
                msisdn=view.msisdn,
                city=view.city,
                policy=policy,
                answer=_ANSWERS[answer],
            )
            recorded = (await clients.contacts.RecordContact(asked)).contact
        if not session.output.message(recorded):
            session.output.line(f"Recorded as {recorded.name}; {customer} said: {answer.replace('_', ' ')}")

    run(command, as_json=as_json)


async def _all_contacts(customer: str, clients: Clients) -> contact_service_pb.ListContactsResponse:
    """Return all pages as one."""
    found = contact_service_pb.ListContactsResponse()
    async for page in pages(
        lambda size, token: clients.contacts.ListContacts(
            contact_service_pb.ListContactsRequest(customer_id=customer, page_size=size, page_token=token)
        )
    ):
        found.MergeFrom(page)
    found.ClearField("next_page_token")
    return found


def _print_list(policy_list: recommendation_pb.PolicyList, output: Output) -> None:
    output.facts(
        f"Customer {policy_list.customer_id}",
        {"number": policy_list.masked_msisdn, "city": policy_list.city, "cycle": policy_list.cycle},
    )
    if policy_list.withheld_reason:
        output.line(f"Offer nothing: {policy_list.withheld_reason}", style="yellow")
    for zone in policy_list.zones:
        columns = ("policy", "BOSS code", "need", "say", "why", "said since")
        output.table(f"Zone: {_zone(zone.zone)}", columns, [_row(policy) for policy in zone.policies])
        _print_products([policy.product for policy in zone.policies if policy.HasField("product")], output)
    if not policy_list.zones and not policy_list.withheld_reason:
        output.line("No policy fits this customer now.")
    if policy_list.contacts_missing:
        output.line("Contacts could not be read: dispatch is not answering.", style="yellow")
    else:
        _print_contacts(list(policy_list.contacts), output)


def _print_products(products: list[policy_pb.Product], output: Output) -> None:
    shown = {
        product.product: (product.display_name, product.boss_order_code, product.demonstration) for product in products
    }
    if shown:
        output.table("  Show it", ("product", "BOSS code", "how"), list(shown.values()))


def _row(recommended: recommendation_pb.RecommendedPolicy) -> tuple[str, ...]:
    policy = recommended.policy
    name = policy.display_name if recommended.main else f"or {policy.display_name}"
    answer = enum_word(contact_pb.ContactAnswer.Name(recommended.answer), "CONTACT_ANSWER_")
    return (name, policy.boss_offer_code, recommended.need_level, policy.script, recommended.fired_rule, answer)


def _print_contacts(found: list[contact_pb.Contact], output: Output) -> None:
    rows = [
        (
            local_time(contact.reserve_time),
            enum_word(contact_pb.Channel.Name(contact.channel), "CHANNEL_"),
            contact.policy,
            enum_word(contact_pb.ContactState.Name(contact.state), "CONTACT_STATE_"),
            enum_word(contact_pb.Delivery.Name(contact.delivery), "DELIVERY_"),
            enum_word(contact_pb.ContactAnswer.Name(contact.answer), "CONTACT_ANSWER_"),
            contact.trace_id,
        )
        for contact in found
    ]
    output.table("Contacts", ("time", "channel", "policy", "state", "delivery", "answer", "trace"), rows)


def _zone(zone: policy_pb.Zone.ValueType) -> str:
    return enum_word(policy_pb.Zone.Name(zone), "ZONE_")
