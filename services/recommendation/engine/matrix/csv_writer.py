"""Writes the CSV of a matrix, row by row as a spreadsheet counts them."""

import csv
import io
from collections.abc import Mapping, Sequence

from services.recommendation.engine.feel.text import feel_text


def csv_text(rows: Mapping[int, Sequence[str]]) -> str:
    """Return a file with these rows in their places, counted from 1; rows between them stay empty."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in range(1, max(rows) + 1):
        cells = rows.get(row, ())
        if len(cells) == 1 and cells[0].startswith("#") and "\n" not in cells[0]:
            file.write(f"{cells[0]}\n")  # as a planner writes a comment: quotes would be no harm, but no use either
        else:
            writer.writerow(cells)
    return file.getvalue()


def plain_text(value: str) -> str:
    """Return a text as an output's cell has it: without quotes, where it reads as itself without them."""
    plain = value == value.strip() and value not in {"", "null"} and not value.startswith('"') and "\r" not in value
    return value if plain else feel_text(value)
