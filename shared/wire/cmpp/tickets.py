"""The promise of an answer to a request that has left."""

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from shared.wire.cmpp.errors import NoAnswerError
from shared.wire.cmpp.pdus import Response

R = TypeVar("R", bound=Response)


class Ticket(Generic[R]):
    """A request that was written. Whoever holds one knows that the peer may have acted on it."""

    __slots__ = ("_expects", "_outcome")

    def __init__(self, outcome: "asyncio.Future[Response | None]", expects: type[R]) -> None:
        self._outcome = outcome
        self._expects = expects

    async def response(self) -> R:
        """Wait for the answer. Raises NoAnswerError once the line broke or the last attempt timed out."""
        answer = self._outcome.result() if self._outcome.done() else await asyncio.shield(self._outcome)
        if not isinstance(answer, self._expects):
            raise NoAnswerError("no answer before the time limit or the end of the line")
        return answer

    def when_settled(self, tell: Callable[[R | None], None]) -> None:
        """Call `tell` from the event loop with the answer, or with None where `response` would raise."""

        def told(outcome: "asyncio.Future[Response | None]") -> None:
            answer = outcome.result()
            tell(answer if isinstance(answer, self._expects) else None)

        self._outcome.add_done_callback(told)
