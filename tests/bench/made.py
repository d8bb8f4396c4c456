"""Assembly and load alone, over a made-up base with large matrices, beside what the same bytes cost without rules."""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from services.recommendation.datasets.inputs import score_columns, view_columns
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.domain import Ability
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from tests.bench import load
from tests.bench.figures import Figure
from tests.bench.made_base import make_base
from tests.bench.made_rules import make_rules
from tests.factories.recommendation import sample_rules

ROUNDS = 3
LOADED_CUSTOMERS = 300_000
"""Of these, lists by the planners' sample files are loaded, from memory: short ones, of which an index costs most."""
ALWAYS_READ = (
    *("customer_id", "owner_id", "msisdn", "city", "arm", "products", "needs", "red_list", "marketing_consent"),
    *(f"handset_{ability}" for ability in Ability),
)
"""The columns that lists are made of whatever the matrices test."""


@dataclass(frozen=True)
class Assembled:
    """What one assembly gave, and how long it took."""

    lists: AssembledLists
    seconds: float


def measure(customers: int) -> list[Figure]:
    """Make a base up, assemble its lists, load them; each beside its yardstick."""
    with tempfile.TemporaryDirectory(prefix="visavis-made-") as place:
        folder = Path(place)
        folder.chmod(0o755)  # PostgreSQL runs as another user when we are root
        lake = Lake(folder / "lake")
        inputs, rules = make_base(lake, customers), make_rules()
        plain, assembled = [], []
        for number in range(ROUNDS):
            plain.append(_scan_and_write(lake, inputs, rules))
            assembled.append(_assemble(lake, inputs, rules, number))
        figures = _figures(customers, plain, [one.seconds for one in assembled])
        some = make_base(lake, min(customers, LOADED_CUSTOMERS))
        lists = _assemble(lake, some, sample_rules(), ROUNDS).lists
        return [*figures, *asyncio.run(load.measure(lake, some, lists, folder))]


def _figures(customers: int, plain: Sequence[float], assembled: Sequence[float]) -> list[Figure]:
    ratio = statistics.median(bare / whole for bare, whole in zip(plain, assembled, strict=True))
    rates = [customers / seconds for seconds in assembled]
    return [
        Figure("scan and write of what assembly reads", [customers / seconds for seconds in plain], "rows/s"),
        Figure("lists assembled and published", rates, "rows/s", ratio, "the scan and write"),
    ]


def _assemble(lake: Lake, inputs: AssemblyInputs, rules: Rules, number: int) -> Assembled:
    begun = time.perf_counter()
    lists = LakeWorkshop(lake).assemble(
        inputs,
        rules,
        run_id=f"made-{number}",
        cycle="2026-11",
        created_at=datetime(2026, 11, 9, tzinfo=UTC),
        traceparent="",
    )
    return Assembled(lists, time.perf_counter() - begun)


def _scan_and_write(lake: Lake, inputs: AssemblyInputs, rules: Rules) -> float:
    """Read what assembly reads, joined, and write it to Parquet as it is; return the seconds."""
    tested = {field.name for table in (rules.priority, rules.retention, rules.new_service) for field in table.inputs}
    sources = [column.source for column in (*view_columns(), *score_columns()) if column.name in tested]
    names = ", ".join(sorted({*ALWAYS_READ, *sources}))
    with tempfile.TemporaryDirectory() as folder, open_engine(lake, folders=[Path(folder)]) as engine:
        for name, dataset in (("views", inputs.views), ("scores", inputs.scores), ("arms", inputs.membership)):
            engine.register(name, dataset)
        begun = time.perf_counter()
        joined = f"SELECT {names} FROM views JOIN scores USING (customer_id) JOIN arms USING (customer_id)"
        engine.execute(f"COPY ({joined}) TO '{Path(folder) / 'plain.parquet'}' (FORMAT parquet)")
        return time.perf_counter() - begun
