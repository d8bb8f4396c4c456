"""Looks through a workbook before it is read: how large its sheets are, and which cells have no value though they should.

The reading library gives an empty cell for a formula that fails or was never computed, which a matrix would take for "any
value", and lays sheets out in full, however far out a cell stands.
"""

import io
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from xml.etree import ElementTree as ET

from services.recommendation.engine.sheets.parts import local, sheet_parts

LARGEST_BYTES = 64 << 20
"""What a workbook may hold when unpacked."""
LARGEST_ROWS, LARGEST_COLUMNS = 20_000, 200


class WorkbookError(ValueError):
    """The file is no workbook that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A cell without a value: `reference` like C4, `why` in words."""

    reference: str
    why: str


def broken_cells(content: bytes) -> Mapping[str, list[Broken]]:
    """Return for each sheet the cells whose formula fails or was never computed. Raises WorkbookError."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if sum(part.file_size for part in archive.infolist()) > LARGEST_BYTES:
                raise WorkbookError(f"unpacked it is larger than {LARGEST_BYTES >> 20} MB")
            return {name: list(_broken(archive, part)) for name, part in sheet_parts(archive).items()}
    except (zipfile.BadZipFile, KeyError, ET.ParseError, NotImplementedError, RuntimeError) as error:
        raise WorkbookError(f"this is no workbook of Excel: {error}") from error


def _broken(archive: zipfile.ZipFile, part: str) -> Iterator[Broken]:
    with archive.open(part) as file:
        for _, element in ET.iterparse(file):  # noqa: S314 - as above
            tag = local(element.tag)
            if tag == "c":
                _refuse_far(element.get("r", ""))
                if why := _why_broken(element):
                    yield Broken(element.get("r", ""), why)
            elif tag == "mergeCell":
                _refuse_far(element.get("ref", "").partition(":")[2])
            elif tag == "row":
                _refuse_far(f"A{element.get('r', '1')}")
                element.clear()


def _why_broken(cell: ET.Element) -> str:
    values = {local(child.tag): child.text or "" for child in cell}
    if cell.get("t") == "e":
        return f"{values.get('v', '')}: the formula fails"
    if "f" in values and not values.get("v") and cell.get("t") != "str":
        return f"={values['f']}: the formula was never computed; open the file in Excel and save it"
    return ""


def _refuse_far(reference: str) -> None:
    letters = reference.rstrip("0123456789")
    row = int(reference[len(letters) :] or 0)
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - ord("A") + 1
    if row > LARGEST_ROWS or column > LARGEST_COLUMNS:
        raise WorkbookError(
            f"there is something in cell {reference}: expected at most {LARGEST_ROWS:,} rows and {LARGEST_COLUMNS} columns"
        )
