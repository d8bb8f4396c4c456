"""Request ids that are functions of what is asked, so that asking again continues or finds what is there."""

import hashlib
import os
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "visavis/request")


def request_id(cycle: str, step: str, *inputs: str) -> str:
    """Return the UUIDv5 of a step of a cycle with these inputs (texts, names or fingerprints)."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join((cycle, step, *inputs))))


def fingerprint(paths: Iterable[Path]) -> str:
    """Return the SHA-256 over names and contents of files, in the order of their names; they are read side by side."""
    files = sorted(paths)
    digest = hashlib.sha256()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for path, content in zip(files, pool.map(_content_digest, files), strict=True):
            digest.update(f"{path.name}\0{content}\n".encode())
    return digest.hexdigest()


def _content_digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
