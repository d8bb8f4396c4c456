"""Previews drafts on datasets of the lake and publishes the customers whose lists would change; blocking, for a worker's thread."""

from dataclasses import dataclass
from datetime import datetime

from visavis.recommendation.v1.matrix_preview_pb2 import PreviewChange

from services.recommendation.datasets.inputs import score_columns, view_columns
from services.recommendation.datasets.publishing import Origin, register_inputs, row_schema
from services.recommendation.engine.assembly.decided import InputColumns
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.preview.preview import preview
from services.recommendation.use_cases.previews import PreviewOrder, PreviewResult
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from shared.runs.threads import Heard


@dataclass(frozen=True, slots=True)
class PreviewWorkshop:
    """Previews on datasets of the lake."""

    lake: Lake

    def preview(
        self,
        order: PreviewOrder,
        published: Rules,
        drafts: Rules,
        *,
        run_id: str,
        created_at: datetime,
        traceparent: str,
        heard: Heard,
    ) -> PreviewResult:
        """Return the counts, and the dataset of changes, which is all that this leaves behind.

        Raises WrongState (MATRIX_AMBIGUOUS) where rows of a matrix contradict each other; DatasetUnreadable.
        """
        total = order.inputs.views.row_count
        with open_engine(self.lake) as engine:
            register_inputs(engine, order.inputs)
            found = preview(
                engine,
                published,
                drafts,
                InputColumns(view_columns(), score_columns()),
                capacities=order.asked.capacities,
                told=lambda done: heard(done, total),
            )
            origin = Origin((order.inputs.views, order.inputs.scores, order.inputs.membership), created_at, traceparent)
            with origin.publish(self.lake, f"recommendation/preview_change/{run_id}", PreviewChange) as draft:
                rows = engine.write(
                    found.changed_sql,
                    draft.path("part.parquet"),
                    schema=row_schema(PreviewChange),
                    order_by=("place",),
                    parameters=found.parameters,
                )
                return PreviewResult(found.preview, draft.commit(rows))
