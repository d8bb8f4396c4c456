"""How much memory a process and all its descendants need: their proportional shares, summed, looked at while they work."""

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOOK_SECONDS = 0.5
_PROC = Path("/proc")


class Peaks:
    """The most that was seen: of all together, and of each process by its role."""

    def __init__(self) -> None:
        self.total_mb = 0.0
        self.by_role: defaultdict[str, float] = defaultdict(float)

    def look(self, root: int) -> None:
        """Take one sample of `root` and its descendants. Pages that several share count once in all."""
        found = [(role, megabytes) for pid, role in _family(root) if (megabytes := _share(pid))]
        self.total_mb = max(self.total_mb, sum(megabytes for _, megabytes in found))
        for role, megabytes in found:
            self.by_role[role] = max(self.by_role[role], megabytes)


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


def _share(pid: int) -> float:
    """Return the proportional share in MB; 0 when the process has ended."""
    try:
        lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
