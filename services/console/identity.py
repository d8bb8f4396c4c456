"""Request ids that are functions of what is asked, so that asking again continues or finds what is there."""

import hashlib
import uuid
from collections.abc import Iterable
from pathlib import Path

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "visavis/request")


def request_id(cycle: str, step: str, *inputs: str) -> str:
    """Return the UUIDv5 of a step of a cycle with these inputs (texts, names or fingerprints)."""
    return str(uuid.uuid5(_NAMESPACE, "\n".join((cycle, step, *inputs))))


def fingerprint(paths: Iterable[Path]) -> str:
    """Return the SHA-256 over names and contents of files, in the order of their names."""
    digest = hashlib.sha256()
    for path in sorted(paths):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        with path.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
