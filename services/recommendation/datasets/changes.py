"""Reads the customers whose lists a preview would change, page by page; blocking, for a thread."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import cast

from visavis.recommendation.v1.matrix_preview_pb2 import PreviewChange

from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.lake.messages import row_to_message


@dataclass(frozen=True, slots=True)
class LakeChanges:
    """Reads published changes."""

    lake: Lake

    def page(
        self, changes: Dataset, *, after: int, limit: int, cities: Collection[str] | None
    ) -> Sequence[PreviewChange]:
        """Return the changes in the places behind `after`, up to `limit` places on, of these cities (None: of all)."""
        last = min(after + limit, changes.row_count)
        rows = self.lake.lookup(changes, "place", range(after + 1, last + 1)).to_pylist() if last > after else []
        return [
            row_to_message(cast("dict[str, object]", row), PreviewChange)
            for row in rows
            if cities is None or row["city"] in cities
        ]
