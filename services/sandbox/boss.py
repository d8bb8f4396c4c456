"""BOSS, as far as marketing sees it: customers who order a policy by themselves while a plan offers it."""

from __future__ import annotations  # the stubs' async classes exist for the type checker only

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, timedelta
from uuid import UUID, uuid5

import structlog
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import feedback_service_pb2 as pb
from visavis.feedback.v1 import feedback_service_pb2_grpc as rpc

from services.sandbox.rounds import REFUSALS, StartedPlans
from services.sandbox.world.catalogue import subject_of_offer
from services.sandbox.world.oracle import Oracle
from shared.clock import Clock
from shared.observability.context import tracer

log: structlog.stdlib.BoundLogger = structlog.get_logger()

ORDERING_TIME = timedelta(seconds=2)
"""All orders of their own accord come within this time after the plan's start, so that a demonstration need not wait."""

_ORDERS_AT_ONCE = 1000
_ORDER_IDS = UUID("6f1f6ff4-2a0b-5a0e-9a57-6f5a6a0c1f11")


@dataclass(slots=True, kw_only=True)
class Boss:
    """Reports the orders of each started plan once. After a kill it reports them again, under the same order ids."""

    oracle: Oracle
    plans: StartedPlans
    feedback: rpc.FeedbackServiceAsyncStub
    clock: Clock
    _reported: set[str] = field(default_factory=set, init=False)

    async def round(self) -> bool:
        """Report the plans whose ordering time is over; tell whether there were any. Raises Failure."""
        found = False
        earlier: Counter[str] = Counter()
        for plan in await self.plans.all():
            if plan.name not in self._reported and self._is_over(plan):
                await self._report(plan, list(self._orders(plan, earlier)))
                self._reported.add(plan.name)
                found = True
            earlier.update(offer.policy for offer in plan.offers)
        return found

    def _is_over(self, plan: plan_pb.PushPlan) -> bool:
        return self.clock.now() >= plan.start_time.ToDatetime(UTC) + ORDERING_TIME

    def _orders(self, plan: plan_pb.PushPlan, earlier: Counter[str]) -> Iterator[pb.Outcome]:
        """Yield what the whole base orders of its own accord, contacted or not."""
        start = plan.start_time.ToDatetime(UTC)
        for offer in plan.offers:
            subject = subject_of_offer(offer.product, offer.order_keyword)
            for customer, lot in self.oracle.order_unasked(subject, offer.policy, earlier_plans=earlier[offer.policy]):
                order_id = str(uuid5(_ORDER_IDS, f"{plan.name} {offer.policy} {customer}"))
                outcome = pb.Outcome(order_id=order_id, customer_id=customer, policy=offer.policy)
                outcome.order_time.FromDatetime(start + lot * ORDERING_TIME)
                yield outcome

    async def _report(self, plan: plan_pb.PushPlan, orders: list[pb.Outcome]) -> None:
        try:
            new = await self._record(plan, orders)
        except REFUSALS as refusal:
            log.error("orders_refused", push_plan=plan.name, orders=len(orders), reason=refusal.reason)
            return
        log.info("orders_reported", push_plan=plan.name, orders=len(orders), new=new)

    async def _record(self, plan: plan_pb.PushPlan, orders: list[pb.Outcome]) -> int:
        new = 0
        with tracer(__name__).start_as_current_span("orders", attributes={"visavis.push_plan": plan.name}):
            for first in range(0, len(orders), _ORDERS_AT_ONCE):
                request = pb.RecordOutcomesRequest(outcomes=orders[first : first + _ORDERS_AT_ONCE])
                new += (await self.feedback.RecordOutcomes(request)).recorded_count
        return new
