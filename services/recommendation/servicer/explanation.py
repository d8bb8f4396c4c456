"""ExplainPolicyList: finds the run that is asked about, and explains one customer's list of it."""

from dataclasses import dataclass

from visavis.recommendation.v1 import explanation_pb2
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from services.recommendation.domain import Purpose
from services.recommendation.ports import ContactChecks, Logbook, Rulebook, Runs
from services.recommendation.servicer.explaining import explanation_message
from services.recommendation.servicer.requests import finished_run
from services.recommendation.use_cases.assembly import (
    ASSEMBLY_RUNS,
    AssemblyOrder,
    AssemblyResult,
)
from services.recommendation.use_cases.explanation import (
    AskedRows,
    Evidence,
    FinishedRun,
    Picking,
    asked_rules,
    explain_list,
    standing_now,
)
from services.recommendation.use_cases.rules import Readings
from services.recommendation.use_cases.targets import TARGET_SELECTIONS, TargetOrder
from shared.clock import Clock, local_date
from shared.errors import InvalidInput, Violation
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.runs.json import from_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Explainer:
    """What explaining needs: kept inputs, rules with their log, and the contact rules."""

    runs: Runs
    readings: Readings
    rulebook: Rulebook
    logbook: Logbook
    evidence: Evidence
    checks: ContactChecks
    clock: Clock

    async def explain(self, request: pb.ExplainPolicyListRequest) -> pb.ExplainPolicyListResponse:
        """Answer a request. Raises InvalidInput, NotFound, WrongState, Denied, DatasetUnreadable."""
        if not request.customer_id:
            raise InvalidInput.of("customer_id", "is missing")
        asked = [_asked_rows(rows) for rows in request.rows]
        run_id, picking = await self._named(request)
        explanation = await explain_list(
            await self._finished(run_id),
            request.customer_id,
            caller=current_caller(),
            evidence=self.evidence,
            readings=self.readings,
            rulebook=self.rulebook,
            logbook=self.logbook,
            picking=picking,
        )
        rules = asked_rules(explanation, asked)
        standing = await standing_now(explanation, checks=self.checks, clock=self.clock)
        return explanation_message(explanation, standing, asked=rules)

    async def _finished(self, run_id: str) -> FinishedRun:
        run = await finished_run(self.runs, ASSEMBLY_RUNS, run_id)
        order, result = from_json(AssemblyOrder, run.request), from_json(AssemblyResult, run.result)
        return FinishedRun(run.name, order, result, run.create_time)

    async def _named(self, request: pb.ExplainPolicyListRequest) -> tuple[str, Picking | None]:
        """Return the id of the assembly run that is asked about, and the extraction that picked targets of it."""
        if request.cycle and (request.assembly_run or request.target_selection):
            raise InvalidInput.of("cycle", "expected a cycle, an assembly run or a target selection, not several")
        asked = resource_id(ASSEMBLY_RUNS, request.assembly_run, field="assembly_run") if request.assembly_run else ""
        if request.cycle:
            return await self.runs.last_of(request.cycle), None
        if not request.target_selection:
            return asked or await self.runs.switched_in(), None
        selection_id = resource_id(TARGET_SELECTIONS, request.target_selection, field="target_selection")
        selection = await self.runs.get(TARGET_SELECTIONS, selection_id)
        order = from_json(TargetOrder, selection.request)
        if request.assembly_run not in {"", order.assembly_run}:
            raise InvalidInput.of("target_selection", f"was picked from {order.assembly_run}")
        picking = Picking(order.matrix_id, local_date(selection.create_time)) if order.matrix_id else None
        return resource_id(ASSEMBLY_RUNS, order.assembly_run), picking


def _asked_rows(rows: explanation_pb2.AskedRows) -> AskedRows:
    if rows.purpose not in list(Purpose):
        raise InvalidInput([Violation("rows.purpose", f"{rows.purpose!r}: expected one of {', '.join(Purpose)}")])
    return AskedRows(Purpose(rows.purpose), tuple(rows.rows), rows.city)
