"""Checks one table over all its inputs at once."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.recommendation.engine.checking.cells import hopeless_cells
from services.recommendation.engine.checking.cities import CityTable, by_city, gathered
from services.recommendation.engine.checking.columns import Domains, TooManyRelated
from services.recommendation.engine.checking.findings import Finding, FindingKind, Severity, worst_first
from services.recommendation.engine.checking.gaps import gaps
from services.recommendation.engine.checking.grid import Grid
from services.recommendation.engine.checking.overlaps import overlaps
from services.recommendation.engine.checking.policies import Shelf, policy_findings
from services.recommendation.engine.checking.search import STEPS, Budget
from services.recommendation.engine.checking.segments import Domain
from services.recommendation.engine.checking.similar import duplicates, mergeable, unused_values
from services.recommendation.engine.checking.unreachable import unreachable
from services.recommendation.engine.feel import FieldType
from services.recommendation.engine.feel.expressions import fields_of
from services.recommendation.engine.matrix import DecisionTable


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a table is checked against.

    `domains` are the fields' of customers, and of pairs with a product. Without `shelf` policies are not looked at. With `city` the table is checked as it is there. `steps` is the budget of each search.
    """

    domains: Domains
    shelf: Shelf | None = None
    city: str = ""
    steps: int = STEPS


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found, the worst first, and how many steps the searches took."""

    findings: tuple[Finding, ...]
    steps: int = field(compare=False)

    @property
    def has_errors(self) -> bool:
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def check_table(table: DecisionTable, surroundings: Surroundings) -> Checked:
    """Return all findings of a table, composed or by itself.

    Computed inputs count as columns of their own: that some of their values do not go together with those of other inputs is
    not seen, so that a gap may be found where there is nobody.
    """
    domains = _domains(table, surroundings)
    budgets: list[Budget] = []
    found: list[Finding] = []
    try:
        parts = by_city(table, domains, surroundings.city)
    except TooManyRelated as too_many:
        found.append(_not_cut(too_many))
    else:
        found += gathered([(part, _of_part(part, domains, surroundings.steps, budgets)) for part in parts])
    if surroundings.shelf is not None:
        found += policy_findings(table, surroundings.shelf)
    return Checked(worst_first(found), sum(budget.spent for budget in budgets))


def _of_part(part: CityTable, domains: Domains, steps: int, budgets: list[Budget]) -> list[Finding]:
    grid = Grid(part.table, part.columns)
    for_gaps, for_rows = Budget(steps), Budget(steps)
    budgets += [for_gaps, for_rows]
    same = list(duplicates(grid))
    ignored = sum(mask for mask, _ in same)
    dead = list(unreachable(grid, ignored, for_rows))
    ignored |= sum(1 << place for place, finding in dead if finding.kind is FindingKind.NEVER_FIRES)
    return [
        *gaps(grid, for_gaps),
        *overlaps(grid, ignored),
        *(finding for _, finding in dead),
        *(finding for _, finding in same),
        *mergeable(grid, ignored),
        *hopeless_cells(Grid(part.table, part.everywhere), domains),
        *unused_values(grid),
    ]


def _domains(table: DecisionTable, surroundings: Surroundings) -> Domains:
    """Return what every input can hold, the computed ones included; nobody knows of a field means that it can be empty."""
    known = dict(surroundings.domains)
    typed: Mapping[str, FieldType] = {column.name: column.type for column in table.inputs}
    for name, column in typed.items():
        known[name] = (
            replace(known[name], type=_narrower(known[name].type, column)) if name in known else Domain(column, True)
        )
    for computed in table.computed:
        nullable = any(each.name not in known or known[each.name].nullable for each in fields_of(computed.expression))
        known[computed.name] = Domain(computed.type, nullable)
    return known


def _narrower(known: FieldType, column: FieldType) -> FieldType:
    return known if known.domain else column


def _not_cut(too_many: TooManyRelated) -> Finding:
    names = ", ".join(too_many.inputs)
    text = (
        f"the cells of {names} name one another and have too many different endpoints to look at every combination, so gaps, "
        "overlaps and rows that never fire were not looked for: compare fewer inputs with each other, or with fewer constants"
    )
    return Finding(FindingKind.INCOMPLETE, Severity.ERROR, text)
