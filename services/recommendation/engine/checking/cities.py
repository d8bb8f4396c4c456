"""One table, as it stands in each city whose parameters differ: the checker looks at every one of them by itself."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from services.recommendation.engine.checking.columns import Column, Domains, columns_of
from services.recommendation.engine.checking.findings import FieldTest, Finding, FindingKind, Severity
from services.recommendation.engine.feel import Anything, FieldType, Literal, UnaryTests
from services.recommendation.engine.feel.syntax import (
    Compare,
    Endpoint,
    Name,
    Not,
    Operator,
    Or,
    Test,
    endpoints,
    endpoints_of,
)
from services.recommendation.engine.matrix import Cell, DecisionTable

CITY = "city"
OTHERS = ""
"""Stands for all cities that no parameter names."""


@dataclass(frozen=True, slots=True)
class CityTable:
    """A table without parameters, with its columns as they are in `city`; None: there are no differences between cities.

    `everywhere` are the columns with all cities.
    """

    city: str | None
    table: DecisionTable
    columns: tuple[Column, ...]
    everywhere: tuple[Column, ...]


def by_city(table: DecisionTable, domains: Domains, only: str) -> tuple[CityTable, ...]:
    """Return the table as it is in each city with values of its own, and in all others; with `only` in that one.

    Raises columns.TooManyRelated.
    """
    used = {point.name for rule in table.rules for cell in rule.cells for point in _names(cell)}
    parameters = [parameter for parameter in table.parameters if parameter.name in used]
    named = sorted({city for parameter in parameters for city in parameter.by_city})
    if only:
        return (_in_city(table, domains, only, [only]),)
    if not named:
        bound = _bound(table, OTHERS)
        columns = columns_of(bound, domains, {})
        return (CityTable(None, bound, columns, columns),)
    return tuple(_in_city(table, domains, city, named) for city in (*named, OTHERS))


def gathered(found: Sequence[tuple[CityTable, Sequence[Finding]]]) -> list[Finding]:
    """Return what was found in all cities that were looked at once; what was found in some of them, with their names."""
    cities: dict[Finding, list[str]] = {}
    for part, findings in found:
        for finding in findings:
            cities.setdefault(finding, []).append(part.city or OTHERS)
    named = [part.city for part, _ in found if part.city]
    return [finding if len(where) == len(found) else _told(finding, where, named) for finding, where in cities.items()]


def _in_city(table: DecisionTable, domains: Domains, city: str, named: Sequence[str]) -> CityTable:
    bound = _bound(table, city)
    columns = columns_of(bound, domains, {CITY: named})
    kept = (
        column.only(lambda row: row[CITY] == city if city else row[CITY] not in named)
        if CITY in column.inputs
        else column
        for column in columns
    )
    return CityTable(city, bound, tuple(kept), columns)


def _told(finding: Finding, where: Sequence[str], named: Sequence[str]) -> Finding:
    """Return the finding with the cities it is about; a row that fires in other cities is none to delete."""
    tests = FieldTest(CITY, _cities(where, named))
    concern = finding.concern
    if concern is not None:
        concern = replace(concern, where=(*concern.where, ((tests,),)))
    severity = Severity.INFO if finding.kind is FindingKind.NEVER_FIRES else finding.severity
    others = [city for city in named if city not in where]
    words = f"in cities other than {', '.join(others)}" if OTHERS in where else f"in {', '.join(where)}"
    return replace(
        finding, severity=severity, text=f"{words}: {finding.text}", witness=(tests, *finding.witness), concern=concern
    )


def _cities(where: Sequence[str], named: Sequence[str]) -> UnaryTests:
    if OTHERS in where:
        return Not(tuple(_equal(city) for city in named if city not in where))
    return Or(tuple(map(_equal, where)))


def _equal(city: str) -> Test:
    return Compare(Operator.EQUAL, Literal(FieldType.string().kind, city))


def _bound(table: DecisionTable, city: str) -> DecisionTable:
    """Return the table with the parameters' values in their place."""
    values: dict[str, Literal] = {}
    for parameter in table.parameters:
        value = parameter.by_city.get(city, parameter.value)
        values[parameter.name] = Literal(parameter.type.kind, value)
    if not values:
        return table
    rules = tuple(replace(rule, cells=tuple(_bound_cell(cell, values) for cell in rule.cells)) for rule in table.rules)
    return replace(table, rules=rules, parameters=())


def _bound_cell(cell: Cell, values: Mapping[str, Literal]) -> Cell:
    """Return the cell with values for names; a test that names a parameter which is null there holds for nobody."""
    if not any(point.name in values for point in _names(cell)):
        return cell
    if isinstance(cell.tests, Anything):
        return cell
    nowhere = {name for name, literal in values.items() if literal.value is None}
    kept = [test for test in cell.tests.tests if not nowhere & {point.name for point in _names_of(test)}]
    return Cell(cell.text, replace(cell.tests, tests=tuple(_bound_test(test, values) for test in kept)))


def _bound_test(test: Test, values: Mapping[str, Literal]) -> Test:
    if isinstance(test, Compare):
        return replace(test, endpoint=_value(test.endpoint, values))
    return replace(test, low=_value(test.low, values), high=_value(test.high, values))


def _value(point: Endpoint, values: Mapping[str, Literal]) -> Endpoint:
    return values.get(point.name, point) if isinstance(point, Name) else point


def _names(cell: Cell) -> Iterable[Name]:
    return (point for point in endpoints(cell.tests) if isinstance(point, Name))


def _names_of(test: Test) -> Iterable[Name]:
    return (point for point in endpoints_of(test) if isinstance(point, Name))
