"""How this service reads and publishes datasets: the inputs of a run under their names, rows by their contract, where they come from."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import cast

import pyarrow as pa
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from visavis.feedback.v1.control_membership_pb2 import ControlMembership
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.engine.assembly import decided
from services.recommendation.use_cases.assembly import AssemblyInputs
from shared.lake.dataset import Dataset
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Draft, Lake
from shared.lake.schema import arrow_schema


@dataclass(frozen=True, slots=True)
class Origin:
    """What a dataset was made of, when, and in which trace."""

    inputs: Sequence[Dataset]
    created_at: datetime
    traceparent: str

    def publish(self, lake: Lake, uri: str, message: type[Message]) -> AbstractContextManager[Draft]:
        """Return a draft of rows of `message`, to be written into and committed."""
        return lake.publish(
            uri,
            schema=message.DESCRIPTOR.full_name,
            created_at=self.created_at,
            inputs=self.inputs,
            traceparent=self.traceparent,
        )


def register_inputs(engine: ColumnarEngine, inputs: AssemblyInputs) -> None:
    """Make the inputs of a run views, as `assembly.decided` calls them."""
    for name, dataset, message in (
        (decided.VIEWS, inputs.views, CustomerView),
        (decided.SCORES, inputs.scores, CustomerScores),
        (decided.MEMBERSHIP, inputs.membership, ControlMembership),
    ):
        engine.register(name, dataset, row_schema(message))


def row_schema(message: type[Message]) -> pa.Schema:
    """Return the Arrow schema of a row message."""
    return arrow_schema(cast("Descriptor", message.DESCRIPTOR))
