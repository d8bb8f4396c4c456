"""Assembling the lists of a base, beside a plain scan-and-write of what it reads."""

import statistics
import tempfile
import time
from datetime import UTC
from pathlib import Path

from visavis.common.v1 import run_pb2
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.console.clients import connect
from services.console.cycle import CycleInputs, CycleResult, run_cycle
from services.console.demo.flow import CYCLE
from services.console.demo.stage import PLANNER
from services.console.runs import Follower
from services.console.settings import ConsoleSettings
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.refs import from_ref
from shared.lake.schema import arrow_schema
from tests.bench.figures import Figure

ROUNDS = 3


async def measure(settings: ConsoleSettings) -> list[Figure]:
    """Assemble the cycle's lists anew with other arms; rows/s from the run's start to the lists switched in."""
    results = [await _cycle(settings, seed) for seed in range(100, 100 + ROUNDS)]
    rates = [r.assembly_run.lists.row_count / _seconds(r.assembly_run.status) for r in results]
    plain = [_scan_and_write(settings, results[0]) for _ in range(ROUNDS)]
    ratio = statistics.median(rates) / statistics.median(plain)
    return [
        Figure("scan and write of views and scores", plain, "rows/s"),
        Figure("lists assembled, loaded, switched in", rates, "rows/s", ratio, "the scan and write"),
    ]


async def _cycle(settings: ConsoleSettings, seed: int) -> CycleResult:
    """Run the cycle with arms of this seed: all that does not depend on them is found as it is."""
    inputs = CycleInputs(
        cycle=CYCLE,
        extracts=settings.home / "extracts",
        planner=PLANNER,
        control_percent=10,
        random_percent=10,
        seed=seed,
        products=("mobile_newspaper",),
    )
    async with connect(settings) as clients:
        return await run_cycle(inputs, clients=clients, follower=Follower(lambda step, status: None))


def _scan_and_write(settings: ConsoleSettings, result: CycleResult) -> float:
    """Read views and scores, join them, and write every column to Parquet; return rows/s."""
    lake = Lake(settings.home / "lake")
    with tempfile.TemporaryDirectory() as folder, open_engine(lake, folders=[Path(folder)]) as engine:
        engine.register("views", from_ref(result.snapshot.views), arrow_schema(CustomerView.DESCRIPTOR))
        engine.register("scores", from_ref(result.scoring_run.scores), arrow_schema(CustomerScores.DESCRIPTOR))
        begun = time.perf_counter()
        target = Path(folder) / "plain.parquet"
        engine.execute(f"COPY (SELECT * FROM views JOIN scores USING (customer_id)) TO '{target}' (FORMAT parquet)")
        return result.snapshot.views.row_count / (time.perf_counter() - begun)


def _seconds(status: run_pb2.RunStatus) -> float:
    return (status.end_time.ToDatetime(UTC) - status.start_time.ToDatetime(UTC)).total_seconds()
