"""Shows how runs go: bars on a terminal, a line per finished step elsewhere."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from visavis.common.v1 import run_pb2


class RunBoard:
    """A board of runs that is told about each look at a run, and keeps how many seconds each step was watched."""

    def __init__(self, console: Console, *, quiet: bool = False) -> None:
        self._console = console
        self._bars = Progress(
            SpinnerColumn(finished_text="[green]✓"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn("{task.fields[stage]}", style="dim"),
            TimeElapsedColumn(),
            console=console,
            disable=quiet or not console.is_terminal,
        )
        self._lines = not quiet and not console.is_terminal
        self._tasks: dict[str, TaskID] = {}
        self._begun: dict[str, float] = {}
        self.seconds: dict[str, float] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def __call__(self, step: str, status: run_pb2.RunStatus) -> None:
        """Take one look at a step into account."""
        begun = self._begun.setdefault(step, time.monotonic())
        if step not in self._tasks:
            self._tasks[step] = self._bars.add_task(step, total=None, stage="")
        finished = status.state == run_pb2.RUN_STATE_SUCCEEDED
        total = status.total_count or (status.done_count or 1 if finished else None)
        done = total if finished else status.done_count
        self._bars.update(self._tasks[step], completed=done, total=total, stage=status.stage)
        if finished and step not in self.seconds:
            self.seconds[step] = round(time.monotonic() - begun, 2)
            if self._lines:
                self._console.print(f"  {step}: done in {self.seconds[step]:.1f} s")
