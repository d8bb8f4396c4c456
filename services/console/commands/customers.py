"""`visavis list`, `why`, `contacts`, `optout`: one customer at a time, as a desk or a hotline sees them."""

import uuid
from typing import Annotated

import typer
from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import contact_service_pb2 as contact_service_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from services.console.render.output import Output
from services.console.session import AsJson, Session, connected, run

Customer = Annotated[str, typer.Argument(help="The customer id.")]


def list_(
    customer: Annotated[str, typer.Argument(help="The customer id, or a number of 11 digits.")], as_json: AsJson = False
) -> None:
    """Show what to offer a customer now, with what to say and why."""

    async def command(session: Session) -> None:
        is_number = customer.removeprefix("+").isdigit() and len(customer) >= 11
        asked = (
            recommendation_pb.GetPolicyListRequest(msisdn=customer)
            if is_number
            else recommendation_pb.GetPolicyListRequest(customer_id=customer)
        )
        async with connected(session) as clients:
            answer = (await clients.recommendation.GetPolicyList(asked)).policy_list
        if not session.output.message(answer):
            _print_list(answer, session.output)

    run(command, as_json=as_json)


def why(customer: Customer, as_json: AsJson = False) -> None:
    """Explain a customer's list: which row of which matrix fired on which values, and what was blocked."""

    async def command(session: Session) -> None:
        async with connected(session) as clients:
            asked = recommendation_pb.ExplainPolicyListRequest(customer_id=customer)
            answer = await clients.recommendation.ExplainPolicyList(asked)
        if not session.output.message(answer):
            _print_explanation(answer, session.output)

    run(command, as_json=as_json)


def contacts(customer: Customer, as_json: AsJson = False) -> None:
    """List a customer's contacts of three months, and the opt-out if there is one."""

    async def command(session: Session) -> None:
        async with connected(session) as clients:
            answer = await clients.contacts.ListContacts(contact_service_pb.ListContactsRequest(customer_id=customer))
        if session.output.message(answer):
            return
        _print_contacts(list(answer.contacts), session.output)
        if answer.HasField("opt_out"):
            when = f"{answer.opt_out.create_time.ToDatetime():%Y-%m-%d %H:%M} UTC"
            session.output.console.print(f"Opted out on {when}, by {answer.opt_out.source}.")

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
        async with connected(session) as clients:
            answer = (await clients.contacts.CreateOptOut(asked)).opt_out
        if not session.output.message(answer):
            session.output.console.print(f"{customer} has opted out; nothing more leaves for this customer.")

    run(command, as_json=as_json)


def _print_list(policy_list: recommendation_pb.PolicyList, output: Output) -> None:
    output.facts(
        f"Customer {policy_list.customer_id}",
        {"number": policy_list.masked_msisdn, "city": policy_list.city, "cycle": policy_list.cycle},
    )
    if policy_list.withheld_reason:
        output.console.print(f"[yellow]Offer nothing: {policy_list.withheld_reason}")
    for zone in policy_list.zones:
        name = policy_pb.Zone.Name(zone.zone).removeprefix("ZONE_").replace("_", " ").lower()
        output.table(
            f"Zone: {name}", ("policy", "BOSS code", "need", "say", "why", "since"), list(map(_row, zone.policies))
        )
    if not policy_list.zones and not policy_list.withheld_reason:
        output.console.print("No policy fits this customer now.")
    if policy_list.contacts_missing:
        output.console.print("[yellow]Contacts could not be read: dispatch is not answering.")
    else:
        _print_contacts(list(policy_list.contacts), output)


def _row(recommended: recommendation_pb.RecommendedPolicy) -> tuple[str, ...]:
    policy = recommended.policy
    name = policy.display_name if recommended.main else f"or {policy.display_name}"
    answer = _word(contact_pb.ContactAnswer.Name(recommended.answer), "CONTACT_ANSWER_")
    return (name, policy.boss_offer_code, recommended.need_level, policy.script, recommended.fired_rule, answer)


def _print_contacts(found: list[contact_pb.Contact], output: Output) -> None:
    rows = [
        (
            f"{contact.reserve_time.ToDatetime():%Y-%m-%d %H:%M}",
            _word(contact_pb.Channel.Name(contact.channel), "CHANNEL_"),
            contact.policy,
            _word(contact_pb.ContactState.Name(contact.state), "CONTACT_STATE_"),
            _word(contact_pb.Delivery.Name(contact.delivery), "DELIVERY_"),
            _word(contact_pb.ContactAnswer.Name(contact.answer), "CONTACT_ANSWER_"),
            contact.trace_id,
        )
        for contact in found
    ]
    output.table("Contacts", ("UTC", "channel", "policy", "state", "delivery", "answer", "trace"), rows)


def _print_explanation(answer: recommendation_pb.ExplainPolicyListResponse, output: Output) -> None:
    output.facts(
        "Made of",
        {
            "lists": answer.assembly_run,
            "views": answer.snapshot,
            "scores": answer.scoring_run,
            "arm": answer.arm,
            "replays": "the same list" if answer.replays else "[red]another list[/red]",
        },
    )
    for matrix in answer.matrices:
        inputs = ", ".join(f"{value.input} = {value.value}" for value in matrix.inputs)
        fired = ", ".join(map(str, matrix.fired_rows)) or "none"
        about = f" for {matrix.product}" if matrix.product else ""
        output.console.print(f"[bold]{matrix.display_name}{about}[/bold]: row {fired} fired on {inputs}", markup=True)
        failed = [(row.row, row.input, row.cell) for row in matrix.failed_rows]
        output.table("  Rows that did not fire", ("row", "first input that failed", "cell"), failed)
    blocked = [
        (policy_pb.Zone.Name(b.zone).removeprefix("ZONE_").lower(), b.policy, b.row, b.reason) for b in answer.blocked
    ]
    output.table("Found, then blocked", ("zone", "policy", "row", "by"), blocked)


def _word(name: str, prefix: str) -> str:
    word = name.removeprefix(prefix).replace("_", " ").lower()
    return "" if word == "unspecified" else word
