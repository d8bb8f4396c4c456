"""What a published dataset says about itself: files with their hashes, rows, where it came from."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import cast

from shared.lake.dataset import Dataset, DatasetUnreadable

MANIFEST_NAME = "manifest.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a dataset: its name in the folder, its bytes, the hex SHA-256 of them."""

    name: str
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path) -> "DataFile":
        """Read the file once to know it."""
        with path.open("rb") as content:
            return cls(path.name, path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())


@dataclass(frozen=True, slots=True)
class Manifest:
    """The published description of one dataset. Lineage, time and trace are outside the fingerprint."""

    schema: str
    row_count: int
    files: tuple[DataFile, ...]
    lineage: tuple[Dataset, ...]
    created_at: datetime
    traceparent: str

    def fingerprint(self) -> str:
        """Return the hex SHA-256 over schema, row count and each file's name, size and hash in name order."""
        content = [self.schema, self.row_count, [[f.name, f.size, f.sha256] for f in self.files]]
        return hashlib.sha256(json.dumps(content, separators=(",", ":")).encode()).hexdigest()

    def dataset(self, uri: str) -> Dataset:
        """Return the reference to this dataset at `uri`."""
        return Dataset(uri, self.schema, self.row_count, self.fingerprint())

    def to_json(self) -> str:
        """Render it for the file and for people."""
        return json.dumps(
            {
                "format": _FORMAT,
                "schema": self.schema,
                "row_count": self.row_count,
                "fingerprint": self.fingerprint(),
                "files": [asdict(f) for f in self.files],
                "lineage": [asdict(d) for d in self.lineage],
                "created_at": self.created_at.isoformat(),
                "traceparent": self.traceparent,
            },
            ensure_ascii=False,
            indent=2,
        )

    @classmethod
    def read(cls, folder: Path, uri: str) -> "Manifest | None":
        """Read the manifest in `folder`, None where there is none; raises DatasetUnreadable if it is not one of ours."""
        try:
            text = (folder / MANIFEST_NAME).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            return _parsed(json.loads(text))
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetUnreadable(f"{uri}: {MANIFEST_NAME} is damaged; publish the dataset again", uri=uri) from error


def _parsed(fields: Mapping[str, object]) -> Manifest:
    if fields["format"] != _FORMAT:
        raise ValueError(f"format {fields['format']}, expected {_FORMAT}")
    manifest = Manifest(
        schema=str(fields["schema"]),
        row_count=int(cast("int", fields["row_count"])),
        files=tuple(DataFile(**f) for f in cast("Sequence[dict[str, str]]", fields["files"])),  # type: ignore[arg-type]  # asdict of our own
        lineage=tuple(Dataset(**d) for d in cast("Sequence[dict[str, str]]", fields["lineage"])),  # type: ignore[arg-type]  # asdict of our own
        created_at=datetime.fromisoformat(str(fields["created_at"])),
        traceparent=str(fields["traceparent"]),
    )
    if manifest.fingerprint() != fields["fingerprint"]:
        raise ValueError("the fingerprint is not that of the listed files")
    return manifest
