"""Target selections: what is asked for, checked at the door, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.domain import Ability, Purpose, Stage, Zone
from services.recommendation.engine.assembly.terms import UNCHOSEN, Weighing
from services.recommendation.ports import Versions
from services.recommendation.use_cases.assembly import AssemblyInputs, AssemblyOrder, unknown_policies
from services.recommendation.use_cases.refusals import why_not_ready
from services.recommendation.use_cases.rules import Readings
from shared.errors import Denied, InvalidInput, Violation
from shared.lake.dataset import Dataset
from shared.rpc.identity import Caller

TARGET_SELECTIONS = "targetSelections"


@dataclass(frozen=True, slots=True)
class TargetOrder:
    """A request for targets from published lists, made of `inputs`; `cities` of None are all.

    Either the first recommendation of a zone is offered, or what an extraction matrix says, by the catalogue of the lists, at
    values made as theirs are.
    """

    assembly_run: str
    lists: Dataset
    inputs: AssemblyInputs
    zone: Zone | None
    policy: str
    limit: int
    cities: tuple[str, ...] | None
    matrix_id: str = ""
    catalogue_id: str = ""
    handset_needs: tuple[Ability, ...] = ()
    weighing: Weighing = UNCHOSEN

    @property
    def datasets(self) -> tuple[Dataset, ...]:
        """What the targets are made of."""
        used = (self.lists, self.inputs.views)
        return (*used, self.inputs.scores) if self.matrix_id else used


@dataclass(frozen=True, slots=True)
class SelectedTargets:
    """The published targets, and rows per arm."""

    targets: Dataset
    arm_counts: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class TargetRequest:
    """The request as it came, resource names reduced to ids, with the assembly run that it names."""

    assembly_run: str
    lists: Dataset
    order: AssemblyOrder
    zone: Zone | None
    policy: str
    limit: int
    cities: Sequence[str]
    matrix_id: str
    handset_needs: Sequence[str]
    weighing: Weighing


async def order_targets(
    request: TargetRequest, *, caller: Caller, versions: Versions, readings: Readings
) -> TargetOrder:
    """Return the order, its cities within the caller's.

    Raises InvalidInput with all that is wrong (MATRIX_INVALID for a policy that the catalogue of the lists does not know),
    NotFound for a matrix that is not there, WrongState for one that is not approved, Denied without any city.
    """
    if violations := _violations(request):
        raise InvalidInput(violations)
    if request.matrix_id:
        version = await versions.version(request.matrix_id)
        if (purpose := version.matrix.purpose) is not Purpose.EXTRACTION:
            raise InvalidInput.of("matrix", f"expected a matrix {Purpose.EXTRACTION}, this one is {purpose}")
        if why := why_not_ready(version, Stage.APPROVED):
            raise why
        if unknown := await unknown_policies([request.matrix_id], request.order.catalogue_id, readings=readings):
            raise InvalidInput(unknown, reason="ERROR_REASON_MATRIX_INVALID")
    return TargetOrder(
        assembly_run=request.assembly_run,
        lists=request.lists,
        inputs=request.order.inputs,
        zone=request.zone,
        policy=request.policy,
        limit=request.limit,
        cities=_in_scope(request.cities, caller),
        matrix_id=request.matrix_id,
        catalogue_id=request.order.catalogue_id if request.matrix_id else "",
        handset_needs=tuple(ability for ability in Ability if ability in request.handset_needs),
        weighing=request.weighing,
    )


def _violations(request: TargetRequest) -> list[Violation]:
    violations = []
    if request.matrix_id and (request.zone is not None or request.policy):
        violations.append(Violation("matrix", "says itself what is offered: leave zone and policy out"))
    if request.zone is None and not request.matrix_id:
        violations.append(Violation("zone", f"expected one of {', '.join(Zone)}, or a matrix"))
    unknown = sorted(set(request.handset_needs) - set(Ability))
    violations.extend(Violation("handset_needs", f"{need!r}: expected of {', '.join(Ability)}") for need in unknown)
    if request.limit < 0:
        violations.append(Violation("limit", f"expected 0 (for no limit) or more, got {request.limit}"))
    return violations


def _in_scope(cities: Sequence[str], caller: Caller) -> tuple[str, ...] | None:
    if caller.cities is None:
        return tuple(sorted(set(cities))) or None
    chosen = tuple(sorted(caller.cities & set(cities) if cities else caller.cities))
    if not chosen:
        raise Denied(f"none of these cities is in the scope of {caller.principal}")
    return chosen
