"""A batch of pushes after its writing: which may have left, and what the gateway's answers make of each."""

import asyncio
from collections.abc import Sequence

from services.dispatch.ports import Message, SendResult, Verdict
from shared.wire.pap.client import Posting


class WapBatch:
    """`services.dispatch.ports.WrittenBatch`, once its writing has ended."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        self._settled: dict[str, SendResult] = {}
        self._posted: dict[str, Posting] = {}
        self._followed: dict[str, asyncio.Task[SendResult]] = {}

    def settle(self, result: SendResult) -> None:
        """Note what is known of a message that is not posted."""
        self._settled[result.push_id] = result

    def post(self, push_id: str, posting: Posting, followed: "asyncio.Task[SendResult]") -> None:
        """Note a request under way, and who waits for its answer."""
        self._posted[push_id] = posting
        self._followed[push_id] = followed

    async def end_writing(self, deadline: float, stopped_by: str) -> None:
        """Wait until each request has been written, or stop it at the deadline (loop time): afterwards nothing leaves any
        more. What was not posted was `stopped_by` this."""
        try:
            async with asyncio.timeout_at(deadline):
                for posting in self._posted.values():
                    await posting.settled()
        except TimeoutError:
            await asyncio.gather(*(posting.stop() for posting in self._posted.values()))
        for message in self._messages:
            if message.push_id not in self._settled and message.push_id not in self._posted:
                self.settle(SendResult(message.push_id, Verdict.NOT_WRITTEN, stopped_by))

    @property
    def written(self) -> frozenset[str]:
        return frozenset(push_id for push_id, posting in self._posted.items() if posting.may_have_left)

    async def results(self) -> Sequence[SendResult]:
        return [await self._result(message.push_id) for message in self._messages]

    async def _result(self, push_id: str) -> SendResult:
        followed = self._followed.get(push_id)
        return self._settled[push_id] if followed is None else await followed
