"""Makes the row that a matrix meets of what a planner says about a customer who need not exist."""

from collections.abc import Mapping
from datetime import date

from services.recommendation.domain import Purpose
from services.recommendation.engine.feel import FieldType, Kind, Row, Value, did_you_mean
from services.recommendation.engine.feel.check import expected_value
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.engine.matrix.output_cell import OutputCellError, read_output
from services.recommendation.engine.rulebook import PAIR_FIELDS, Fields
from shared.errors import InvalidInput, Violation

_BARE = frozenset("0123456789-P")
"""How a date, a time or a duration begins that stands without its function."""
_TEMPORAL = {Kind.DATE, Kind.DATETIME, Kind.TIME, Kind.DAYS_DURATION, Kind.MONTHS_DURATION}


def read_trial_row(table: DecisionTable, given: Mapping[str, str], *, fields: Fields, day: date) -> Row:
    """Return the row of a customer of whom `given` is known, by names or titles of `fields`; the rest is null.

    Values are literals of S-FEEL; texts may stand without quotes, dates without their function. Raises InvalidInput with every
    name that is unknown and every value that does not fit its field.
    """
    offered = {**fields, **PAIR_FIELDS} if table.purpose == Purpose.NEW_SERVICE else fields
    titles = {known.title: name for name, known in offered.items() if known.title}
    row: dict[str, Value] = dict.fromkeys(offered)
    row["day"] = day
    violations = []
    for written, text in given.items():
        name = titles.get(written, written)
        if name not in offered:
            violations.append(Violation(_where(written), _unknown(written, table, [*offered, *titles])))
            continue
        try:
            row[name] = _value(text.strip(), offered[name])
        except OutputCellError as error:
            violations.append(Violation(_where(written), str(error)))
    if violations:
        raise InvalidInput(violations)
    return row


def _where(name: str) -> str:
    return f"input {name}"


def _value(text: str, known: FieldType) -> Value:
    """Raises OutputCellError."""
    if known.kind in _TEMPORAL and text[:1] in _BARE:
        return read_output(f'@"{text}"', known)
    if known.kind is not Kind.STRING and text.isidentifier() and text not in {"true", "false", "null"}:
        raise OutputCellError(f"{text}: {expected_value(known)}")
    return read_output(text, known)


def _unknown(name: str, table: DecisionTable, known: list[str]) -> str:
    if name in {parameter.name for parameter in table.parameters}:
        return f"{name} is a parameter of the matrix: give the city, whose value it takes"
    for computed in table.computed:
        if computed.name == name:
            return f'{name} is computed: give what it is computed of, "{computed.text}"'
    return f'no input is called "{name}"{did_you_mean(name, known)}'
