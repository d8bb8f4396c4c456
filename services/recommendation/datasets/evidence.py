"""Reads what a run kept about one customer: its inputs, and what was published."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import cast

from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.recommendation.v1.policy_list_pb2 import AssemblyReject, PolicyListRow
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.inputs import score_columns, values_of, view_columns
from services.recommendation.domain import (
    Arm,
    Blocked,
    BlockReason,
    PolicyList,
    Purpose,
    Recommendation,
    Rejected,
    Zone,
)
from services.recommendation.engine.assembly.customer import Customer, Holding, Need
from services.recommendation.engine.feel import Row
from services.recommendation.use_cases.assembly import AssembledLists, AssemblyInputs
from shared.errors import NotFound
from shared.lake.dataset import Dataset, DatasetUnreadable
from shared.lake.lake import Lake

StoredRow = Mapping[str, object]

_HOLDING = tuple(field.name for field in fields(Holding))


@dataclass(frozen=True, slots=True)
class LakeEvidence:
    """Looks single rows up in the lake; changes nothing."""

    lake: Lake

    async def customer(self, inputs: AssemblyInputs, customer_id: str) -> Customer:
        """Return what the run knew of the customer. Raises NotFound, DatasetUnreadable."""
        return await asyncio.to_thread(self._customer, inputs, customer_id)

    async def outcome(self, assembled: AssembledLists, customer_id: str) -> PolicyList | Rejected:
        """Return what became of the customer. Raises NotFound, DatasetUnreadable."""
        return await asyncio.to_thread(self._outcome, assembled, customer_id)

    def _customer(self, inputs: AssemblyInputs, customer_id: str) -> Customer:
        view = self._row(inputs.views, CustomerView.DESCRIPTOR.full_name, customer_id)
        if view is None:
            raise NotFound(f"customer {customer_id} in {inputs.views.uri}")
        scores = self._row(inputs.scores, CustomerScores.DESCRIPTOR.full_name, customer_id)
        member = self._row(inputs.membership, ControlMembership.DESCRIPTOR.full_name, customer_id)
        return customer_of(view, scores, member)

    def _outcome(self, assembled: AssembledLists, customer_id: str) -> PolicyList | Rejected:
        if row := self._row(assembled.lists, PolicyListRow.DESCRIPTOR.full_name, customer_id):
            return policy_list_of(row)
        if row := self._row(assembled.rejects, AssemblyReject.DESCRIPTOR.full_name, customer_id):
            return Rejected(str(row["customer_id"]), str(row["reason"]))
        raise NotFound(f"customer {customer_id} in {assembled.lists.uri}")

    def _row(self, dataset: Dataset, schema: str, customer_id: str) -> StoredRow | None:
        if dataset.schema != schema:
            raise DatasetUnreadable(f"{dataset.uri}: rows are {dataset.schema}, expected {schema}", uri=dataset.uri)
        rows = self.lake.lookup(dataset, "customer_id", [customer_id]).to_pylist()
        return cast("StoredRow", rows[0]) if rows else None


def customer_of(view: StoredRow, scores: StoredRow | None, member: StoredRow | None) -> Customer:
    """Return the customer of three stored rows; without scores, the fields of the scores are null."""
    scored = {} if scores is None else scores
    return Customer(
        customer_id=str(view["customer_id"]),
        owner_id=str(view["owner_id"]),
        msisdn=str(view["msisdn"]),
        scored=scores is not None,
        arm=None if member is None else Arm(str(member["arm"])),
        fields=_complete(view, scores),
        holdings={
            str(entry["product"]): Holding(**{name: entry[name] for name in _HOLDING})  # type: ignore[arg-type]  # the contract's types
            for entry in _entries(view, "products")
        },
        needs={
            str(entry["product"]): Need(str(entry["level"]), entry["probability"])  # type: ignore[arg-type]  # DECIMAL at rest
            for entry in _entries(scored, "needs")
        },
    )


def policy_list_of(row: StoredRow) -> PolicyList:
    """Return the list of a stored PolicyListRow."""
    return PolicyList(
        customer_id=str(row["customer_id"]),
        owner_id=str(row["owner_id"]),
        msisdn=str(row["msisdn"]),
        city=str(row["city"]),
        arm=Arm(str(row["arm"])),
        contactable=bool(row["contactable"]),
        zone_order=tuple(Zone(zone) for zone in cast("list[str]", row["zone_order"])),
        priority_rule=cast("int", row["priority_rule"]),
        recommendations=tuple(
            Recommendation(**{**entry, "zone": Zone(str(entry["zone"])), "matrix": _matrix(entry)})  # type: ignore[arg-type]  # as above
            for entry in _entries(row, "recommendations")
        ),
        blocked=tuple(
            Blocked(
                zone=Zone(str(entry["zone"])),
                policy=str(entry["policy"]),
                rule=cast("int", entry["rule"]),
                reason=BlockReason(str(entry["reason"])),
                matrix=_matrix(entry),
                by=cast("str | None", entry["by"]),
            )
            for entry in _entries(row, "blocked")
        ),
    )


def _matrix(entry: StoredRow) -> Purpose:
    """Return the matrix an entry is of; lists of old say only the zone, whose name theirs had."""
    return Purpose(str(entry["matrix"] or entry["zone"]))


def _complete(view: StoredRow, scores: StoredRow | None) -> Row:
    fields = values_of(view_columns(), view)
    offered = score_columns()
    return {
        **fields,
        **(dict.fromkeys(column.name for column in offered) if scores is None else values_of(offered, scores)),
    }


def _entries(row: StoredRow, column: str) -> list[dict[str, object]]:
    return cast("list[dict[str, object]]", row.get(column) or [])
