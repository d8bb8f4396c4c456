"""A proposal as the text of a mapping file; `# ?` stands where a person has to decide."""

import json
from collections.abc import Iterator, Mapping, Sequence

from services.profile.domain.mapping import MoneyUnit
from services.profile.domain.proposals.formats import DATE_FORMATS, MONTH_FORMATS, fitting
from services.profile.domain.proposals.synonyms import FLAG_WORDS, WORDS
from services.profile.domain.proposals.tables import Match, TableProposal
from services.profile.domain.source_tables import CUSTOMERS, Kind, SourceTable

_MOST_WORDS = 30
_HEAD = "# Proposed from headings and the first rows of each file. Decide wherever a line has `# ?`, then import the folder."


def rendered(proposals: Sequence[TableProposal]) -> str:
    """Return the text of a mapping file. It is sound when everything needed was found; tables found twice are told once."""
    lines, told = [_HEAD], set[str]()
    for proposal in proposals:
        lines.append("")
        if proposal.table is None:
            lines.append(
                f"# ? no table looks like {_files(proposal)}; its headings are {', '.join(map(_quoted, proposal.files[0].headings))}"
            )
        elif proposal.table.name in told:
            lines.append(f"# ? {_files(proposal)} looks like {proposal.table.name} too, but under other headings")
        else:
            told.add(proposal.table.name)
            lines += _table(proposal, proposal.table)
    if CUSTOMERS.name not in told:
        lines += ["", "# ? no file looks like customers, which every import needs"]
    return "\n".join(lines) + "\n"


def _table(proposal: TableProposal, table: SourceTable) -> Iterator[str]:
    path = f"tables.{table.name}"
    yield f"[{path}]"
    yield from _options(proposal)
    yield f"[{path}.columns]"
    for match in proposal.matches:
        yield f"{match.column.name} = {_quoted(match.heading)}" + ("" if match.is_sure else "  # ? only alike")
    yield from (f'# ? {name} = "…"  is needed in every row; no heading looks like it' for name in proposal.missing)
    yield from (f"# {_quoted(heading)} is not used" for heading in proposal.unmatched)
    for match in proposal.matches:
        words = _words(match, _cells(proposal, match))
        if words:
            yield f"[{path}.values.{match.column.name}]"
            yield from words


def _options(proposal: TableProposal) -> Iterator[str]:
    first = proposal.files[0]
    names = list(dict.fromkeys(file.file for file in proposal.files))
    yield f"file = {_quoted(names[0]) if len(names) == 1 else json.dumps(names, ensure_ascii=False)}"
    if first.member and len(proposal.files) == 1:
        yield f"member = {_quoted(first.member)}"
    if first.delimiter:
        yield f"encoding = {_quoted(first.encoding)}"
        yield f"delimiter = {_quoted(first.delimiter)}"
    yield from _formats(proposal, "date_format", Kind.DATE, DATE_FORMATS)
    yield from _formats(proposal, "month_format", Kind.MONTH, MONTH_FORMATS)
    amounts = [
        cell for match in proposal.matches if match.column.kind is Kind.MONEY for cell in _cells(proposal, match)
    ]
    if any(match.column.kind is Kind.MONEY for match in proposal.matches):
        unit: MoneyUnit = "yuan"
        yield f'money_unit = "{unit}"' + (
            "" if any("." in amount for amount in amounts) else "  # ? or fen: no amount has a point"
        )


def _formats(proposal: TableProposal, option: str, kind: Kind, known: Sequence[str]) -> Iterator[str]:
    cells = [cell for match in proposal.matches if match.column.kind is kind for cell in _cells(proposal, match)]
    formats, is_whole = fitting(cells, known)
    if formats:
        text = _quoted(formats[0]) if len(formats) == 1 else json.dumps(formats, ensure_ascii=False)
        yield f"{option} = {text}" + ("" if is_whole else "  # ? some cells are written otherwise")
    elif cells:
        yield f'# ? {option} = "…"  none that is known fits'


def _words(match: Match, cells: Sequence[str]) -> list[str]:
    """Return the lines that say what the words of a column mean, none where they are ours already."""
    seen = list(dict.fromkeys(cells))
    column = match.column
    known: Mapping[str, str] = {}
    if column.kind is Kind.FLAG:
        pairs = [pair for pair in FLAG_WORDS if set(pair) & set(seen)]
        known = {word: value for pair in pairs for word, value in zip(pair, ("true", "false"), strict=True)}
    elif column.kind is Kind.TEXT:
        known = WORDS.get(column.name, {})
        known = known if set(known) & set(seen) else {}
        known = {word: ours for word, ours in known.items() if not column.domain or ours in column.domain}
    plain = set(column.domain) | ({"true", "false", "0", "1"} if column.kind is Kind.FLAG else set())
    unknown = [word for word in seen if word not in known and word not in plain]
    if not (known or column.domain or column.kind is Kind.FLAG):
        return []
    wanted = " or ".join(column.domain) if column.domain else "true or false"
    as_is = not column.domain and column.kind is Kind.TEXT
    told = [f"{_quoted(word)} = {_quoted(ours)}" for word, ours in known.items()]
    told += [
        f"{_quoted(word)} = {_quoted(word)}  # ?" if as_is else f'# ? {_quoted(word)} = "…"  {wanted}'
        for word in unknown[:_MOST_WORDS]
    ]
    return told


def _cells(proposal: TableProposal, match: Match) -> list[str]:
    return [cell for file in proposal.files for cell in file.cells(match.heading)]


def _files(proposal: TableProposal) -> str:
    return ", ".join(file.name for file in proposal.files)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
