"""A run: long work over the base that a worker does in stages, and that people watch."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from shared.jsontypes import JsonObject

Attempt = NewType("Attempt", int)
"""Counts how often a run was taken up. What an attempt records is refused once a later one began."""


class RunState(StrEnum):
    PENDING = "PENDING"
    RUNNING = "RUNNING"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"


OPEN_STATES = (RunState.PENDING, RunState.RUNNING)


@dataclass(frozen=True, slots=True)
class RunFailure:
    """Why a run ended without success: a value's name of `ErrorReason`, and a text for a person."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Run:
    """One run as stored.

    `kind` is the collection of the resource that the run is, such as `imports`; `request` is what was asked for, and
    `result` the output of the last stage, empty until the run succeeded. `done` of `total` counts units of work that the
    stages chose; `total` grows as later stages learn theirs. `principal` asked for it, within trace `traceparent`.
    """

    run_id: str
    kind: str
    request: JsonObject
    state: RunState
    stage: str
    done: int
    total: int
    result: JsonObject
    failure: RunFailure | None
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    traceparent: str
    principal: str

    @property
    def name(self) -> str:
        return f"{self.kind}/{self.run_id}"


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A place in the list of runs, newest first: behind the run with these values."""

    create_time: datetime
    run_id: str


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs, newest first, and the place to go on from; None after the last."""

    runs: tuple[Run, ...]
    next_place: RunPlace | None


class Superseded(Exception):  # noqa: N818 - not an error: another worker has the run now, and this one must let go
    """The run is another attempt's, or has ended: nothing may be recorded any more."""
