"""Assembly runs: what is asked for, checked at the door, and what comes of it."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.recommendation.domain import NEEDED, OPTIONAL, Purpose, Stage
from services.recommendation.engine.assembly.rules import row_outputs
from services.recommendation.engine.feel.problems import did_you_mean
from services.recommendation.engine.matrix.hit_policies import with_default_row
from services.recommendation.ports import Logbook, Version
from services.recommendation.use_cases.composition import compose_all
from services.recommendation.use_cases.refusals import NOT_PUBLISHED, why_not_ready
from services.recommendation.use_cases.rules import Circumstances, MatrixIds, Override, Readings
from shared.errors import InvalidInput, Violation, WrongState
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
    """A request for lists; `snapshot`, `scoring_run` and `models` are kept for the explanation only."""

    cycle: str
    inputs: AssemblyInputs
    matrices: MatrixIds
    catalogue_id: str
    snapshot: str
    scoring_run: str
    models: tuple[str, ...] = ()  # orders of old have none


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
    models: Sequence[str] = ()


async def order_assembly(request: AssemblyRequest, *, logbook: Logbook, readings: Readings) -> AssemblyOrder:
    """Return the order of a request, which names each version, so that its explanation replays whatever is published later.

    Raises InvalidInput with all that is wrong, NotFound for a version that is not there, WrongState (MATRIX_NOT_PUBLISHED) for one
    that is not published for the cycle. A policy that a matrix names and the catalogue does not know is wrong here: over the base
    it would silently be nobody's.
    """
    violations = _violations(request)
    versions = [await logbook.version(identifier) for identifier in request.matrix_ids]
    if not versions and not violations:
        versions = list(await logbook.published(request.cycle))
        _refuse_incomplete(versions, request.cycle)
    violations += _set_violations(versions)
    if violations:
        raise InvalidInput(violations)
    _refuse_unpublished(versions, request.cycle)
    await compose_all(versions, request.cycle, readings=readings)
    giving = [version.matrix_id for version in versions if version.matrix.purpose is not Purpose.PRIORITY]
    if unknown := await unknown_policies(giving, request.catalogue_id, readings=readings):
        raise InvalidInput(unknown, reason="ERROR_REASON_MATRIX_INVALID")
    return AssemblyOrder(
        cycle=request.cycle,
        inputs=request.inputs,
        matrices=matrix_ids(versions),
        catalogue_id=request.catalogue_id,
        snapshot=request.snapshot,
        scoring_run=request.scoring_run,
        models=tuple(request.models),
    )


def same_request(order: AssemblyOrder, request: AssemblyRequest) -> bool:
    """Tell whether an order was made of this request, or of the same one when other versions were published."""
    asked = (request.cycle, request.inputs, request.catalogue_id, request.snapshot, request.scoring_run)
    made_of = (order.cycle, order.inputs, order.catalogue_id, order.snapshot, order.scoring_run)
    return asked == made_of and (not request.matrix_ids or set(request.matrix_ids) == set(order.matrices.all))


def _refuse_incomplete(published: Sequence[Version], cycle: str) -> None:
    """Raise WrongState where a cycle lacks a matrix that every list is made by."""
    there = {version.matrix.purpose for version in published if not version.matrix.city}
    if missing := [purpose for purpose in NEEDED if purpose not in there]:
        what = f"no matrix {' or '.join(missing)} is published for {cycle}"
        how = f"take in, check and approve them, then `visavis matrix publish NAME … --cycle {cycle}`"
        raise WrongState(f"{what}: {how}", subject=f"matrices for {cycle}", reason=NOT_PUBLISHED)


def _refuse_unpublished(versions: Sequence[Version], cycle: str) -> None:
    """Raise WrongState for versions that are not published for the cycle; the first one is told of in full."""
    missing = [version for version in versions if cycle not in version.life.cycles]
    if not missing:
        return
    first = missing[0]
    why = why_not_ready(first, Stage.APPROVED)
    how = why.message if why else f"run `visavis matrix publish matrices/{first.matrix_id} --cycle {cycle}`"
    others = f"; nor are {len(missing) - 1} more" if len(missing) > 1 else ""
    text = f"matrices/{first.matrix_id} is not published for {cycle}: {how}{others}"
    raise WrongState(text, subject=f"matrices/{first.matrix_id}", reason=NOT_PUBLISHED)


def _set_violations(versions: Sequence[Version]) -> list[Violation]:
    """Return what keeps versions from being one set of rules."""
    given = [version.matrix.purpose for version in versions if not version.matrix.city]
    found = []
    if not _one_each(given):
        expected = f"of the province one each of {', '.join(NEEDED)}, at most one each of {', '.join(OPTIONAL)}"
        found.append(Violation("matrices", f"expected {expected}; these are {', '.join(given) or 'none'}"))
    places = Counter((version.matrix.purpose, version.matrix.city) for version in versions if version.matrix.city)
    for (purpose, city), times in places.items():
        if times > 1 or purpose not in given:
            text = f"{times} overrides of {city} for {purpose}: expected at most one, beside a matrix {purpose} of the province"
            found.append(Violation("matrices", text))
    return found


def _one_each(given: Sequence[Purpose]) -> bool:
    counts = Counter(given)
    return all(counts[purpose] == 1 for purpose in NEEDED) and all(
        counts[purpose] <= (purpose in OPTIONAL) for purpose in counts.keys() - set(NEEDED)
    )


def matrix_ids(versions: Sequence[Version]) -> MatrixIds:
    """Return a set of versions, one at most for each purpose and city, by their places."""
    by_purpose = {version.matrix.purpose: version.matrix_id for version in versions if not version.matrix.city}
    overrides = sorted(
        (
            Override(version.matrix.purpose, version.matrix.city, version.matrix_id)
            for version in versions
            if version.matrix.city
        ),
        key=lambda override: (override.purpose, override.city),
    )
    ids = {purpose.value: by_purpose.get(purpose, "") for purpose in (*NEEDED, *OPTIONAL)}
    return MatrixIds(**ids, overrides=tuple(overrides))


async def unknown_policies(matrix_ids: Sequence[str], catalogue_id: str, *, readings: Readings) -> list[Violation]:
    """Return the rows that name a policy which the catalogue does not know. Raises NotFound."""
    policies = (await readings.catalogue(catalogue_id)).policies
    return [
        Violation(
            f"{table.name} {f'row {rule}' if rule else 'by default'}",
            f"{code!r} is not in the policy catalogue{did_you_mean(code, list(policies))}",
        )
        for table in [with_default_row(await readings.matrix(identifier)) for identifier in matrix_ids]
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
