"""Target selections: what is asked for, checked at the door, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.domain import Zone
from services.recommendation.use_cases.assembly import AssemblyInputs
from shared.errors import Denied, InvalidInput, Violation
from shared.lake.dataset import Dataset
from shared.rpc.identity import Caller

TARGET_SELECTIONS = "targetSelections"


@dataclass(frozen=True, slots=True)
class TargetOrder:
    """A request for targets from published lists, made of `inputs`; `cities` of None are all."""

    assembly_run: str
    lists: Dataset
    inputs: AssemblyInputs
    zone: Zone
    policy: str
    limit: int
    cities: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class SelectedTargets:
    """The published targets, and rows per arm."""

    targets: Dataset
    arm_counts: Mapping[str, int]


def order_targets(
    *,
    assembly_run: str,
    lists: Dataset,
    inputs: AssemblyInputs,
    zone: Zone | None,
    policy: str,
    limit: int,
    cities: Sequence[str],
    caller: Caller,
) -> TargetOrder:
    """Return the order, its cities within the caller's. Raises InvalidInput with all that is wrong, Denied without any city."""
    violations = []
    if zone is None:
        violations.append(Violation("zone", f"expected one of {', '.join(Zone)}"))
    if limit < 0:
        violations.append(Violation("limit", f"expected 0 (for no limit) or more, got {limit}"))
    if violations or zone is None:
        raise InvalidInput(violations)
    return TargetOrder(assembly_run, lists, inputs, zone, policy, limit, _in_scope(cities, caller))


def _in_scope(cities: Sequence[str], caller: Caller) -> tuple[str, ...] | None:
    if caller.cities is None:
        return tuple(sorted(set(cities))) or None
    chosen = tuple(sorted(caller.cities & set(cities) if cities else caller.cities))
    if not chosen:
        raise Denied(f"none of these cities is in the scope of {caller.principal}")
    return chosen
