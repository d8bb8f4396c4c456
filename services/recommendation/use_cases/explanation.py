"""Why a customer has this list: each matrix met again on the kept inputs, by the function that assembles one customer."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.recommendation.domain import Arm, PolicyList, Rejected
from services.recommendation.engine.assembly.customer import Customer, Meeting
from services.recommendation.engine.assembly.rules import CompiledRules
from services.recommendation.engine.assembly.single import Assembly, assemble
from services.recommendation.engine.matrix import DecisionTable, compile_closure
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs, AssemblyOrder, AssemblyResult
from services.recommendation.use_cases.rules import Readings
from shared.errors import Denied
from shared.rpc.identity import Caller


class Evidence(Protocol):
    """The kept inputs and outcomes of a run."""

    async def customer(self, inputs: AssemblyInputs, customer_id: str) -> Customer:
        """Return what the run knew of the customer. Raises NotFound, DatasetUnreadable."""
        ...

    async def outcome(self, assembled: AssembledLists, customer_id: str) -> PolicyList | Rejected:
        """Return what became of the customer. Raises NotFound, DatasetUnreadable."""
        ...


@dataclass(frozen=True, slots=True)
class Picking:
    """An extraction matrix, and the day on which it picked targets."""

    matrix_id: str
    day: date


@dataclass(frozen=True, slots=True)
class Explanation:
    """One customer's list, assembled anew; `replays` tells whether it is the one that was published.

    `extraction` is how the matrix that picked targets of it met the customer, where one was asked about.
    """

    assembly: Assembly
    arm: Arm | None
    replays: bool
    extraction: Meeting | None = None


async def explain_list(
    order: AssemblyOrder,
    result: AssemblyResult,
    customer_id: str,
    *,
    caller: Caller,
    evidence: Evidence,
    readings: Readings,
    picking: Picking | None = None,
) -> Explanation:
    """Assemble the customer again from what the run kept, and let an extraction matrix meet the customer, too, where there is
    one. Raises NotFound, Denied outside the caller's cities."""
    customer = await evidence.customer(order.inputs, customer_id)
    if not caller.sees(str(customer.fields["city"])):
        raise Denied(f"this customer is outside the cities of {caller.principal}")
    rules = await readings.rules(order.matrices, order.catalogue_id, result.circumstances)
    assembly = assemble(customer, CompiledRules.of(rules))
    published = await evidence.outcome(result.assembled, customer_id)
    extraction = _meet(await readings.matrix(picking.matrix_id), customer, picking.day) if picking else None
    return Explanation(assembly, customer.arm, assembly.outcome == published, extraction)


def _meet(table: DecisionTable, customer: Customer, day: date) -> Meeting:
    row = {**customer.fields, "day": day}
    return Meeting(table, "", row, compile_closure(table)(row))
