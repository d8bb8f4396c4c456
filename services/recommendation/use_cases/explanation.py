"""Why a customer has this list: each matrix met again on the kept inputs, by the function that assembles one customer."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

import structlog

from services.recommendation.domain import Arm, PolicyList, Purpose, Rejected, life_of
from services.recommendation.engine.assembly.customer import Customer, Meeting
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.assembly.single import Assembly, assemble
from services.recommendation.engine.explaining.findings import Finding, findings
from services.recommendation.engine.matrix import DecisionTable, Rule, compile_closure
from services.recommendation.engine.matrix.hit_policies import DEFAULT_ROW, with_default_row
from services.recommendation.ports import (
    Candidate,
    ContactCheck,
    ContactChecks,
    Logbook,
    Rulebook,
    StoredCatalogue,
    Version,
)
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs, AssemblyOrder, AssemblyResult
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock, local_date
from shared.errors import Denied, Failure, InvalidInput, Violation
from shared.rpc.identity import Caller

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)


class Evidence(Protocol):
    """The kept inputs and outcomes of a run."""

    async def customer(self, inputs: AssemblyInputs, customer_id: str) -> Customer:
        """Return what the run knew of the customer. Raises NotFound, DatasetUnreadable."""
        ...

    async def outcome(self, assembled: AssembledLists, customer_id: str) -> PolicyList | Rejected:
        """Return what became of the customer. Raises NotFound, DatasetUnreadable."""
        ...


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """An assembly run that has succeeded, and when it was asked for."""

    name: str
    order: AssemblyOrder
    result: AssemblyResult
    create_time: datetime


@dataclass(frozen=True, slots=True)
class Picking:
    """An extraction matrix, and the day on which it picked targets."""

    matrix_id: str
    day: date


@dataclass(frozen=True, slots=True)
class AskedRows:
    """Rows of a matrix as numbered in its spreadsheet, in the override of `city` or the province's; none: those that came nearest."""

    purpose: Purpose
    rows: tuple[int, ...]
    city: str = ""


@dataclass(frozen=True, slots=True)
class Explanation:
    """One customer's list, assembled anew; `replays` tells whether it is the one that was published.

    `extraction` is how the matrix that picked targets of it met the customer, where one was asked about. `versions` are as they
    stood when the run was asked for.
    """

    run: FinishedRun
    customer: Customer
    rules: Rules
    assembly: Assembly
    findings: tuple[Finding, ...]
    replays: bool
    versions: tuple[Version, ...]
    catalogue: StoredCatalogue
    extraction: Meeting | None = None

    @property
    def meetings(self) -> tuple[Meeting, ...]:
        """Every matrix met, the extraction last."""
        return self.assembly.meetings if self.extraction is None else (*self.assembly.meetings, self.extraction)

    @property
    def withheld_reason(self) -> str:
        """Why nothing of the list is offered, by what the run knew; empty where it is."""
        outcome = self.assembly.outcome
        if isinstance(outcome, Rejected):
            return ""
        if not outcome.contactable:
            return "on the red list" if self.customer.fields["red_list"] else "has not agreed to marketing"
        return "in the control group" if outcome.arm is Arm.CONTROL else ""


@dataclass(frozen=True, slots=True)
class StandingNow:
    """What holds outside the list now: the contact rules (None with the reason where dispatch could not be asked), and what of the
    list is no longer valid."""

    time: datetime
    checks: Sequence[ContactCheck] | None
    missing: str
    expired: tuple[str, ...]


async def explain_list(
    run: FinishedRun,
    customer_id: str,
    *,
    caller: Caller,
    evidence: Evidence,
    readings: Readings,
    rulebook: Rulebook,
    logbook: Logbook,
    picking: Picking | None = None,
) -> Explanation:
    """Assemble the customer again from what the run kept, and let an extraction matrix meet the customer, too, where there is
    one. Raises NotFound, Denied outside the caller's cities."""
    order, result = run.order, run.result
    customer = await evidence.customer(order.inputs, customer_id)
    if not caller.sees(str(customer.fields["city"])):
        raise Denied(f"this customer is outside the cities of {caller.principal}")
    rules = await readings.rules(order.matrices, order.catalogue_id, result.circumstances)
    assembly = assemble(customer, CompiledRules.of(rules))
    used = (*order.matrices.all, *([picking.matrix_id] if picking else []))
    return Explanation(
        run=run,
        customer=customer,
        rules=rules,
        assembly=assembly,
        findings=tuple(findings(assembly.verdicts, customer, rules)),
        replays=assembly.outcome == await evidence.outcome(result.assembled, customer_id),
        versions=tuple([as_of(await logbook.version(matrix_id), run.create_time) for matrix_id in used]),
        catalogue=await rulebook.catalogue(order.catalogue_id),
        extraction=await _extraction(picking, customer, readings) if picking else None,
    )


def asked_rules(explanation: Explanation, asked: Sequence[AskedRows]) -> Mapping[Purpose, frozenset[int]]:
    """Return the ids of the rules asked about. Raises InvalidInput for rows and matrices that are not there."""
    tables = {Purpose(meeting.table.purpose): meeting.table for meeting in explanation.meetings}
    places = {
        purpose: {_place(rule): rule.id for rule in table.rules if rule.id != DEFAULT_ROW}
        for purpose, table in tables.items()
    }
    if violations := [violation for each in asked for violation in _row_violations(each, places)]:
        raise InvalidInput(violations)
    found: dict[Purpose, frozenset[int]] = {}
    for each in asked:
        if each.rows:
            ids = frozenset(places[each.purpose][each.city, row] for row in each.rows)
            found[each.purpose] = found.get(each.purpose, frozenset()) | ids
    return found


def _row_violations(asked: AskedRows, places: Mapping[Purpose, Mapping[tuple[str, int], int]]) -> Iterator[Violation]:
    if asked.purpose not in places:
        yield Violation("rows.purpose", f"the customer met no matrix {asked.purpose}")
        return
    for row in asked.rows:
        if (asked.city, row) not in places[asked.purpose]:
            override = f" of {asked.city}" if asked.city else ""
            yield Violation("rows.rows", f"matrix {asked.purpose}{override} has no rule in row {row}")


def _place(rule: Rule) -> tuple[str, int]:
    return (rule.origin.city, rule.origin.row) if rule.origin else ("", rule.id)


def as_of(version: Version, time: datetime) -> Version:
    """Return a version as it stood at that time."""
    steps = tuple(step for step in version.steps if step.time <= time)
    return replace(version, steps=steps, life=life_of(steps))


async def standing_now(explanation: Explanation, *, checks: ContactChecks, clock: Clock) -> StandingNow:
    """Return what holds for the customer outside the list; nothing is changed by asking. Without dispatch, the rest is told."""
    now = clock.now()
    found, missing = None, ""
    if explanation.customer.arm is not None:
        try:
            found = await checks.check(_candidate(explanation))
        except Failure as failure:
            log.warning("contact_not_checked", why=failure.message, reason=failure.reason)
            missing = failure.message
    return StandingNow(now, found, missing, _expired(explanation, local_date(now)))


def _candidate(explanation: Explanation) -> Candidate:
    customer = explanation.customer
    since = customer.fields.get("number_since")
    return Candidate(
        customer_id=customer.customer_id,
        owner_id=customer.owner_id,
        msisdn=customer.msisdn,
        number_since=since if isinstance(since, date) else None,
        city=str(customer.fields["city"]),
        arm=customer.arm or Arm.TARGETED,
    )


def _expired(explanation: Explanation, today: date) -> tuple[str, ...]:
    outcome = explanation.assembly.outcome
    if isinstance(outcome, Rejected):
        return ()
    policies = explanation.rules.catalogue.policies
    offered = dict.fromkeys(found.policy for found in outcome.recommendations)
    return tuple(code for code in offered if not policies[code].valid_on(today))


async def _extraction(picking: Picking, customer: Customer, readings: Readings) -> Meeting:
    return _meet(with_default_row(await readings.matrix(picking.matrix_id)), customer, picking.day)


def _meet(table: DecisionTable, customer: Customer, day: date) -> Meeting:
    row = {**customer.fields, "day": day}
    return Meeting(table, "", row, compile_closure(table)(row))
