"""Lending calls to platforms, letting them keep these for longer, and taking them back."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from services.dispatch.domain.calls import Lease, LentCall
from services.dispatch.domain.plans import PLAN_KIND, Channel, Plan, PlanState
from services.dispatch.domain.pushes import PushState
from services.dispatch.domain.rules import ContactRules
from services.dispatch.ports.store import Traces, Work
from services.dispatch.use_cases.admission import Destination, admit
from shared.errors import AlreadyExists, NotFound, WrongState

_SPARE = 16
_HELD_AT_ONCE = 1000
_ANSWERS_OF = timedelta(days=92)


@dataclass(frozen=True, slots=True)
class Lent:
    """A lease as it stands, with its calls: all of them where it was asked for, those still to be dialled where renewed."""

    lease: Lease
    calls: Sequence[LentCall] = ()


async def lease_calls(
    asked: Lease, *, cities: Collection[str] | None, work: Work, traces: Traces, rules: ContactRules, now: datetime
) -> Lent:
    """Lend up to `max_calls` calls that pass the gate now, best first. The same request returns the same lease while it lasts,
    and nothing after that. Raises NotFound, WrongState, AlreadyExists."""
    earlier = await work.leases.find(asked.request_id)
    if earlier is not None:
        return await _again(earlier, asked, work=work, now=now)
    plan = await _lendable(asked, work=work)
    await work.ledger.release_held(plan.plan_id, now, limit=_HELD_AT_ONCE)
    spare = max(_SPARE, asked.max_calls // 2)
    destination = Destination(PushState.LEASED, claim=asked.request_id, account="", cities=cities, spare=spare)
    admission = await admit(plan, destination, limit=asked.max_calls, work=work, traces=traces, rules=rules, now=now)
    lent = [(one.target, one.contact_id, min(one.not_after, asked.end_time)) for one in admission.admitted]
    await work.leases.lend(asked, lent)
    for one in admission.admitted:
        one.trace.end(PushState.LEASED)
    return Lent(asked, await work.leases.lent(asked.request_id, answers_since=now - _ANSWERS_OF))


async def renew_lease(
    lease_id: str,
    *,
    request_id: str,
    duration: timedelta | None,
    principal: str,
    work: Work,
    rules: ContactRules,
    now: datetime,
) -> Lent:
    """Let a lease last for `duration` from now, as long as asked for at first if None; the same request renews it once.

    Raises NotFound for another's lease, WrongState for one that has ended.
    """
    lease = await _own(lease_id, principal=principal, work=work)
    if lease.renewal != request_id:
        if not lease.lasts(now):
            raise WrongState(f"leases/{lease_id} has ended; lease again", subject=f"leases/{lease_id}")
        end_time = lease.renewed(duration or lease.duration, now)
        lease = replace(lease, end_time=end_time, renewal=request_id)
        await work.leases.renew(lease, closing=rules.hours[Channel.CALL].closing(now), now=now)
    calls = await work.leases.undialled(lease_id, answers_since=now - _ANSWERS_OF)
    return Lent(lease, [call for call in calls if now < call.not_after])


async def release_lease(lease_id: str, *, principal: str, work: Work, now: datetime) -> tuple[int, int]:
    """Plan again what was not dialled. Return how many calls that were, and how many are on the phone. Raises NotFound."""
    await _own(lease_id, principal=principal, work=work)
    return await work.leases.release(lease_id, now)


async def _again(earlier: Lease, asked: Lease, *, work: Work, now: datetime) -> Lent:
    same = (earlier.plan_id, earlier.max_calls, earlier.duration) == (asked.plan_id, asked.max_calls, asked.duration)
    if not same or not _is_of(earlier, asked.principal):
        raise AlreadyExists(f"lease {asked.request_id}")
    if not earlier.lasts(now):
        return Lent(earlier)
    return Lent(earlier, await work.leases.lent(asked.request_id, answers_since=now - _ANSWERS_OF))


async def _own(lease_id: str, *, principal: str, work: Work) -> Lease:
    """Return the caller's lease; another's is as unknown as none."""
    lease = await work.leases.find(lease_id)
    if lease is None or not _is_of(lease, principal):
        raise NotFound(f"leases/{lease_id}")
    return lease


def _is_of(lease: Lease, principal: str) -> bool:
    return lease.principal in {"", principal}


async def _lendable(asked: Lease, *, work: Work) -> Plan:
    plan = await work.plans.get(asked.plan_id)
    name = f"{PLAN_KIND}/{asked.plan_id}"
    if plan.request.channel is not Channel.CALL:
        raise WrongState(f"{name} is no call plan: it goes by {plan.request.channel}", subject=name)
    if plan.state is not PlanState.STARTED:
        raise WrongState(f"{name} is {plan.state}; a person must start it first", subject=name)
    return plan
