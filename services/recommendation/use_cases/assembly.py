"""Assembly runs: what is asked for, checked at the door, and what comes of it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.recommendation.domain import NEEDED, OPTIONAL, Purpose
from services.recommendation.engine.assembly.rules import row_outputs
from services.recommendation.engine.feel.problems import did_you_mean
from services.recommendation.ports import Rulebook
from services.recommendation.use_cases.rules import Circumstances, MatrixIds, Readings
from shared.errors import InvalidInput, Violation
from shared.lake.dataset import Dataset

ASSEMBLY_RUNS = "assemblyRuns"
_POLICY_OUTPUTS = ("main_policy", "policy")
"""The outputs that name policies, of the retention matrix and of the others."""
_CYCLE = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True)
class AssemblyInputs:
    """The datasets of a run: views of the snapshot, their scores, their arms."""

    views: Dataset
    scores: Dataset
    membership: Dataset


@dataclass(frozen=True, slots=True)
class AssemblyOrder:
    """A request for lists; `snapshot` and `scoring_run` are kept for the explanation only."""

    cycle: str
    inputs: AssemblyInputs
    matrices: MatrixIds
    catalogue_id: str
    snapshot: str
    scoring_run: str


@dataclass(frozen=True, slots=True)
class AssembledLists:
    """The published outcome: lists + rejects = views."""

    lists: Dataset
    rejects: Dataset


@dataclass(frozen=True, slots=True)
class Dilution:
    """What the lists would do to bills: the monthly fen that the main retention policies would take away if all were accepted
    (negative), and the policies that the dilution guard has blocked."""

    expected_fen: int
    blocked_count: int


@dataclass(frozen=True, slots=True)
class AssemblyResult:
    """A finished run."""

    circumstances: Circumstances
    assembled: AssembledLists
    switch_time: datetime
    dilution: Dilution = Dilution(0, 0)  # results of old runs have none


@dataclass(frozen=True, slots=True)
class AssemblyRequest:
    """The request as it came, resource names reduced to ids."""

    cycle: str
    inputs: AssemblyInputs
    matrix_ids: Sequence[str]
    catalogue_id: str
    snapshot: str
    scoring_run: str


async def order_assembly(request: AssemblyRequest, *, rulebook: Rulebook, readings: Readings) -> AssemblyOrder:
    """Return the order of a request. Raises InvalidInput with all that is wrong, NotFound for a version that is not there.

    A policy that a matrix names and the catalogue does not know is wrong here: over the base it would silently be nobody's.
    """
    violations = _violations(request)
    purposes = {identifier: (await rulebook.matrix(identifier)).purpose for identifier in request.matrix_ids}
    given = [purposes[identifier] for identifier in request.matrix_ids]
    if not _one_each(given):
        expected = f"one each of {', '.join(NEEDED)}, at most one each of {', '.join(OPTIONAL)}"
        violations.append(Violation("matrices", f"expected {expected}; these are {', '.join(given) or 'none'}"))
    if violations:
        raise InvalidInput(violations)
    by_purpose = {purpose: identifier for identifier, purpose in purposes.items()}
    giving = [identifier for purpose, identifier in by_purpose.items() if purpose is not Purpose.PRIORITY]
    if unknown := await unknown_policies(giving, request.catalogue_id, readings=readings):
        raise InvalidInput(unknown, reason="ERROR_REASON_MATRIX_INVALID")
    return AssemblyOrder(
        cycle=request.cycle,
        inputs=request.inputs,
        matrices=MatrixIds(*(by_purpose.get(purpose, "") for purpose in (*NEEDED, *OPTIONAL))),
        catalogue_id=request.catalogue_id,
        snapshot=request.snapshot,
        scoring_run=request.scoring_run,
    )


def _one_each(given: Sequence[Purpose]) -> bool:
    counts = Counter(given)
    return all(counts[purpose] == 1 for purpose in NEEDED) and all(
        counts[purpose] <= (purpose in OPTIONAL) for purpose in counts.keys() - set(NEEDED)
    )


async def unknown_policies(matrix_ids: Sequence[str], catalogue_id: str, *, readings: Readings) -> list[Violation]:
    """Return the rows that name a policy which the catalogue does not know. Raises NotFound."""
    policies = (await readings.catalogue(catalogue_id)).policies
    return [
        Violation(
            f"{table.name} row {rule}", f"{code!r} is not in the policy catalogue{did_you_mean(code, list(policies))}"
        )
        for table in [await readings.matrix(identifier) for identifier in matrix_ids]
        for rule, outputs in row_outputs(table)
        for name in _POLICY_OUTPUTS
        if (code := outputs.get(name)) is not None and code not in policies
    ]


def _violations(request: AssemblyRequest) -> list[Violation]:
    inputs = request.inputs
    named = {"views": inputs.views, "scores": inputs.scores, "membership": inputs.membership}
    found = [Violation(name, "is missing") for name, dataset in named.items() if not dataset.uri]
    if not _CYCLE.fullmatch(request.cycle):
        found.append(Violation("cycle", f"expected a month like 2026-11, got {request.cycle!r}"))
    return found
