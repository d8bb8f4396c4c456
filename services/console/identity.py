"""Request ids that are functions of what is asked, so that asking again continues or finds what is there."""

import hashlib
import os
import uuid
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from shared.lake.side_by_side import side_by_side
from shared.runs.threads import Heard

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "visavis/request")


def request_id(cycle: str, step: str, *inputs: str) -> str:
    """Return the UUIDv5 of a step of a cycle with these inputs (texts, names or fingerprints)."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join((cycle, step, *inputs))))


def fingerprint(paths: Iterable[Path], heard: Heard) -> str:
    """Return the SHA-256 over names and contents of files, in the order of their names; they are read side by side.

    `heard` is told after each file how many of all are read, and may end it by an exception.
    """
    files = sorted(paths)
    digest = hashlib.sha256()
    with closing(side_by_side(_content_digest, files, threads=os.cpu_count() or 1)) as contents:
        for done, (path, content) in enumerate(zip(files, contents, strict=True), 1):
            digest.update(f"{path.name}\0{content}\n".encode())
            heard(done, len(files))
    return digest.hexdigest()


def _content_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
