"""The reference to one published dataset, as core modules hold it."""

from dataclasses import dataclass

from shared.errors import WrongState


@dataclass(frozen=True, slots=True)
class Dataset:
    """One immutable dataset of the lake; the contract's `DatasetRef` without the wire.

    `uri` is relative to the lake's root, `schema` the full name of the row message, `fingerprint` the lower-case hex
    SHA-256 of what was published: equal fingerprints mean equal bytes.
    """

    uri: str
    schema: str
    row_count: int
    fingerprint: str


class DatasetUnreadable(WrongState):
    """A dataset is missing, damaged, or not the one that the reference names."""

    def __init__(self, message: str, *, uri: str) -> None:
        super().__init__(message, subject=uri, reason="ERROR_REASON_DATASET_UNREADABLE")
