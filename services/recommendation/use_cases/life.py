"""The steps of a matrix's life: approved, published for a cycle, rolled back, retired; each refused in words that say what to do.

What may be done is decided on what was read; the logbook then writes it down only if nobody has changed that meanwhile.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from services.recommendation.domain import NEEDED, OPTIONAL, Purpose, Slot, Stage, Step, StepKind, before
from services.recommendation.ports import Logbook, Move, Published, Seen, Version
from services.recommendation.use_cases.composition import compose_all
from services.recommendation.use_cases.refusals import (
    NOT_PUBLISHED,
    WRONG_STATE,
    refuse_stale,
    refused,
    why_not_approved,
    why_not_ready,
)
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock, local_date
from shared.errors import Denied, InvalidInput, Violation, WrongState
from shared.rpc.identity import Caller, Role

_CYCLE = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_DECIDING = (Role.PLANNER, Role.ANALYST, Role.OPERATIONS)


@dataclass(frozen=True, slots=True)
class Decider:
    """Who decides about matrices, when, and why."""

    caller: Caller
    reason: str
    clock: Clock

    def step(self, kind: StepKind, cycle: str = "") -> Step:
        return Step(kind, self.caller.principal, self.clock.now(), self.reason, cycle)

    def require(self, versions: Iterable[Version]) -> None:
        """Raise Denied unless the caller may decide about these versions: those of the province concern all cities."""
        self.caller.require(*_DECIDING)
        for version in versions:
            city = version.matrix.city
            if self.caller.cities is not None and not (city and self.caller.sees(city)):
                whose = f"an override of {city}" if city else "a matrix of the whole province"
                raise Denied(f"{version.words} is {whose}, which is outside the cities of {self.caller.principal}")

    @property
    def violations(self) -> list[Violation]:
        return (
            [] if self.reason.strip() else [Violation("reason", "is missing: say why, for those who look at the log")]
        )


def cycle_violations(cycle: str) -> list[Violation]:
    """Return what is wrong with a cycle's name."""
    return [] if _CYCLE.fullmatch(cycle) else [Violation("cycle", f"expected a month like 2026-11, got {cycle!r}")]


async def approve(seen: Seen, *, by: Decider, logbook: Logbook) -> Version:
    """Approve a checked version, by somebody else than its author. Raises InvalidInput, NotFound, Denied, WrongState, Conflict."""
    version = await _one(seen, by, logbook)
    if why := why_not_approved(version, by.caller.principal):
        raise why
    await logbook.record([Move(version, by.step(StepKind.APPROVED))])
    return await logbook.version(seen.matrix_id)


async def retire(seen: Seen, *, by: Decider, logbook: Logbook) -> Version:
    """Retire a version for good.

    Raises InvalidInput, NotFound, Denied, Conflict; WrongState where it is retired, or a present or coming cycle would be left
    without it.
    """
    version = await _one(seen, by, logbook)
    if version.life.stage is Stage.RETIRED and (why := why_not_ready(version, Stage.APPROVED)):
        raise why
    published = {cycle: await logbook.published(cycle) for cycle in version.life.cycles}
    present = f"{local_date(by.clock.now()):%Y-%m}"
    for cycle, others in published.items():
        if cycle >= present:
            _refuse_to_leave_without(version, cycle, others)
    purposes = {version.matrix.purpose}
    looked_at = [_published(cycle, others, purposes) for cycle, others in published.items()]
    await logbook.record([Move(version, by.step(StepKind.RETIRED))], seen=looked_at)
    return await logbook.version(seen.matrix_id)


@dataclass(frozen=True, slots=True)
class Publication:
    """Versions that are published now, and those whose places they have taken."""

    versions: Sequence[Version]
    superseded: Sequence[Version]


async def publish(
    wanted: Sequence[Seen], cycle: str, *, by: Decider, logbook: Logbook, readings: Readings
) -> Publication:
    """Publish approved versions for a cycle, all or none.

    Raises InvalidInput, NotFound, Denied, Conflict; WrongState for what is not approved, and for an override without the province's
    matrix.
    """
    if violations := [*_wanted_violations(wanted), *cycle_violations(cycle), *by.violations]:
        raise InvalidInput(violations)
    versions = [await logbook.version(each.matrix_id) for each in wanted]
    by.require(versions)
    for version, each in zip(versions, wanted, strict=True):
        refuse_stale(version, each.etag)
    if violations := _slot_violations(versions):
        raise InvalidInput(violations)
    _refuse(why for version in versions if (why := _why_not_published(version, cycle)))
    change = _Change(cycle, by, comes=StepKind.PUBLISHED, goes=StepKind.SUPERSEDED)
    return await _replace(versions, change, logbook=logbook, readings=readings)


async def roll_back(slot: Slot, etag: str, *, by: Decider, logbook: Logbook, readings: Readings) -> Publication:
    """Publish what was published for the slot before the version that is now.

    Raises InvalidInput, Denied, Conflict; WrongState where nothing was published before.
    """
    if violations := [*cycle_violations(slot.cycle), *by.violations]:
        raise InvalidInput(violations)
    by.caller.require(*_DECIDING)
    present = next((each for each in await logbook.published(slot.cycle) if slot_of(each, slot.cycle) == slot), None)
    if present is not None:
        refuse_stale(present, etag)
    earlier = before(await logbook.of_slot(slot), present.matrix_id if present else "")
    if not earlier:
        raise _nothing_before(slot, present)
    version = await logbook.version(earlier[0])
    by.require([version])
    _refuse(why for why in [why_not_ready(version, Stage.APPROVED)] if why)
    change = _Change(slot.cycle, by, comes=StepKind.RESTORED, goes=StepKind.ROLLED_BACK)
    return await _replace([version], change, logbook=logbook, readings=readings)


def slot_of(version: Version, cycle: str) -> Slot:
    """Return what a version stands for in a cycle."""
    return Slot(cycle, version.matrix.purpose, version.matrix.city)


async def _one(seen: Seen, by: Decider, logbook: Logbook) -> Version:
    """Return the version that a step is about, if this caller may take it."""
    if by.violations:
        raise InvalidInput(by.violations)
    version = await logbook.version(seen.matrix_id)
    by.require([version])
    refuse_stale(version, seen.etag)
    return version


@dataclass(frozen=True, slots=True)
class _Change:
    """How versions come into a cycle's slots, and how others go out of them."""

    cycle: str
    by: Decider
    comes: StepKind
    goes: StepKind


async def _replace(
    versions: Sequence[Version], change: _Change, *, logbook: Logbook, readings: Readings
) -> Publication:
    """Publish `versions` in place of what stands in their slots, if the whole that comes of it fits together."""
    cycle = change.cycle
    present = await logbook.published(cycle)
    slots = {slot_of(version, cycle) for version in versions}
    replaced = [version for version in present if slot_of(version, cycle) in slots]
    purposes = {version.matrix.purpose for version in versions}
    whole = [*(version for version in present if version not in replaced), *versions]
    await compose_all([version for version in whole if version.matrix.purpose in purposes], cycle, readings=readings)
    moves = [
        Move(version, change.by.step(change.goes, cycle)) for version in replaced
    ]  # first, so that the slots are free
    moves += [Move(version, change.by.step(change.comes, cycle)) for version in versions]
    await logbook.record(moves, seen=[_published(cycle, present, purposes)])
    return Publication(
        [await logbook.version(version.matrix_id) for version in versions],
        [await logbook.version(version.matrix_id) for version in replaced],
    )


def _published(cycle: str, present: Sequence[Version], purposes: Iterable[Purpose]) -> Published:
    return Published(
        cycle,
        {
            purpose: frozenset(version.matrix_id for version in present if version.matrix.purpose is purpose)
            for purpose in purposes
        },
    )


def _refuse(reasons: Iterable[WrongState]) -> None:
    """Raise what speaks against a step; the first version that it speaks against is told of in full."""
    found = list(reasons)
    if found:
        others = f"; so it is with {len(found) - 1} more" if len(found) > 1 else ""
        raise WrongState(found[0].message + others, subject=found[0].subject, reason=found[0].reason)


def _wanted_violations(wanted: Sequence[Seen]) -> list[Violation]:
    if not wanted:
        return [Violation("versions", "is empty")]
    twice = [matrix_id for matrix_id, times in Counter(each.matrix_id for each in wanted).items() if times > 1]
    return [Violation("versions", f"matrices/{matrix_id} is there twice") for matrix_id in twice]


def _slot_violations(versions: Sequence[Version]) -> list[Violation]:
    """Return what no cycle could hold: two versions for one place, or one that no list is made by."""
    found = [
        Violation(
            "versions",
            f"{version.words}: a matrix {version.matrix.purpose} is published for no cycle, it is named by a plan",
        )
        for version in versions
        if version.matrix.purpose not in (*NEEDED, *OPTIONAL)
    ]
    counts = Counter((version.matrix.purpose, version.matrix.city) for version in versions)
    for (purpose, city), times in counts.items():
        if times > 1:
            whose = f"overrides of {city}" if city else "versions of the province"
            found.append(Violation("versions", f"{times} {whose} for {purpose}: expected one"))
    return found


def _why_not_published(version: Version, cycle: str) -> WrongState | None:
    if why := why_not_ready(version, Stage.APPROVED):
        return why
    if cycle in version.life.cycles:
        return refused(version, f"{version.words} is published for {cycle} already", WRONG_STATE)
    return None


def _refuse_to_leave_without(version: Version, cycle: str, others: Sequence[Version]) -> None:
    """Raise WrongState where lists of a cycle need the version: one of the province that every list needs, or overrides stand on."""
    matrix = version.matrix
    if matrix.city:
        return
    overrides = [each.matrix.city for each in others if each.matrix.purpose is matrix.purpose and each.matrix.city]
    if matrix.purpose in NEEDED or overrides:
        why = f"the override of {overrides[0]} stands on it" if overrides else "no list is made without"
        text = f"{version.words} is published for {cycle}, and {why}: first `visavis matrix publish` another one, or "
        command = f"`visavis matrix rollback --purpose {matrix.purpose} --cycle {cycle}`"
        raise refused(version, text + command, WRONG_STATE)


def _nothing_before(slot: Slot, present: Version | None) -> WrongState:
    if present is None:
        text = f"nothing was ever published of {slot.words}: publish with `visavis matrix publish NAME --cycle {slot.cycle}`"
        return WrongState(text, subject=slot.words, reason=NOT_PUBLISHED)
    text = f"{present.words} is the first version of {slot.words}: there is none to go back to"
    if slot.city:
        text += f"; `visavis matrix retire matrices/{present.matrix_id}` lets the province's matrix hold in {slot.city}"
    return refused(present, text, WRONG_STATE)
