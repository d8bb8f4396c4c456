"""Reads the head of a matrix and the headers of its columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.engine.feel import did_you_mean, listed
from services.recommendation.engine.matrix.csv_layout import Faults, Record
from services.recommendation.engine.matrix.csv_words import (
    OUTPUT_MARK,
    POLICY_WORDS,
    REPLACES,
    folded,
    header_text,
    own_header,
    read_policy,
)
from services.recommendation.engine.matrix.names import Names
from services.recommendation.engine.matrix.table import Aggregation, HitPolicy, Input, Output


@dataclass(frozen=True, slots=True)
class Head:
    """The first line of the file, as far as it is valid."""

    purpose: str
    hit_policy: HitPolicy
    aggregation: Aggregation | None
    name: str


@dataclass(frozen=True, slots=True)
class Columns:
    """The meaning of columns by their places, the places of `note` and `replaces`, and all headers, refused ones too."""

    inputs: Mapping[int, Input]
    outputs: Mapping[int, Output]
    own: Mapping[str, int]
    headers: Mapping[int, str]

    def own_cell(self, record: Record, header: str) -> str:
        """Return the cell of the note or of what is replaced; empty where there is no such column."""
        return record.cell(self.own[header]) if header in self.own else ""


def purpose_of(cell: str, purposes: Mapping[str, str]) -> str | None:
    """Return the purpose that a head names, by its name or by its title, which `purposes` gives."""
    word = folded(cell)
    return next((name for name, title in purposes.items() if word in {name, title}), None)


def read_head(record: Record, purposes: Mapping[str, str], faults: Faults) -> Head | None:
    """Return the head line `matrix,<purpose>,<hit policy>,<name>`, or None if a part of it is unknown."""
    purpose, policy, name = (record.cell(place) for place in (1, 2, 3))
    known, read = purpose_of(purpose, purposes), read_policy(policy)
    if known is None:
        faults.add(record.row, _unknown("purpose", purpose, [*purposes, *filter(None, purposes.values())]), column="B")
    if read is None:
        faults.add(record.row, _unknown("hit policy", policy, POLICY_WORDS), column="C")
    if not name:
        faults.add(record.row, "the name of the matrix is missing: it is the fourth cell of this line", column="D")
    if any(record.cells[4:]):
        faults.add(record.row, f'nothing may follow the name, but "{",".join(record.cells[4:])}" does', column="E")
    return Head(known, *read, name) if known and read else None


def read_columns(
    record: Record, names: Names, expected: Sequence[Output] | None, faults: Faults, *, city: str
) -> Columns:
    """Return the columns under their headers; without `expected` outputs (the purpose is unknown) those are not looked at.

    An input or an output that is headed twice, be it once by its name and once by its title, is a fault.
    """
    headers = {place: header_text(cell) for place, cell in enumerate(record.cells) if cell}
    inputs, outputs, own = dict[int, Input](), dict[int, Output](), dict[str, int]()
    seen: dict[str, str] = {}
    for place, header in headers.items():
        meant = _meant(header, names, expected)
        if meant in seen:
            also = "" if seen[meant] == header else f', as "{seen[meant]}"'
            faults.add(record.row, f"this column is there twice{also}", column=header)
        elif own_name := own_header(header):
            own[own_name] = place
        elif header.startswith(OUTPUT_MARK):
            if expected is not None and (output := _output(record.row, header, expected, faults)):
                outputs[place] = output
        elif column := _input(record.row, header, names, faults):
            inputs[place] = column
        seen.setdefault(meant, header)
    if REPLACES in own and not city:
        why = "only the override of a city replaces rows: put a line city,<city> under the head"
        faults.add(record.row, why, column=headers[own[REPLACES]])
    columns = Columns(inputs, outputs, own, headers)
    _check_complete(record, columns, expected, faults)
    return columns


def _meant(header: str, names: Names, expected: Sequence[Output] | None) -> str:
    """Return one word for all that name the same column."""
    if header.startswith(OUTPUT_MARK):
        output = _known_output(header, expected or ())
        return f"{OUTPUT_MARK} {output.name}" if output else header
    return own_header(header) or names.field(header) or header


def _known_output(header: str, expected: Sequence[Output]) -> Output | None:
    word = header.removeprefix(OUTPUT_MARK).strip()
    return next((output for output in expected if word and word in {output.name, folded(output.type.title)}), None)


def _output(row: int, header: str, expected: Sequence[Output], faults: Faults) -> Output | None:
    output = _known_output(header, expected)
    if output is None:
        known = [word for each in expected for word in (each.name, each.type.title) if word]
        faults.add(
            row, _unknown("output of this purpose", header.removeprefix(OUTPUT_MARK).strip(), known), column=header
        )
    return output


def _input(row: int, header: str, names: Names, faults: Faults) -> Input | None:
    if name := names.field(header):
        return Input(name, names.fields[name])
    mark = "; the header of an output begins with =>" if header.startswith(("=", ">", "-")) else ""
    known = [*names.fields, *(field.title for field in names.fields.values() if field.title)]
    faults.add(row, f'no field is called "{header}"{did_you_mean(header, known)}{mark}', column=header)
    return None


def _check_complete(record: Record, columns: Columns, expected: Sequence[Output] | None, faults: Faults) -> None:
    headers = columns.headers.values()
    if all(header.startswith(OUTPUT_MARK) or own_header(header) for header in headers):
        faults.add(record.row, "no column is an input: head at least one with the name of a field")
    if not any(header.startswith(OUTPUT_MARK) for header in headers):
        faults.add(record.row, f'no column is an output: head at least one with "{OUTPUT_MARK} <name>"')
    given = {output.name for output in columns.outputs.values()}
    for output in expected or ():
        if output.required and output.name not in given:
            faults.add(record.row, f'the column "{OUTPUT_MARK} {output.name}" is missing: this purpose needs it')


def _unknown(what: str, word: str, known: Sequence[str]) -> str:
    return f'"{word}" is no {what}' + (did_you_mean(word, known) or f": expected one of {listed(list(known))}")
