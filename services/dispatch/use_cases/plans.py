"""Creating and starting push plans."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from services.dispatch.domain.messages import Forms, frozen_offers, plan_violations
from services.dispatch.domain.plans import PLAN_KIND, Plan, PlanId, PlanRequest, PlanState
from services.dispatch.domain.pushes import ContactEvent, EventKind
from services.dispatch.ports.store import Work
from shared.errors import InvalidInput, Violation, WrongState


async def create_plan(
    plan_id: PlanId,
    request: PlanRequest,
    *,
    violations: Sequence[Violation],
    work: Work,
    forms: Forms,
    principal: str,
    now: datetime,
) -> Plan:
    """Store a plan and queue its loading; asked again, return what is there, even after its end.

    `violations` were found on the way here. Raises InvalidInput with everything that is wrong at once, or AlreadyExists.
    """
    found = list(violations)
    if await work.plans.find(plan_id) is None:
        found.extend(plan_violations(request, forms, now))
    if found:
        raise InvalidInput(found)
    frozen = replace(request, offers=frozen_offers(request, forms))
    return await work.plans.create(plan_id, frozen, principal=principal, now=now)


async def start_plan(plan_id: PlanId, *, work: Work, by: str, traceparent: str, now: datetime) -> Plan:
    """Release a loaded plan; one that is started already stays as it is. Raises NotFound or WrongState."""
    if await work.plans.start(plan_id, by=by, traceparent=traceparent, now=now):
        started = ContactEvent(EventKind.PLAN_STARTED, now, plan_id=plan_id, traceparent=traceparent)
        await work.events.tell([started])
        return await work.plans.get(plan_id)
    plan = await work.plans.get(plan_id)
    if plan.state is not PlanState.STARTED:
        why = "its targets are still being loaded" if plan.state is PlanState.LOADING else "its targets were not loaded"
        raise WrongState(f"{PLAN_KIND}/{plan_id} cannot be started: {why}", subject=f"{PLAN_KIND}/{plan_id}")
    return plan
