"""How fast to send and how soon to try again; real monotonic time, never the business clock."""

import asyncio
import random
import time
from collections.abc import Callable


class TokenBucket:
    """Lets `rate` messages a second pass, and at most a tenth of a second's worth at once."""

    def __init__(self, rate: float, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._capacity = max(1.0, rate / 10)
        self._monotonic = monotonic
        self._tokens = self._capacity
        self._counted_at = monotonic()

    async def take(self, count: int = 1) -> None:
        """Wait for `count` tokens and take them at once. A cancelled wait takes none."""
        while (wait := self.try_take(count)) > 0:  # noqa: ASYNC110 - time is what is waited for, not an event
            await asyncio.sleep(wait)

    def try_take(self, count: int = 1) -> float:
        """Take `count` tokens and return 0, or return the seconds until they may be taken. More than the bucket holds are
        taken when it is full, and owed: who comes next waits for longer."""
        self._refill()
        missing = min(count, self._capacity) - self._tokens
        if missing > 0:
            return missing / self._rate
        self._tokens -= count
        return 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing pass for so long: whoever refused the last message needs a rest."""
        self._refill()
        self._tokens = min(self._tokens, 1 - seconds * self._rate)

    def _refill(self) -> None:
        now = self._monotonic()
        self._tokens = min(self._capacity, self._tokens + (now - self._counted_at) * self._rate)
        self._counted_at = now


class Backoff:
    """Growing, jittered waits between attempts: up to `first` seconds, then twice as much each time, up to `longest`."""

    def __init__(self, *, first: float, longest: float, rng: random.Random) -> None:
        self._first = first
        self._longest = longest
        self._rng = rng
        self._failures = 0

    def next_wait(self) -> float:
        """Return the seconds to wait before the next attempt: between half of the bound and the bound."""
        bound = min(self._longest, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return self._rng.uniform(bound / 2, bound)

    def succeeded(self) -> None:
        """Begin anew with the shortest wait."""
        self._failures = 0
