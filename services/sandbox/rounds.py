"""What the dialer, BOSS and the WAP hall have in common: rounds that outlive a peer's absence, and the plans that were started."""

from __future__ import annotations  # the stubs' async classes exist for the type checker only

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
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


class StartedPlans:
    """The started plans, read at most once in so many seconds, whoever asks: dispatch counts all pushes for each answer."""

    def __init__(self, plans: rpc.PushPlanServiceAsyncStub, *, seconds: float = 0.0) -> None:
        self._plans = plans
        self._seconds = seconds
        self._read_at = float("-inf")
        self._started: list[pb.PushPlan] = []
        self._reading = asyncio.Lock()

    async def all(self) -> Sequence[pb.PushPlan]:
        """Return them in the order of their start. Raises Failure."""
        async with self._reading:
            if time.monotonic() - self._read_at >= self._seconds:
                started = [plan async for plan in _all_plans(self._plans) if plan.state == pb.PushPlan.STATE_STARTED]
                self._started = sorted(started, key=lambda plan: (plan.start_time.ToNanoseconds(), plan.name))
                self._read_at = time.monotonic()
            return self._started


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
