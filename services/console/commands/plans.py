"""`visavis plan …`: push plans."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Annotated

import typer
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import connect
from services.console.demo.report import push_states
from services.console.matrices import extraction_matrix
from services.console.plans import (
    LOOKED_AT,
    Channel,
    PlanRequest,
    Zone,
    all_plans,
    create_plan,
    find_plan,
    kept_back,
    latest_lists,
)
from services.console.render.channels import channel_of
from services.console.render.output import Output, enum_word, local_time
from services.console.render.progress import RunBoard
from services.console.runs import GOES_ON, Follower
from services.console.session import AsJson, Session, run
from shared.clock import LEGAL_ZONE
from shared.errors import InvalidInput

app = typer.Typer(help="Push plans: who gets what by which channel.", no_args_is_help=True)

_PUSH_STATES = {
    name.removeprefix("PUSH_STATE_").lower(): number for name, number in plan_pb.PushState.items() if number
}

PlanName = Annotated[str, typer.Argument(help="Its display name, its id, or pushPlans/ID.")]


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="A name for people.")],
    channel: Annotated[Channel, typer.Option(help="How customers are contacted.")],
    zone: Annotated[Zone | None, typer.Option(help="Which zone's first recommendation is offered.")] = None,
    extract: Annotated[
        str,
        typer.Option(
            metavar="FILE|NAME",
            help="Instead of a zone: an extraction matrix, which says who of all customers is offered what.",
        ),
    ] = "",
    policy: Annotated[str, typer.Option(help="Only this policy's code.")] = "",
    limit: Annotated[
        int, typer.Option(help="At most this many customers, best first; 0 = all. The random arm comes on top.", min=0)
    ] = 0,
    city: Annotated[list[str] | None, typer.Option(help="Only this city; may be repeated.")] = None,
    days: Annotated[int, typer.Option(help="Nothing leaves after the end of this many days.", min=1)] = 7,
    cycle: Annotated[str, typer.Option(help="The cycle whose lists it is made of; the newest if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Pick targets from the policy lists, or by an extraction matrix, and load them into a new plan, which then waits to be started."""

    async def command(session: Session) -> None:
        if bool(extract) == (zone is not None):
            raise InvalidInput.of("zone", "expected one of --zone and --extract")
        last_day = session.clock.now().astimezone(LEGAL_ZONE) + timedelta(days=days)
        expire_time = last_day.replace(hour=0, minute=0, second=0, microsecond=0)
        async with connect(session.settings) as clients:
            lists = await latest_lists(clients, cycle)
            matrix = await extraction_matrix(extract, clients) if extract else ""
            request = PlanRequest(name, lists, channel, zone, policy, limit, tuple(city or ()), expire_time, matrix)
            with RunBoard(session.output.console, quiet=as_json) as board:
                plan = await create_plan(request, clients=clients, follower=Follower(board))
        _print_plan(plan, session.output)

    run(command, as_json=as_json, trace="plan create", when_interrupted=GOES_ON)


@app.command()
def start(name: PlanName, as_json: AsJson = False) -> None:
    """Release a loaded plan: its pushes leave, or its calls can be leased."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            asked = plan_pb.StartPushPlanRequest(name=await find_plan(name, clients))
            plan = (await clients.plans.StartPushPlan(asked)).push_plan
        _print_plan(plan, session.output)

    run(command, as_json=as_json)


@app.command()
def show(name: PlanName, as_json: AsJson = False) -> None:
    """Show a plan and its balance: how many pushes are in which state, and why some have not left."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            asked = plan_pb.GetPushPlanRequest(name=await find_plan(name, clients))
            plan = (await clients.plans.GetPushPlan(asked)).push_plan
            reasons = {} if as_json else await kept_back(plan, clients)
        _print_plan(plan, session.output)
        _print_reasons(reasons, session.output)

    run(command, as_json=as_json)


@app.command()
def pushes(
    name: PlanName,
    state: Annotated[str, typer.Option(help=f"Only in this state: {', '.join(_PUSH_STATES)}.")] = "",
    limit: Annotated[int, typer.Option(help="At most this many, best first.", min=1, max=1000)] = 20,
    as_json: AsJson = False,
) -> None:
    """List pushes of a plan, best first, with the ids that `visavis why --push` takes."""

    async def command(session: Session) -> None:
        if state not in {"", *_PUSH_STATES}:
            raise InvalidInput.of("state", f"{state} is not one of: {', '.join(_PUSH_STATES)}")
        async with connect(session.settings) as clients:
            asked = plan_pb.ListPushesRequest(
                parent=await find_plan(name, clients),
                state=_PUSH_STATES[state] if state else plan_pb.PUSH_STATE_UNSPECIFIED,
                page_size=limit,
            )
            found = list((await clients.plans.ListPushes(asked)).pushes)
        if not session.output.message(plan_pb.ListPushesResponse(pushes=found)):
            _print_pushes(found, session.output)

    run(command, as_json=as_json)


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """List plans, newest first."""

    async def command(session: Session) -> None:
        async with connect(session.settings) as clients:
            plans = await all_plans(clients)
        if session.output.message(plan_pb.ListPushPlansResponse(push_plans=plans)):
            return
        rows = [
            (
                plan.display_name,
                channel_of(plan),
                _state(plan),
                plan.balance.total_count,
                plan.balance.sent_count,
            )
            for plan in plans
        ]
        session.output.table("Push plans", ("name", "channel", "state", "pushes", "sent"), rows)

    run(command, as_json=as_json)


def _print_pushes(found: Sequence[plan_pb.Push], output: Output) -> None:
    rows = [
        (
            push.name,
            push.customer_id,
            push.policy,
            push.arm,
            enum_word(plan_pb.PushState.Name(push.state), "PUSH_STATE_"),
            push.detail,
        )
        for push in found
    ]
    output.table("Pushes, best first", ("push", "customer", "policy", "arm", "state", "detail"), rows)
    if found:
        output.line(f"One of them from the extract to what came of it: visavis why --push {found[0].name}")


def _print_plan(plan: plan_pb.PushPlan, output: Output) -> None:
    if output.message(plan):
        return
    output.facts(
        plan.display_name,
        {
            "plan": plan.name,
            "channel": channel_of(plan),
            "state": _state(plan),
            "ends": local_time(plan.expire_time),
            "notice": plan.channel_notice,
        },
    )
    long = [(offer.policy, offer.parts) for offer in plan.offers if offer.parts > 1]
    if long:
        output.table("Texts longer than one SMS, with signature and opt-out phrase", ("policy", "SMS each"), long)
    rows = [(state, count) for state, count in push_states(plan.balance).items() if count]
    output.table("Pushes", ("state", "customers"), [*rows, ("in all", plan.balance.total_count)])
    if plan.state == plan_pb.PushPlan.STATE_READY and not plan.balance.total_count:
        output.line("No customer of the lists fits: look at --zone, --policy and --city.")
    elif plan.state == plan_pb.PushPlan.STATE_READY:
        output.line(f"Start it with: visavis plan start {plan.name}")


def _print_reasons(reasons: Mapping[tuple[str, str], int], output: Output) -> None:
    if not reasons:
        return
    rows = [(state, why, count) for (state, why), count in reasons.items()]
    output.table(f"Why not sent (of each state the first {LOOKED_AT:,})", ("state", "why", "customers"), rows)


def _state(plan: plan_pb.PushPlan) -> str:
    return enum_word(plan_pb.PushPlan.State.Name(plan.state), "STATE_")
