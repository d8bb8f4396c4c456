"""The way through the gate, the same for messages and calls: pick, judge, reserve what may leave, set aside what may not."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.dispatch.domain.plans import Channel, Plan
from services.dispatch.domain.pushes import ContactId, PushState, Target
from services.dispatch.domain.rules import Allow, ContactRules, Expire, Gate, Hold, Suppress, Verdict
from services.dispatch.ports.store import Aside, PushTrace, Reservation, Traces, Work

DELAY = timedelta(days=1)
"""A contact happens at most so long after it was reserved (hours end each day), so the window looks this much further back."""

_CLOSED_AT_ONCE = 5000


@dataclass(frozen=True, slots=True)
class Admitted:
    """A push that may leave before `not_after`: its contact is reserved, its trace begun."""

    target: Target
    contact_id: ContactId
    not_after: datetime
    trace: PushTrace


@dataclass(frozen=True, slots=True)
class Admission:
    """What came of one look: `seen` counts the pushes that were judged or held, so that 0 means there is nothing to do."""

    seen: int = 0
    admitted: tuple[Admitted, ...] = ()


@dataclass(frozen=True, slots=True)
class Destination:
    """Where admitted pushes go: the state that they wait in, under which claim, by which account.

    `spare` more than asked are looked at, to make up for those that the rules keep back.
    """

    state: PushState
    claim: str
    account: str
    cities: Collection[str] | None = None
    spare: int = 0


async def admit(
    plan: Plan, destination: Destination, *, limit: int, work: Work, traces: Traces, rules: ContactRules, now: datetime
) -> Admission:
    """Take the best planned pushes through the gate and reserve up to `limit` contacts, all in the caller's transaction.

    One look only, somewhat wider than asked: a second one would lock more owners, out of order, and might wait in a circle.
    """
    gate = Gate(rules, plan.request.channel, plan.request.expire_time, now)
    if (closed := gate.closed()) is not None:
        return Admission(seen=await _set_all_aside(plan, closed, work=work))
    targets = await _pick(plan, destination, limit=limit + destination.spare, work=work)
    if not targets:
        return Admission()
    record = await work.ledger.record_of(targets, since=now - rules.window - DELAY)
    verdicts = gate.judge_all(targets, record, enough=limit)
    judged = list(zip(targets, verdicts, strict=False))  # those behind the last one allowed stay as they are
    await work.ledger.set_aside([_aside(target, verdict) for target, verdict in judged if not _is_allowed(verdict)])
    allowed = [(target, verdict.not_after) for target, verdict in judged if isinstance(verdict, Allow)]
    admitted = await _reserve(plan, allowed, destination, work=work, traces=traces, now=now)
    return Admission(seen=len(judged), admitted=admitted)


async def _pick(plan: Plan, destination: Destination, *, limit: int, work: Work) -> Sequence[Target]:
    """Lock the pushes to judge; where people call, those who are waiting for a call-back come first."""
    agreed: Sequence[Target] = ()
    if plan.request.channel is Channel.CALL:
        agreed = await work.ledger.pick_call_backs(plan.plan_id, limit=limit, cities=destination.cities)
    best = await work.ledger.pick(plan.plan_id, limit=limit, cities=destination.cities)
    first = {target.push_id for target in agreed}
    return [*agreed, *(target for target in best if target.push_id not in first)]


async def _reserve(
    plan: Plan,
    allowed: Sequence[tuple[Target, datetime]],
    destination: Destination,
    *,
    work: Work,
    traces: Traces,
    now: datetime,
) -> tuple[Admitted, ...]:
    if not allowed:
        return ()
    begun = [(target, not_after, traces.begin(target, plan)) for target, not_after in allowed]
    contacts = await work.ledger.reserve(
        plan,
        [Reservation(target, trace.traceparent) for target, _, trace in begun],
        state=destination.state,
        account=destination.account,
        claim=destination.claim,
        now=now,
    )
    return tuple(Admitted(target, contacts[target.push_id], not_after, trace) for target, not_after, trace in begun)


async def _set_all_aside(plan: Plan, closed: Hold, *, work: Work) -> int:
    """While the hours are closed nothing has to be judged one by one."""
    ends = closed.until >= plan.request.expire_time
    state = PushState.EXPIRED if ends else PushState.HELD
    detail = f"{closed.rule}: {closed.why}{', until after the plan ends' if ends else ''}"
    until = None if ends else closed.until
    return await work.ledger.set_planned_aside(plan.plan_id, state, detail, until=until, limit=_CLOSED_AT_ONCE)


def _is_allowed(verdict: Verdict) -> bool:
    return isinstance(verdict, Allow)


def _aside(target: Target, verdict: Verdict) -> Aside:
    match verdict:
        case Hold(rule, until, why):
            return Aside(target.push_id, PushState.HELD, f"{rule}: {why}", until)
        case Suppress(rule, why) | Expire(rule, why) if target.call_back_at:
            return Aside(target.push_id, PushState.SENT, f"talked to, and not called back: {rule}: {why}")
        case Suppress(rule, why):
            return Aside(target.push_id, PushState.SUPPRESSED, f"{rule}: {why}")
        case Expire(rule, why):
            return Aside(target.push_id, PushState.EXPIRED, f"{rule}: {why}")
        case Allow():
            raise ValueError("what is allowed is not set aside")
