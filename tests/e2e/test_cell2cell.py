"""Real customers of another operator, by a mapping file and matrices of their own: all arrive, and models learn what is known of them."""

import asyncio
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb

from services.console.clients import connect
from services.console.cycle import CycleInputs, CycleResult, run_cycle
from services.console.demo.flow import CYCLE, weekday_morning
from services.console.runs import Follower, patient
from services.console.settings import ConsoleSettings
from services.scoring.engine.features import COLUMNS
from tests.data import reference_data
from tests.e2e.installation import Installation, console_process

DATA = reference_data("cell2celltrain.csv.zip")
OWN = Path(__file__).parent / "cell2cell"
CUSTOMERS = 51_047
SAMPLE = 50_000
"""So many rows models learn from at least."""
UNBILLED = 156
"""So many have neither a bill nor minutes."""

pytestmark = [
    pytest.mark.skipif(DATA is None, reason="cell2celltrain.csv.zip is not in ../shared/data nor in VISAVIS_TEST_DATA"),
    pytest.mark.timeout(240),
]


@dataclass(frozen=True)
class Passage:
    """The finished cycle, its churn model, and what an unbilled customer's rejects say."""

    result: CycleResult
    churn: model_pb.Model
    rejects: list[profile_pb.ImportReject]
    seconds: float


@pytest.fixture(scope="module")
def passage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Passage]:
    """Import, views, models, scores and lists, on an installation of its own."""
    assert DATA is not None
    folder = tmp_path_factory.mktemp("cell2cell")
    extracts = folder / "extracts"
    extracts.mkdir()
    shutil.copy(DATA, extracts)
    shutil.copy(OWN / "mapping.toml", extracts)
    offset = str(weekday_morning().offset.total_seconds())
    with pytest.MonkeyPatch.context() as patch, console_process(folder, "up", VISAVIS_CLOCK_OFFSET=offset) as running:
        for name, value in running.environment.items():
            if name.startswith("VISAVIS_"):
                patch.setenv(name, value)
        yield asyncio.run(_pass_through(running, extracts))


async def _pass_through(running: Installation, extracts: Path) -> Passage:
    inputs = CycleInputs(CYCLE, extracts, OWN / "planner", 10, 10, seed=1, products=(), reviewer="reviewer")
    async with connect(ConsoleSettings()) as clients:
        await patient(partial(clients.profile.ListImports, profile_pb.ListImportsRequest()))
        begun = time.monotonic()
        result = await run_cycle(inputs, clients=clients, follower=Follower(lambda step, status: None))
        seconds = time.monotonic() - begun
        models = (await clients.models.ListModels(model_pb.ListModelsRequest())).models
        asked = profile_pb.ListImportRejectsRequest(parent=result.imported.name, page_size=1000)
        rejects = (await clients.profile.ListImportRejects(asked)).rejects
    churn = next(model for model in models if model.kind == model_pb.MODEL_KIND_CHURN_WARNING)
    return Passage(result, churn, list(rejects), seconds)


def test_every_customer_is_in_the_lists_or_in_the_rejects(passage: Passage) -> None:
    assembled = passage.result.assembly_run
    print(f"import to lists: {passage.seconds:.1f} s")
    assert assembled.lists.row_count + assembled.rejects.row_count == CUSTOMERS
    assert passage.result.snapshot.views.row_count == CUSTOMERS


def test_what_the_data_lack_is_set_aside_with_a_reason(passage: Passage) -> None:
    assert {(found.file, found.column) for found in passage.rejects} == {
        ("cell2celltrain.csv.zip/cell2celltrain.csv", "MonthlyRevenue"),
        ("cell2celltrain.csv.zip/cell2celltrain.csv", "MonthlyMinutes"),
    }
    assert len(passage.rejects) == 2 * UNBILLED


def test_churn_is_foreseen_as_well_as_the_data_allow_and_no_better(passage: Passage) -> None:
    quality = passage.churn.quality
    print(f"churn: AUC {quality.auc:.4f}, top decile {quality.top_decile_precision:.3f} of {quality.base_rate:.3f}")
    assert quality.row_count >= SAMPLE
    assert quality.top_decile_precision >= 0.54
    assert 0.675 <= quality.auc <= 0.72  # above, something tells the models the answer


def test_no_model_sees_who_a_customer_is() -> None:
    assert {"customer_id", "msisdn", "owner_id"}.isdisjoint(COLUMNS)
