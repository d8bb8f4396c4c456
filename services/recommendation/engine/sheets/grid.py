"""What the rows of a sheet are, and what their cells say as CSV."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from services.recommendation.engine.matrix.csv_words import (
    NOTE,
    OUTPUT_MARK,
    Line,
    header_text,
    line_of,
    own_header,
)
from services.recommendation.engine.sheets.cell_text import CellValue, declared_text, plain_text, test_text
from services.recommendation.engine.sheets.notes import CellNote

Row = Sequence[CellValue]


@dataclass(frozen=True)
class Grid:
    """The rows of one sheet, and which of them hold a block merged over several columns."""

    rows: Sequence[Row]
    wide: frozenset[int] = field(default_factory=frozenset)

    @cached_property
    def used(self) -> Sequence[int]:
        """The places of rows that are neither empty nor comments."""
        return [at for at, row in enumerate(self.rows) if any(value != "" for value in row) and not _is_comment(row)]

    @cached_property
    def is_matrix(self) -> bool:
        return bool(self.used) and line_of(plain_text(self.rows[self.used[0]][0])) is Line.MATRIX

    @cached_property
    def heading(self) -> int:
        """The place of the headers: in a matrix the first row with an output, of headers merged over several rows the last one; else
        the second row used; in other sheets the first; -1 without any."""
        if not self.is_matrix:
            return next(iter(self.used), -1)
        marked = [at for at in self.used[1:] if _outputs(self.rows[at])]
        if not marked:
            return next((at for at in self.used[1:] if line_of(plain_text(self.rows[at][0])) is None), -1)
        last = marked[0]
        while last + 1 in marked and _outputs(self.rows[last + 1]) == _outputs(self.rows[last]):
            last += 1
        return last

    @cached_property
    def captions(self) -> frozenset[int]:
        """The places of rows over the headers that only group them: headers merged downwards, captions merged over columns."""
        if not self.is_matrix:
            return frozenset()
        above = [at for at in self.used[1:] if at < self.heading and line_of(plain_text(self.rows[at][0])) is None]
        return frozenset(at for at in above if at in self.wide or _outputs(self.rows[at]))

    def texts(self, notes: Sequence[CellNote]) -> Iterator[list[str]]:
        """Yield the cells of each row as CSV has them: notes at rules in the column of notes, others as comments below."""
        at_rules = [note for note in notes if self._is_rule(note.row)]
        place = self._note_place if at_rules else -1
        for at, row in enumerate(self.rows):
            texts = self._texts(at, row)
            if at_rules and at == self.heading:
                texts += [""] * (place + 1 - len(texts))
                texts[place] = texts[place] or NOTE
            pinned = [f"[{note.reference}] {note.text}" for note in at_rules if note.row == at]
            if pinned:
                texts += [""] * (place + 1 - len(texts))
                texts[place] = "\n".join(filter(None, [texts[place], *pinned]))
            yield texts
        for note in notes:
            if note not in at_rules:
                yield [f"# {note.reference}: {' '.join(note.text.split())}"]

    @cached_property
    def _headers(self) -> Sequence[str]:
        return [header_text(plain_text(value)) for value in self.rows[self.heading]] if self.heading >= 0 else []

    @cached_property
    def _inputs(self) -> frozenset[int]:
        """The columns that hold tests."""
        return frozenset(
            place
            for place, header in enumerate(self._headers)
            if header and own_header(header) is None and not header.startswith(OUTPUT_MARK)
        )

    @cached_property
    def _note_place(self) -> int:
        """The column of notes, or the first one behind all that there are."""
        known = [place for place, header in enumerate(self._headers) if own_header(header) == NOTE]
        return known[0] if known else max((len(row) for row in self.rows), default=0)

    def _is_rule(self, at: int) -> bool:
        return self.is_matrix and at > self.heading >= 0 and at in self.used

    def _texts(self, at: int, row: Row) -> list[str]:
        if not self.is_matrix or _is_comment(row):
            return [plain_text(value) for value in row]
        if at in self.captions:
            return [" ".join(["#", *dict.fromkeys(filter(None, map(plain_text, row)))])]
        if at == self.heading:
            return [header_text(plain_text(value)) for value in row]
        if at < self.heading or line_of(plain_text(row[0]) if row else "") is Line.LIST:
            return [declared_text(value) for value in row]
        return [test_text(value) if place in self._inputs else plain_text(value) for place, value in enumerate(row)]


def _outputs(row: Row) -> Sequence[tuple[int, str]]:
    headers = ((place, header_text(plain_text(value))) for place, value in enumerate(row))
    return [(place, header) for place, header in headers if header.startswith(OUTPUT_MARK)]


def _is_comment(row: Row) -> bool:
    return bool(row) and plain_text(row[0]).startswith("#")
