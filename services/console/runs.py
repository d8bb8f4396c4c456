"""Follows runs of the services to their end, showing their progress, through restarts of any process."""

from __future__ import annotations  # gRPC's classes are generic to the type checker only

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

import grpc
from google.protobuf.message import Message
from visavis.common.v1 import error_reason_pb2, run_pb2

from shared.errors import Conflict, DeadlineExceeded, Failure, Unavailable

Progress = Callable[[str, run_pb2.RunStatus], None]
"""Called with a step's name and its status whenever that was read."""

GOES_ON = "interrupted; what was asked for goes on in the services, and the same command finds it again"
"""What a person should know who stops watching a run."""

_POLL_SECONDS, _LONGEST_POLL_SECONDS = 0.1, 1.0
_PENDING_POLL_SECONDS = 0.3
"""A run that waits for others is read this seldom; many wait at a time, and none ends before it has begun."""
_POLLS_PER_AGE = 40
"""A run is read again after a fortieth of the time that it has taken: who waits for minutes does not mind a second."""
_PATIENCE_SECONDS = 120.0
_PAUSE_SECONDS = 0.3
_PAGE_SIZE = 1000

_Result = TypeVar("_Result")


class RunResource(Protocol):
    """A resource that a worker makes in a run of its own."""

    @property
    def name(self) -> str: ...

    @property
    def status(self) -> run_pb2.RunStatus: ...


class Page(Protocol):
    """A response of a list method."""

    @property
    def next_page_token(self) -> str: ...


_Run = TypeVar("_Run", bound=RunResource)
_Creating = TypeVar("_Creating", bound=Message)
_Created = TypeVar("_Created", bound=Message)
_Reading = TypeVar("_Reading", bound=Message)
_Read = TypeVar("_Read", bound=Message)
_Page = TypeVar("_Page", bound=Page)


async def patient(call: Callable[[], Awaitable[_Result]]) -> _Result:
    """Repeat an idempotent call while its service is away, for two minutes at most: the supervisor may be restarting it."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + _PATIENCE_SECONDS
    while True:
        try:
            return await call()
        except (Unavailable, Conflict, DeadlineExceeded):
            if loop.time() > deadline:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)


async def pages(read: Callable[[int, str], Awaitable[_Page]]) -> AsyncIterator[_Page]:
    """Yield every page of a list; `read` is given page_size and page_token."""
    token = ""
    while True:
        page = await read(_PAGE_SIZE, token)
        yield page
        token = page.next_page_token
        if not token:
            return


@dataclass(frozen=True, slots=True)
class Follower:
    """Waits for runs and reports how they go."""

    progress: Progress

    async def complete(
        self,
        step: str,
        *,
        create: grpc.aio.UnaryUnaryMultiCallable[_Creating, _Created],
        asked: _Creating,
        read: grpc.aio.UnaryUnaryMultiCallable[_Reading, _Read],
        named: Callable[[str], _Reading],
        of: Callable[[_Created | _Read], _Run],
    ) -> _Run:
        """Create a run, or find it by its request id; read it by its name until it ends; return what `of` sees in the answers.

        Raises Failure with the run's own reason if it failed.
        """
        name = of(await patient(lambda: create(asked))).name
        answer = await self.finish(step, lambda: read(named(name)), lambda answer: of(answer).status)
        return of(answer)

    async def finish(
        self,
        step: str,
        read: Callable[[], Awaitable[_Result]],
        status: Callable[[_Result], run_pb2.RunStatus],
    ) -> _Result:
        """Read a run until it ends and return it. Raises Failure with the run's own reason if it failed."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        while True:
            resource = await patient(read)
            current = status(resource)
            self.progress(step, current)
            if current.state == run_pb2.RUN_STATE_SUCCEEDED:
                return resource
            if current.state == run_pb2.RUN_STATE_FAILED:
                reason = error_reason_pb2.ErrorReason.Name(current.failure.reason)
                raise Failure(f"{step}: {current.failure.message}", reason=reason, metadata={"stage": current.stage})
            age = loop.time() - begun
            waits = min(age, _PENDING_POLL_SECONDS) if current.state == run_pb2.RUN_STATE_PENDING else _POLL_SECONDS
            await asyncio.sleep(min(max(_POLL_SECONDS, waits, age / _POLLS_PER_AGE), _LONGEST_POLL_SECONDS))
