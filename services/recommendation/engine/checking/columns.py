"""The columns of a table as the checker sees them: segments of the domain, each with the rules whose cells it passes.

Inputs whose cells name one another make one column together: it is cut by each of them, and where they lie between the same ends
by their order, too. So every segment is exact.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Protocol

from services.recommendation.engine.checking.findings import Conjunction, FieldTest
from services.recommendation.engine.checking.orders import orders
from services.recommendation.engine.checking.segments import Domain, Piece, Point
from services.recommendation.engine.feel import Anything, Row, UnaryTests, Value, to_predicate
from services.recommendation.engine.feel.syntax import Literal, Name, Not, endpoints, is_null
from services.recommendation.engine.matrix import DecisionTable, Rule

Domains = Mapping[str, Domain]
"""What each field that cells may test or name can hold."""
Mask = int
"""A set of rules: bit n stands for the n-th rule of the table."""

MOST_RELATED = 20_000
"""More elements than this are not cut of inputs that name one another."""


class TooManyRelated(Exception):  # noqa: N818 - no fault, but a limit that the caller tells in words
    """Inputs name one another, and have too many endpoints to look at every combination."""

    def __init__(self, inputs: Sequence[str]) -> None:
        super().__init__(", ".join(inputs))
        self.inputs = inputs


@dataclass(frozen=True, slots=True)
class Segment:
    """Elements of a column, by their places, that exactly the rules in `mask` match."""

    mask: Mask
    places: tuple[int, ...]


class Elements(Protocol):
    """What a column is cut into."""

    @property
    def rows(self) -> Sequence[Row]:
        """Return one example of each element."""
        ...

    def where(self, places: Sequence[int]) -> tuple[Conjunction, ...]:
        """Return tests of which one holds in exactly these elements; none at all where these are all."""
        ...

    def only(self, places: Sequence[int]) -> "Elements":
        """Return these elements by themselves."""
        ...


@dataclass(frozen=True, slots=True)
class Pieces:
    """The elements of one input by itself."""

    input: str
    domain: Domain
    pieces: tuple[Piece, ...]

    @property
    def rows(self) -> Sequence[Row]:
        return [{self.input: self.domain.example(piece)} for piece in self.pieces]

    def where(self, places: Sequence[int]) -> tuple[Conjunction, ...]:
        if len(places) == len(self.pieces):
            return ()
        return ((FieldTest(self.input, self.domain.tests(self.pieces, places)),),)

    def only(self, places: Sequence[int]) -> "Elements":
        # A point of null that is left out is nothing that tests would have to tell apart.
        pieces = tuple(self.pieces[place] for place in places)
        return Pieces(self.input, Domain(self.domain.type, Point(None) in pieces), pieces)


@dataclass(frozen=True, slots=True)
class Relations:
    """The elements of inputs that name one another: each is a piece of every input, and their order inside shared pieces."""

    elements: tuple[tuple[Row, Conjunction], ...]

    @property
    def rows(self) -> Sequence[Row]:
        return [row for row, _ in self.elements]

    def where(self, places: Sequence[int]) -> tuple[Conjunction, ...]:
        return () if len(places) == len(self.elements) else tuple(self.elements[place][1] for place in places)

    def only(self, places: Sequence[int]) -> "Elements":
        return Relations(tuple(self.elements[place] for place in places))


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its elements, and its segments, each element in exactly one. `whole` are the rules that match all of it."""

    inputs: tuple[str, ...]
    elements: Elements
    segments: tuple[Segment, ...]
    whole: Mask

    def only(self, keep: Callable[[Row], bool]) -> "Column":
        """Return the part of the column whose rows are to be kept."""
        places = [place for place, row in enumerate(self.elements.rows) if keep(row)]
        new = {place: number for number, place in enumerate(places)}
        segments = [
            Segment(each.mask, tuple(new[place] for place in each.places if place in new)) for each in self.segments
        ]
        return _column(self.inputs, self.elements.only(places), [segment for segment in segments if segment.places])

    def of(self, rules: Mask) -> "Column":
        """Return the part of the column that all of these rules match."""
        kept = [segment for segment in self.segments if segment.mask & rules == rules]
        return _column(self.inputs, self.elements, kept)


def columns_of(table: DecisionTable, domains: Domains, cuts: Mapping[str, Sequence[Value]]) -> tuple[Column, ...]:
    """Return the columns of a table without parameters, cut at `cuts`, too. Raises TooManyRelated."""
    types = {column.name: Domain(column.type, nullable=True) for column in table.inputs}
    known = {**types, **_named(table), **domains}
    places = {column.name: place for place, column in enumerate(table.inputs)}
    return tuple(_column_of(table.rules, group, places, known, cuts) for group in _groups(table))


def _column_of(
    rules: Sequence[Rule],
    group: Sequence[str],
    places: Mapping[str, int],
    domains: Domains,
    cuts: Mapping[str, Sequence[Value]],
) -> Column:
    tested = [name for name in group if name in places]
    cells = {name: [rule.cells[places[name]].tests for rule in rules] for name in tested}
    written = (point for tests in cells.values() for each in tests for point in endpoints(each))
    points = [point.value for point in written if isinstance(point, Literal)]
    # Whatever one of them can be told apart by tells the others apart, too.
    points += [value for name in group for value in (*domains[name].type.domain, *cuts.get(name, ()))]
    pieces = {name: domains[name].pieces(points) for name in group}
    elements: Elements = (
        Pieces(group[0], domains[group[0]], pieces[group[0]]) if len(group) == 1 else _related(pieces, domains)
    )
    by_mask: dict[Mask, list[int]] = {}
    for place, row in enumerate(elements.rows):
        by_mask.setdefault(_mask(cells, row), []).append(place)
    return _column(tuple(group), elements, [Segment(mask, tuple(found)) for mask, found in by_mask.items()])


def _column(inputs: tuple[str, ...], elements: Elements, segments: Sequence[Segment]) -> Column:
    whole = -1
    for segment in segments:
        whole &= segment.mask
    return Column(inputs, elements, tuple(segments), whole)


def _mask(cells: Mapping[str, Sequence[UnaryTests]], row: Row) -> Mask:
    found = -1
    for name, tests in cells.items():
        passed, known = 0, dict[UnaryTests, bool]()
        for number, each in enumerate(tests):
            if each not in known:
                known[each] = to_predicate(each)(row[name], row)
            passed |= known[each] << number
        found &= passed
    return found


def _groups(table: DecisionTable) -> list[list[str]]:
    """Return the inputs in groups that name one another, with those that only stand in cells."""
    group_of = {column.name: [column.name] for column in table.inputs}
    for place, column in enumerate(table.inputs):
        for rule in table.rules:
            for point in endpoints(rule.cells[place].tests):
                if isinstance(point, Name):
                    _join(group_of, column.name, point.name)
    return list({id(group): group for group in group_of.values()}.values())


def _join(group_of: dict[str, list[str]], one: str, other: str) -> None:
    first, second = group_of[one], group_of.setdefault(other, [other])
    if first is not second:
        first.extend(second)
        for name in second:
            group_of[name] = first


def _named(table: DecisionTable) -> Domains:
    """Return what fields can hold that only stand in cells, as far as the cells tell."""
    return {
        point.name: Domain(column.type, nullable=True)
        for place, column in enumerate(table.inputs)
        for rule in table.rules
        for point in endpoints(rule.cells[place].tests)
        if isinstance(point, Name)
    }


def _related(pieces: Mapping[str, Sequence[Piece]], domains: Domains) -> Relations:
    if prod(map(len, pieces.values())) > MOST_RELATED:
        raise TooManyRelated(list(pieces))
    found = tuple(_elements(pieces, domains))
    if len(found) > MOST_RELATED:
        raise TooManyRelated(list(pieces))
    return Relations(found)


def _elements(pieces: Mapping[str, Sequence[Piece]], domains: Domains) -> Iterator[tuple[Row, Conjunction]]:
    for places in product(*(range(len(each)) for each in pieces.values())):
        chosen = {name: pieces[name][place] for name, place in zip(pieces, places, strict=True)}
        tests = tuple(
            FieldTest(name, found)
            for name, place in zip(pieces, places, strict=True)
            if not isinstance(found := domains[name].tests(pieces[name], [place]), Anything)
        )
        for row, order in orders(chosen, domains):
            yield row, (*(test for test in tests if not _is_said_by(test, order)), *order)


def _is_said_by(test: FieldTest, order: Conjunction) -> bool:
    """Tell whether a test only says that an input is not null, which every order that it has says, too."""
    if not isinstance(test.tests, Not) or not is_null(endpoints(test.tests)[0]):
        return False
    return any(test.input == each.input or Name(test.input) in endpoints(each.tests) for each in order)
