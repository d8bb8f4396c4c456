"""Finds rows that give policies which nobody can get by them: unknown, expired, elsewhere, or in the wrong place."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from services.recommendation.domain import REASON_WORDS, BlockReason, Catalogue, Policy, Purpose
from services.recommendation.engine.assembly.rules import barred, row_outputs
from services.recommendation.engine.checking.findings import (
    Concern,
    FieldTest,
    Finding,
    FindingKind,
    Severity,
    row_name,
)
from services.recommendation.engine.feel import FieldType, Literal, did_you_mean, to_predicate
from services.recommendation.engine.feel.syntax import Compare, Name, Not, Operator, endpoints
from services.recommendation.engine.matrix import DecisionTable, Rule

_KINDS = {
    BlockReason.UNKNOWN_POLICY: (FindingKind.POLICY_UNKNOWN, Severity.ERROR),
    BlockReason.NOT_VALID: (FindingKind.POLICY_EXPIRED, Severity.ERROR),
    BlockReason.DILUTION: (FindingKind.POLICY_DILUTES, Severity.WARNING),
}
"""All else is the wrong place. The dilution guard is there to be met: it is no fault of the row."""
_ELSEWHERE = "\1"
"""A city or product that no cell names."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """What policies there are, and on which day they must be valid; with `city` only its customers count."""

    catalogue: Catalogue
    day: date
    city: str = ""


def policy_findings(table: DecisionTable, shelf: Shelf) -> Iterator[Finding]:
    """Yield what is wrong with the policies of each row."""
    by_id = {rule.id: rule for rule in table.rules}
    for rule_id, outputs in row_outputs(table):
        code = outputs.get("main_policy") or outputs.get("policy")
        if code is not None and (not shelf.city or _matches(table, by_id[rule_id], "city", shelf.city)):
            yield from _of_row(table, by_id[rule_id], code, outputs.get("policy_group"), shelf)


def _of_row(table: DecisionTable, rule: Rule, code: str, group: str | None, shelf: Shelf) -> Iterator[Finding]:
    policy = shelf.catalogue.policies.get(code)
    reason = _reason(table, rule, policy, group, shelf)
    if reason is not None:
        kind, severity = _KINDS.get(reason, (FindingKind.POLICY_MISPLACED, Severity.ERROR))
        text = f"{row_name(rule)} gives {code}, which nobody can get by it: {_words(reason, policy, code, shelf)}"
        yield Finding(kind, severity, text, (rule.id,), concern=Concern(fired=(rule.id,)))
    elif policy is not None and policy.cities:
        yield from _elsewhere(table, rule, policy, shelf.city)


def _reason(
    table: DecisionTable, rule: Rule, policy: Policy | None, group: str | None, shelf: Shelf
) -> BlockReason | None:
    purpose = Purpose(table.purpose)
    if purpose is Purpose.EXTRACTION:
        # Such a matrix may give policies of any zone, each as the catalogue has it.
        if policy is None:
            return BlockReason.UNKNOWN_POLICY
        return BlockReason.NOT_VALID if not policy.valid_on(shelf.day) else None
    if (reason := barred(policy, purpose, group, None, shelf.day)) is not None:
        return reason
    is_other = (
        policy is not None and purpose is Purpose.NEW_SERVICE and not _matches(table, rule, "product", policy.product)
    )
    return BlockReason.WRONG_PRODUCT if is_other else None


def _words(reason: BlockReason, policy: Policy | None, code: str, shelf: Shelf) -> str:
    if policy is None:
        return f"it is not in the catalogue{did_you_mean(code, list(shelf.catalogue.policies))}"
    match reason:
        case BlockReason.NOT_VALID:
            return f"on {shelf.day} it is not valid, but from {policy.valid_from} until the day before {policy.valid_until}"
        case BlockReason.WRONG_GROUP:
            return f"the catalogue has it in {policy.policy_group or 'no group'}"
        case BlockReason.WRONG_PRODUCT:
            return f"it is about {policy.product or 'no product'}, and the row about others"
        case BlockReason.WRONG_ZONE:
            return f"the catalogue has it in the zone {policy.zone}"
        case _:
            return REASON_WORDS[reason]


def _elsewhere(table: DecisionTable, rule: Rule, policy: Policy, city: str) -> Iterator[Finding]:
    """Yield the finding of a policy that is offered in some cities only, by a row that matches customers of others."""
    offered = ", ".join(policy.cities)
    asked = (city,) if city else (*_named_cities(table, rule), _ELSEWHERE)
    if not any(each not in policy.cities and _matches(table, rule, "city", each) for each in asked):
        return
    nowhere = not any(_matches(table, rule, "city", each) for each in policy.cities)
    severity = Severity.ERROR if nowhere else Severity.WARNING
    told = (
        "and the row matches none of their customers"
        if nowhere
        else "and the row matches customers of others, who get nothing"
    )
    text = (
        f"{row_name(rule)} gives {policy.policy}, which is offered in {offered} only, {told}: add the cities to the row"
    )
    outside = FieldTest("city", Not(tuple(Compare(Operator.EQUAL, _text(city)) for city in policy.cities)))
    concern = Concern(where=(((outside,),),), fired=(rule.id,))
    yield Finding(FindingKind.POLICY_NOT_IN_CITY, severity, text, (rule.id,), (outside,), concern)


def _named_cities(table: DecisionTable, rule: Rule) -> Iterator[str]:
    for column, cell in zip(table.inputs, rule.cells, strict=True):
        if column.name == "city":
            yield from (
                str(point.value) for point in endpoints(cell.tests) if isinstance(point, Literal) and point.value
            )


def _text(value: str) -> Literal:
    return Literal(FieldType.string().kind, value)


def _matches(table: DecisionTable, rule: Rule, column: str, value: str) -> bool:
    """Tell whether a row may match customers with this value; a row that says nothing of it does."""
    place = next((place for place, each in enumerate(table.inputs) if each.name == column), None)
    if place is None:
        return True
    tests = rule.cells[place].tests
    by_another = any(isinstance(point, Name) for point in endpoints(tests))
    return by_another or to_predicate(tests)(value, {})
