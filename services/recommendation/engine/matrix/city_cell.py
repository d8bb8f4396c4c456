"""Narrows the test of a rule's city: to one city, where the rule is that city's own, or to all but those that replace it."""

from collections.abc import Sequence
from dataclasses import replace

from services.recommendation.engine.feel import Anything, Kind, Literal, Not, Or, UnaryTests, to_predicate
from services.recommendation.engine.feel.syntax import Compare, Name, Operator, endpoints
from services.recommendation.engine.feel.text import tests_text
from services.recommendation.engine.matrix.table import Cell


class CityCellError(ValueError):
    """The cell cannot be narrowed; the message says what to write."""


def in_city(cell: Cell, city: str) -> Cell | None:
    """Return the cell that passes in this city where the given one does, and nowhere else; None where it does not.

    Raises CityCellError for a cell that names another field.
    """
    return _written(Or((_is(city),))) if _passes(cell, city) else None


def outside_cities(cell: Cell, cities: Sequence[str]) -> Cell | None:
    """Return the cell that passes where the given one does, except in these cities; None where it then never does.

    A city is never null. Raises CityCellError for a cell that names another field, or asks for more than single cities.
    """
    barred = [city for city in cities if _passes(cell, city)]
    tests = cell.tests
    if not barred:
        return cell
    if isinstance(tests, Anything):
        return _written(Not(tuple(map(_is, barred))))
    if isinstance(tests, Not):
        return _written(replace(tests, tests=(*tests.tests, *map(_is, barred))))
    if not all(isinstance(test, Compare) and test.operator is Operator.EQUAL for test in tests.tests):
        raise CityCellError(f"{cell.text}: expected a list of cities where a row is replaced for {', '.join(barred)}")
    left = tuple(test for test in tests.tests if test not in {_is(city) for city in barred})
    return _written(replace(tests, tests=left)) if left else None


def _passes(cell: Cell, city: str) -> bool:
    if any(isinstance(point, Name) for point in endpoints(cell.tests)):
        raise CityCellError(f"{cell.text}: expected cities by their names, where overrides of cities meet")
    return to_predicate(cell.tests)(city, {})


def _is(city: str) -> Compare:
    return Compare(Operator.EQUAL, Literal(Kind.STRING, city))


def _written(tests: UnaryTests) -> Cell:
    return Cell(tests_text(tests), tests)
