"""What the dialer and BOSS have in common: rounds that outlive a peer's absence, and the plans that were started."""

from __future__ import annotations  # the stubs' async classes exist for the type checker only

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import NoReturn, Protocol

import structlog
from visavis.dispatch.v1 import push_plan_service_pb2 as pb
from visavis.dispatch.v1 import push_plan_service_pb2_grpc as rpc

from shared.errors import AlreadyExists, Denied, Failure, InvalidInput, NotFound, WrongState
from shared.observability.context import unobserved

log: structlog.stdlib.BoundLogger = structlog.get_logger()

REFUSALS = (AlreadyExists, Denied, InvalidInput, NotFound, WrongState)
"""Failures that are about what was asked: asking the same again changes nothing, and must not hold up all else."""

_PAGE = 200


class Party(Protocol):
    """Somebody who has something to do now and then."""

    async def round(self) -> bool:
        """Do what there is to do; tell whether there was anything. Raises Failure."""
        ...


async def go_round(name: str, round_: Callable[[], Awaitable[bool]], *, pause_seconds: float) -> NoReturn:
    """Do `round_` until cancelled, at once again while it finds work, else after a pause. A failure is logged and costs
    a pause: what was left undone is found again by the next round."""
    while True:
        found_work = False
        try:
            found_work = await round_()
        except Failure as failure:
            log.warning("sandbox_round_failed", party=name, failure=type(failure).__name__, reason=failure.reason)
        if not found_work:
            await asyncio.sleep(pause_seconds)


async def started_plans(plans: rpc.PushPlanServiceAsyncStub) -> list[pb.PushPlan]:
    """Return all started plans in the order of their start. Raises Failure."""
    started = [plan async for plan in _all_plans(plans) if plan.state == pb.PushPlan.STATE_STARTED]
    return sorted(started, key=lambda plan: (plan.start_time.ToNanoseconds(), plan.name))


async def _all_plans(plans: rpc.PushPlanServiceAsyncStub) -> AsyncIterator[pb.PushPlan]:
    token = ""
    while True:
        with unobserved():
            answer = await plans.ListPushPlans(pb.ListPushPlansRequest(page_size=_PAGE, page_token=token))
        for plan in answer.push_plans:
            yield plan
        token = answer.next_page_token
        if not token:
            return
