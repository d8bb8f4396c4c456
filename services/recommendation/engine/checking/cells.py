"""Finds tests in cells that no value passes: intervals without room, and values that the column never has."""

from collections.abc import Iterator, Sequence

from services.recommendation.engine.checking.columns import Domains
from services.recommendation.engine.checking.findings import FieldTest, Finding, FindingKind, Severity, row_name
from services.recommendation.engine.checking.grid import Grid
from services.recommendation.engine.feel import Anything, Literal, Or, UnaryTests, to_predicate
from services.recommendation.engine.feel.syntax import Range, Test, endpoints_of
from services.recommendation.engine.feel.text import feel_text, tests_text
from services.recommendation.engine.matrix import Input, Rule


def hopeless_cells(grid: Grid, domains: Domains) -> Iterator[Finding]:
    """Yield each test that no value of its column passes, each `not( … )` that all values fail, and cells that name one another
    and never hold together."""
    rows = {name: column.elements.rows for column in grid.columns for name in column.inputs}
    hopeless = set()
    passed: dict[tuple[str, UnaryTests], bool] = {}

    def passes(column: Input, tests: UnaryTests) -> bool:
        key = (column.name, tests)
        if key not in passed:
            predicate = to_predicate(tests)
            passed[key] = any(predicate(row[column.name], row) for row in rows[column.name])
        return passed[key]

    for rule in grid.rules:
        for column, cell in zip(grid.table.inputs, rule.cells, strict=True):
            if isinstance(cell.tests, Anything):
                continue
            never = not passes(column, cell.tests)
            wrong = [test for test in cell.tests.tests if not passes(column, Or((test,)))]
            hopeless |= {rule.id} if never else set()
            for test in wrong:
                yield _finding(rule, column, test, domains, never=never)
            if never and not wrong:
                yield _nothing_left(rule, column, cell.tests)
    for cut, boxes in zip(grid.columns, zip(*grid.boxes, strict=True), strict=True):
        if len(cut.inputs) > 1:
            empty = (rule for rule, box in zip(grid.rules, boxes, strict=True) if not box and rule.id not in hopeless)
            yield from (_never_together(rule, cut.inputs) for rule in empty)


def _finding(rule: Rule, column: Input, test: Test, domains: Domains, *, never: bool) -> Finding:
    tests = Or((test,))
    severity = Severity.ERROR if never else Severity.WARNING
    so = ", so the row never fires" if never else ""
    witness = (FieldTest(column.name, tests),)
    foreign = [
        point for point in endpoints_of(test) if isinstance(point, Literal) and not _holds(domains, column, point)
    ]
    if not isinstance(test, Range) and foreign:
        text = f"{row_name(rule)}, {column.name}: {_never_has(column, foreign[0])}{so}: correct it, or take it out"
        return Finding(FindingKind.OUTSIDE_DOMAIN, severity, text, (rule.id,), witness)
    text = (
        f"{row_name(rule)}, {column.name}: no value lies in {tests_text(tests)}{so}: correct its ends, or take it out"
    )
    return Finding(FindingKind.EMPTY_INTERVAL, severity, text, (rule.id,), witness)


def _never_has(column: Input, point: Literal) -> str:
    if point.value is None:
        return "the field is never empty, and null matches nobody"
    return f"the field never holds {feel_text(point.value)}"


def _holds(domains: Domains, column: Input, point: Literal) -> bool:
    domain = domains.get(column.name)
    return domain is None or domain.holds(point.value)


def _nothing_left(rule: Rule, column: Input, tests: UnaryTests) -> Finding:
    text = (
        f"{row_name(rule)}, {column.name}: {tests_text(tests)} leaves no value, so the row never fires: leave one out"
    )
    witness = (FieldTest(column.name, tests),)
    return Finding(FindingKind.EMPTY_INTERVAL, Severity.ERROR, text, (rule.id,), witness)


def _never_together(rule: Rule, inputs: Sequence[str]) -> Finding:
    names = ", ".join(inputs)
    text = f"{row_name(rule)}: its cells about {names} never hold together, so it never fires: correct one of them"
    return Finding(FindingKind.EMPTY_INTERVAL, Severity.ERROR, text, (rule.id,))
