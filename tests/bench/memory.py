"""How much memory a process and all its descendants need: their proportional shares, summed, looked at while they work.

To count a proportional share the kernel walks every page of a process and holds its memory map meanwhile: done twice a second
it took a tenth of two cores from what was measured. So what a process shares with others is only counted where it holds more
than ever; in between that is taken off its resident pages, which the kernel has counted already.
"""

import os
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_LOOK_SECONDS = 0.5
_MORE_THAN_EVER = 1.02
_PROC = Path("/proc")
_PAGES_PER_MB = (1 << 20) / os.sysconf("SC_PAGESIZE")


class Peaks:
    """The most that was seen: of all together, and of each process by its role."""

    def __init__(self) -> None:
        self.total_mb = 0.0
        self.by_role: defaultdict[str, float] = defaultdict(float)
        self._counted: dict[int, _Counted] = {}

    def look(self, root: int) -> None:
        """Take one sample of `root` and its descendants. Pages that several share count once in all."""
        found = [(role, megabytes) for pid, role in _family(root) if (megabytes := self._share(pid))]
        self.total_mb = max(self.total_mb, sum(megabytes for _, megabytes in found))
        for role, megabytes in found:
            self.by_role[role] = max(self.by_role[role], megabytes)

    def _share(self, pid: int) -> float:
        """Return the proportional share in MB; 0 when the process has ended."""
        resident, counted = _resident(pid), self._counted.get(pid)
        if resident and (counted is None or resident > _MORE_THAN_EVER * counted.resident):
            counted = self._counted[pid] = _Counted(resident, _proportional_share(pid))
        return max(0.0, resident - counted.shared) if counted else 0.0


@dataclass(frozen=True, slots=True)
class _Counted:
    """What a process held when its pages were last counted, in MB, and its proportional share of that."""

    resident: float
    share: float

    @property
    def shared(self) -> float:
        return self.resident - self.share


@contextmanager
def watched(root: int) -> Iterator[Peaks]:
    """Sample during the body, twice a second."""
    peaks, over = Peaks(), threading.Event()

    def watch() -> None:
        while not over.wait(_LOOK_SECONDS):
            peaks.look(root)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peaks
    finally:
        over.set()
        thread.join()


def _family(root: int) -> list[tuple[int, str]]:
    """Return pid and role of `root` and its descendants."""
    parents = {int(entry.name): _parent(entry) for entry in _PROC.iterdir() if entry.name.isdigit()}
    family = {root}
    while found := {pid for pid, parent in parents.items() if parent in family} - family:
        family |= found
    return [(pid, _role(pid)) for pid in family]


def _parent(process: Path) -> int:
    try:
        return int((process / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, IndexError):  # it has ended
        return 0


def _role(pid: int) -> str:
    """Return what a process is for. Example: "profile worker", "postgres"."""
    try:
        words = (_PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").replace("\0", " ").split()
    except OSError:
        return "ended"
    services = [place for place, word in enumerate(words) if word.startswith("services.")]
    if not services:
        return "postgres" if any("postgres" in word for word in words[:1]) else "other"
    return " ".join(words[services[0] :]).removeprefix("services.")


def _resident(pid: int) -> float:
    """Return the resident pages in MB; 0 when the process has ended."""
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) / _PAGES_PER_MB
    except OSError:
        return 0.0


def _proportional_share(pid: int) -> float:
    """Return the proportional share in MB; 0 when the process has ended."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
