"""Counts what happened lately, in slices of real monotonic time; never the business clock."""

import time
from collections import Counter, deque
from collections.abc import Callable
from enum import StrEnum
from typing import Generic, TypeVar

_SLICE_SECONDS = 5.0

FactT = TypeVar("FactT", bound=StrEnum)


class Lately(Generic[FactT]):
    """How often each fact was noted within the last `memory` seconds, to a slice of five seconds."""

    def __init__(self, memory: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.memory = memory
        self._monotonic = monotonic
        self._slices: deque[tuple[float, Counter[FactT]]] = deque()

    def note(self, fact: FactT) -> None:
        now = self._monotonic()
        if not self._slices or now - self._slices[-1][0] > _SLICE_SECONDS:
            self._slices.append((now, Counter()))
            self._forget()
        self._slices[-1][1][fact] += 1

    def counts(self) -> Counter[FactT]:
        self._forget()
        total: Counter[FactT] = Counter()
        for _, facts in self._slices:
            total.update(facts)
        return total

    def in_words(self, said: str) -> list[str]:
        """Return `said`, if anything, with the time that it is about."""
        return [f"in the last {self.memory / 60:g} minutes {said}"] if said else []

    def _forget(self) -> None:
        oldest = self._monotonic() - self.memory
        while self._slices and self._slices[0][0] < oldest:
            self._slices.popleft()
