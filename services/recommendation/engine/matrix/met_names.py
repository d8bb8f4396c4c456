"""The names that a table looks up in a row."""

from collections.abc import Iterator

from services.recommendation.engine.feel.expressions import DAY, fields_of
from services.recommendation.engine.feel.syntax import Name, endpoints
from services.recommendation.engine.feel.values import Kind
from services.recommendation.engine.matrix.table import CITY, DecisionTable


def names_met(table: DecisionTable) -> tuple[str, ...]:
    """Return each name once: inputs, what endpoints name, what inputs are computed of, and what parameters go by."""
    return tuple(dict.fromkeys(_names(table)))


def _names(table: DecisionTable) -> Iterator[str]:
    yield from (column.name for column in table.inputs)
    for rule in table.rules:
        for cell in rule.cells:
            yield from (point.name for point in endpoints(cell.tests) if isinstance(point, Name))
    for computed in table.computed:
        fields = list(fields_of(computed.expression))
        yield from (field.name for field in fields)
        if any(field.type.kind is Kind.DATE for field in fields):
            yield DAY
    if any(parameter.by_city for parameter in table.parameters):
        yield CITY
