"""What a service hands to the worker: the stages of each kind of run, and what a stage has at hand."""

import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import structlog

from shared.db.transactions import WriteTransaction
from shared.errors import Conflict, Unavailable
from shared.jsontypes import JsonObject
from shared.runs.claims import Claim, Claims
from shared.runs.domain import Run

log = structlog.get_logger(__name__)

_PROGRESS_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Stage:
    """A step whose output is recorded once; `work` returns it as a JSON object.

    `work` is done again after a kill, and in rare cases while an earlier attempt's threads still compute. So what it
    leaves outside PostgreSQL must be published by one atomic step under a name that both attempts choose alike; what it
    changes in PostgreSQL belongs into `StageContext.transaction`, which commits with the record of the stage.
    A `Failure` other than `Unavailable` and `Conflict` ends the run with its reason and message.

    Neighbours that are all `beside` need nothing of each other: two of them are worked on at a time, and they see the outputs
    of the stages before the first of them.
    """

    name: str
    work: Callable[["StageContext"], Awaitable[JsonObject]]
    beside: bool = False


class Tally:
    """How many units of each stage are done, and of how many; of the stages of one attempt, some of which go on side by side."""

    def __init__(self, finished: Mapping[str, int]) -> None:
        """`finished` gives the units of the stages that need not be done again."""
        self._done = dict(finished)
        self._total = dict(finished)

    def count(self, stage: str, done: int, total: int) -> tuple[int, int]:
        """Take note of a stage, and return what is done of all and the total so far."""
        self._done[stage], self._total[stage] = done, max(done, total)
        return sum(self._done.values()), sum(self._total.values())


class StageContext:
    """One attempt at one stage: the run, what earlier stages found out, and how to tell how far it is."""

    def __init__(
        self,
        *,
        claims: Claims,
        claim: Claim,
        stage: str,
        outputs: Mapping[str, JsonObject],
        tally: Tally,
        resources: AsyncExitStack,
    ) -> None:
        self.run: Run = claim.run
        self.outputs = outputs
        self.units = 0
        self._claims = claims
        self._claim = claim
        self._stage = stage
        self._tally = tally
        self._resources = resources
        self._transaction: WriteTransaction | None = None
        self._next_showing = 0.0

    async def transaction(self) -> WriteTransaction:
        """Return the transaction in which the stage's output is recorded; it commits after `work` has returned.

        Opened by the first call: open it late, and compute before.
        """
        if self._transaction is None:
            self._transaction = await self._resources.enter_async_context(self._claims.database.write())
        return self._transaction

    async def progress(self, done: int, total: int) -> None:
        """Tell how many units of this stage are done; stored at once, but not more often than people look.

        Raises `Superseded` when the run is another worker's by now, which `work` should let through.
        """
        self.units = max(done, total)
        now = time.monotonic()
        if now < self._next_showing and done < total:
            return
        self._next_showing = now + _PROGRESS_SECONDS
        done_of_all, total_of_all = self._tally.count(self._stage, done, total)
        try:
            await self._claims.show(self._claim, stage=self._stage, done=done_of_all, total=total_of_all)
        except (Unavailable, Conflict) as failure:
            log.info("run_progress_not_stored", stage=self._stage, why=failure.message)
