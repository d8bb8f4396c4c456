"""Starts processes, starts them again when they end, and stops all of them: the platform's job on one machine."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from services.console.supervisor.child import Child, Notice
from services.console.supervisor.processes import ProcessSpec

PROCESSES = "processes.json"
"""Name -> pid of what runs, in the home; one that is there while nobody holds the home was left by a killed supervisor."""


class Supervisor:
    """Keeps child processes running under one home. Their output goes to `home/logs/NAME.log`.

    All children hold the read end of one pipe; when this process dies, however it dies, they see its end and stop.
    """

    def __init__(self, home: Path, *, notice: Notice) -> None:
        self._home = home
        self._notice = notice
        self._batches: list[list[Child]] = []
        self._tether, self._holder = os.pipe()

    async def start(self, specs: Sequence[ProcessSpec]) -> None:
        """Start `specs` together and wait until each is ready. Raises Unavailable with the log's last lines if one is not."""
        children = [self._child(spec) for spec in specs]
        self._batches.append(children)
        for child in children:
            await child.launch()
        waiting = [asyncio.create_task(child.wait_ready()) for child in children]
        try:
            await asyncio.gather(*waiting)
        finally:
            for task in waiting:
                task.cancel()
            await asyncio.gather(*waiting, return_exceptions=True)
        for child in children:
            child.watch()

    async def stop_all(self) -> None:
        """Stop everything, what was started last first: services still commit to the database what they hold."""
        for children in reversed(self._batches):
            await asyncio.gather(*(child.stop() for child in children))
        os.close(self._holder)
        os.close(self._tether)
        (self._home / PROCESSES).unlink(missing_ok=True)

    def _child(self, spec: ProcessSpec) -> Child:
        return Child(
            spec,
            log=self._home / "logs" / f"{spec.name}.log",
            tether=self._tether,
            notice=self._notice,
            changed=self._record,
            moved=self._restart_after,
        )

    def _restart_after(self, name: str) -> None:
        """End all that was started after `name`, which took its address then; started again, they look anew."""
        place = next(index for index, batch in enumerate(self._batches) if any(c.spec.name == name for c in batch))
        self._notice(f"{name} came back at another address; what was started after it is started anew")
        for batch in self._batches[place + 1 :]:
            for child in batch:
                child.terminate()

    def _record(self) -> None:
        draft = self._home / f"{PROCESSES}.draft"
        children = [child for batch in self._batches for child in batch]
        pids = {child.spec.name: child.pid for child in children if child.pid is not None}
        try:
            draft.write_text(json.dumps(pids, indent=1))
            draft.replace(self._home / PROCESSES)
        except OSError as error:  # a full disk must not end the watch over what runs
            self._notice(f"{PROCESSES} could not be written: {error}")


@asynccontextmanager
async def supervising(home: Path, *, notice: Notice) -> AsyncIterator[Supervisor]:
    """Hold a supervisor over `home`; on leaving, everything is stopped."""
    supervisor = Supervisor(home, notice=notice)
    try:
        yield supervisor
    finally:
        await supervisor.stop_all()
