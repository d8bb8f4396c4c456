"""Batches worked on in several threads, whose results come in the batches' order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_Given = TypeVar("_Given")
_Made = TypeVar("_Made")


def side_by_side(
    work: Callable[[_Given], _Made], given: Iterable[_Given], *, threads: int
) -> Generator[_Made, None, None]:
    """Yield `work` of each item; as many as `threads` are worked on at once while the reader is busy, and none wait beyond.

    It pays where the work lets go of Python's lock, as Arrow, NumPy and XGBoost do. A failure is raised in its place.
    """
    waiting: deque[Future[_Made]] = deque()
    with ThreadPoolExecutor(threads) as pool:
        for item in given:
            waiting.append(pool.submit(work, item))
            if len(waiting) > threads:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
