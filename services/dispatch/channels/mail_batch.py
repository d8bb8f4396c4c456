"""A batch of mails while it leaves: which have left for good, which may still be called back, and what became of each."""

import asyncio
from collections.abc import Sequence
from enum import StrEnum

from services.dispatch.channels.mail_letters import Envelope
from services.dispatch.ports import Message, SendResult, Verdict


class _State(StrEnum):
    WAITING = "waiting"
    LEFT = "left"
    """Its last line was handed to the system: nobody can call it back."""
    SETTLED = "settled"


class MailJob:
    """One mail. Whoever carries it asks `leave` right before its last line, and tells by `settle` what came of it."""

    def __init__(self, message: Message, envelope: Envelope | None) -> None:
        self.message = message
        self.envelope = envelope
        self._state = _State.WAITING
        self._has_left = False
        self._moved: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._result: asyncio.Future[SendResult] = asyncio.get_running_loop().create_future()

    @property
    def is_waiting(self) -> bool:
        return self._state is _State.WAITING

    @property
    def has_left(self) -> bool:
        return self._has_left

    def leave(self) -> bool:
        """Whether it may leave, and does with the next octet; False if it was called back."""
        if not self.is_waiting:
            return False
        self._state, self._has_left = _State.LEFT, True
        self._move()
        return True

    def settle(self, result: SendResult) -> None:
        """Say what became of it; only the first word counts."""
        if self._state is not _State.SETTLED:
            self._state = _State.SETTLED
            self._result.set_result(result)
            self._move()

    def call_back(self, why: str) -> None:
        """Keep it from leaving, if it has not left."""
        if self.is_waiting:
            self.settle(SendResult(self.message.push_id, Verdict.NOT_WRITTEN, f"not sent: {why}"))

    async def moved(self) -> None:
        """Wait until it has left or is settled."""
        await asyncio.shield(self._moved)

    async def result(self) -> SendResult:
        return await asyncio.shield(self._result)

    def _move(self) -> None:
        if not self._moved.done():
            self._moved.set_result(None)


class MailBatch:
    """`services.dispatch.ports.WrittenBatch`."""

    def __init__(self, jobs: Sequence[MailJob]) -> None:
        self._jobs = jobs

    @property
    def written(self) -> frozenset[str]:
        return frozenset(job.message.push_id for job in self._jobs if job.has_left)

    async def results(self) -> Sequence[SendResult]:
        return [await job.result() for job in self._jobs]
