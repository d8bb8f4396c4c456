"""Which table a file holds, and which of its headings are which of our columns."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final

from services.profile.domain.proposals.samples import FileSample
from services.profile.domain.proposals.synonyms import ANYWHERE, COLUMN_NAMES, TABLE_NAMES
from services.profile.domain.source_tables import SOURCE_TABLES, Kind, SourceColumn, SourceTable

_SURE: Final = 1.0
_ALIKE: Final = 0.8
_LEAST_SHARE: Final = 0.5
_MSISDN = re.compile(r"1[3-9]\d{9}")
_PUNCTUATION = re.compile(r"[\s_\-()（）【】\[\]:：.]|元|分钟数$")


@dataclass(frozen=True, slots=True)
class Match:
    """A column found under a heading; unsure where the names are only alike."""

    column: SourceColumn
    heading: str
    is_sure: bool


@dataclass(frozen=True, slots=True)
class TableProposal:
    """A table and its files, all with the same headings; `table` is none where no table fits."""

    files: tuple[FileSample, ...]
    table: SourceTable | None
    matches: tuple[Match, ...]

    @property
    def unmatched(self) -> list[str]:
        found = {match.heading for match in self.matches}
        return [heading for heading in self.files[0].headings if heading not in found]

    @property
    def missing(self) -> list[str]:
        """Columns that every row needs and that no heading was found for."""
        found = {match.column.name for match in self.matches}
        columns = self.table.columns if self.table else ()
        return [column.name for column in columns if not column.optional and column.name not in found]


def proposals(samples: Sequence[FileSample]) -> list[TableProposal]:
    """Return what the readable files may hold, in the order of taking in; what fits no table comes last."""
    alike: dict[tuple[tuple[str, ...], str, str], list[FileSample]] = {}
    for sample in samples:
        if not sample.fault:
            alike.setdefault((sample.headings, sample.encoding, sample.delimiter), []).append(sample)
    found = [_proposal(tuple(files)) for files in alike.values()]
    order = {table.name: index for index, table in enumerate(SOURCE_TABLES)}
    return sorted(found, key=lambda each: order[each.table.name] if each.table else len(order))


def _proposal(files: tuple[FileSample, ...]) -> TableProposal:
    ranked = sorted(
        (
            (_fit(files[0], table, matches), table, matches)
            for table in SOURCE_TABLES
            for matches in [_matches(files[0], table)]
        ),
        key=lambda each: -each[0],
    )
    fit, table, matches = ranked[0]
    return TableProposal(files, table, matches) if fit >= _LEAST_SHARE else TableProposal(files, None, ())


def _fit(sample: FileSample, table: SourceTable, matches: Sequence[Match]) -> float:
    """Return how well a table fits: the shares of its required columns and of the file's headings that were found."""
    if not matches:
        return 0.0
    required = [column for column in table.columns if not column.optional]
    found = {match.column.name for match in matches}
    needed = sum(column.name in found for column in required) / len(required)
    used = sum(1.0 if match.is_sure else 0.7 for match in matches) / max(1, len(sample.headings))
    return 0.6 * needed + 0.4 * used + (0.05 if _is_named(sample, table) else 0.0)


def _is_named(sample: FileSample, table: SourceTable) -> bool:
    name = sample.name.lower()
    return any(word in name for word in (table.name, *TABLE_NAMES[table.name]))


def _matches(sample: FileSample, table: SourceTable) -> tuple[Match, ...]:
    """Return the best pairs of column and heading, each used once, in the order of our columns."""
    scored = sorted(_scores(sample, table), key=lambda each: (-each[0], each[1], each[2]))
    taken: dict[int, Match] = {}
    headings: set[int] = set()
    for score, column, heading in scored:
        if column not in taken and heading not in headings:
            taken[column] = Match(table.columns[column], sample.headings[heading], score >= _SURE)
            headings.add(heading)
    return tuple(taken[index] for index in sorted(taken))


def _scores(sample: FileSample, table: SourceTable) -> Iterator[tuple[float, int, int]]:
    """Yield the likeness of each column and each heading that is worth a thought."""
    for heading_index, heading in enumerate(sample.headings):
        if not heading or sample.headings.count(heading) > 1:
            continue
        plain = _plain(heading)
        for column_index, column in enumerate(table.columns):
            names = [_plain(name) for name in _names(table, column)]
            likeness = max(SequenceMatcher(None, plain, name).ratio() for name in names)
            score = _SURE if plain in names else min(likeness, 0.99)
            if column.kind is Kind.MSISDN and score < _SURE and _holds_numbers(sample.cells(heading)):
                score = 0.95
            if score >= _ALIKE:
                yield score, column_index, heading_index


def _names(table: SourceTable, column: SourceColumn) -> tuple[str, ...]:
    return (column.name, *COLUMN_NAMES[table.name].get(column.name, ()), *ANYWHERE.get(column.name, ()))


def _plain(name: str) -> str:
    return _PUNCTUATION.sub("", name.lower())


def _holds_numbers(cells: Sequence[str]) -> bool:
    return len(cells) > 0 and all(_MSISDN.fullmatch(cell) for cell in cells)
