"""What a check of a matrix finds: what it is, how bad it is, which rows, for which customers, and what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from services.recommendation.engine.feel import UnaryTests
from services.recommendation.engine.matrix import Rule


class Severity(StrEnum):
    """How bad a finding is, the worst first; a matrix with an error cannot be published."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


class FindingKind(StrEnum):
    """What a finding is about."""

    GAP = "gap"
    OVERLAP = "overlap"
    NEVER_FIRES = "never_fires"
    DUPLICATE = "duplicate"
    MERGEABLE = "mergeable"
    EMPTY_INTERVAL = "empty_interval"
    OUTSIDE_DOMAIN = "outside_domain"
    UNUSED_VALUE = "unused_value"
    POLICY_UNKNOWN = "policy_unknown"
    POLICY_EXPIRED = "policy_expired"
    POLICY_NOT_IN_CITY = "policy_not_in_city"
    POLICY_MISPLACED = "policy_misplaced"
    POLICY_DILUTES = "policy_dilutes"
    INCOMPLETE = "incomplete"
    NOT_CHECKED = "not_checked"


@dataclass(frozen=True, slots=True)
class FieldTest:
    """A test of one input: part of where something was found."""

    input: str
    tests: UnaryTests


Conjunction = tuple[FieldTest, ...]
"""Tests all of which hold; of one input there may be several."""


@dataclass(frozen=True, slots=True)
class Concern:
    """Whom a finding is about.

    `where`: in each entry one of the conjunctions holds. `matched`: of each entry one row, by id, matches. `unmatched`: no row of
    the table does. `fired`: one of these rows fires.
    """

    where: tuple[tuple[Conjunction, ...], ...] = ()
    matched: tuple[tuple[int, ...], ...] = ()
    unmatched: bool = False
    fired: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """One finding: `rows` are ids of rules, `witness` is the smallest example, only the inputs that matter, as S-FEEL tests.

    `text` says for people what is wrong and what to do. Without `concern` it is about the table and no customer.
    """

    kind: FindingKind
    severity: Severity
    text: str
    rows: tuple[int, ...] = ()
    witness: Conjunction = ()
    concern: Concern | None = None


def row_name(rule: Rule) -> str:
    """Return what people call a rule: its row in its own spreadsheet."""
    if rule.origin is None:
        return f"row {rule.id}"
    return f"row {rule.origin.row} of {rule.origin.city}'s override" if rule.origin.city else f"row {rule.origin.row}"


def row_names(rules: Sequence[Rule]) -> str:
    """Return several: "rows 3, 5 and 8"; those of overrides each by its full name."""
    if len(rules) > 1 and not any(rule.origin and rule.origin.city for rule in rules):
        numbers = [str(rule.origin.row if rule.origin else rule.id) for rule in rules]
        return f"rows {_joined(numbers)}"
    return _joined([row_name(rule) for rule in rules])


def _joined(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def worst_first(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return findings by severity, inside it by kind and rows; otherwise in their order, the largest first."""
    severities, kinds = list(Severity), list(FindingKind)
    return tuple(
        sorted(
            findings,
            key=lambda found: (severities.index(found.severity), kinds.index(found.kind), found.rows[:1] or (0,)),
        )
    )
