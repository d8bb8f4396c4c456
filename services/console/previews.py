"""Previews from the planner's side: drafts taken in, compared, and the changed customers put into a file."""

import csv
import uuid
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.recommendation.v1 import matrix_preview_pb2 as pb

from services.console.clients import Clients
from services.console.matrices import EXTRACTION, find_matrix, take_matrices
from services.console.plans import Channel
from services.console.runs import Follower, pages
from shared.errors import InvalidInput

CHANNELS = {
    Channel.SMS: contact_pb.CHANNEL_SMS,
    Channel.CALL: contact_pb.CHANNEL_CALL,
    Channel.WAP: contact_pb.CHANNEL_WAP_PUSH,
    Channel.MAIL: contact_pb.CHANNEL_MAIL_139,
}
_COLUMNS = [field.name for field in pb.PreviewChange.DESCRIPTOR.fields if field.name != "place"]


@dataclass(frozen=True, slots=True)
class PreviewRequest:
    """What a planner asks for: drafts by file or name, and what they are compared with; what is empty is the usual."""

    drafts: Sequence[str]
    policy_catalogue: str
    assembly_run: str
    capacities: Mapping[Channel, int]


async def preview_drafts(request: PreviewRequest, *, clients: Clients, follower: Follower) -> pb.MatrixPreview:
    """Take files in as drafts, compare, and wait for the counts. Each call is a preview of its own: what is published changes.

    Raises InvalidInput with all that is wrong, NotFound, Failure with what ended the preview.
    """
    asked = pb.PreviewMatrixRequest(
        request_id=str(uuid.uuid4()),
        matrices=[name for draft in request.drafts for name in await _drafted(draft, clients)],
        policy_catalogue=request.policy_catalogue,
        assembly_run=request.assembly_run,
        capacities=[
            pb.ChannelCapacity(channel=CHANNELS[channel], capacity=capacity)
            for channel, capacity in request.capacities.items()
        ],
    )
    return await follower.complete(
        "preview",
        create=clients.matrices.PreviewMatrix,
        asked=asked,
        read=clients.matrices.GetMatrixPreview,
        named=lambda name: pb.GetMatrixPreviewRequest(name=name),
        of=lambda answer: answer.matrix_preview,
    )


async def _drafted(file_or_name: str, clients: Clients) -> Sequence[str]:
    """Return the matrices of a file, those that make lists, or the one of this name."""
    path = _file(file_or_name)
    if path is None:
        return [await find_matrix(file_or_name, clients)]
    return [matrix.name for matrix in await take_matrices(path, clients) if matrix.purpose != EXTRACTION]


def _file(file_or_name: str) -> Path | None:
    path = Path(file_or_name)
    return path if path.is_file() else None


@dataclass(frozen=True, slots=True)
class ChangesFile:
    """A file of changed customers that is not there yet, in the format of its name."""

    path: Path
    writing: "_Writing"

    @classmethod
    def at(cls, path: Path) -> "ChangesFile":
        """Raises InvalidInput for a name that ends in no format."""
        writing = _FORMATS.get(path.suffix.lower())
        if writing is None:
            raise InvalidInput.of("out", f'"{path.name}": expected a name that ends in {" or ".join(_FORMATS)}')
        return cls(path, writing)

    async def fill(self, preview: str, clients: Clients) -> int:
        """Write all changed customers of a preview, beside the file first, so that nobody takes half of them for the whole."""
        beside, written = self.path.with_name(f".{self.path.name}.part"), 0
        with self.writing(beside) as write:
            async for changes in _changes(preview, clients):
                write(changes)
                written += len(changes)
        beside.replace(self.path)
        return written


async def _changes(preview: str, clients: Clients) -> AsyncIterator[Sequence[pb.PreviewChange]]:
    found = pages(
        lambda size, token: clients.matrices.ListPreviewChanges(
            pb.ListPreviewChangesRequest(parent=preview, page_size=size, page_token=token)
        )
    )
    async for page in found:
        yield page.changes


_Write = Callable[[Sequence[pb.PreviewChange]], None]
_Writing = Callable[[Path], AbstractContextManager[_Write]]


@contextmanager
def _csv(path: Path) -> Iterator[_Write]:
    # With the mark that spreadsheets need to read UTF-8.
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(_COLUMNS)
        yield lambda changes: writer.writerows(map(_line, changes))


def _line(change: pb.PreviewChange) -> Iterable[object]:
    """Return a row of cells; what is several in a cell is separated by spaces, as in planners' files."""
    for column in _COLUMNS:
        value = getattr(change, column)
        yield value if isinstance(value, str | bool) else " ".join(value)


@contextmanager
def _parquet(path: Path) -> Iterator[_Write]:
    import pyarrow.parquet as pq

    from shared.lake.messages import messages_to_table

    with pq.ParquetWriter(path, messages_to_table([], pb.PreviewChange).schema) as writer:
        yield lambda changes: writer.write_table(messages_to_table(changes, pb.PreviewChange))


_FORMATS: Mapping[str, _Writing] = {".csv": _csv, ".parquet": _parquet}
