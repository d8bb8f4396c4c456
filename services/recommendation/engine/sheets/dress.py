"""What a spreadsheet shows of a matrix beside its cells: where its headers stand, what a column means, what may be chosen in it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.engine.feel import FieldType, Kind
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import Output
from services.recommendation.engine.matrix.csv_head import purpose_of
from services.recommendation.engine.matrix.csv_layout import Faults, Record, is_matrix, parts_of, read_records
from services.recommendation.engine.matrix.csv_words import OUTPUT_MARK, folded, header_text
from services.recommendation.engine.matrix.names import Names


@dataclass(frozen=True, slots=True)
class ColumnDress:
    """What one column offers: `words` to choose from, only those where `strict`, and a hint at whoever stands in it."""

    place: int
    words: tuple[str, ...]
    strict: bool
    title: str
    hint: str


@dataclass(frozen=True, slots=True)
class Dress:
    """The row of the headers, counted from 1, and the columns below it."""

    heading: int
    columns: tuple[ColumnDress, ...]


def dress(
    text: str, *, fields: Mapping[str, FieldType], outputs: Mapping[str, Sequence[Output]], titles: Mapping[str, str]
) -> Dress | None:
    """Return how a matrix is shown; what a header means that nobody knows is left open. None for what is no matrix."""
    records = list(read_records(text, Faults()))
    if not records or not is_matrix(records[0]) or (headers := parts_of(records).headers) is None:
        return None
    purpose = purpose_of(records[0].cell(1), {name: titles.get(name, "") for name in outputs})
    return Dress(headers.row, tuple(_columns(headers, Names.of(fields), outputs[purpose] if purpose else ())))


def _columns(headers: Record, names: Names, outputs: Sequence[Output]) -> Iterator[ColumnDress]:
    for place, header in enumerate(map(header_text, headers.cells)):
        if header.startswith(OUTPUT_MARK):
            word = header.removeprefix(OUTPUT_MARK).strip()
            for output in outputs:
                if word in {output.name, folded(output.type.title)}:
                    words = output.type.domain
                    yield ColumnDress(
                        place,
                        words,
                        bool(words),
                        output.name,
                        _hint(output.type, "" if output.required else "nothing is given"),
                    )
        elif name := names.field(header):
            field = names.fields[name]
            yield ColumnDress(place, _words(field), strict=False, title=name, hint=_hint(field, field.null_meaning))


def _words(field: FieldType) -> tuple[str, ...]:
    """Return tests to begin with: a cell may say more than one of them."""
    if field.kind is Kind.BOOLEAN:
        return ("-", "true", "false")
    return ("-", *map(feel_text, field.domain)) if field.domain else ()


def _hint(field: FieldType, null_meaning: str) -> str:
    parts = [
        f"{field.kind}{f' in {field.unit}' if field.unit else ''}",
        f"null: {null_meaning}" if null_meaning else "",
    ]
    return "; ".join(filter(None, parts))
