"""Puts the province's matrix and the overrides of its cities together, so that all that follows sees one ordinary table."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from services.recommendation.engine.feel import Anything, FieldType, Kind, Value, did_you_mean
from services.recommendation.engine.feel.expression_parser import read_expression
from services.recommendation.engine.feel.expressions import fields_of
from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix.city_cell import CityCellError, in_city, outside_cities
from services.recommendation.engine.matrix.table import (
    Cell,
    Computed,
    DecisionTable,
    Input,
    Origin,
    Output,
    Parameter,
    Rule,
)
from shared.errors import InvalidInput, Violation

CITY = Input("city", FieldType.string())
"""The input that a composed table adds where no matrix tests it; views always have a city."""
_ANYTHING = Cell("-", Anything())


def compose(province: DecisionTable, overrides: Sequence[DecisionTable]) -> DecisionTable:
    """Return one table: for customers of an override's city its rows before the province's, or in the place of those that they
    replace, and its values of parameters; for all others the province's matrix.

    Each rule has its `origin`. Without overrides the rules keep their ids; with overrides they are numbered from 1 in their
    order. Raises InvalidInput (MATRIX_INVALID) with all by which an override does not fit the province's matrix.
    """
    if not overrides:
        return replace(province, rules=tuple(_with_origin(rule, province) for rule in province.rules))
    violations = [found for override in overrides for found in _misfits(province, override)]
    violations += _cities_told_twice(overrides)
    if violations:
        raise InvalidInput(violations, reason="ERROR_REASON_MATRIX_INVALID")
    tables = (province, *overrides)
    parameters = tuple(_parameters(tables))
    computed = _computed(tables, parameters)
    columns = _Columns(tuple(_inputs(tables, computed)), province.outputs)
    return replace(
        province,
        inputs=columns.inputs,
        rules=_numbered(_rules(province, overrides, columns)),
        parameters=parameters,
        computed=tuple(computed.values()),
        lists=_lists(tables),
    )


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of the composed table, and how a rule of another one is laid out in them."""

    inputs: tuple[Input, ...]
    outputs: tuple[Output, ...]

    def laid_out(self, rule: Rule, table: DecisionTable, city: Cell | None = None) -> Rule:
        """Return the rule in these columns, its cell of the city replaced where one is given."""
        cells = dict(zip((column.name for column in table.inputs), rule.cells, strict=True))
        values = dict(zip((output.name for output in table.outputs), rule.outputs, strict=True))
        if city is not None:
            cells[CITY.name] = city
        return replace(
            _with_origin(rule, table),
            cells=tuple(cells.get(column.name, _ANYTHING) for column in self.inputs),
            outputs=tuple(values.get(output.name) for output in self.outputs),
            replaces=None,
        )


def _rules(province: DecisionTable, overrides: Sequence[DecisionTable], columns: _Columns) -> Iterator[Rule]:
    for override in overrides:
        yield from _own_rules(override, columns, replaced=None)
    for rule in province.rules:
        replacing = [override for override in overrides if any(each.replaces == rule.id for each in override.rules)]
        for override in replacing:
            yield from _own_rules(override, columns, replaced=rule.id)
        if not replacing:
            yield columns.laid_out(rule, province)
        elif city := outside_cities(_city_cell(rule, province), [override.city for override in replacing]):
            yield columns.laid_out(rule, province, city)


def _own_rules(override: DecisionTable, columns: _Columns, *, replaced: int | None) -> Iterator[Rule]:
    """Yield the override's rules that stand in the place of a row, or before all rows."""
    for rule in override.rules:
        if rule.replaces == replaced and (city := in_city(_city_cell(rule, override), override.city)):
            yield columns.laid_out(rule, override, city)


def _city_cell(rule: Rule, table: DecisionTable) -> Cell:
    cells = zip(table.inputs, rule.cells, strict=True)
    return next((cell for column, cell in cells if column.name == CITY.name), _ANYTHING)


def _with_origin(rule: Rule, table: DecisionTable) -> Rule:
    return replace(rule, origin=Origin(table.name, rule.id, table.city))


def _numbered(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    return tuple(replace(rule, id=number) for number, rule in enumerate(rules, start=1))


def _inputs(tables: Sequence[DecisionTable], computed: Mapping[str, Computed]) -> Iterator[Input]:
    """Yield every input once, the city last where no matrix tests it."""
    inputs: dict[str, Input] = {}
    for column in (column for table in tables for column in table.inputs):
        inputs.setdefault(column.name, column)
    for name, column in inputs.items():
        yield replace(column, type=computed[name].type) if name in computed else column
    if CITY.name not in inputs:
        yield CITY


def _computed(tables: Sequence[DecisionTable], parameters: Sequence[Parameter]) -> Mapping[str, Computed]:
    """Return the computed inputs of all matrices, typed anew: a city's value of a parameter may need more digits."""
    types = {parameter.name: parameter.type for parameter in parameters}
    found: dict[str, Computed] = {}
    for each in (each for table in tables for each in table.computed):
        if each.name not in found:
            known = {named.name: named.type for named in fields_of(each.expression)} | types
            expression, kind = read_expression(each.text, known)
            found[each.name] = replace(each, expression=expression, type=replace(kind, unit=each.type.unit))
            types[each.name] = found[each.name].type
    return found


def _parameters(tables: Sequence[DecisionTable]) -> Iterator[Parameter]:
    """Yield every parameter with the province's values, and the override's in its city.

    One that only overrides have is never met elsewhere: its value there is that of the first of them.
    """
    for name in dict.fromkeys(parameter.name for table in tables for parameter in table.parameters):
        told = [(table.city, each) for table in tables for each in table.parameters if each.name == name]
        first = told[0][1]
        by_city: dict[str, Value] = dict(first.by_city)
        by_city |= {city: parameter.value for city, parameter in told if city}
        yield Parameter(name, _widest([parameter.type for _, parameter in told]), first.value, by_city)


def _widest(types: Sequence[FieldType]) -> FieldType:
    if types[0].kind is not Kind.NUMBER:
        return types[0]
    scale = max(each.scale for each in types)
    whole = max(each.precision - each.scale for each in types)
    return replace(types[0], precision=whole + scale, scale=scale)


def _lists(tables: Sequence[DecisionTable]) -> Mapping[str, tuple[Value, ...]]:
    """Return the lists of all matrices, those of a city that differ from the province's under a name that says so."""
    lists: dict[str, tuple[Value, ...]] = {}
    for table in tables:
        for name, values in table.lists.items():
            if lists.setdefault(name, values) != values:
                lists[f"{name} ({table.city})"] = values
    return lists


def _misfits(province: DecisionTable, override: DecisionTable) -> Iterator[Violation]:
    where = f'"{override.name}" ({override.city or "no city"})'
    if not override.city:
        yield Violation(where, "it is the matrix of no city: put a line city,<city> under its head")
    if override.purpose != province.purpose:
        yield Violation(where, f"it is a matrix {override.purpose}, and the province's is {province.purpose}")
    policies = [" ".join(filter(None, (table.hit_policy, table.aggregation))) for table in (override, province)]
    if policies[0] != policies[1]:
        yield Violation(where, f"it is {policies[0]}, and the province's matrix is {policies[1]}: write the same")
    yield from _misfit_outputs(province, override, where)
    yield from _misfit_names(province, override, where)
    yield from _misfit_rows(province, override, where)


def _misfit_outputs(province: DecisionTable, override: DecisionTable, where: str) -> Iterator[Violation]:
    known = {output.name: output for output in province.outputs}
    for output in override.outputs:
        of_province = known.get(output.name)
        if of_province is None:
            yield Violation(f"{where}, column => {output.name}", "the province's matrix does not have this output")
        elif output.values and output.values != of_province.values:
            yield Violation(where, f"the values of {output.name} differ from the province's, which count everywhere")
        elif output.default is not None and output.default != of_province.default:
            told = f"the default of {output.name} is the province's, {feel_text(of_province.default)}, everywhere"
            yield Violation(where, f"{told}: give its own one in a last row with - in all inputs")


def _misfit_names(province: DecisionTable, override: DecisionTable, where: str) -> Iterator[Violation]:
    parameters = {parameter.name: parameter for parameter in province.parameters}
    computed = {each.name: each for each in province.computed}
    fields = {column.name for column in province.inputs} - computed.keys()
    for parameter in override.parameters:
        other = parameters.get(parameter.name)
        if other and other.type.kind is not parameter.type.kind:
            yield Violation(
                where, f"the parameter {parameter.name} is a {parameter.type.kind}, the province's a {other.type.kind}"
            )
        elif parameter.name in computed or parameter.name in fields:
            yield Violation(
                where, f"{parameter.name} is an input of the province's matrix: use another name for the parameter"
            )
    for each in override.computed:
        if each.name in parameters or (each.name in computed and _words(computed[each.name]) != _words(each)):
            yield Violation(
                where, f"{each.name} means something else in the province's matrix: use another name for it"
            )


def _misfit_rows(province: DecisionTable, override: DecisionTable, where: str) -> Iterator[Violation]:
    rows = {rule.id: rule for rule in province.rules}
    for rule in override.rules:
        try:
            in_city(_city_cell(rule, override), override.city)
            if rule.replaces is not None and (replaced := rows.get(rule.replaces)):
                outside_cities(_city_cell(replaced, province), [override.city])
        except CityCellError as error:
            yield Violation(f"{where}, row {rule.id}, column city", str(error))
        if rule.replaces is not None and rule.replaces not in rows:
            advice = (
                did_you_mean(str(rule.replaces), map(str, rows)) or f": its rules stand in rows {_spans(list(rows))}"
            )
            why = f'the province\'s matrix "{province.name}" has no rule in row {rule.replaces}{advice}'
            yield Violation(f"{where}, row {rule.id}, column replaces", why)


def _words(computed: Computed) -> str:
    return "".join(computed.text.split())


def _spans(rows: Sequence[int]) -> str:
    return f"{rows[0]} to {rows[-1]}" if rows else "none"


def _cities_told_twice(overrides: Sequence[DecisionTable]) -> Iterator[Violation]:
    seen: dict[str, str] = {}
    for override in overrides:
        if override.city and seen.setdefault(override.city, override.name) != override.name:
            yield Violation(f'"{override.name}" ({override.city})', f'"{seen[override.city]}" is its override, too')
