"""Notes that people pinned to the cells of a workbook: the reading library passes over them, and planners explain rows with them."""

import io
import posixpath
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from services.recommendation.engine.sheets.cells import WorkbookError
from services.recommendation.engine.sheets.parts import local, sheet_parts, tree

_REFERENCE = re.compile(r"([A-Z]+)(\d+)")


@dataclass(frozen=True, slots=True)
class CellNote:
    """A note at a cell: `reference` like C4, `row` counted from 0."""

    reference: str
    row: int
    text: str


def cell_notes(content: bytes) -> Mapping[str, Sequence[CellNote]]:
    """Return the notes of each sheet that has any, row by row. Raises WorkbookError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            found = {name: list(_notes(archive, part)) for name, part in sheet_parts(archive).items()}
    except (zipfile.BadZipFile, KeyError, ET.ParseError, NotImplementedError, RuntimeError) as error:
        raise WorkbookError(f"the notes at its cells cannot be read: {error}") from error
    return {name: sorted(notes, key=lambda note: note.row) for name, notes in found.items() if notes}


def _notes(archive: zipfile.ZipFile, sheet: str) -> Iterator[CellNote]:
    folder, name = posixpath.split(sheet)
    relations = f"{folder}/_rels/{name}.rels"
    if relations not in archive.namelist():
        return
    for relation in tree(archive, relations):
        if relation.get("Type", "").endswith("/comments"):
            part = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")
            yield from _comments(tree(archive, part))


def _comments(root: ET.Element) -> Iterator[CellNote]:
    for comment in root.iter():
        place = _REFERENCE.fullmatch(comment.get("ref", "")) if local(comment.tag) == "comment" else None
        text = "".join(part.text or "" for part in comment.iter() if local(part.tag) == "t").strip()
        if place and text:
            yield CellNote(place[0], int(place[2]) - 1, text)
