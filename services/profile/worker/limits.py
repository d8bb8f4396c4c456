"""Whether what came of a table can be believed, or the run must stop for a person to look."""

from services.profile.domain.mapping import Limits
from services.profile.domain.resources import Import, TakenTable
from shared.errors import Failure

IMPLAUSIBLE = "ERROR_REASON_EXTRACT_IMPLAUSIBLE"
LEAST_JUDGED = 100
"""Of fewer rows a share says nothing."""

_RULES_TOLD = 3


def implausible(taken: TakenTable, limits: Limits, last: Import | None, base: Import | None = None) -> list[str]:
    """Return which limits a table passes, each as a sentence; `last` is the newest import of an earlier cycle, `base` the
    one whose rows of this table are replaced: a late month's file alone would cost all other months."""
    found = (
        _too_many_rejects(taken, limits),
        _too_few_rows(taken, limits, last),
        _too_few_rows(taken, limits, base),
    )
    return [text for text in found if text]


def stopped(findings: list[str], name: str) -> Failure:
    """Return the failure of an import whose tables cannot be believed."""
    advice = (
        f"`visavis import rejects {name}` lists every row set aside. Correct the extract or the mapping and import again; "
        "if it is right as it is, say so with most_rejected or least_of_last under [tables.NAME.limits] of the mapping."
    )
    return Failure(" ".join([*findings, advice]), reason=IMPLAUSIBLE)


def _too_many_rejects(taken: TakenTable, limits: Limits) -> str:
    if taken.row_count < LEAST_JUDGED or taken.rejected_rows <= limits.most_rejected * taken.row_count:
        return ""
    rules = "; ".join(
        f"{rule.count:,} times {f'{rule.column}: ' if rule.column else ''}{rule.reason}"
        for rule in taken.rules[:_RULES_TOLD]
    )
    share = taken.rejected_rows / taken.row_count
    return (
        f"{taken.table}: {share:.1%} of {taken.row_count:,} rows were set aside, at most {limits.most_rejected:.1%} may be "
        f"(most_rejected). Most frequent: {rules}."
    )


def _too_few_rows(taken: TakenTable, limits: Limits, last: Import | None) -> str:
    before = 0
    if last is not None and last.result is not None:
        before = next((table.row_count for table in last.result.tables if table.table == taken.table), 0)
    if last is None or before < LEAST_JUDGED or taken.row_count >= limits.least_of_last * before:
        return ""
    return (
        f"{taken.table}: {taken.row_count:,} rows are {taken.row_count / before:.1%} of the {before:,} that {last.run.name} "
        f"of {last.request.cycle} had, at least {limits.least_of_last:.1%} are expected (least_of_last)."
    )
