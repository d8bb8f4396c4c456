"""Says where in its file something of a table that was read stands, for faults that only its purpose can know."""

from dataclasses import dataclass

from services.recommendation.engine.matrix.csv_layout import Faults, Parts, parts_of, read_records
from services.recommendation.engine.matrix.csv_words import OUTPUT_MARK, Line, folded, header_text, line_of
from services.recommendation.engine.matrix.hit_policies import DEFAULT_ROW
from services.recommendation.engine.matrix.table import Output


@dataclass(frozen=True, slots=True)
class Places:
    """The parts of a file that `read_csv` has read without a fault."""

    parts: Parts

    @classmethod
    def of(cls, text: str) -> "Places":
        return cls(parts_of(list(read_records(text, Faults()))))

    @property
    def hit_policy(self) -> str:
        return f"row {self.parts.head.row}, column C"

    @property
    def city(self) -> str:
        return f"row {self._row(Line.CITY)}, column B"

    def output(self, rule: int, output: Output) -> str:
        """Return the cell of an output in a rule, or its line of defaults, under the header that the planner gave it."""
        if rule == DEFAULT_ROW:
            return f"row {self._row(Line.DEFAULT, output)}, column C"
        cells = map(header_text, self.parts.headers.cells) if self.parts.headers else ()
        named = (cell for cell in cells if cell.startswith(OUTPUT_MARK) and _is(cell, output))
        return f"row {rule}, column {next(named, f'{OUTPUT_MARK} {output.name}')}"

    def _row(self, line: Line, output: Output | None = None) -> int:
        """Return the row of the declaration, of an output without one that of another output's."""
        records = [record for record in self.parts.declarations if line_of(record.cell(0)) is line]
        own = [record for record in records if output is not None and _is(record.cell(1), output)]
        return next(iter([*own, *records, self.parts.head])).row


def _is(word: str, output: Output) -> bool:
    return folded(word).removeprefix(OUTPUT_MARK).strip() in {output.name, folded(output.type.title)}
