"""What the use cases need of the outside."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol, TypeAlias

from services.scoring.domain.resources import Model, ScoringRequest, ScoringRun, TrainingRequest
from shared.lake.dataset import Dataset
from shared.runs.domain import RunPlace

Row: TypeAlias = Mapping[str, object]
"""A row of a dataset, in Arrow's Python values."""


class Resources(Protocol):
    """Models and scorings, as one transaction sees them."""

    async def get_model(self, model_id: str) -> Model:
        """Return a model or raise NotFound."""
        ...

    async def list_models(self, after: RunPlace | None, limit: int) -> tuple[Sequence[Model], RunPlace | None]:
        """Return up to `limit` models, newest first, behind `after`, and the place to go on from."""
        ...

    async def get_scoring_run(self, scoring_run_id: str) -> ScoringRun:
        """Return a scoring or raise NotFound."""
        ...

    async def list_scoring_runs(
        self, after: RunPlace | None, limit: int
    ) -> tuple[Sequence[ScoringRun], RunPlace | None]:
        """Return up to `limit` scorings, newest first, behind `after`, and the place to go on from."""
        ...


class ChangeableResources(Resources, Protocol):
    """The same, and what may be added."""

    async def create_model(self, model_id: str, request: TrainingRequest, *, principal: str, now: datetime) -> Model:
        """Queue a training, or return the model with this id and request; another request raises AlreadyExists."""
        ...

    async def create_scoring_run(
        self, scoring_run_id: str, request: ScoringRequest, *, principal: str, now: datetime
    ) -> ScoringRun:
        """Queue a scoring, or return the one with this id and request; another request raises AlreadyExists."""
        ...


class Store(Protocol):
    """Opens transactions; a writing one commits when its body ends, and not when the body raises."""

    def reading(self) -> AbstractAsyncContextManager[Resources]: ...

    def writing(self) -> AbstractAsyncContextManager[ChangeableResources]: ...


class PublishedRows(Protocol):
    """What is read out of published datasets while a caller waits."""

    async def find(self, dataset: Dataset, customer_id: str) -> Row | None:
        """Return the customer's row."""
        ...

    async def count_taken(self, labels: Dataset) -> Mapping[str, int]:
        """Return how many customers took each product, by its code. Raises DatasetUnreadable."""
        ...
