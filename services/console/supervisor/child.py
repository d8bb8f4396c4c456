"""One supervised process and its successors: started, watched, started again when it ends, stopped."""

import asyncio
import signal
import time
from collections.abc import Callable
from pathlib import Path

from services.console.supervisor.processes import ProcessSpec
from shared.errors import Unavailable
from shared.process import TETHER_VARIABLE

_READY_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_CALM_SECONDS = 10.0
"""A process that lived this long is started again at once; one that dies sooner waits longer each time."""
_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_TAIL_LINES = 12

Notice = Callable[[str], None]


class Child:
    """Writes its output to `log`; holds the read end of the pipe `tether`, whose end tells it that the supervisor is gone.

    `launch` and `wait_ready` first, then `watch` until `stop`. `changed` is called after each start, `moved` when the
    process is ready again at another place than before.
    """

    def __init__(
        self,
        spec: ProcessSpec,
        *,
        log: Path,
        tether: int,
        notice: Notice,
        changed: Callable[[], None],
        moved: Callable[[str], None],
    ) -> None:
        self.spec = spec
        self._log = log
        self._tether = tether
        self._notice = notice
        self._changed = changed
        self._moved = moved
        self._place: str | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """The pid of the living process, None between two."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def launch(self) -> None:
        """Start the process. Raises Unavailable if the system refuses."""
        try:
            self._log.parent.mkdir(parents=True, exist_ok=True)
            with self._log.open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self.spec.command,
                    env={**self.spec.environment, TETHER_VARIABLE: str(self._tether)},
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(self._tether,),
                    start_new_session=True,  # Ctrl-C is for the supervisor; it stops the others in order
                )
        except OSError as error:
            raise Unavailable(f"{self.spec.name} cannot be started: {error}") from error
        self._changed()

    async def wait_ready(self) -> None:
        """Wait until the process is ready. Raises Unavailable with the log's end if it ends before, or takes a minute."""
        deadline = time.monotonic() + _READY_SECONDS
        while not await self._is_ready():
            if self.pid is None or time.monotonic() > deadline:
                raise self._not_ready()
            await asyncio.sleep(_LOOK_SECONDS)

    def watch(self) -> None:
        """From now on start the process again whenever it ends. Raises Unavailable if it has ended already."""
        if self.pid is None:
            raise self._not_ready()
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Ask the process to end, wait, and kill it if it takes longer than its grace."""
        self._stopping.set()
        if self._process is None:
            return
        self.terminate()
        ended: asyncio.Task[object] = self._watching or asyncio.create_task(self._wait())
        _, late = await asyncio.wait([ended], timeout=self.spec.grace_seconds)
        if late:
            self._notice(f"{self.spec.name} did not stop within {self.spec.grace_seconds:.0f} s and is killed")
            self._send(signal.SIGKILL)
        await ended

    def terminate(self) -> None:
        """Ask the process to end; unless it is stopped, it is then started again."""
        self._send(signal.SIGTERM)

    async def _watch(self) -> None:
        pause = _FIRST_PAUSE
        while True:
            begun = time.monotonic()
            code = await self._wait()
            if self._stopping.is_set():
                return
            pause = _FIRST_PAUSE if time.monotonic() - begun > _CALM_SECONDS else min(pause * 2, _LONGEST_PAUSE)
            self._notice(f"{self.spec.name} {_ending(code)}; it is started again; its log: {self._log}")
            if await self._told_to_stop(pause):
                return
            await self._relaunch()

    async def _relaunch(self) -> None:
        try:
            await self.launch()
        except Unavailable as failure:
            self._notice(failure.message)
            return
        if self._stopping.is_set():
            self.terminate()  # stop() has seen only the one before
            return
        await self._find_again()

    async def _find_again(self) -> None:
        """Wait until the new process is ready, and tell if those who knew the old one will not find it."""
        before = self._place
        while self.pid is not None and not self._stopping.is_set():
            if await self._is_ready():
                if self._place != before:
                    self._moved(self.spec.name)
                return
            await self._told_to_stop(_LOOK_SECONDS)

    async def _is_ready(self) -> bool:
        if self.spec.locate is None:
            return self.pid is not None
        place = await self.spec.locate()
        if place is None or self.pid is None:  # somebody else may answer there
            return False
        self._place = place
        return True

    async def _told_to_stop(self, seconds: float) -> bool:
        """Sleep, but no longer than until `stop`; return whether it came."""
        try:
            async with asyncio.timeout(seconds):
                return await self._stopping.wait()
        except TimeoutError:
            return False

    async def _wait(self) -> int | None:
        return await self._process.wait() if self._process else None

    def _send(self, number: signal.Signals) -> None:
        if self._process and self._process.returncode is None:
            self._process.send_signal(number)

    def _not_ready(self) -> Unavailable:
        code = self._process.returncode if self._process else None
        what = f"is not ready after {_READY_SECONDS:.0f} s" if code is None else _ending(code)
        return Unavailable(f"{self.spec.name} {what}. The end of {self._log}:\n{self._log_tail()}")

    def _log_tail(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-_TAIL_LINES:]) or "(nothing)"


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"was killed by {signal.Signals(-code).name}"
    return f"ended with exit code {code}"
