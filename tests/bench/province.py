"""A whole province through the product: extracts in, views, models, scores, lists switched in; seconds and memory of each step.

`python -m tests.bench.province --customers 3000000 --form parquet --rounds 1` measures one alone; `make bench` has both forms.
"""

import argparse
import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from visavis.common.v1 import run_pb2

from services.console.clients import connect
from services.console.cycle import CycleInputs, run_cycle
from services.console.demo.flow import CYCLE, weekday_morning
from services.console.demo.stage import PLANNER
from services.console.runs import Follower
from services.console.settings import ConsoleSettings
from tests.bench.figures import Figure
from tests.bench.memory import Peaks, watched
from tests.e2e.installation import ROOT, Installation, console_process

Form: TypeAlias = Literal["parquet", "gbk"]
FORMS: Mapping[Form, Sequence[str]] = {
    "parquet": ("--format", "parquet"),
    "gbk": ("--format", "csv", "--encoding", "gb18030"),
}
READY_SECONDS = 60
LIMIT_ROUNDS = 3
CYCLE_ROUNDS = 3
SHOWN_ROLES = 4


@dataclass
class Watch:
    """How long each stage of each step was seen to last; steps may overlap."""

    stages: dict[str, float] = field(default_factory=dict)
    steps: dict[str, float] = field(default_factory=dict)
    _current: dict[str, tuple[str, float]] = field(default_factory=dict)

    def heard(self, step: str, status: run_pb2.RunStatus) -> None:
        """Take note of the stage that a step is in."""
        now = time.monotonic()
        stage, since = self._current.get(step, ("", now))
        if stage:
            self.stages[f"{step}: {stage}"] = self.stages.get(f"{step}: {stage}", 0.0) + now - since
        self._current[step] = (status.stage, now)
        if status.HasField("end_time"):
            self.steps[step] = (status.end_time.ToNanoseconds() - status.start_time.ToNanoseconds()) / 1e9


@dataclass(frozen=True)
class _Round:
    """A cycle in an installation of its own."""

    rate: float
    watch: Watch
    peaks: Peaks


def measure(customers: int, form: Form, *, rounds: int = CYCLE_ROUNDS) -> list[Figure]:
    """Simulate a province, run its cycle once in each of several installations, and compare with reading and writing the extracts."""
    with tempfile.TemporaryDirectory(prefix="visavis-province-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
        extracts = _simulate(folder / "extracts", customers, form)
        limits = [customers / _read_and_write(extracts, folder / "limit.parquet") for _ in range(LIMIT_ROUNDS)]
        found = [_round(folder / f"round-{number}", extracts, customers) for number in range(rounds)]
    return _figures(form, Figure(f"{form} extracts read and written as Parquet", limits, "customers/s"), found)


def _round(folder: Path, extracts: Path, customers: int) -> _Round:
    """Start an installation, run its cycle once, and remove what came of it."""
    offset = str(weekday_morning().offset.total_seconds())
    with console_process(folder, "up", VISAVIS_CLOCK_OFFSET=offset) as installation:
        installation.wait_until_up(READY_SECONDS)
        watch = Watch()
        with watched(installation.process.pid) as peaks:
            seconds = asyncio.run(_cycle(installation, extracts, watch))
    shutil.rmtree(folder)
    return _Round(customers / seconds, watch, peaks)


def _figures(form: Form, limit: Figure, rounds: Sequence[_Round]) -> list[Figure]:
    rates = [one.rate for one in rounds]
    roles = _together([one.peaks.by_role for one in rounds])
    largest = sorted(roles.items(), key=lambda found: -max(found[1]))[:SHOWN_ROLES]
    return [
        limit,
        Figure(
            f"{form} extracts to lists switched in",
            rates,
            "customers/s",
            statistics.median(rates) / limit.median,
            "that",
        ),
        *(
            Figure(f"  {form} {step}", spent, "s")
            for step, spent in _together([one.watch.steps for one in rounds]).items()
        ),
        *(
            Figure(f"    {form} {stage}", spent, "s")
            for stage, spent in _together([one.watch.stages for one in rounds]).items()
        ),
        Figure(f"  {form} peak memory of all processes", [one.peaks.total_mb for one in rounds], "MB"),
        *(Figure(f"    {form} peak of {role}", megabytes, "MB") for role, megabytes in largest),
    ]


def _together(rounds: Sequence[Mapping[str, float]]) -> dict[str, list[float]]:
    """Return what each name was in those rounds that have it."""
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: [one[name] for one in rounds if name in one] for name in names}


def _simulate(extracts: Path, customers: int, form: Form) -> Path:
    command = ["-m", "services.sandbox", "extracts", "--customers", str(customers), "--out", str(extracts)]
    subprocess.run([sys.executable, *command, *FORMS[form]], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return extracts


async def _cycle(installation: Installation, extracts: Path, watch: Watch) -> float:
    """Run the cycle; return the seconds from the import's request to lists switched in."""
    os.environ.update({name: value for name, value in installation.environment.items() if "VISAVIS" in name})
    inputs = CycleInputs(
        cycle=CYCLE,
        extracts=extracts,
        planner=PLANNER,
        control_percent=10,
        random_percent=10,
        seed=1,
        products=(),  # all that were taken
        reviewer="reviewer",
    )
    async with connect(ConsoleSettings()) as clients:
        begun = time.monotonic()
        await run_cycle(inputs, clients=clients, follower=Follower(watch.heard))
        return time.monotonic() - begun


def _read_and_write(extracts: Path, target: Path) -> float:
    """Read every cell of every table and write it as Parquet, as pyarrow does it by itself; return the seconds."""
    begun = time.perf_counter()
    for file in sorted(extracts.iterdir()):
        if file.suffix not in {".csv", ".parquet"}:
            continue
        reader = pq.ParquetFile(file).iter_batches() if file.suffix == ".parquet" else _csv_batches(file)
        writer: pq.ParquetWriter | None = None
        for batch in reader:
            writer = writer or pq.ParquetWriter(target, batch.schema, compression="zstd")
            writer.write_batch(batch)
        if writer:
            writer.close()
    return time.perf_counter() - begun


def _csv_batches(file: Path) -> pa_csv.CSVStreamingReader:
    """Read all columns as texts, which need no guess."""
    with file.open(encoding="gb18030") as lines:
        names = lines.readline().strip().split(",")
    options = pa_csv.ConvertOptions(column_types={name: pa.string() for name in names})
    return pa_csv.open_csv(file, read_options=pa_csv.ReadOptions(encoding="gb18030"), convert_options=options)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--form", choices=[*FORMS], default="parquet")
    parser.add_argument("--rounds", type=int, default=CYCLE_ROUNDS)
    asked = parser.parse_args()
    for figure in measure(asked.customers, asked.form, rounds=asked.rounds):
        print(figure.line(), flush=True)


if __name__ == "__main__":
    main()
