"""What each purpose expects of its matrix, and the reading of one."""

from collections.abc import Iterator, Mapping, Sequence

from services.recommendation.domain import ProductClass, Purpose, Tier, Zone
from services.recommendation.engine.feel import FieldType, Kind, Value, did_you_mean, listed
from services.recommendation.engine.matrix import DecisionTable, HitPolicy, Output, Rule, read_csv
from services.recommendation.engine.matrix.csv_head import purpose_of
from services.recommendation.engine.matrix.csv_layout import Faults, read_records
from services.recommendation.engine.matrix.csv_places import Places
from services.recommendation.engine.matrix.hit_policies import hit_policy_problem, with_default_row
from shared.errors import InvalidInput, Violation

Fields = Mapping[str, FieldType]
"""What matrix inputs may be called, with their types."""

RUN_FIELDS: Fields = {"day": FieldType(Kind.DATE).called("运行日期")}
"""What every run adds: the day that it was pinned to, from which computed inputs count, today or when it is explained."""
_NEVER_HAD, _NOT_SCORED = "the customer never had the product", "the product was not scored for the customer"
PAIR_FIELDS: Fields = {
    "product": FieldType.string().called("产品"),
    "product_class": FieldType.string(*ProductClass).called("产品类别"),
    "product_tier": FieldType.string(*Tier).called("产品阶梯"),
    "product_state": FieldType.string("potential", "inactive", "active", "cancelled", "voice_plan", "trial").called(
        "产品状态"
    ),
    "product_cause": FieldType.string(
        "not_provisioned", "handset_missing", "internet_missing", "never_used", "price", "fashion", "unaware"
    ).called("产品沉默原因", "the product is not inactive"),
    "product_active_days": FieldType.integer("days").called("产品使用天数", _NEVER_HAD),
    "product_months_held": FieldType.integer("months").called("产品订购月数", _NEVER_HAD),
    "product_content_age_months": FieldType.integer("months").called(
        "产品内容更换月数", "not known, or the customer never had the product"
    ),
    "need_level": FieldType.string("rigid", "sensitive", "ordinary", "none").called("需求等级", _NOT_SCORED),
    "need_probability": FieldType.decimal(18, 4).called("需求概率", _NOT_SCORED),
}
"""What the grain customer x product adds. What is not known is null: the need of a product that was not scored, all but class,
tier and state of one that the customer never had."""

PURPOSE_TITLES: Mapping[str, str] = {
    Purpose.PRIORITY: "营销优先级",
    Purpose.RETENTION: "存量保有",
    Purpose.NEW_SERVICE: "新业务",
    Purpose.VOICE_USAGE: "话务激发",
    Purpose.VPMN: "虚拟网",
    Purpose.EXTRACTION: "取数",
}
"""What planners call the purposes."""

_ZONE = FieldType.string(*Zone)
_TEXT = FieldType.string()
_A_POLICY = (Output("policy", _TEXT.called("推荐政策"), required=False),)
"""An empty cell gives nothing: such a row keeps its customers from the rows below it."""
OUTPUTS: Mapping[str, Sequence[Output]] = {
    Purpose.PRIORITY: (
        Output("first", _ZONE.called("第一优先")),
        Output("second", _ZONE.called("第二优先")),
        Output("third", _ZONE.called("第三优先"), required=False),
    ),
    Purpose.RETENTION: (
        Output("policy_group", _TEXT.called("政策组"), required=False),
        Output("main_policy", _TEXT.called("主推政策"), required=False),
    ),
    Purpose.NEW_SERVICE: _A_POLICY,
    Purpose.VOICE_USAGE: _A_POLICY,
    Purpose.VPMN: _A_POLICY,
    Purpose.EXTRACTION: _A_POLICY,
}
_ONE_ROW = (HitPolicy.FIRST, HitPolicy.UNIQUE, HitPolicy.ANY, HitPolicy.PRIORITY)
_SEVERAL = tuple(HitPolicy)
_HIT_POLICIES: Mapping[str, Sequence[HitPolicy]] = {
    Purpose.PRIORITY: _ONE_ROW,
    Purpose.RETENTION: _ONE_ROW,
    Purpose.NEW_SERVICE: _SEVERAL,
    Purpose.VOICE_USAGE: _SEVERAL,
    Purpose.VPMN: _ONE_ROW,
    Purpose.EXTRACTION: _SEVERAL,
}


def offered(purpose: str | None, fields: Fields) -> Fields:
    """Return what a matrix of this purpose may test; `fields` are those of a customer."""
    return {**fields, **PAIR_FIELDS} if purpose == Purpose.NEW_SERVICE else fields


def read_matrix(text: str, *, fields: Fields) -> DecisionTable:
    """Return the checked matrix in `text`; `fields` are those of a customer.

    Raises InvalidInput (MATRIX_INVALID) with every violation: row, column, the cell's text, what was expected.
    """
    try:
        table = read_csv(text, fields=offered(_purpose(text), fields), outputs=OUTPUTS, titles=PURPOSE_TITLES)
    except InvalidInput as error:
        raise _invalid(error.violations) from error
    if violations := list(_violations(table, Places.of(text))):
        raise _invalid(violations)
    return table


def _purpose(text: str) -> str | None:
    first = next(read_records(text, Faults()), None)
    return purpose_of(first.cell(1), PURPOSE_TITLES) if first else None


def _violations(table: DecisionTable, places: Places) -> Iterator[Violation]:
    """Yield what only the purpose can know to be wrong."""
    allowed = _HIT_POLICIES[table.purpose]
    if table.hit_policy not in allowed:
        expected = " or ".join(allowed)
        yield Violation(places.hit_policy, f'"{table.hit_policy}": a matrix {table.purpose} is {expected}')
    if table.aggregation is not None:
        why = f"a matrix {table.purpose} gives policies, which do not add up: write {table.hit_policy} alone"
        yield Violation(places.hit_policy, f'"{table.hit_policy} {table.aggregation}": {why}')
    elif problem := hit_policy_problem(table.hit_policy, None, table.outputs):
        yield Violation(places.hit_policy, problem)
    if table.city and table.purpose == Purpose.EXTRACTION:
        why = "a plan is made of one matrix extraction, which overrides none: test the input city instead"
        yield Violation(places.city, f'"{table.city}": {why}')
    for rule in with_default_row(table).rules:
        yield from _unlisted_values(table, rule, places)
        if table.purpose == Purpose.PRIORITY:
            yield from _repeated_zones(table, rule, places)
        given = {output.name for output, value in zip(table.outputs, rule.outputs, strict=True) if value is not None}
        if table.purpose == Purpose.RETENTION and len(given) == 1:
            why = "group and main policy go together: fill in both, or neither for no policy"
            yield Violation(places.output(rule.id, table.outputs[-1]), why)


def _unlisted_values(table: DecisionTable, rule: Rule, places: Places) -> Iterator[Violation]:
    for output, value in zip(table.outputs, rule.outputs, strict=True):
        if output.values and value is not None and value not in output.values:
            known = [str(each) for each in output.values]
            advice = did_you_mean(str(value), known) or f": expected one of {listed(known)}"
            why = f'"{value}" does not stand in the line of values{advice}'
            yield Violation(places.output(rule.id, output), why)


def _repeated_zones(table: DecisionTable, rule: Rule, places: Places) -> Iterator[Violation]:
    outputs = {output.name: (output, value) for output, value in zip(table.outputs, rule.outputs, strict=True)}
    seen: dict[Value, str] = {}
    for place in ("first", "second", "third"):
        if place not in outputs:
            continue
        output, zone = outputs[place]
        if zone is not None and seen.setdefault(zone, place) != place:
            why = f'"{zone}" is the {seen[zone]} zone, too: expected another one'
            yield Violation(places.output(rule.id, output), why)


def _invalid(violations: list[Violation]) -> InvalidInput:
    return InvalidInput(violations, reason="ERROR_REASON_MATRIX_INVALID")
