"""What holds for a cycle, row by row, and which version each row comes from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from services.recommendation.domain import Purpose
from services.recommendation.engine.assembly.rules import may_match
from services.recommendation.engine.matrix import DecisionTable, Rule
from services.recommendation.ports import Logbook, Version
from services.recommendation.use_cases.composition import compose_all
from services.recommendation.use_cases.life import cycle_violations
from services.recommendation.use_cases.refusals import NOT_PUBLISHED
from services.recommendation.use_cases.rules import Readings
from shared.errors import InvalidInput, Violation, WrongState

_CITY = "city"


@dataclass(frozen=True, slots=True)
class Effective:
    """The versions, the province's first, and the table they come to; of one city only what may concern its customers."""

    versions: Sequence[Version]
    table: DecisionTable
    city: str
    rules: Mapping[tuple[str, int], Rule]
    """The rules of overrides as they stand in their sheets, by city and row."""

    def source(self, rule: Rule) -> tuple[Version, Rule]:
        """Return the version that a row stands in, and the row as it stands there."""
        if rule.origin is None:
            return self.versions[0], rule
        city, row = rule.origin.city, rule.origin.row
        version = next(version for version in self.versions if version.matrix.city == city)
        return version, self.rules.get((city, row), replace(rule, id=row))


async def effective_matrix(
    purpose: Purpose | None, cycle: str, city: str, *, logbook: Logbook, readings: Readings
) -> Effective:
    """Return what is published. Raises InvalidInput, WrongState (MATRIX_NOT_PUBLISHED)."""
    violations = cycle_violations(cycle)
    if purpose is None:
        violations.append(Violation("purpose", "is missing: expected a purpose with a cycle, or a name"))
    if violations or purpose is None:
        raise InvalidInput(violations)
    versions = [version for version in await logbook.published(cycle) if version.matrix.purpose is purpose]
    if not versions:
        text = f"no matrix {purpose} is published for {cycle}: publish one with `visavis matrix publish NAME --cycle {cycle}`"
        raise WrongState(text, subject=f"{purpose} for {cycle}", reason=NOT_PUBLISHED)
    table = (await compose_all(versions, cycle, readings=readings))[purpose]
    overrides = [await readings.matrix(version.matrix_id) for version in versions if version.matrix.city]
    rules = {(override.city, rule.id): rule for override in overrides for rule in override.rules}
    return _of_city(Effective(versions, table, city, rules))


async def single_matrix(matrix_id: str, city: str, *, logbook: Logbook, readings: Readings) -> Effective:
    """Return a version by itself. Raises NotFound."""
    return _of_city(Effective([await logbook.version(matrix_id)], await readings.matrix(matrix_id), city, {}))


def _of_city(whole: Effective) -> Effective:
    """Leave out the rows that no customer of the city can meet, and the versions that none of them stands in."""
    place = next((place for place, column in enumerate(whole.table.inputs) if column.name == _CITY), None)
    if not whole.city:
        return whole
    rules = whole.table.rules
    if place is not None:
        rules = tuple(rule for rule in rules if may_match(rule.cells[place], whole.city))
    versions = [version for version in whole.versions if version.matrix.city in {"", whole.city}] or whole.versions
    return replace(whole, versions=versions, table=replace(whole.table, rules=rules))
