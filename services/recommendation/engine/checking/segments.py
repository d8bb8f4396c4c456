"""Cuts what a column can hold at every endpoint of its cells, so that no cell tells the values of one piece apart."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, cast

from services.recommendation.engine.checking.lines import Line, line_of
from services.recommendation.engine.feel import FieldType, Kind, Literal, UnaryTests, Value
from services.recommendation.engine.feel.syntax import Anything, Compare, Not, Operator, Or, Range, Test

_NULL = Compare(Operator.EQUAL, Literal(Kind.NULL, None))


@dataclass(frozen=True, slots=True)
class Point:
    """One value; null is one."""

    value: Value


@dataclass(frozen=True, slots=True)
class Between:
    """All values strictly between two ends, at least one; an end of None is open."""

    low: Value
    high: Value


Piece = Point | Between


@dataclass(frozen=True, slots=True)
class Domain:
    """What a column holds: its type, and whether it can be empty."""

    type: FieldType
    nullable: bool

    def pieces(self, endpoints: Iterable[Value]) -> tuple[Piece, ...]:
        """Return the domain cut at these endpoints, in order, null last. None of the pieces is empty."""
        null = (Point(None),) if self.nullable else ()
        if self.type.domain:
            return (*map(Point, self.type.domain), *null)
        if self.type.kind is Kind.BOOLEAN:
            return Point(False), Point(True), *null
        return *_cut(line_of(self.type), endpoints), *null

    def holds(self, value: Value) -> bool:
        """Tell whether the column can hold the value."""
        if value is None:
            return self.nullable
        if self.type.domain:
            return value in self.type.domain
        return self.type.kind is Kind.BOOLEAN or line_of(self.type).holds(value)

    def example(self, piece: Piece) -> Value:
        """Return a value of the piece: of texts one that can be read, where there is one."""
        if isinstance(piece, Point):
            return piece.value
        line = line_of(self.type)
        if piece.low is None:
            near = None if piece.high is None else line.below(piece.high)
            return line.low if near is None else near
        readable = f"{piece.low}…"
        if self.type.kind is Kind.STRING and (piece.high is None or readable < cast("str", piece.high)):
            return readable
        return line.above(piece.low)

    def tests(self, pieces: Sequence[Piece], chosen: Sequence[int]) -> UnaryTests:
        """Return the shortest test that exactly the chosen pieces of the cut pass, given by their places in order."""
        if len(chosen) == len(pieces):
            return Anything()
        values = [place for place in chosen if pieces[place] != Point(None)]
        null = (_NULL,) if len(values) < len(chosen) else ()
        if not null and len(values) == len(pieces) - self.nullable:
            return Not((_NULL,))
        left_out = [pieces[place] for place in range(len(pieces) - self.nullable) if place not in set(values)]
        runs = _runs(values) if self._is_ordered else [[place] for place in values]
        points = [_equal(self.type, piece.value) for piece in left_out if isinstance(piece, Point)]
        if not null and len(points) == len(left_out) and len(points) < len(runs):
            return Not(tuple(points))
        return Or((*null, *(self._run([pieces[place] for place in run]) for run in runs)))

    @property
    def _is_ordered(self) -> bool:
        return not self.type.domain and self.type.kind is not Kind.BOOLEAN

    def _run(self, pieces: Sequence[Piece]) -> Test:
        """Return the test of neighbouring pieces."""
        first, last = pieces[0], pieces[-1]
        low, high = _end(first, "low"), _end(last, "high")
        closed = isinstance(first, Point), isinstance(last, Point)
        if self._is_one_value(low, high, closed):
            return _equal(self.type, self.example(first))
        if low is None:
            return Compare(Operator.LESS_OR_EQUAL if closed[1] else Operator.LESS, self._literal(high))
        if high is None:
            return Compare(Operator.GREATER_OR_EQUAL if closed[0] else Operator.GREATER, self._literal(low))
        return Range(self._literal(low), closed[0], self._literal(high), closed[1])

    def _is_one_value(self, low: Value, high: Value, closed: tuple[bool, bool]) -> bool:
        if closed == (True, True):
            return low == high
        if low is None or high is None or self.type.kind is Kind.STRING or closed != (False, False):
            return False
        line = line_of(self.type)
        return line.above(low) == line.below(high)

    def _literal(self, value: Value) -> Literal:
        return Literal(self.type.kind, value)


def _end(piece: Piece, side: str) -> Value:
    return piece.value if isinstance(piece, Point) else cast("Value", getattr(piece, side))


def _equal(column: FieldType, value: Value) -> Test:
    return Compare(Operator.EQUAL, Literal(column.kind, value))


def _runs(places: Sequence[int]) -> list[list[int]]:
    """Return places in runs of neighbours."""
    runs: list[list[int]] = []
    for place in places:
        if runs and runs[-1][-1] == place - 1:
            runs[-1].append(place)
        else:
            runs.append([place])
    return runs


def _cut(line: Line, endpoints: Iterable[Value]) -> list[Piece]:
    cuts: list[Any] = sorted({cast("Any", point) for point in endpoints if point is not None})
    pieces: list[Piece] = []
    for low, high in zip([None, *cuts], [*cuts, None], strict=True):
        if _is_there(line, low, high):
            pieces.append(Between(low, high))
        if high is not None and line.holds(high):
            pieces.append(Point(high))
    return pieces


def _is_there(line: Line, low: Any, high: Any) -> bool:
    """Tell whether any value lies strictly between the ends."""
    least = line.low if low is None else line.above(low)
    return least is not None and (high is None or cast("Any", least) < high)
