"""Finds the reference data that is not part of the project, so that a test on it is skipped with a reason where it is absent."""

import os
from pathlib import Path

_BESIDE_THE_PROJECT = Path(__file__).resolve().parents[2] / "shared" / "data"


def reference_data(name: str) -> Path | None:
    """Return the path of a file of the reference data (`VISAVIS_TEST_DATA`, else `../shared/data`), or None if absent."""
    folder = Path(os.environ.get("VISAVIS_TEST_DATA") or _BESIDE_THE_PROJECT)
    path = folder / name
    return path if path.exists() else None
