"""Previews of drafts: what is asked for, checked at the door, and what comes of it."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.domain import Purpose, Slot
from services.recommendation.domain.previews import Channel, Preview
from services.recommendation.ports import Logbook, Version
from services.recommendation.use_cases.assembly import AssemblyInputs, AssemblyOrder, matrix_ids, unknown_policies
from services.recommendation.use_cases.composition import compose_all
from services.recommendation.use_cases.rules import Circumstances, MatrixIds, Readings
from shared.errors import InvalidInput, Violation
from shared.lake.dataset import Dataset

MATRIX_PREVIEWS = "matrixPreviews"


@dataclass(frozen=True, slots=True)
class PreviewAsked:
    """The request as it came, resource names reduced to ids; an empty catalogue or assembly run is the usual one."""

    drafts: tuple[str, ...]
    catalogue_id: str
    assembly_run: str
    capacities: Mapping[Channel, int]


@dataclass(frozen=True, slots=True)
class PreviewOrder:
    """A preview on the inputs and in the circumstances of an assembly run: versions of either side by name, so that they stay
    the same whatever is published later."""

    asked: PreviewAsked
    assembly_run: str
    inputs: AssemblyInputs
    circumstances: Circumstances
    before: MatrixIds
    after: MatrixIds
    catalogue_before: str
    catalogue_after: str


@dataclass(frozen=True, slots=True)
class PreviewResult:
    """A finished preview: its counts, and the dataset of the customers whose lists would change."""

    preview: Preview
    changes: Dataset


@dataclass(frozen=True, slots=True)
class AssembledBy:
    """A finished assembly run, to which drafts are compared."""

    name: str
    order: AssemblyOrder
    circumstances: Circumstances


async def order_preview(asked: PreviewAsked, run: AssembledBy, *, logbook: Logbook, readings: Readings) -> PreviewOrder:
    """Return the order of a request.

    Before stands what is published for the run's cycle, where nothing is what the run was made by; after it, the drafts in
    their places. Raises InvalidInput with all that is wrong, NotFound for a version that is not there. A policy that a matrix names
    and the catalogue of the drafts does not know is wrong here, as it is in an assembly.
    """
    drafts = [await logbook.version(identifier) for identifier in asked.drafts]
    if violations := [*_violations(asked), *_draft_violations(drafts)]:
        raise InvalidInput(violations)
    cycle = run.order.cycle
    made_by = [await logbook.version(identifier) for identifier in run.order.matrices.all]
    before = _filled(made_by, await logbook.published(cycle), cycle)
    after = list({**_by_slot(before, cycle), **_by_slot(drafts, cycle)}.values())
    await compose_all(after, cycle, readings=readings)
    catalogue = asked.catalogue_id or run.order.catalogue_id
    giving = [version.matrix_id for version in after if version.matrix.purpose is not Purpose.PRIORITY]
    if unknown := await unknown_policies(giving, catalogue, readings=readings):
        raise InvalidInput(unknown, reason="ERROR_REASON_MATRIX_INVALID")
    return PreviewOrder(
        asked=asked,
        assembly_run=run.name,
        inputs=run.order.inputs,
        circumstances=run.circumstances,
        before=matrix_ids(before),
        after=matrix_ids(after),
        catalogue_before=run.order.catalogue_id,
        catalogue_after=catalogue,
    )


def _by_slot(versions: Iterable[Version], cycle: str) -> dict[Slot, Version]:
    return {Slot(cycle, version.matrix.purpose, version.matrix.city): version for version in versions}


def _filled(made_by: Sequence[Version], published: Sequence[Version], cycle: str) -> list[Version]:
    """Return what is published, and of purposes for which nothing is what a run was made by; matrices that pick targets make no list."""
    there = {version.matrix.purpose for version in published}
    kept = [version for version in made_by if version.matrix.purpose not in there]
    making = [version for version in published if version.matrix.purpose is not Purpose.EXTRACTION]
    return list(_by_slot([*making, *kept], cycle).values())


def _violations(asked: PreviewAsked) -> list[Violation]:
    found = [
        Violation("capacities", f"expected 0 or more contacts of {channel}, got {capacity}")
        for channel, capacity in asked.capacities.items()
        if capacity < 0
    ]
    if not asked.drafts and not asked.catalogue_id:
        found.append(Violation("matrices", "expected a draft, or a policy_catalogue: there is nothing to compare"))
    return found


def _draft_violations(drafts: Sequence[Version]) -> list[Violation]:
    found = [
        Violation("matrices", f"{version.words} picks targets, and makes no lists: leave it out")
        for version in drafts
        if version.matrix.purpose is Purpose.EXTRACTION
    ]
    places = Counter((version.matrix.purpose, version.matrix.city) for version in drafts)
    for (purpose, city), times in places.items():
        if times > 1:
            whose = f"of {city}" if city else "of the province"
            found.append(
                Violation(
                    "matrices",
                    f"{times} drafts of matrix {purpose} {whose}: expected one, preview the others by themselves",
                )
            )
    return found
