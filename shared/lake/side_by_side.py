"""Work in several threads: on batches, whose results come in the batches' order, and on parts that need each other."""

from collections import deque
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
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


def as_needed(needs: Mapping[str, Collection[str]], work: Callable[[str], None], *, threads: int) -> None:
    """Do `work` of each name once it is done of those that it needs, the first named first, several at once.

    The first failure is raised when what was under way has ended; what had not begun by then is left.
    """
    order = TopologicalSorter(needs)
    order.prepare()
    under_way: dict[Future[None], str] = {}
    with ThreadPoolExecutor(threads) as pool:
        try:
            while order.is_active():
                under_way |= {pool.submit(work, name): name for name in order.get_ready()}
                for finished in wait(under_way, return_when=FIRST_COMPLETED).done:
                    finished.result()
                    order.done(under_way.pop(finished))
        finally:
            pool.shutdown(cancel_futures=True)
