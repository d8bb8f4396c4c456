"""Finds customers for whom several rows match, as far as the hit policy makes it a question.

UNIQUE: an error. ANY: an error where the outputs differ. Where one of several rows fires (FIRST, PRIORITY) and outputs differ: a
warning where neither row contains the other, because then only their order says who gets what; a remark where the row that wins
is an exception to a wider one behind it, which is how such tables are written; nothing where the row that wins gives nothing,
which is there to keep customers from the others, or the last one takes all the rest. Where all rows fire: a remark. One finding
for each later row, naming the earlier ones. Where the first row counts, those of a city's override stand before the province's on
purpose, and are not compared with them.
"""

from collections.abc import Iterator

from services.recommendation.engine.checking.columns import Mask
from services.recommendation.engine.checking.findings import (
    Concern,
    Finding,
    FindingKind,
    Severity,
    row_name,
    row_names,
)
from services.recommendation.engine.checking.grid import Grid, places_of, smallest
from services.recommendation.engine.matrix import HitPolicy
from services.recommendation.engine.matrix.hit_policies import LISTING


def overlaps(grid: Grid, ignored: Mask) -> Iterator[Finding]:
    """Yield what overlaps; the rows in `ignored` have findings of their own."""
    for later in places_of(grid.present & ~ignored):
        earlier = grid.overlapping[later] & ~ignored & _others(grid, later)
        each = list(places_of(earlier))
        if grid.table.hit_policy is HitPolicy.FIRST:
            each = [place for place in each if not grid.strangers(place, later)]
        if grid.table.hit_policy is not HitPolicy.UNIQUE:
            each = [place for place in each if grid.differ(place, later)]
        if grid.table.hit_policy in LISTING:
            yield from _listed(grid, later, each)
        elif grid.table.hit_policy in {HitPolicy.UNIQUE, HitPolicy.ANY}:
            yield from _contradicting(grid, later, each)
        elif not grid.rest >> later & 1:
            yield from _ordered(grid, later, each)


def _others(grid: Grid, later: int) -> Mask:
    if grid.table.hit_policy in {HitPolicy.FIRST, HitPolicy.PRIORITY}:
        return grid.before[later]
    return (1 << later) - 1


def _contradicting(grid: Grid, later: int, earlier: list[int]) -> Iterator[Finding]:
    if not earlier:
        return
    policy = grid.table.hit_policy
    rule = "lets one row match" if policy is HitPolicy.UNIQUE else "lets rows match together that give the same"
    text = f"{_names(grid, earlier, later)} match the same customers, and {policy} {rule}: narrow one of them, or make it FIRST"
    yield _finding(grid, later, earlier, Severity.ERROR, text)


def _listed(grid: Grid, later: int, earlier: list[int]) -> Iterator[Finding]:
    if earlier:
        policy = grid.table.hit_policy
        text = f"{_names(grid, earlier, later)} match the same customers, who get what each of them gives, as {policy} says"
        yield _finding(grid, later, earlier, Severity.INFO, text)


def _ordered(grid: Grid, later: int, earlier: list[int]) -> Iterator[Finding]:
    giving = [place for place in earlier if any(value is not None for value in grid.rules[place].outputs)]
    inside = [place for place in giving if grid.containing[place] >> later & 1]
    across = [place for place in giving if place not in inside]
    behind = row_name(grid.rules[later])
    by = "" if grid.table.hit_policy is HitPolicy.FIRST else " by the priority of their outputs"
    if across:
        text = (
            f"{_taking(grid, across)} some customers of {behind} before it{by}, with different outputs: "
            "narrow one of the rows unless that is meant"
        )
        yield _finding(grid, later, across, Severity.WARNING, text)
    if inside:
        are = "is an exception" if len(inside) == 1 else "are exceptions"
        names = row_names([grid.rules[place] for place in inside])
        yield _finding(grid, later, inside, Severity.INFO, f"{names} {are} to {behind}{by}")


def _taking(grid: Grid, places: list[int]) -> str:
    return f"{row_names([grid.rules[place] for place in places])} {'takes' if len(places) == 1 else 'take'}"


def _names(grid: Grid, earlier: list[int], later: int) -> str:
    return row_names([grid.rules[place] for place in (*earlier, later)])


def _finding(grid: Grid, later: int, earlier: list[int], severity: Severity, text: str) -> Finding:
    ids = tuple(grid.rules[place].id for place in earlier)
    last = grid.rules[later].id
    nearest = min(earlier, key=lambda place: grid.narrowness(place, later))
    witness = smallest(grid.shared(nearest, later))
    fires_one = grid.table.hit_policy in {HitPolicy.FIRST, HitPolicy.PRIORITY}
    concern = Concern(matched=((last,),), fired=ids) if fires_one else Concern(matched=((last,), ids))
    return Finding(FindingKind.OVERLAP, severity, text, (*ids, last), witness, concern)
