"""A dirty province through the import: each planted fault must be found where it is, and nothing else set aside but rows of
customers and enterprises with a fault of their own; with the rate and the memory that it took.

`python -m tests.bench dirty` measures it alone.
"""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb
from visavis.profile.v1 import profile_service_pb2 as profile_pb

from services.console.clients import connect
from services.console.demo.flow import CYCLE, weekday_morning
from services.console.extracts import read_extracts, take_extracts
from services.console.runs import Follower
from services.console.settings import ConsoleSettings
from services.sandbox.extracts.dirt.kinds import Dirt
from tests.bench.figures import Figure
from tests.bench.memory import Peaks, watched
from tests.e2e.installation import ROOT, Installation, console_process

READY_SECONDS = 60
SHARE = 0.0005
"""Of the rows of each table, per kind."""
KINDS = [kind for kind in Dirt if kind not in {Dirt.MISSING_MONTH, Dirt.LATE_FILE}]
"""Those that are in a line; what is not there cannot be set aside."""
FOLLOWS = "expected an? (customer|enterprise) of the (customers|enterprises) table without a fault"
"""What is said of a sound row whose customer or enterprise was set aside."""

_COMPARED = """
    WITH planted AS (SELECT DISTINCT kind, file, line FROM read_json($faults, format = 'newline_delimited') WHERE line IS NOT NULL),
    found AS (SELECT file, line, bool_and(regexp_full_match(reason, $follows)) AS follows FROM read_parquet($rejects) GROUP BY file, line)
    SELECT coalesce(kind, 'none') AS kind, count(planted.line) AS planted,
        count(found.line) AS found, coalesce(bool_and(follows), true) AS follows
    FROM planted FULL JOIN found USING (file, line)
    GROUP BY ALL ORDER BY kind
"""


def measure(customers: int) -> list[Figure]:
    """Return what was planted and found of each kind. Raises AssertionError where a fault was missed or a sound row set aside."""
    with tempfile.TemporaryDirectory(prefix="visavis-dirty-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
        extracts = _simulate(folder / "extracts", customers)
        offset = str(weekday_morning().offset.total_seconds())
        with console_process(folder, "up", VISAVIS_CLOCK_OFFSET=offset) as installation:
            installation.wait_until_up(READY_SECONDS)
            with watched(installation.process.pid) as peaks:
                imported, seconds = asyncio.run(_take(installation, extracts))
            return _figures(installation, folder / "faults.jsonl", imported, seconds, peaks)


def _figures(
    installation: Installation, faults: Path, imported: profile_pb.Import, seconds: float, peaks: Peaks
) -> list[Figure]:
    rejects = installation.home / "lake" / "profile" / "rejects" / imported.name.removeprefix("imports/")
    parameters = {"faults": str(faults), "rejects": str(rejects / "*.parquet"), "follows": FOLLOWS}
    with duckdb.connect() as connection:
        compared = connection.execute(_COMPARED, parameters).fetchall()
    figures = []
    for kind, planted, found, follows in compared:
        assert planted in {0, found}, f"{kind}: {planted} faults were planted, {found} found"
        assert planted or follows, "rows without a fault were set aside for another reason than their owner's"
        name = f"dirty {kind}: found of {planted:,} planted" if planted else "dirty: sound rows of an owner set aside"
        figures.append(Figure(name, [found], "rows"))
    rows = sum(table.row_count for table in imported.tables)
    assert all(table.row_count == table.accepted_count + table.reject_count for table in imported.tables)
    return [
        *figures,
        Figure("dirty GBK extracts taken in", [rows / seconds], "rows/s"),
        Figure("  dirty peak memory of all processes", [peaks.total_mb], "MB"),
    ]


def _simulate(extracts: Path, customers: int) -> Path:
    dirt = [word for kind in KINDS for word in ("--dirt", f"{kind}={SHARE}")]
    command = ["-m", "services.sandbox", "extracts", "--customers", str(customers), "--out", str(extracts), *dirt]
    subprocess.run([sys.executable, *command], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return extracts


async def _take(installation: Installation, extracts: Path) -> tuple[profile_pb.Import, float]:
    os.environ.update({name: value for name, value in installation.environment.items() if "VISAVIS" in name})
    async with connect(ConsoleSettings()) as clients:
        begun = time.monotonic()
        unwatched = Follower(lambda _step, _status: None)
        read = await read_extracts(extracts, progress=unwatched.progress)
        imported = await take_extracts(CYCLE, read, clients=clients, follower=unwatched)
        return imported, time.monotonic() - begun
