"""The operator's WAP hall: the pages that pushes open, where people order, or find out how to be left alone."""

from __future__ import annotations  # the stubs' async classes exist for the type checker only

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID, uuid5

import structlog
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.feedback.v1 import feedback_service_pb2 as pb
from visavis.feedback.v1 import feedback_service_pb2_grpc as rpc

from services.sandbox.rounds import REFUSALS, StartedPlans
from services.sandbox.world.catalogue import subject_of_offer
from services.sandbox.world.oracle import Answer, Oracle
from shared.clock import Clock
from shared.wire.pap.indication import ServiceIndication

log: structlog.stdlib.BoundLogger = structlog.get_logger()

_AT_ONCE = 500
_ORDER_IDS = UUID("0b8c2f0e-4f0b-5f0c-8a3e-0f6f5c1d9a42")


@dataclass(slots=True, kw_only=True)
class WapHall:
    """A party of the sandbox. Whoever opened a page orders its policy, refuses all marketing by SMS, or leaves; the orders
    are told as BOSS has them, each under an id made of its push."""

    oracle: Oracle
    plans: StartedPlans
    feedback: rpc.FeedbackServiceAsyncStub
    clock: Clock
    refuse: Callable[[str], None]
    _visits: deque[tuple[str, ServiceIndication]] = field(default_factory=deque, init=False)

    def open_page(self, msisdn: str, indication: ServiceIndication) -> None:
        """Let the holder of a number open the page of a push."""
        self._visits.append((msisdn, indication))

    async def round(self) -> bool:
        """Deal with the visits since; tell whether there were any. Raises Failure, and deals with them again, then."""
        visits = [self._visits[n] for n in range(min(len(self._visits), _AT_ONCE))]
        if not visits:
            return False
        offers = {offer.href: offer for plan in await self.plans.all() for offer in plan.offers if offer.href}
        orders = [order for visit in visits if (order := self._visited(*visit, offers)) is not None]
        await self._report(orders)
        for _ in visits:
            self._visits.popleft()
        return True

    def _visited(
        self, msisdn: str, indication: ServiceIndication, offers: Mapping[str, plan_pb.PlanOffer]
    ) -> pb.Outcome | None:
        offer, place = offers.get(indication.href), self.oracle.place_of_number(msisdn)
        if offer is None or place is None:
            return None
        answer = self.oracle.answer_by_page(place, subject_of_offer(offer.product, offer.order_keyword), offer.policy)
        if answer is Answer.OPT_OUT:
            self.refuse(msisdn)
        if answer is not Answer.YES:
            return None
        order = pb.Outcome(
            order_id=str(uuid5(_ORDER_IDS, indication.si_id)),
            customer_id=self.oracle.customer_at(place),
            policy=offer.policy,
        )
        order.order_time.FromDatetime(self.clock.now())
        return order

    async def _report(self, orders: Sequence[pb.Outcome]) -> None:
        if not orders:
            return
        try:
            new = (await self.feedback.RecordOutcomes(pb.RecordOutcomesRequest(outcomes=orders))).recorded_count
        except REFUSALS as refusal:
            log.error("page_orders_refused", orders=len(orders), reason=refusal.reason)
            return
        log.info("page_orders_reported", orders=len(orders), new=new)
