"""Starts processes, starts them again when they end, and stops all of them: the platform's job on one machine."""

import asyncio
import fcntl
import json
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from services.console.supervisor.processes import ProcessSpec
from services.console.supervisor.readiness import is_ready
from shared.errors import Unavailable
from shared.process import TETHER_VARIABLE

_GRACE_SECONDS = 15.0
_READY_SECONDS = 60.0
_CALM_SECONDS = 10.0
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0

Notice = Callable[[str], None]


class Supervisor:
    """Keeps child processes running under one home. Their output goes to `home/logs/NAME.log`, their pids to `home/processes.json`.

    All children hold the read end of one pipe; when this process dies, however it dies, they see its end and stop.
    """

    def __init__(self, home: Path, *, notice: Notice) -> None:
        self._home = home
        self._notice = notice
        self._children: dict[str, asyncio.subprocess.Process] = {}
        self._watchers: dict[str, asyncio.Task[None]] = {}
        self._stopping: set[str] = set()
        self._tether, self._holder = os.pipe()

    async def start(self, specs: Sequence[ProcessSpec]) -> None:
        """Start `specs` together and wait until each is ready. Raises Unavailable with the log's last lines if one is not."""
        for spec in specs:
            await self._spawn(spec)
            self._watchers[spec.name] = asyncio.create_task(self._watch(spec))
        await asyncio.gather(*(self._wait_ready(spec) for spec in specs))

    async def stop(self, names: Sequence[str]) -> None:
        """Ask the named processes to end, wait, and kill those that do not."""
        self._stopping.update(names)
        await asyncio.gather(*(self._stop_one(name) for name in names if name in self._children))

    async def stop_all(self) -> None:
        """Stop everything, PostgreSQL last."""
        await self.stop([name for name in self._children if name != "postgres"])
        await self.stop(["postgres"])  # last: the others still commit what they hold
        os.close(self._holder)
        os.close(self._tether)
        (self._home / "processes.json").unlink(missing_ok=True)

    def log_path(self, name: str) -> Path:
        """Return where a process writes."""
        return self._home / "logs" / f"{name}.log"

    async def _spawn(self, spec: ProcessSpec) -> None:
        path = self.log_path(spec.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as log:
            self._children[spec.name] = await asyncio.create_subprocess_exec(
                *spec.command,
                env={**spec.environment, TETHER_VARIABLE: str(self._tether)},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=(self._tether,),
                start_new_session=True,  # Ctrl-C is for the supervisor; it stops the others in order
            )
        self._record()

    async def _watch(self, spec: ProcessSpec) -> None:
        loop = asyncio.get_running_loop()
        pause = _FIRST_PAUSE
        while True:
            begun = loop.time()
            code = await self._children[spec.name].wait()
            if spec.name in self._stopping:
                return
            pause = _FIRST_PAUSE if loop.time() - begun > _CALM_SECONDS else min(pause * 2, _LONGEST_PAUSE)
            self._notice(f"{spec.name} {_ending(code)}; starting it again, see {self.log_path(spec.name)}")
            await asyncio.sleep(pause)
            if spec.name in self._stopping:
                return
            await self._spawn(spec)

    async def _wait_ready(self, spec: ProcessSpec) -> None:
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READY_SECONDS
        first = self._children[spec.name]
        while not await is_ready(spec):
            if first.returncode is not None or loop.time() > deadline:
                what = _ending(first.returncode) if first.returncode is not None else "is not ready"
                raise Unavailable(f"{spec.name} {what}:\n{self._log_tail(spec.name)}")
            await asyncio.sleep(0.05)

    async def _stop_one(self, name: str) -> None:
        child = self._children[name]
        if child.returncode is None:
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), _GRACE_SECONDS)
        except TimeoutError:
            self._notice(f"{name} did not stop within {_GRACE_SECONDS:.0f} s and is killed")
            child.kill()
            await child.wait()
        await self._watchers[name]

    def _record(self) -> None:
        path = self._home / "processes.json"
        draft = path.with_suffix(".draft")
        draft.write_text(json.dumps({name: child.pid for name, child in self._children.items()}, indent=1))
        draft.replace(path)

    def _log_tail(self, name: str) -> str:
        lines = self.log_path(name).read_text(errors="replace").splitlines()
        return "\n".join(lines[-8:]) or f"(nothing in {self.log_path(name)})"


@asynccontextmanager
async def supervising(home: Path, *, notice: Notice) -> AsyncIterator[Supervisor]:
    """Hold the home's lock and a supervisor over it; on leaving, everything is stopped."""
    with _locked(home):
        supervisor = Supervisor(home, notice=notice)
        try:
            yield supervisor
        finally:
            await supervisor.stop_all()


@contextmanager
def _locked(home: Path) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    with (home / "supervisor.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            message = (
                f"another `visavis up` or `visavis demo` runs with VISAVIS_HOME={home}; stop it, or set another one"
            )
            raise Unavailable(message) from None
        yield


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
