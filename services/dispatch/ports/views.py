"""What dispatch needs to know of the newest customer views, and where it keeps that."""

from collections.abc import Iterable
from typing import Protocol

from services.dispatch.domain.rules import Rule
from shared.lake.dataset import Dataset


class Snapshots(Protocol):
    async def newest(self) -> tuple[str, Dataset] | None:
        """Return the name and the views of the newest snapshot of the latest cycle; None before the first. Raises Unavailable."""
        ...


class BarredCustomers(Protocol):
    async def snapshot(self) -> str:
        """Return whose views the stored customers are of, "" before the first; nobody else replaces them meanwhile."""
        ...

    async def replace(self, snapshot: str, customers: Iterable[tuple[str, Rule]]) -> int:
        """Store whom the views forbid to contact, all of them; return how many."""
        ...
