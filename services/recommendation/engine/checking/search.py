"""Searches the space of all inputs for regions that no rule covers, column by column, within a budget of steps.

After Calvanese et al., Semantics and Analysis of DMN Decision Tables (BPM 2016), with memory: what is left of the rules decides what
is still open, whatever way led there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import prod

from services.recommendation.engine.checking.columns import Column, Mask
from services.recommendation.engine.checking.findings import Conjunction

STEPS = 100_000
"""How many nodes one question may visit: about a second."""
_MOST_SEEDS, _MOST_KEPT = 2_000, 200


class BudgetSpent(Exception):  # noqa: N818 - no fault, but a limit that the caller tells in words
    """The search was ended; what it did not get to see is not known."""


@dataclass(slots=True)
class Budget:
    """Steps that are left."""

    steps: int = STEPS
    spent: int = 0

    def step(self) -> None:
        """Count one. Raises BudgetSpent."""
        if self.spent >= self.steps:
            raise BudgetSpent
        self.spent += 1


@dataclass(frozen=True, slots=True)
class Region:
    """A box: of each column, in the search's order, the places of the segments that it covers."""

    columns: tuple[Column, ...] = field(compare=False)
    chosen: tuple[frozenset[int], ...]

    @property
    def where(self) -> tuple[tuple[Conjunction, ...], ...]:
        """Return the tests that tell the box apart, of each column that matters."""
        found = []
        for column, chosen in zip(self.columns, self.chosen, strict=True):
            places = sorted(place for number in chosen for place in column.segments[number].places)
            if tests := column.elements.where(places):
                found.append(tests)
        return tuple(found)

    @property
    def size(self) -> tuple[int, float]:
        """Return what regions are compared by: how many columns leave it free, then its share of all segments."""
        shares = [len(chosen) / len(column.segments) for column, chosen in zip(self.columns, self.chosen, strict=True)]
        return sum(share == 1 for share in shares), prod(shares)

    def __contains__(self, other: "Region") -> bool:
        return all(mine >= theirs for mine, theirs in zip(self.chosen, other.chosen, strict=True))


@dataclass(slots=True)
class Search:
    """Searches columns for what `rules` leave open."""

    columns: Sequence[Column]
    rules: Mask
    budget: Budget
    _covered: set[tuple[int, Mask]] = field(default_factory=set)
    _tails: list[Mask] = field(default_factory=list)

    def __post_init__(self) -> None:
        # The most selective first: then rules whose other cells are all "-" cover early.
        self.columns = sorted(
            self.columns, key=lambda each: ((each.whole & self.rules).bit_count(), len(each.segments))
        )
        self._tails = [self.rules]
        for column in reversed(self.columns):
            self._tails.insert(0, self._tails[0] & column.whole)

    def is_covered(self) -> bool:
        """Tell whether the rules leave nothing open. Raises BudgetSpent."""
        return next(self._open(0, self.rules, ()), None) is None

    def regions(self, most: int) -> "Found":
        """Return maximal open regions, the largest first, up to `most`; when the budget ends, those that were found."""
        seeds: dict[Region, list[Region]] = {}
        whole = True
        try:
            for number, seed in enumerate(self._open(0, self.rules, ()), 1):
                seeds.setdefault(self._widened(seed), []).append(seed)
                if number == _MOST_SEEDS:
                    whole = False
                    break
        except BudgetSpent:
            whole = False
        kept: list[Region] = []
        for region in sorted(seeds, key=lambda region: region.size, reverse=True):
            if len(kept) == _MOST_KEPT:
                whole = False
                break
            if any(all(seed not in other for other in kept) for seed in seeds[region]):
                kept.append(region)
        return Found(tuple(kept[:most]), max(len(kept) - most, 0), whole)

    def _open(self, depth: int, active: Mask, path: tuple[frozenset[int], ...]) -> Iterator[Region]:
        """Yield regions in which none of the rules that are left matches, those with the fewest conditions first."""
        self.budget.step()
        if active & self._tails[depth] or (depth, active) in self._covered:
            return
        if not active:
            free = tuple(frozenset(range(len(column.segments))) for column in self.columns[depth:])
            yield Region(tuple(self.columns), (*path, *free))
            return
        found = False
        for child, chosen in sorted(self._children(depth, active).items(), key=lambda pair: pair[0].bit_count()):
            for region in self._open(depth + 1, child, (*path, frozenset(chosen))):
                found = True
                yield region
        if not found:
            self._covered.add((depth, active))

    def _children(self, depth: int, active: Mask) -> dict[Mask, list[int]]:
        children: dict[Mask, list[int]] = {}
        for number, segment in enumerate(self.columns[depth].segments):
            children.setdefault(active & segment.mask, []).append(number)
        return children

    def _widened(self, region: Region) -> Region:
        """Return the region made as large as it can be, column by column, without reaching any rule."""
        chosen = list(region.chosen)
        for place in reversed(range(len(chosen))):
            left = self.rules
            for other, column in enumerate(self.columns):
                if other != place:
                    left &= _reached(column, chosen[other])
            chosen[place] = frozenset(
                number for number, segment in enumerate(self.columns[place].segments) if not segment.mask & left
            )
        return Region(region.columns, tuple(chosen))


@dataclass(frozen=True, slots=True)
class Found:
    """Open regions; `more` were found besides, and unless `whole` there may be others yet."""

    regions: tuple[Region, ...]
    more: int
    whole: bool


def _reached(column: Column, chosen: frozenset[int]) -> Mask:
    mask = 0
    for number in chosen:
        mask |= column.segments[number].mask
    return mask
