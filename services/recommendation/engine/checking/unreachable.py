"""Finds rows that never fire, because the rows that win over them take all that they match."""

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
from services.recommendation.engine.checking.gaps import incomplete
from services.recommendation.engine.checking.grid import Grid, places_of, smallest
from services.recommendation.engine.checking.search import Budget, BudgetSpent, Search
from services.recommendation.engine.matrix import HitPolicy


def unreachable(grid: Grid, ignored: Mask, budget: Budget) -> Iterator[tuple[int, Finding]]:
    """Yield the places of rows that never fire, with the finding; the rows in `ignored` have findings of their own.

    When the budget ends, the last one says so.
    """
    for place in places_of(grid.present & ~ignored):
        winners = grid.before[place] & grid.overlapping[place]
        try:
            if winners and _covers(grid, place, winners, budget):
                yield place, _finding(grid, place, _needed(grid, place, winners, budget))
        except BudgetSpent:
            yield place, incomplete("rows that never fire", budget)
            return


def _covers(grid: Grid, place: int, winners: Mask, budget: Budget) -> bool:
    if grid.containing[place] & winners:
        return True
    return Search([column.of(1 << place) for column in grid.columns], winners, budget).is_covered()


def _needed(grid: Grid, place: int, winners: Mask, budget: Budget) -> Mask:
    """Return winners of which none can be left out: one by itself if one is enough, the later ones rather than the earlier."""
    if alone := grid.containing[place] & winners:
        return alone & -alone
    for winner in places_of(winners):
        fewer = winners & ~(1 << winner)
        if _covers(grid, place, fewer, budget):
            winners = fewer
    return winners


def _finding(grid: Grid, place: int, winners: Mask) -> Finding:
    rule, over = grid.rules[place], [grid.rules[winner] for winner in places_of(winners)]
    takes = "takes all that it matches" if len(over) == 1 else "together take all that it matches"
    first = grid.table.hit_policy is HitPolicy.FIRST
    move = "move it before them" if first else "give it an output of higher priority"
    text = f"{row_name(rule)} never fires, because {row_names(over)} {takes}: {move}, narrow them, or delete it"
    ids = tuple(each.id for each in over)
    witness = smallest(grid.shared(place))
    return Finding(
        FindingKind.NEVER_FIRES, Severity.WARNING, text, (rule.id, *ids), witness, Concern(matched=((rule.id,),))
    )
