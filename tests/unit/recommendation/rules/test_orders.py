"""An order for targets is checked at the door: its cities, its zone or matrix, and the policies that the matrix names."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import pytest

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import Ability, Life, Purpose, Stage, Zone
from services.recommendation.engine.assembly.terms import Weighing
from services.recommendation.ports import Place, Rulebook, StoredCatalogue, StoredMatrix, Version, Versions
from services.recommendation.use_cases.assembly import AssemblyInputs, AssemblyOrder
from services.recommendation.use_cases.rules import MatrixIds, Readings
from services.recommendation.use_cases.targets import TargetOrder, TargetRequest, order_targets
from shared.errors import Denied, InvalidInput, NotFound, WrongState
from shared.lake.dataset import Dataset
from shared.rpc.identity import Caller, Role
from tests.factories.recommendation import matrix_csv, sample

CLERK = Caller("planner of hefei", Role.PLANNER, frozenset({"hefei", "wuhu"}))
ANYBODY = Caller("local", Role.OPERATIONS)
_DATASET = Dataset("lists", "PolicyListRow", 0, "")
_ORDER = AssemblyOrder(
    "2026-11",
    AssemblyInputs(_DATASET, _DATASET, _DATASET),
    MatrixIds("p", "r", "n"),
    "catalogue",
    "snapshots/1",
    "scoringRuns/1",
)
REQUEST = TargetRequest("assemblyRuns/1", _DATASET, _ORDER, Zone.RETENTION, "", 0, (), "", (), Weighing())
_NOW = datetime(2026, 11, 9, tzinfo=UTC)


@dataclass
class InMemoryRulebook:
    """Versions in a dictionary; the one catalogue is the planners' sample."""

    versions: dict[str, StoredMatrix] = field(default_factory=dict)

    async def add_matrices(self, matrices: Sequence[StoredMatrix], *, etags: Mapping[str, str]) -> None:
        self.versions.update({matrix.matrix_id: matrix for matrix in matrices})

    async def matrix(self, matrix_id: str) -> StoredMatrix:
        if matrix_id not in self.versions:
            raise NotFound(f"matrices/{matrix_id}")
        return self.versions[matrix_id]

    async def add_catalogue(self, catalogue: StoredCatalogue) -> StoredCatalogue:
        return catalogue

    async def catalogue(self, catalogue_id: str) -> StoredCatalogue:
        return StoredCatalogue(catalogue_id, sample("policies"), "", 50, 4, _NOW, "test")

    async def catalogues(self, *, after: Place | None, limit: int) -> Sequence[StoredCatalogue]:
        return [await self.catalogue("catalogue")][:limit]

    async def newest_catalogue_id(self) -> str:
        return "catalogue"


@dataclass(frozen=True)
class AllAt:
    """Says of every version of a rulebook that it stands at `stage`."""

    rulebook: Rulebook
    stage: Stage

    async def version(self, matrix_id: str) -> Version:
        return Version(await self.rulebook.matrix(matrix_id), Life(self.stage))


async def order(
    request: TargetRequest, caller: Caller = ANYBODY, *texts: str, stage: Stage = Stage.APPROVED
) -> TargetOrder:
    """Return the order, with matrices of these texts called 0, 1 …"""
    rulebook: Rulebook = InMemoryRulebook()
    purposes = [Purpose(text.split(",")[1]) for text in texts]
    matrices = [
        StoredMatrix(str(number), purpose, "a matrix", "FIRST", 1, text, _NOW, "test")
        for number, (purpose, text) in enumerate(zip(purposes, texts, strict=True))
    ]
    await rulebook.add_matrices(matrices, etags={})
    versions: Versions = AllAt(rulebook, stage)
    return await order_targets(request, caller=caller, versions=versions, readings=Readings(rulebook, matrix_fields()))


async def test_an_extraction_that_nobody_has_approved_reaches_nobody() -> None:
    asked = replace(REQUEST, zone=None, matrix_id="0")
    for stage, reason in ((Stage.DRAFT, "MATRIX_NOT_CHECKED"), (Stage.CHECKED, "MATRIX_NOT_APPROVED")):
        with pytest.raises(WrongState, match="visavis matrix") as refused:
            await order(asked, ANYBODY, extraction("newspaper-trial"), stage=stage)
        assert refused.value.reason == f"ERROR_REASON_{reason}"


def extraction(policy: str) -> str:
    return matrix_csv("extraction", "FIRST", ["age", "=> policy"], [["< 40", policy]])


@pytest.mark.parametrize(
    ("caller", "asked", "cities"),
    [
        (CLERK, [], ("hefei", "wuhu")),
        (CLERK, ["hefei", "bengbu"], ("hefei",)),
        (ANYBODY, [], None),
        (ANYBODY, ["wuhu", "hefei"], ("hefei", "wuhu")),
    ],
)
async def test_cities_stay_within_the_callers(caller: Caller, asked: list[str], cities: tuple[str, ...] | None) -> None:
    assert (await order(replace(REQUEST, cities=asked), caller)).cities == cities


async def test_a_city_outside_the_scope_is_denied_and_all_that_is_wrong_is_told() -> None:
    with pytest.raises(Denied):
        await order(replace(REQUEST, cities=["bengbu"]), CLERK)
    with pytest.raises(InvalidInput) as refused:
        await order(replace(REQUEST, zone=None, limit=-1, handset_needs=["wap", "gps"]), CLERK)
    assert [violation.field for violation in refused.value.violations] == ["zone", "handset_needs", "limit"]
    assert (await order(replace(REQUEST, handset_needs=["wap", "gprs", "wap"]))).handset_needs == (
        Ability.GPRS,
        Ability.WAP,
    )


async def test_an_extraction_needs_no_zone_and_bears_none() -> None:
    asked = replace(REQUEST, zone=None, matrix_id="0")
    found = await order(asked, ANYBODY, extraction("newspaper-trial"))
    assert (found.zone, found.matrix_id, found.catalogue_id) == (None, "0", "catalogue")
    for wrong in (replace(asked, zone=Zone.RETENTION), replace(asked, policy="newspaper-trial")):
        with pytest.raises(InvalidInput, match="leave zone and policy out"):
            await order(wrong, ANYBODY, extraction("newspaper-trial"))


async def test_only_an_extraction_matrix_extracts_and_only_known_policies() -> None:
    asked = replace(REQUEST, zone=None, matrix_id="0")
    with pytest.raises(InvalidInput, match="expected a matrix extraction, this one is retention"):
        await order(asked, ANYBODY, sample("retention"))
    with pytest.raises(InvalidInput, match='did you mean "newspaper-trial"') as refused:
        await order(asked, ANYBODY, extraction("newspaper-trail"))
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    with pytest.raises(NotFound):
        await order(replace(asked, matrix_id=str(uuid.uuid4())), ANYBODY, extraction("newspaper-trial"))
