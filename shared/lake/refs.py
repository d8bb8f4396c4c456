"""The reference to a dataset on the wire; apart from the rows, so that a server that only names datasets starts without Arrow."""

from visavis.common.v1 import dataset_pb2 as pb

from shared.lake.dataset import Dataset


def to_ref(dataset: Dataset) -> pb.DatasetRef:
    """Return the reference as it travels in RPCs."""
    return pb.DatasetRef(
        uri=dataset.uri, schema=dataset.schema, row_count=dataset.row_count, fingerprint=dataset.fingerprint
    )


def from_ref(ref: pb.DatasetRef) -> Dataset:
    """Return the reference as core modules hold it."""
    return Dataset(ref.uri, ref.schema, ref.row_count, ref.fingerprint)
