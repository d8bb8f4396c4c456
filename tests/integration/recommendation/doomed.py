"""Workers that are killed, one per stage, at the worst moment: when a stage's work is done and nothing of it is recorded.

`python -m tests.integration.recommendation.doomed URL LAKE STAGE…` forks one after the other and says how each ended.
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from services.recommendation.datasets.checks import LakeInspector
from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.datasets.previews import PreviewWorkshop
from services.recommendation.postgres import PostgresRulebook, PostgresSwitches
from services.recommendation.settings import RecommendationWorkerSettings
from services.recommendation.tables import RUNS
from services.recommendation.use_cases.rules import Readings
from services.recommendation.worker import Assembler, Checker, Previewer, TargetPicker, handlers
from shared.clock import ManualClock
from shared.db.engine import open_database
from shared.jsontypes import JsonObject
from shared.lake.lake import Lake
from shared.runs.stages import Stage, StageContext
from shared.runs.worker import RunWorker
from tests.factories.recommendation import NOW


def killing(stages: Mapping[str, Sequence[Stage]], fatal: str) -> dict[str, list[Stage]]:
    """Return the stages, that of name `fatal` ending in SIGKILL after its work."""

    def with_end(stage: Stage) -> Stage:
        async def work(context: StageContext) -> JsonObject:
            await stage.work(context)
            os.kill(os.getpid(), signal.SIGKILL)
            return {}

        return Stage(stage.name, work) if stage.name == fatal else stage

    return {kind: [with_end(stage) for stage in of_kind] for kind, of_kind in stages.items()}


async def work(url: str, lake: Lake, fatal: str) -> None:
    clock = ManualClock(NOW)
    async with open_database(url, application_name="doomed") as database:
        assembler = Assembler(
            readings=Readings(PostgresRulebook(database), matrix_fields()),
            workshop=LakeWorkshop(lake),
            switches=PostgresSwitches(),
            consent_default=False,
            most_at_once=3,
            weighing=RecommendationWorkerSettings().weighing(),
            clock=clock,
        )
        checker = Checker(assembler.readings, LakeInspector(lake, matrix_fields()), clock)
        previewer = Previewer(assembler.readings, PreviewWorkshop(lake), clock)
        picker = TargetPicker(assembler.readings, LakeWorkshop(lake), clock)
        stages = handlers(assembler, picker, checker, previewer)
        worker = RunWorker(database=database, tables=RUNS, handlers=killing(stages, fatal), clock=clock)
        await worker.run(asyncio.Event())


def main() -> None:
    url, folder, *stages = sys.argv[1:]
    for stage in stages:
        child = os.fork()
        if child == 0:
            asyncio.run(work(url, Lake(Path(folder)), stage))
        _, status = os.waitpid(child, 0)
        print(f"{stage}: {signal.Signals(os.WTERMSIG(status)).name}", flush=True)


if __name__ == "__main__":
    main()
