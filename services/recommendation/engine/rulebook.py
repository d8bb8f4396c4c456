"""What each purpose expects of its matrix, and the reading of one."""

from collections.abc import Mapping, Sequence
from itertools import islice

from services.recommendation.domain import ProductClass, Purpose, Tier, Zone
from services.recommendation.engine.feel import FieldType, Value
from services.recommendation.engine.matrix import DecisionTable, HitPolicy, Output, Outputs, read_csv
from services.recommendation.engine.matrix.csv_layout import Faults, read_records
from shared.errors import InvalidInput, Violation

Fields = Mapping[str, FieldType]
"""What matrix inputs may be called, with their types."""

PAIR_FIELDS: Fields = {
    "product": FieldType.string(),
    "product_class": FieldType.string(*ProductClass),
    "product_tier": FieldType.string(*Tier),
    "product_state": FieldType.string("potential", "inactive", "active", "cancelled", "voice_plan", "trial"),
    "product_cause": FieldType.string(
        "not_provisioned", "handset_missing", "internet_missing", "never_used", "price", "fashion", "unaware"
    ),
    "product_active_days": FieldType.integer("days"),
    "product_months_held": FieldType.integer("months"),
    "product_content_age_months": FieldType.integer("months"),
    "need_level": FieldType.string("rigid", "sensitive", "ordinary", "none"),
    "need_probability": FieldType.decimal(18, 4),
}
"""What the grain customer x product adds. What is not known is null: the need of a product that was not scored, all but class,
tier and state of one that the customer never had."""

_ZONE = FieldType.string(*Zone)
_TEXT = FieldType.string()
_A_POLICY = (Output("policy", _TEXT, required=False),)
"""An empty cell gives nothing: such a row keeps its customers from the rows below it."""
OUTPUTS: Mapping[str, Sequence[Output]] = {
    Purpose.PRIORITY: (Output("first", _ZONE), Output("second", _ZONE), Output("third", _ZONE, required=False)),
    Purpose.RETENTION: (Output("policy_group", _TEXT, required=False), Output("main_policy", _TEXT, required=False)),
    Purpose.NEW_SERVICE: _A_POLICY,
    Purpose.VOICE_USAGE: _A_POLICY,
    Purpose.VPMN: _A_POLICY,
    Purpose.EXTRACTION: _A_POLICY,
}
_ONE_ROW = (HitPolicy.FIRST, HitPolicy.UNIQUE)
_SEVERAL = (*_ONE_ROW, HitPolicy.COLLECT)
_HIT_POLICIES: Mapping[str, Sequence[HitPolicy]] = {
    Purpose.PRIORITY: _ONE_ROW,
    Purpose.RETENTION: _ONE_ROW,
    Purpose.NEW_SERVICE: _SEVERAL,
    Purpose.VOICE_USAGE: _SEVERAL,
    Purpose.VPMN: _ONE_ROW,
    Purpose.EXTRACTION: _SEVERAL,
}


def read_matrix(text: str, *, fields: Fields) -> DecisionTable:
    """Return the checked matrix in `text`; `fields` are those of a customer.

    Raises InvalidInput (MATRIX_INVALID) with every violation: row, column, the cell's text, what was expected.
    """
    offered = {**fields, **PAIR_FIELDS} if _purpose(text) == Purpose.NEW_SERVICE else fields
    try:
        table = read_csv(text, fields=offered, outputs=OUTPUTS)
    except InvalidInput as error:
        raise _invalid(error.violations) from error
    if violations := _violations(table):
        raise _invalid(violations)
    return table


def _purpose(text: str) -> str:
    first = next(islice(read_records(text.removeprefix("\ufeff"), Faults()), 1), None)
    return first.cell(1) if first else ""


def _violations(table: DecisionTable) -> list[Violation]:
    """Return what only the purpose can know to be wrong."""
    allowed = _HIT_POLICIES[table.purpose]
    found = []
    if table.hit_policy not in allowed:
        expected = " or ".join(allowed)
        found.append(Violation("row 1", f'"{table.hit_policy}": a matrix {table.purpose} is {expected}'))
    names = [output.name for output in table.outputs]
    for rule in table.rules:
        outputs = dict(zip(names, rule.outputs, strict=True))
        where = f"row {rule.id}, column => {names[-1]}"
        if table.purpose == Purpose.PRIORITY:
            found += _repeated_zones(rule.id, outputs)
        if table.purpose == Purpose.RETENTION and (outputs.get("policy_group") is None) != (
            outputs.get("main_policy") is None
        ):
            found.append(Violation(where, "group and main policy go together: fill in both, or neither for no policy"))
    return found


def _repeated_zones(row: int, outputs: Outputs) -> list[Violation]:
    places: dict[Value, str] = {}
    found = []
    for place in ("first", "second", "third"):
        zone = outputs.get(place)
        if zone is not None and places.setdefault(zone, place) != place:
            where = f"row {row}, column => {place}"
            found.append(Violation(where, f'"{zone}" is the {places[zone]} zone, too: expected another one'))
    return found


def _invalid(violations: list[Violation]) -> InvalidInput:
    return InvalidInput(violations, reason="ERROR_REASON_MATRIX_INVALID")
