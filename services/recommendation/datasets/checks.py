"""Checks matrices against the base in the lake; blocking, for a worker's thread."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import pyarrow as pa
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.inputs import score_columns, view_columns
from services.recommendation.domain import Catalogue, masked_id
from services.recommendation.engine.assembly.decided import SCORES, VIEWS, InputColumns
from services.recommendation.engine.checking.check import Checked, Surroundings, check_table
from services.recommendation.engine.checking.counts import Base, Customers, count, count_base
from services.recommendation.engine.checking.domains import domains_of
from services.recommendation.engine.checking.policies import Shelf
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.rulebook import Fields
from services.recommendation.use_cases.checking import (
    CheckedMatrix,
    CheckOrder,
    CheckResult,
    ToldExample,
    ToldFinding,
    ToldTest,
    not_looked_at,
    told,
)
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema
from shared.observability.masking import mask_msisdn


@dataclass(frozen=True, slots=True)
class LakeInspector:
    """Checks tables, and counts whom findings concern."""

    lake: Lake
    fields: Fields

    def inspect(
        self, order: CheckOrder, tables: Sequence[tuple[CheckedMatrix, DecisionTable]], catalogue: Catalogue | None
    ) -> CheckResult:
        """Return all findings. Raises DatasetUnreadable."""
        surroundings = Surroundings(
            domains_of(self.fields, catalogue),
            Shelf(catalogue, order.day, order.city) if catalogue else None,
            city=order.city,
        )
        checked = [(matrix, table, check_table(table, surroundings)) for matrix, table in tables]
        customers, findings = self._counted(order, checked, catalogue or Catalogue({}, {}))
        steps = sum(each.steps for _, _, each in checked)
        return CheckResult((*findings, *not_looked_at(order)), customers, steps)

    def _counted(
        self, order: CheckOrder, checked: Sequence[tuple[CheckedMatrix, DecisionTable, Checked]], catalogue: Catalogue
    ) -> tuple[int, list[ToldFinding]]:
        if order.views is None or order.scores is None:
            return 0, [told(each, matrix, table) for matrix, table, found in checked for each in found.findings]
        columns = InputColumns(view_columns(), score_columns())
        base = Base(columns, self.fields, catalogue, order.day, order.cities)
        findings: list[ToldFinding] = []
        with open_engine(self.lake) as engine:
            engine.register(VIEWS, order.views, _schema(CustomerView))
            engine.register(SCORES, order.scores, _schema(CustomerScores))
            customers = count_base(engine, base)
            for matrix, table, found in checked:
                counted = count(engine, table, found.findings, base)
                for finding, whom in zip(found.findings, counted, strict=True):
                    number = None if whom is None else whom.count
                    findings.append(told(finding, matrix, table, customers=number, example=_example(whom)))
        return customers, findings


def _example(customers: Customers | None) -> ToldExample | None:
    if customers is None or customers.row is None:
        return None
    values = tuple(ToldTest(name, feel_text(value)) for name, value in customers.row.items())
    return ToldExample(masked_id(customers.customer_id), mask_msisdn(customers.msisdn), values)


def _schema(message: type[Message]) -> pa.Schema:
    return arrow_schema(cast("Descriptor", message.DESCRIPTOR))
