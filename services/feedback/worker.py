"""What feedback does in the background: draws arms, and follows dispatch's events."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.feedback.datasets import publish_membership
from services.feedback.domain import ContactEvent, EventKind
from services.feedback.ports import Dispatch, OpenIntake, Targets
from services.feedback.use_cases import CONTROL_GROUPS, EVENTS_AT_ONCE, DrawArms, follow_dispatch
from shared.clock import Clock
from shared.errors import Conflict, DeadlineExceeded, Failure, Unavailable
from shared.jsontypes import JsonObject
from shared.lake.lake import Lake
from shared.observability.context import attach_traceparent, current_traceparent, tracer
from shared.runs.json import from_json, to_json
from shared.runs.stages import Stage, StageContext

log = structlog.get_logger(__name__)

_LOOK_SECONDS = 0.3
_RECONNECT_SECONDS = 1.0
_TROUBLE_SECONDS = 2.0
_ANSWERS = {EventKind.ACCEPTED, EventKind.CONSIDERING, EventKind.DECLINED, EventKind.OPTED_OUT}


def handlers(lake: Lake, clock: Clock) -> Mapping[str, Sequence[Stage]]:
    """Return the stages of each kind of run."""

    async def draw(context: StageContext) -> JsonObject:
        order = from_json(DrawArms, context.run.request)
        drawn = await asyncio.to_thread(
            publish_membership,
            lake,
            f"feedback/control_membership/{order.cycle}/{context.run.run_id}",
            order=order,
            created_at=clock.now(),
            traceparent=current_traceparent(),
        )
        await context.progress(drawn.membership.row_count, drawn.membership.row_count)
        return to_json(drawn)

    return {CONTROL_GROUPS: [Stage("draw arms", draw)]}


@dataclass(frozen=True, slots=True)
class DispatchFollower:
    """Takes dispatch's events in, page by page, until told to stop."""

    dispatch: Dispatch
    targets: Targets
    open_intake: OpenIntake

    async def run(self, stop: asyncio.Event) -> None:
        """Follow until `stop`; whatever keeps a page from being taken, wait and try the same page again: none is skipped."""
        while not stop.is_set():
            try:
                events = await follow_dispatch(
                    dispatch=self.dispatch, targets=self.targets, open_intake=self.open_intake
                )
            except (Unavailable, Conflict, DeadlineExceeded) as failure:
                log.warning("dispatch_not_followed", why=failure.message)
                await _pause(stop, _RECONNECT_SECONDS)
                continue
            except Failure as failure:  # waiting may not mend it: somebody must look
                log.error("dispatch_cannot_be_followed", reason=failure.reason, why=failure.message)
                await _pause(stop, _TROUBLE_SECONDS)
                continue
            _trace_answers(events)
            if len(events) < EVENTS_AT_ONCE:  # a page for every few would cost more than all of them together
                await _pause(stop, _LOOK_SECONDS)


def _trace_answers(events: Sequence[ContactEvent]) -> None:
    """Add each answer to the trace of the push that it answers."""
    for event in events:
        if event.kind in _ANSWERS and event.traceparent:
            with attach_traceparent(event.traceparent):
                attributes = {"visavis.push_plan": event.plan, "visavis.event": event.event_id}
                tracer(__name__).start_span(f"outcome {event.kind}", attributes=attributes).end()


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        pass
