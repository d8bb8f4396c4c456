"""Finds rows that say the same, and rows that one row could say."""

from collections.abc import Iterator, Sequence

from services.recommendation.engine.checking.columns import Mask, Pieces
from services.recommendation.engine.checking.findings import Concern, Finding, FindingKind, Severity, row_names
from services.recommendation.engine.checking.grid import Grid, places_of, smallest
from services.recommendation.engine.feel import UnaryTests, Value, parse
from services.recommendation.engine.feel.syntax import Name, endpoints
from services.recommendation.engine.feel.text import tests_text
from services.recommendation.engine.matrix import Cell, HitPolicy
from services.recommendation.engine.matrix.hit_policies import LISTING, in_firing_order

_UNORDERED = frozenset({HitPolicy.UNIQUE, HitPolicy.ANY, HitPolicy.COLLECT})


def duplicates(grid: Grid) -> Iterator[tuple[Mask, Finding]]:
    """Yield rows that match the same and give the same, with the mask of all but the first of them."""
    groups: dict[object, list[int]] = {}
    for place in places_of(grid.present):
        rule = grid.rules[place]
        of = rule.origin and (rule.origin.matrix, rule.origin.city)
        groups.setdefault((grid.boxes[place], rule.outputs, of), []).append(place)
    for places in groups.values():
        if len(places) > 1:
            yield sum(1 << place for place in places[1:]), _duplicate(grid, places)


def _duplicate(grid: Grid, places: Sequence[int]) -> Finding:
    rules = [grid.rules[place] for place in places]
    unique = grid.table.hit_policy is HitPolicy.UNIQUE
    severity = Severity.ERROR if unique else Severity.WARNING
    text = f"{row_names(rules)} match the same and give the same: delete {'all but one' if len(rules) > 2 else 'one of them'}"
    ids = tuple(rule.id for rule in rules)
    concern = Concern(matched=((ids[0],),))
    return Finding(FindingKind.DUPLICATE, severity, text, ids, smallest(grid.shared(*places)), concern)


def mergeable(grid: Grid, ignored: Mask) -> Iterator[Finding]:
    """Yield rows that differ in one input only and give the same, where one row in place of the first changes nobody's outcome."""
    taken = ignored
    for column in range(len(grid.columns)):
        if not isinstance(grid.columns[column].elements, Pieces):
            continue
        for places in _alike_but_for(grid, column, taken):
            together = _together(grid, places)
            if len(together) > 1:
                taken |= sum(1 << place for place in together)
                yield _mergeable(grid, column, together)


def _names_anything(cell: Cell) -> bool:
    """Tell whether a planner wrote a name here, of a parameter or a list: constants in its place would be no advice."""
    return any(isinstance(point, Name) for point in endpoints(parse(cell.text)))


def _alike_but_for(grid: Grid, column: int, taken: Mask) -> list[list[int]]:
    groups: dict[object, list[int]] = {}
    at = next(at for at, each in enumerate(grid.table.inputs) if each.name == grid.columns[column].inputs[0])
    for place in places_of(grid.present & ~taken):
        rule, box = grid.rules[place], grid.boxes[place]
        if _names_anything(rule.cells[at]):
            continue
        of = rule.origin and (rule.origin.matrix, rule.origin.city)
        groups.setdefault((box[:column], box[column + 1 :], rule.outputs, of), []).append(place)
    return [places for places in groups.values() if len(places) > 1]


def _together(grid: Grid, places: Sequence[int]) -> list[int]:
    """Return the rows that can join the first of them."""
    kept = [places[0]]
    for place in places[1:]:
        if all(_may_join(grid, kept[0], place, other) for other in kept):
            kept.append(place)
    return kept


def _may_join(grid: Grid, first: int, place: int, other: int) -> bool:
    """Tell whether a row may move to the place of the first: what overlaps it on the way must give the same, and where all rows
    fire, a customer of both rows would be given once what now is given twice."""
    policy = grid.table.hit_policy
    if grid.overlapping[place] >> other & 1 and (policy in LISTING or policy is HitPolicy.UNIQUE):
        return False
    if policy in _UNORDERED:
        return True
    order = [rule.id for rule in in_firing_order(grid.table)]
    at = {identifier: number for number, identifier in enumerate(order)}
    start, end = sorted((at[grid.rules[first].id], at[grid.rules[place].id]))
    return not any(
        start < at[grid.rules[between].id] < end and grid.differ(between, place)
        for between in places_of(grid.overlapping[place])
    )


def _mergeable(grid: Grid, column: int, places: Sequence[int]) -> Finding:
    rules = [grid.rules[place] for place in places]
    name = grid.columns[column].inputs[0]
    text = (
        f"{row_names(rules)} differ in {name} only and give the same: one row with {name} "
        f"{tests_text(_union(grid, column, places))} says it, too"
    )
    ids = tuple(rule.id for rule in rules)
    concern = Concern(matched=(ids,))
    return Finding(FindingKind.MERGEABLE, Severity.INFO, text, ids, smallest(grid.shared(places[0])), concern)


def _union(grid: Grid, column: int, places: Sequence[int]) -> UnaryTests:
    numbers = {number for place in places for number in grid.boxes[place][column]}
    elements = grid.columns[column].elements
    assert isinstance(elements, Pieces)  # noqa: S101 - others are never merged
    chosen = sorted(place for number in numbers for place in grid.columns[column].segments[number].places)
    return elements.domain.tests(elements.pieces, chosen)


def unused_values(grid: Grid) -> Iterator[Finding]:
    """Yield outputs that the table says it may give and no row gives."""
    for place, output in enumerate(grid.table.outputs):
        given: set[Value] = {rule.outputs[place] for rule in grid.rules} | {output.default}
        if unused := [value for value in output.values if value not in given]:
            words = ", ".join(str(value) for value in unused)
            text = f"no row gives {words} as {output.name}: delete it from the line of its values, or add a row"
            yield Finding(FindingKind.UNUSED_VALUE, Severity.INFO, text)
