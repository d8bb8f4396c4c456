"""Puts extracts and the hidden world on disk: each whole or not at all, and never over somebody else's files."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
from pyarrow import csv

from services.sandbox.extracts.sources import MAPPING_FILE, Source, mapping_toml
from services.sandbox.extracts.tables import Columns, tables
from services.sandbox.world.province import Province
from services.sandbox.world.secret import secret_of, write_secret
from shared.errors import InvalidInput

Told = Callable[[str, int], None]
"""Hears of each table's rows as soon as it is written."""

_ROWS_ONLY = csv.WriteOptions(include_header=False, quoting_style="none")


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the extracts go, and where the hidden world goes: anywhere but into the same folder."""

    extracts: Path
    world: Path

    @classmethod
    def of(cls, extracts: Path, world: Path | None) -> "Destination":
        """Check before any work is done. Raises InvalidInput."""
        destination = cls(extracts.resolve(), (world or extracts.parent / "tastes.parquet").resolve())
        if destination.world.is_relative_to(destination.extracts):
            raise InvalidInput.of("world", f"{world} lies in the extracts folder; the product must never see it")
        if destination.world.is_dir():
            raise InvalidInput.of("world", f"{world} is a folder; expected a file to write")
        _refuse_foreign(destination.extracts)
        return destination


def write_extracts(province: Province, destination: Destination, *, told: Told) -> None:
    """Write everything aside, then put it in its place. A reader finds the old folder, the new one, or for an instant
    none, never a mixture; a kill leaves nothing half-written under the final names."""
    folder = destination.extracts
    aside, old = folder.with_name(f".{folder.name}.new"), folder.with_name(f".{folder.name}.old")
    for leftover in (aside, old):
        shutil.rmtree(leftover, ignore_errors=True)
    aside.mkdir(parents=True)
    for source, columns in tables(province):
        told(source.table, _write_table(source, columns, aside / source.file))
    (aside / MAPPING_FILE).write_text(mapping_toml(), encoding="utf-8")
    write_secret(secret_of(province), destination.world)
    if folder.exists():
        folder.rename(old)
    aside.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def _write_table(source: Source, columns: Columns, path: Path) -> int:
    table = pa.table({name: columns[name] for name in source.columns})
    with path.open("wb") as file:
        file.write((",".join(source.columns.values()) + "\n").encode())
        csv.write_csv(table, file, _ROWS_ONLY)
    return table.num_rows


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidInput.of("out", f"{folder} is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MAPPING_FILE).is_file():
        raise InvalidInput.of(
            "out", f"{folder} is not empty and holds no {MAPPING_FILE} of ours; choose another folder"
        )
