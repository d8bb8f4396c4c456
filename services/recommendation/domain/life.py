"""The life of a version of a matrix: the steps that lead from a draft to what lists are made by, and who may take them."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import assert_never

from services.recommendation.domain.policies import Purpose


class Stage(StrEnum):
    """How far a version has come, whatever cycle it is published for."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"
    RETIRED = "retired"


class State(StrEnum):
    """What people are told of a version: its stage, or that it is published for at least one cycle."""

    DRAFT = "draft"
    CHECKED = "checked"
    APPROVED = "approved"
    PUBLISHED = "published"
    RETIRED = "retired"


class StepKind(StrEnum):
    """What happened to a version."""

    CHECKED = "checked"
    """A check found no error."""
    FAULTED = "faulted"
    """A check found errors: whatever was approved before needs mending, or another check and approval."""
    APPROVED = "approved"
    PUBLISHED = "published"
    SUPERSEDED = "superseded"
    """Another version was published for this cycle in its place."""
    ROLLED_BACK = "rolled_back"
    """The version before it was published again for this cycle in its place."""
    RESTORED = "restored"
    """Published again by a roll-back."""
    RETIRED = "retired"


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a version's log; `cycle` where the step is about one, `run` the check that found what it says."""

    kind: StepKind
    principal: str
    time: datetime
    reason: str
    cycle: str = ""
    run: str = ""


@dataclass(frozen=True, slots=True)
class Slot:
    """What at most one version is published for: a purpose in a cycle, of the province (`city` is empty) or of one city."""

    cycle: str
    purpose: Purpose
    city: str = ""

    @property
    def words(self) -> str:
        return f"{self.purpose} of {self.city} for {self.cycle}" if self.city else f"{self.purpose} for {self.cycle}"


@dataclass(frozen=True, slots=True)
class Life:
    """Where a version stands after `steps` steps; `cycles` are those it is published for, in order."""

    stage: Stage = Stage.DRAFT
    cycles: tuple[str, ...] = ()
    steps: int = 0

    @property
    def state(self) -> State:
        return State.PUBLISHED if self.cycles else State(self.stage.value)

    def etag(self, matrix_id: str) -> str:
        """Return what differs after each step."""
        return hashlib.sha256(f"{matrix_id}/{self.steps}".encode()).hexdigest()[:12]

    def allows(self, kind: StepKind, cycle: str = "") -> bool:
        """Tell whether a version that stands here may take the step."""
        if self.stage is Stage.RETIRED:
            return False
        match kind:
            case StepKind.CHECKED | StepKind.FAULTED | StepKind.RETIRED:
                return True
            case StepKind.APPROVED:
                return self.stage is Stage.CHECKED
            case StepKind.PUBLISHED | StepKind.RESTORED:
                return self.stage is Stage.APPROVED and cycle not in self.cycles
            case StepKind.SUPERSEDED | StepKind.ROLLED_BACK:
                return cycle in self.cycles
            case _:
                assert_never(kind)

    def after(self, kind: StepKind, cycle: str = "") -> "Life":
        """Return where it stands after an allowed step. Raises ValueError for one that is not."""
        if not self.allows(kind, cycle):
            raise ValueError(f"a version that is {self.state} cannot be {kind}")
        return replace(
            self,
            stage=_stage_after(self.stage, kind),
            cycles=_cycles_after(self.cycles, kind, cycle),
            steps=self.steps + 1,
        )


def life_of(steps: Iterable[Step]) -> Life:
    """Return where a version stands after its log."""
    life = Life()
    for step in steps:
        life = life.after(step.kind, step.cycle)
    return life


def _stage_after(stage: Stage, kind: StepKind) -> Stage:
    match kind:
        case StepKind.CHECKED:
            return Stage.CHECKED if stage is Stage.DRAFT else stage
        case StepKind.FAULTED:
            return Stage.DRAFT
        case StepKind.APPROVED:
            return Stage.APPROVED
        case StepKind.RETIRED:
            return Stage.RETIRED
        case StepKind.PUBLISHED | StepKind.SUPERSEDED | StepKind.ROLLED_BACK | StepKind.RESTORED:
            return stage
        case _:
            assert_never(kind)


def _cycles_after(cycles: tuple[str, ...], kind: StepKind, cycle: str) -> tuple[str, ...]:
    match kind:
        case StepKind.PUBLISHED | StepKind.RESTORED:
            return tuple(sorted({*cycles, cycle}))
        case StepKind.SUPERSEDED | StepKind.ROLLED_BACK:
            return tuple(each for each in cycles if each != cycle)
        case StepKind.RETIRED:
            return ()
        case StepKind.CHECKED | StepKind.FAULTED | StepKind.APPROVED:
            return cycles
        case _:
            assert_never(kind)


@dataclass(frozen=True, slots=True)
class SlotStep:
    """One line of a slot's log, in the order in which things happened."""

    matrix_id: str
    kind: StepKind


def before(log: Sequence[SlotStep], present: str) -> Sequence[str]:
    """Return the versions that a roll-back from `present` (empty where nothing is published) may publish again, the latest
    first: those published for the slot that no roll-back has taken away and that are not retired."""
    stack: list[str] = []
    for step in log:
        match step.kind:
            case StepKind.PUBLISHED:
                stack = [*(each for each in stack if each != step.matrix_id), step.matrix_id]
            case StepKind.ROLLED_BACK | StepKind.RETIRED:
                stack = [each for each in stack if each != step.matrix_id]
            case _:
                pass  # a superseded version stays below the one that took its place; a restored one was there
    return [each for each in reversed(stack) if each != present]
