"""Every order that inputs can have to each other which lie between the same two ends."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise, product
from typing import Any, cast

from services.recommendation.engine.checking.findings import Conjunction, FieldTest
from services.recommendation.engine.checking.lines import Line, line_of
from services.recommendation.engine.checking.segments import Between, Domain, Piece
from services.recommendation.engine.feel import Row, Value
from services.recommendation.engine.feel.syntax import Compare, Name, Operator, Or

Levels = tuple[tuple[str, ...], ...]
"""Inputs from the smallest value to the largest; those of one level are equal."""


def orders(chosen: Mapping[str, Piece], domains: Mapping[str, Domain]) -> Iterator[tuple[Row, Conjunction]]:
    """Yield an example of each order that is possible, and the tests that tell it apart. Pieces of different inputs are equal, or
    share no value."""
    shared: dict[Between, list[str]] = {}
    row: dict[str, Value] = {}
    for name, piece in chosen.items():
        if isinstance(piece, Between):
            shared.setdefault(piece, []).append(name)
        else:
            row[name] = domains[name].example(piece)
    each = [list(_possible(piece, names, domains)) for piece, names in shared.items()]
    for combined in product(*each):
        example = dict(row)
        for values, _ in combined:
            example.update(values)
        yield example, tuple(test for _, tests in combined for test in tests)


def _possible(piece: Between, names: Sequence[str], domains: Mapping[str, Domain]) -> Iterator[tuple[Row, Conjunction]]:
    for levels in _weak_orders(names):
        values = _values(piece, levels, domains)
        if values is not None:
            yield values, tuple(_tests(levels))


def _weak_orders(names: Sequence[str]) -> Iterator[Levels]:
    """Yield every way to line names up, equals allowed: 1, 3, 13, 75 … of them."""
    if not names:
        yield ()
        return
    first, rest = names[0], names[1:]
    for levels in _weak_orders(rest):
        for place in range(len(levels) + 1):
            yield (*levels[:place], (first,), *levels[place:])
        for place, level in enumerate(levels):
            yield (*levels[:place], (first, *level), *levels[place + 1 :])


def _values(piece: Between, levels: Levels, domains: Mapping[str, Domain]) -> Row | None:
    """Return the smallest values of this order that the piece has room for."""
    found: dict[str, Value] = {}
    last = piece.low
    for level in levels:
        value = _next([line_of(domains[name].type) for name in level], _coarsest(level, domains), last)
        if value is None or (piece.high is not None and cast("Any", value) >= piece.high):
            return None
        found.update(dict.fromkeys(level, value))
        last = value
    return found


def _coarsest(level: Sequence[str], domains: Mapping[str, Domain]) -> Line:
    """Return the line whose values all others of the level can have, but for their limits."""
    return line_of(min((domains[name].type for name in level), key=lambda column: column.scale))


def _next(lines: Sequence[Line], coarsest: Line, last: Value) -> Value | None:
    """Return the smallest value behind `last`, of None the smallest at all, that lies on every line."""
    value = max(cast("Any", line.low) for line in lines) if last is None else coarsest.above(last)
    if value is not None and not coarsest.holds(value):
        value = coarsest.above(value)
    fits = value is not None and all(line.high is None or value <= cast("Any", line.high) for line in lines)
    return cast("Value", value) if fits else None


def _tests(levels: Levels) -> Iterator[FieldTest]:
    for level in levels:
        for name, other in pairwise(level):
            yield FieldTest(name, Or((Compare(Operator.EQUAL, Name(other)),)))
    for lower, upper in pairwise(levels):
        yield FieldTest(lower[0], Or((Compare(Operator.LESS, Name(upper[0])),)))
