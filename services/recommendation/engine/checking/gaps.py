"""Finds the customers whom no row matches."""

from services.recommendation.domain import Purpose
from services.recommendation.engine.checking.findings import Concern, Finding, FindingKind, Severity
from services.recommendation.engine.checking.grid import Grid, smallest
from services.recommendation.engine.checking.search import Budget, Region, Search
from services.recommendation.engine.checking.words import region_text
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.hit_policies import LISTING

MOST_GAPS = {Severity.ERROR: 20, Severity.INFO: 3}
"""More are only counted: whoever mends these checks again."""

_LISTS = frozenset({Purpose.NEW_SERVICE, Purpose.VOICE_USAGE})


def gap_severity(table: DecisionTable) -> Severity | None:
    """Return how bad it is that no row matches; None where it is what such a table is for.

    Where a customer needs one row, it is an error, unless there are default outputs; where all that match are listed, nobody
    needs any; and an extraction matrix picks.
    """
    if table.purpose == Purpose.EXTRACTION or any(output.default is not None for output in table.outputs):
        return None
    is_list = table.purpose in _LISTS or table.hit_policy in LISTING
    return Severity.INFO if is_list else Severity.ERROR


def gaps(grid: Grid, budget: Budget) -> list[Finding]:
    """Return the largest regions that no row matches, and how many more there are."""
    severity = gap_severity(grid.table)
    if severity is None:
        return []
    found = Search(grid.columns, grid.everyone, budget).regions(MOST_GAPS[severity])
    findings = [_gap(grid.table, region, severity) for region in found.regions]
    if found.more or (findings and not found.whole):
        least = "" if found.whole else "at least "
        text = f"{least}{found.more or 1:,} more regions that no row matches: mend the largest, and check again"
        findings.append(Finding(FindingKind.GAP, severity, text))
    elif not found.whole:
        findings.append(incomplete("gaps", budget))
    return findings


def incomplete(what: str, budget: Budget) -> Finding:
    """Return the finding that a search was ended."""
    text = (
        f"the search for {what} was ended after {budget.steps:,} steps, and what it did not reach is not known: let a last row "
        "take all the rest, use fewer different endpoints, or divide the matrix"
    )
    return Finding(FindingKind.INCOMPLETE, Severity.ERROR, text)


def _gap(table: DecisionTable, region: Region, severity: Severity) -> Finding:
    witness = smallest(region.where)
    meant = "; if that is meant, leave it" if severity is Severity.INFO else _consequence(table)
    text = f"no row matches {region_text(region.where)}: widen a row, or add one{meant}"
    return Finding(
        FindingKind.GAP, severity, text, witness=witness, concern=Concern(where=region.where, unmatched=True)
    )


def _consequence(table: DecisionTable) -> str:
    if table.purpose == Purpose.PRIORITY:
        return ", or such customers get no list at all"
    return ", if only to say by empty outputs that they get nothing"
