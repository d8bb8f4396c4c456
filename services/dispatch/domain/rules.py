"""The contact rules, and the one gate that every push passes before a byte of it leaves or a call is lent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import TypeAlias

from services.dispatch.domain.holidays import LONGEST_CLOSURE
from services.dispatch.domain.plans import Channel
from services.dispatch.domain.pushes import Target
from shared.clock import LEGAL_ZONE

_CONTROL = "control"


class Rule(StrEnum):
    """What a push was held, suppressed or expired by."""

    CONTROL_ARM = "control_arm"
    OPT_OUT = "opt_out"
    RED_LIST = "red_list"
    CONSENT = "consent"
    DEAD_ADDRESS = "dead_address"
    CAP = "cap"
    SAME_POLICY = "same_policy"
    HOURS = "hours"
    PLAN_END = "plan_end"


@dataclass(frozen=True, slots=True)
class Hours:
    """When people may be disturbed, each day in the legal zone but on holidays: [opens, closes)."""

    opens: time
    closes: time
    holidays: frozenset[date] = frozenset()

    def are_open(self, now: datetime) -> bool:
        local = _local(now)
        return self.opens <= local.time() < self.closes and local.date() not in self.holidays

    def closing(self, now: datetime) -> datetime:
        """Return when the hours that `now` lies in end."""
        return _at(now, self.closes)

    def next_opening(self, now: datetime) -> datetime:
        """Return the first opening after `now`, on a day that is no holiday."""
        days = (_at(now + timedelta(days=ahead), self.opens) for ahead in range(LONGEST_CLOSURE + 2))
        return next(opening for opening in days if opening > now and opening.date() not in self.holidays)

    def earliest(self, wanted: datetime) -> datetime:
        """Return `wanted`, or the first opening after it where the hours are closed then."""
        return wanted if self.are_open(wanted) else self.next_opening(wanted)

    def closure(self, now: datetime) -> str:
        """Say for people why nothing leaves now."""
        today = now.astimezone(LEGAL_ZONE).date()
        return f"{today} is a holiday" if today in self.holidays else f"outside {self.opens:%H:%M}-{self.closes:%H:%M}"


@lru_cache(maxsize=64)
def _at(day: datetime, moment: time) -> datetime:
    return datetime.combine(_local(day).date(), moment, LEGAL_ZONE)


@lru_cache(maxsize=64)
def _local(instant: datetime) -> datetime:
    """Return the legal zone's wall clock; all pushes of a batch are judged at one instant."""
    return instant.astimezone(LEGAL_ZONE)


@dataclass(frozen=True, slots=True)
class ContactRules:
    """The province's rules: at most `cap` contacts per owner in each `window`, over all channels; hours by channel."""

    cap: int
    window: timedelta
    hours: Mapping[Channel, Hours]


@dataclass(frozen=True, slots=True)
class PastContact:
    """A contact that counts: it happened, may have happened, or is about to."""

    customer_id: str
    policy: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of some targets when they are judged: counting contacts by owner, who has opted out, and who is not to be
    contacted for another reason: the newest customer views forbid it, or their address is none."""

    contacts: Mapping[str, Sequence[PastContact]]
    opted_out: frozenset[int]
    barred: Mapping[int, Rule] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Allow:
    """May leave before `not_after`: the end of the hours or the plan's, whichever is first."""

    not_after: datetime


@dataclass(frozen=True, slots=True)
class Hold:
    rule: Rule
    until: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Suppress:
    """Never, as far as this plan goes."""

    rule: Rule
    why: str


@dataclass(frozen=True, slots=True)
class Expire:
    """The rule does not open again before the plan ends."""

    rule: Rule
    why: str


Verdict: TypeAlias = Allow | Hold | Suppress | Expire


@dataclass(frozen=True, slots=True)
class Gate:
    """Judges the targets of one channel of one plan at one instant."""

    rules: ContactRules
    channel: Channel
    expire_time: datetime
    now: datetime

    def judge_all(self, targets: Sequence[Target], record: Record, *, enough: int) -> list[Verdict]:
        """Judge in the order given until `enough` are allowed; what is allowed counts for those that follow."""
        contacts = {owner: list(past) for owner, past in record.contacts.items()}
        verdicts: list[Verdict] = []
        for target in targets:
            if enough == 0:
                break
            past = contacts.setdefault(target.owner_id, [])
            barred = record.barred.get(target.push_id)
            verdict = self.judge(target, past, opted_out=target.push_id in record.opted_out, barred=barred)
            if isinstance(verdict, Allow):
                past.append(PastContact(target.customer_id, target.policy, self.now))
                enough -= 1
            verdicts.append(verdict)
        return verdicts

    def judge(
        self, target: Target, past: Sequence[PastContact], *, opted_out: bool, barred: Rule | None = None
    ) -> Verdict:
        """Judge one target by the counting contacts of its owner, at any time in the past."""
        never = _never(target, opted_out=opted_out, barred=barred)
        if never is not None:
            return never
        if self.now >= self.expire_time:
            return Expire(Rule.PLAN_END, "the plan has ended")
        # Who asked to be called back is not called too often by it.
        found = (
            [self.closed()]
            if target.call_back_at
            else [self._same_policy(target, past), self._cap(past), self.closed()]
        )
        holds = [hold for hold in found if hold]
        if not holds:
            closing = self.rules.hours[self.channel].closing(self.now)
            return Allow(min(closing, self.expire_time))
        latest = max(holds, key=lambda hold: hold.until)
        if latest.until >= self.expire_time:
            return Expire(latest.rule, f"{latest.why}, until after the plan's end")
        return latest

    def closed(self) -> Hold | None:
        """Return until when the hours hold everything back, None while they are open."""
        hours = self.rules.hours[self.channel]
        if hours.are_open(self.now):
            return None
        return Hold(Rule.HOURS, hours.next_opening(self.now), hours.closure(self.now))

    def _cap(self, past: Sequence[PastContact]) -> Hold | None:
        recent = self._recent([contact.at for contact in past])
        if len(recent) < self.rules.cap:
            return None
        until = recent[len(recent) - self.rules.cap] + self.rules.window
        return Hold(Rule.CAP, until, f"{self.rules.cap} contacts in {self.rules.window.days} days")

    def _same_policy(self, target: Target, past: Sequence[PastContact]) -> Hold | None:
        same = (target.customer_id, target.policy)
        recent = self._recent([contact.at for contact in past if (contact.customer_id, contact.policy) == same])
        if not recent:
            return None
        return Hold(Rule.SAME_POLICY, recent[-1] + self.rules.window, "was offered the same lately")

    def _recent(self, times: Sequence[datetime]) -> list[datetime]:
        return sorted(at for at in times if at + self.rules.window > self.now)


_BARRED = {
    Rule.RED_LIST: "on the red list",
    Rule.CONSENT: "has not agreed to marketing",
    Rule.DEAD_ADDRESS: "has no such address: the gateway said so before",
}


def _never(target: Target, *, opted_out: bool, barred: Rule | None) -> Suppress | None:
    if target.arm == _CONTROL:
        return Suppress(Rule.CONTROL_ARM, "in the control group")
    if opted_out:
        return Suppress(Rule.OPT_OUT, "opted out")
    if barred is not None:
        return Suppress(barred, _BARRED[barred])
    return None
