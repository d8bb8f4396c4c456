"""Reads the lines between the head of a matrix and its headers: what the matrix declares for its own use.

city,合肥                                            the override of one city
parameter,churn_threshold,32,合肥=16                 a constant that cells may name, and its value in a city
computed,months_left,months until(contract_ends_on),months
list,stickiness_products,ring_back_tone,mail_139     values that cells may name together
values,policy_group,group-9,group-5                  what an output may be, highest priority first
default,policy_group,group-5                         what it is where no rule fires
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from services.recommendation.engine.feel import CellError, FieldType, Kind, Literal, Value, did_you_mean, listed
from services.recommendation.engine.feel.expression_parser import read_expression
from services.recommendation.engine.matrix.csv_layout import Faults, Record, column_letter
from services.recommendation.engine.matrix.csv_words import Line, folded, line_of
from services.recommendation.engine.matrix.names import Names, is_name
from services.recommendation.engine.matrix.output_cell import OutputCellError, read_constant, read_output
from services.recommendation.engine.matrix.table import Computed, Output, Parameter

_Lines = Mapping[Line, Sequence[Record]]


@dataclass(frozen=True, slots=True)
class Declared:
    """What the lines declare. `outputs` are those of the purpose with the values and defaults that the lines give them."""

    city: str
    computed: tuple[Computed, ...]
    names: Names
    outputs: Sequence[Output] | None

    @property
    def lists(self) -> Mapping[str, tuple[Value, ...]]:
        """The values of each list."""
        return {name: tuple(literal.value for literal in values) for name, values in self.names.lists.items()}


def read_declarations(
    records: Iterable[Record], fields: Mapping[str, FieldType], expected: Sequence[Output] | None, faults: Faults
) -> Declared:
    """Return what the lines declare; without `expected` outputs (the purpose is unknown) lines about outputs are not looked at."""
    lines = _by_kind(records, faults)
    city = _city(lines[Line.CITY], faults)
    named = _named(lines, fields, faults)
    parameters = [_parameter(record, city, faults) for record in named[Line.PARAMETER]]
    lists = {record.cell(1): _constants(record, faults) for record in named[Line.LIST]}
    known = {parameter.name: parameter for parameter in parameters if parameter}
    computed = _computed(named[Line.COMPUTED], {**fields, **{name: each.type for name, each in known.items()}}, faults)
    names = Names.of({**fields, **{found.name: found.type for found in computed}}, parameters=known, lists=lists)
    return Declared(city, computed, names, None if expected is None else _outputs(lines, expected, faults))


def _by_kind(records: Iterable[Record], faults: Faults) -> _Lines:
    lines: dict[Line, list[Record]] = {line: [] for line in Line}
    for record in records:
        line = line_of(record.cell(0))
        if line is None or line is Line.MATRIX:
            known = [kind.value for kind in Line if kind is not Line.MATRIX]
            advice = (
                did_you_mean(record.cell(0), known) or f": expected one of {listed(known)}, or the headers of columns"
            )
            faults.add(record.row, f'"{record.cell(0)}" declares nothing{advice}', column="A")
        else:
            lines[line].append(record)
    return lines


def _city(records: Sequence[Record], faults: Faults) -> str:
    for record in records:
        if record is not records[0]:
            faults.add(record.row, f"the city is told in row {records[0].row} already", column="A")
        elif not record.cell(1) or any(record.cells[2:]):
            faults.add(
                record.row,
                f'"{",".join(record.cells)}": expected city,<the one city whose override this is>',
                column="B",
            )
    return records[0].cell(1) if records else ""


def _named(lines: _Lines, fields: Mapping[str, FieldType], faults: Faults) -> _Lines:
    """Return the lines whose name is one, and nobody else's."""
    taken = {word: f"the field {name}" for word, name in Names.of(fields).words.items()}
    found: dict[Line, list[Record]] = {line: [] for line in Line}
    records = sorted(
        (record.row, line, record) for line in (Line.PARAMETER, Line.LIST, Line.COMPUTED) for record in lines[line]
    )
    for row, line, record in records:
        name = record.cell(1)
        if not is_name(name):
            what = "a name is one word that begins with a letter, such as churn_threshold or 预警门槛"
            faults.add(row, f'"{name}": {what}', column="B")
        elif folded(name) in taken:
            faults.add(row, f'"{name}" is {taken[folded(name)]} already: expected another name', column="B")
        else:
            taken[folded(name)] = f"the {line} of row {row}"
            found[line].append(record)
    return found


def _parameter(record: Record, city: str, faults: Faults) -> Parameter | None:
    """Return the parameter, or None after a fault."""
    found: dict[int, Literal | None] = {2: _constant(record, 2, record.cell(2), faults)}
    cities: dict[str, int] = {}
    for place, cell in enumerate(record.cells[3:], start=3):
        told, mark, text = (part.strip() for part in cell.replace("＝", "=", 1).partition("="))
        if not cell:
            continue
        if problem := _city_problem(told, mark, city, cities):
            faults.add(record.row, f'"{cell}": {problem}', column=column_letter(place))
        else:
            cities[told] = place
            found[place] = _constant(record, place, text, faults)
    literals = {place: literal for place, literal in found.items() if literal}
    if len(literals) < len(found) or not _of_one_kind(record, literals, faults):
        return None
    values = {told: literals[place].value for told, place in cities.items()}
    return Parameter(record.cell(1), _type_of(list(literals.values())), literals[2].value, values)


def _city_problem(told: str, mark: str, city: str, known: Mapping[str, int]) -> str:
    """Return what is wrong with a city's value, if anything."""
    if not mark or not told:
        return "expected <city>=<value>, such as 合肥=16"
    if city:
        return f"this is the matrix of {city}, where the first value counts"
    return f"{told} has a value already" if told in known else ""


def _computed(records: Sequence[Record], fields: Mapping[str, FieldType], faults: Faults) -> tuple[Computed, ...]:
    """Return the inputs, each computed from `fields` and those before it."""
    found: dict[str, Computed] = {}
    for record in records:
        name, text, unit = (record.cell(place) for place in (1, 2, 3))
        try:
            known = {**fields, **{each.name: each.type for each in found.values()}}
            expression, kind = read_expression(text, known)
        except CellError as error:
            faults.add(record.row, str(error), column="C")
            continue
        if any(record.cells[4:]):
            faults.add(record.row, f'nothing may follow the unit, but "{",".join(record.cells[4:])}" does', column="E")
        found[name] = Computed(name, replace(kind, unit=unit or kind.unit), text, expression)
    return tuple(found.values())


def _constants(record: Record, faults: Faults) -> tuple[Literal, ...]:
    """Return the values of a list; of one with a fault those that are understood."""
    found: dict[int, Literal] = {}
    for place, cell in enumerate(record.cells[2:], start=2):
        literal = _constant(record, place, cell, faults) if cell else None
        if literal in found.values():
            faults.add(record.row, f'"{cell}" is in this list already', column=column_letter(place))
        elif literal:
            found[place] = literal
    if not any(record.cells[2:]):
        faults.add(record.row, f"the list {record.cell(1)} is empty: expected its values, one a cell", column="C")
    _of_one_kind(record, found, faults)
    return tuple(found.values())


def _constant(record: Record, place: int, text: str, faults: Faults) -> Literal | None:
    try:
        return read_constant(text)
    except OutputCellError as error:
        faults.add(record.row, str(error), column=column_letter(place))
        return None


def _of_one_kind(record: Record, literals: Mapping[int, Literal], faults: Faults) -> bool:
    kinds = [literal.kind for literal in literals.values()]
    others = {place: literal.kind for place, literal in literals.items() if literal.kind is not kinds[0]}
    for place, kind in others.items():
        expected = f"expected a {kinds[0]}, as the first value is, not a {kind}"
        faults.add(record.row, f'"{record.cell(place)}": {expected}', column=column_letter(place))
    return not others


def _type_of(literals: Sequence[Literal]) -> FieldType:
    """Return the narrowest type that holds the constants."""
    numbers = [f"{literal.value:f}" for literal in literals if isinstance(literal.value, Decimal)]
    scale = max((len(text.partition(".")[2]) for text in numbers), default=0)
    whole = max((len(text.partition(".")[0].lstrip("-")) for text in numbers), default=0)
    kind = literals[0].kind
    return FieldType(kind, max(18, whole + scale), scale) if kind is Kind.NUMBER else FieldType(kind)


def _outputs(lines: _Lines, expected: Sequence[Output], faults: Faults) -> Sequence[Output]:
    outputs = {output.name: output for output in expected}
    told: set[tuple[Line, str]] = set()
    for line in (Line.VALUES, Line.DEFAULT):
        for record in lines[line]:
            if output := _output(record, outputs, faults):
                if (line, output.name) in told:
                    faults.add(record.row, f"the {line} of {output.name} stands above already", column="B")
                told.add((line, output.name))
                given = _values(record, output, faults)
                outputs[output.name] = _with(output, line, record, given, faults)
    return list(outputs.values())


def _with(output: Output, line: Line, record: Record, given: tuple[Value, ...], faults: Faults) -> Output:
    if line is Line.VALUES:
        if not given or None in given or len(set(given)) < len(given):
            faults.add(record.row, "expected the values of the output, each once, highest priority first", column="C")
        return replace(output, values=given)
    if len(given) > 1:
        faults.add(record.row, f"an output has one default, and these are {len(given)}", column="D")
    default = given[0] if given else None
    if output.values and default is not None and default not in output.values:
        faults.add(record.row, f'"{default}" is not one of its values{_near(default, output)}', column="C")
    return replace(output, default=default)


def _near(value: Value, output: Output) -> str:
    known = [str(each) for each in output.values]
    return did_you_mean(str(value), known) or f": expected one of {listed(known)}"


def _output(record: Record, outputs: Mapping[str, Output], faults: Faults) -> Output | None:
    word = folded(record.cell(1).removeprefix("=>").strip())
    for output in outputs.values():
        if word in {output.name, folded(output.type.title)} and word:
            return output
    advice = did_you_mean(word, [*outputs, *(output.type.title for output in outputs.values() if output.type.title)])
    faults.add(
        record.row,
        f'"{record.cell(1)}" is no output of this purpose{advice or f": expected {listed(list(outputs))}"}',
        column="B",
    )
    return None


def _values(record: Record, output: Output, faults: Faults) -> tuple[Value, ...]:
    values: list[Value] = []
    for place, cell in enumerate(record.cells[2:], start=2):
        try:
            if cell:
                values.append(read_output(cell, output.type))
        except OutputCellError as error:
            faults.add(record.row, str(error), column=column_letter(place))
    return tuple(values)
