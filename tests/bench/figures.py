"""What a benchmark found: medians of several runs, and how they stand to a yardstick of the same run."""

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """A median with its unit, the number of runs, and the ratio to the yardstick where there is one."""

    name: str
    runs: Sequence[float]
    unit: str
    ratio: float | None = None
    yardstick: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.runs)

    def line(self) -> str:
        """Return the figure as one line of the report."""
        against = f"  = {self.ratio:.2f} of {self.yardstick}" if self.ratio is not None else ""
        runs = (
            "1 run" if len(self.runs) == 1 else f"{len(self.runs)} runs, {min(self.runs):,.1f} to {max(self.runs):,.1f}"
        )
        return f"{self.name:<44} {self.median:>12,.1f} {self.unit:<14} ({runs}){against}"


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, user and system, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
