"""A push plan: who gets what by which channel, until when, and how many pushes stand where."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from shared.lake.dataset import Dataset
from shared.runs.domain import Run, RunState

PlanId = NewType("PlanId", str)

PLAN_KIND = "pushPlans"
"""The collection of the resource, which is the kind of its loading run, too."""


class Channel(StrEnum):
    SMS = "sms"
    CALL = "call"
    WAP_PUSH = "wap_push"
    MAIL_139 = "mail_139"
    DESK = "desk"
    """Where customers come by themselves: no plan goes by it."""


MESSAGE_CHANNELS = (Channel.SMS, Channel.WAP_PUSH, Channel.MAIL_139)
"""Those that a worker sends over by itself; calls are lent to platforms."""

PLAN_CHANNELS = (*MESSAGE_CHANNELS, Channel.CALL)


class PlanState(StrEnum):
    LOADING = "loading"
    READY = "ready"
    STARTED = "started"
    FAILED = "failed"
    """Never stored: loading, and the run that loads has failed."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The words of one policy. `message` is what a customer reads: for SMS the rendered text, for calls the script.

    `parts`: as how many messages an SMS leaves, and is billed. `title` and `href`, a link, are for channels that show them.
    """

    policy: str
    product: str
    text: str
    order_keyword: str
    message: str = ""
    parts: int = 1
    title: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """What a planner asks for."""

    display_name: str
    channel: Channel
    targets: Dataset
    offers: tuple[Offer, ...]
    expire_time: datetime


@dataclass(frozen=True, slots=True)
class Plan:
    """A plan as stored, with the run that loads or loaded its targets.

    `traceparents` are those of what led to it: the selection of its targets and the start.
    """

    plan_id: PlanId
    request: PlanRequest
    stored_state: PlanState
    create_time: datetime
    start_time: datetime | None
    traceparents: tuple[str, ...]
    load: Run

    @property
    def state(self) -> PlanState:
        failed = self.stored_state is PlanState.LOADING and self.load.state is RunState.FAILED
        return PlanState.FAILED if failed else self.stored_state

    def offer(self, policy: str) -> Offer:
        """Return the offer of a policy; loading made sure that there is one for each push."""
        return next(offer for offer in self.request.offers if offer.policy == policy)


@dataclass(frozen=True, slots=True)
class Balance:
    """How many pushes of a plan stand where, read in one snapshot: `states` adds up to all of them."""

    states: Mapping[str, int] = field(default_factory=dict)
    delivered: int = 0
    undelivered: int = 0
    calls_leased: int = 0
    calls_reported: int = 0
    calls_returned: int = 0
