"""Checks of matrices: what is asked for, looked at at the door, and what comes of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from services.recommendation.domain import Purpose
from services.recommendation.engine.checking.findings import Finding, FindingKind, Severity
from services.recommendation.engine.feel.text import tests_text
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.ports import Rulebook, Runs
from services.recommendation.use_cases.assembly import ASSEMBLY_RUNS, AssemblyOrder
from shared.clock import Clock, local_date
from shared.errors import Denied, InvalidInput, NotFound, Violation
from shared.lake.dataset import Dataset
from shared.rpc.identity import Caller
from shared.runs.json import from_json

MATRIX_CHECKS = "matrixChecks"


@dataclass(frozen=True, slots=True)
class CheckedMatrix:
    """The version of a province's matrix that is checked, and its overrides by city."""

    purpose: Purpose
    display_name: str
    matrix_id: str
    overrides: Mapping[str, str] = field(default_factory=dict)

    @property
    def all(self) -> tuple[str, ...]:
        """All versions."""
        return (self.matrix_id, *self.overrides.values())


@dataclass(frozen=True, slots=True)
class CheckOrder:
    """A request for a check. Without a catalogue policies are not looked at, without datasets nobody is counted.

    `cities` are those whose customers count (None: all). With `city` matrices are checked as they are there, no step of their lives.
    """

    matrices: tuple[CheckedMatrix, ...]
    catalogue_id: str
    views: Dataset | None
    scores: Dataset | None
    day: date
    cities: tuple[str, ...] | None
    city: str


@dataclass(frozen=True, slots=True)
class ToldRow:
    """A row by the number in its own sheet; `city` is that whose override it is."""

    matrix_id: str
    row: int
    city: str


@dataclass(frozen=True, slots=True)
class ToldTest:
    """An input, and a test or a value as S-FEEL."""

    input: str
    test: str


@dataclass(frozen=True, slots=True)
class ToldExample:
    """A customer, masked."""

    customer: str
    msisdn: str
    values: tuple[ToldTest, ...]


@dataclass(frozen=True, slots=True)
class ToldFinding:
    """A finding as it is kept; `matrix_id` is empty where it is about the check as a whole, `customers` None where not counted."""

    kind: FindingKind
    severity: Severity
    matrix_id: str
    display_name: str
    text: str
    rows: tuple[ToldRow, ...] = ()
    witness: tuple[ToldTest, ...] = ()
    customers: int | None = None
    example: ToldExample | None = None


@dataclass(frozen=True, slots=True)
class CheckResult:
    """A finished check: what was found, of how many customers (0: nobody was counted), in how many steps."""

    findings: tuple[ToldFinding, ...]
    customers: int
    steps: int

    def of(self, matrix: CheckedMatrix) -> Sequence[ToldFinding]:
        """Return what was found in a matrix."""
        return [finding for finding in self.findings if finding.matrix_id == matrix.matrix_id]


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """The request as it came, resource names reduced to ids."""

    matrix_ids: Sequence[str]
    catalogue_id: str
    views: Dataset | None
    scores: Dataset | None
    day: str
    city: str


async def order_check(
    request: CheckRequest, *, caller: Caller, rulebook: Rulebook, runs: Runs, clock: Clock
) -> CheckOrder:
    """Return the order. Raises InvalidInput with all that is wrong, NotFound, Denied for a city that is not the caller's."""
    violations: list[Violation] = []
    matrices = await _matrices(request.matrix_ids, rulebook, violations)
    day = _day(request.day, clock, violations)
    if (request.views is None) != (request.scores is None):
        violations.append(Violation("scores", "expected views and scores, or neither for those that are switched in"))
    if violations or day is None:
        raise InvalidInput(violations)
    views, scores = (request.views, request.scores) if request.views else await _switched_in(runs)
    return CheckOrder(
        matrices=matrices,
        catalogue_id=await _catalogue(request.catalogue_id, rulebook),
        views=views,
        scores=scores,
        day=day,
        cities=_cities(request.city, caller),
        city=request.city,
    )


async def _matrices(
    matrix_ids: Sequence[str], rulebook: Rulebook, violations: list[Violation]
) -> tuple[CheckedMatrix, ...]:
    """Return what is checked together, by purpose."""
    if not matrix_ids:
        violations.append(Violation("matrices", "expected at least one"))
    versions = [await rulebook.matrix(identifier) for identifier in dict.fromkeys(matrix_ids)]
    found = []
    for purpose in dict.fromkeys(version.purpose for version in versions):
        provinces = [each for each in versions if each.purpose is purpose and not each.city]
        overrides = [each for each in versions if each.purpose is purpose and each.city]
        if len(provinces) != 1:
            expected = f"expected one matrix {purpose} of the province, with or without overrides of its cities"
            violations.append(Violation("matrices", f"{expected}; these are {len(provinces)}"))
        elif len({each.city for each in overrides}) < len(overrides):
            violations.append(Violation("matrices", f"expected one override of the matrix {purpose} for each city"))
        else:
            by_city = {each.city: each.matrix_id for each in overrides}
            found.append(CheckedMatrix(purpose, provinces[0].display_name, provinces[0].matrix_id, by_city))
    return tuple(found)


def _day(text: str, clock: Clock, violations: list[Violation]) -> date | None:
    if not text:
        return local_date(clock.now())
    try:
        return date.fromisoformat(text)
    except ValueError:
        violations.append(Violation("day", f"expected a day like 2026-11-30, got {text!r}"))
        return None


async def _switched_in(runs: Runs) -> tuple[Dataset | None, Dataset | None]:
    """Return what the lists are made of that the desk reads; nothing before the first cycle."""
    try:
        run = await runs.get(ASSEMBLY_RUNS, await runs.switched_in())
    except NotFound:
        return None, None
    inputs = from_json(AssemblyOrder, run.request).inputs
    return inputs.views, inputs.scores


async def _catalogue(asked: str, rulebook: Rulebook) -> str:
    if asked:
        return (await rulebook.catalogue(asked)).catalogue_id
    try:
        return await rulebook.newest_catalogue_id()
    except NotFound:
        return ""


def _cities(city: str, caller: Caller) -> tuple[str, ...] | None:
    if caller.cities is None:
        return (city,) if city else None
    if city and city not in caller.cities:
        raise Denied(f"{city} is not in the scope of {caller.principal}")
    return (city,) if city else tuple(sorted(caller.cities))


def told(
    finding: Finding,
    matrix: CheckedMatrix,
    table: DecisionTable,
    *,
    customers: int | None = None,
    example: ToldExample | None = None,
) -> ToldFinding:
    """Return a finding as it is kept."""
    rules = {rule.id: rule for rule in table.rules}
    rows = []
    for rule in (rules[row] for row in finding.rows):
        city = rule.origin.city if rule.origin else ""
        matrix_id = matrix.overrides[city] if city else matrix.matrix_id
        rows.append(ToldRow(matrix_id, rule.origin.row if rule.origin else rule.id, city))
    return ToldFinding(
        kind=finding.kind,
        severity=finding.severity,
        matrix_id=matrix.matrix_id,
        display_name=matrix.display_name,
        text=finding.text,
        rows=tuple(rows),
        witness=tuple(ToldTest(test.input, tests_text(test.tests)) for test in finding.witness),
        customers=customers,
        example=example,
    )


def not_looked_at(order: CheckOrder) -> list[ToldFinding]:
    """Return what the check could not look at, and what to do."""
    found = []
    if not order.catalogue_id:
        found.append("the policies of rows: there is no policy catalogue yet; import one, and check again")
    if order.views is None:
        found.append(
            "how many customers each finding concerns: no lists are switched in yet; run a cycle, and check again"
        )
    return [ToldFinding(FindingKind.NOT_CHECKED, Severity.INFO, "", "", f"not looked at: {text}") for text in found]


def summary(findings: Sequence[ToldFinding]) -> tuple[bool, str]:
    """Tell whether a matrix has passed, and in a few words what was found."""
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    warnings = sum(finding.severity is Severity.WARNING for finding in findings)
    if errors:
        return False, f"{_counted(len(errors), 'error')}: {errors[0].text}"
    return True, f"no error, {_counted(warnings, 'warning')}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
