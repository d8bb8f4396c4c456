"""Work in a thread: shown while it goes on, and ended when nobody waits for it any more."""

import threading

import pytest

from shared.runs.domain import Superseded
from shared.runs.threads import Heard, in_thread


async def test_what_a_thread_tells_is_shown_while_it_works() -> None:
    shown: list[tuple[int, int]] = []
    seen = threading.Event()

    async def show(done: int, total: int) -> None:
        shown.append((done, total))
        if done:
            seen.set()

    def work(heard: Heard) -> str:
        heard(3, 10)
        assert seen.wait(10)
        return "done"

    assert await in_thread(work, show=show) == "done"
    assert (3, 10) in shown


async def test_a_thread_whose_run_is_anothers_by_now_ends_at_its_next_word() -> None:
    refused, ended = threading.Event(), threading.Event()

    async def show(done: int, total: int) -> None:
        refused.set()
        raise Superseded

    def work(heard: Heard) -> None:
        refused.wait(10)
        try:
            while True:
                heard(1, 2)
        finally:
            ended.set()

    with pytest.raises(Superseded):
        await in_thread(work, show=show)
    assert ended.wait(10)
