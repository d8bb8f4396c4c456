"""How much time the call being served has left, so that calls made within it never outlive it."""

import time
from contextvars import ContextVar

_deadline: ContextVar[float | None] = ContextVar("visavis_deadline", default=None)


def remaining() -> float | None:
    """Return the seconds left of the call being served, never negative; None outside of a call.

    A task spawned from a call inherits its deadline: work that should outlive the call belongs to a worker.
    """
    deadline = _deadline.get()
    return None if deadline is None else max(0.0, deadline - time.monotonic())


def enter_deadline(seconds: float) -> None:
    """Give the rest of this task `seconds`; a server's call has a task of its own."""
    _deadline.set(time.monotonic() + seconds)


def shortened(seconds: float) -> float:
    """Return `seconds`, or what is left of the call being served if that is less."""
    left = remaining()
    return seconds if left is None else min(seconds, left)
