"""A folder of extracts: read as far as its import has to be told apart from others, and taken in."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from visavis.common.v1 import run_pb2
from visavis.profile.v1 import profile_service_pb2 as profile_pb

from services.console.clients import Clients
from services.console.identity import fingerprint, request_id
from services.console.runs import Follower, Progress
from shared.errors import InvalidInput
from shared.runs.threads import Heard, in_thread

MAPPING = "mapping.toml"
_STEP = "read extracts"


@dataclass(frozen=True, slots=True)
class Extracts:
    """An absolute folder, the fingerprint of all files in it, and its mapping file."""

    folder: Path
    fingerprint: str
    mapping: str


async def read_extracts(folder: Path, *, progress: Progress) -> Extracts:
    """Read every file of an absolute folder in a thread, which ends with its file when this is cancelled; tell how many of all are
    read. Raises InvalidInput."""
    told = run_pb2.RunStatus(state=run_pb2.RUN_STATE_RUNNING)

    async def tell(done: int, total: int) -> None:
        told.done_count, told.total_count = done, total
        progress(_STEP, told)

    extracts = await in_thread(partial(_read, folder), show=tell)
    told.state = run_pb2.RUN_STATE_SUCCEEDED
    progress(_STEP, told)
    return extracts


async def take_extracts(
    cycle: str, extracts: Extracts, *, clients: Clients, follower: Follower, onto: str = ""
) -> profile_pb.Import:
    """Import extracts by their mapping file, and wait for the end.

    `onto` names the import that gives the tables which the mapping does not.
    """
    folder = str(extracts.folder)
    asked = profile_pb.CreateImportRequest(
        request_id=request_id(cycle, "import", extracts.fingerprint, folder, *([onto] if onto else [])),
        cycle=cycle,
        source_uri=folder,
        mapping=extracts.mapping,
        base_import=onto,
    )
    return await follower.complete(
        "import",
        create=clients.profile.CreateImport,
        asked=asked,
        read=clients.profile.GetImport,
        named=lambda name: profile_pb.GetImportRequest(name=name),
        of=lambda answer: answer.import_run,
    )


def _read(folder: Path, heard: Heard) -> Extracts:
    if not (folder / MAPPING).is_file():
        raise InvalidInput.of(str(folder), f"expected a folder of extracts with a mapping file {MAPPING} in it")
    mapping = _read_text(folder / MAPPING)
    return Extracts(folder, fingerprint((path for path in folder.rglob("*") if path.is_file()), heard), mapping)


def _read_text(path: Path) -> str:
    """Read a file that people write, with or without the mark that some editors put first. Raises InvalidInput."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput.of(str(path), f"is not UTF-8 at byte {error.start}; save it as UTF-8") from error
