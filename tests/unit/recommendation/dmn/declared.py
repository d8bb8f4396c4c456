"""Draws what a matrix may declare beside its table, and puts it on a table."""

from dataclasses import replace
from decimal import Decimal

from hypothesis import strategies as st

from services.recommendation.engine.feel import FieldType, Value
from services.recommendation.engine.feel.expression_parser import read_expression
from services.recommendation.engine.matrix import Aggregation, Computed, DecisionTable, HitPolicy, Parameter
from tests.unit.recommendation.feel.generated import FIELDS

HEAD_ROWS = 12
"""Rows that what is drawn here may take at most, so that rules find their rows free."""
_NAMES = st.sampled_from(["churn_warning_threshold", "流失预警线", "合肥", "芜湖", "a=b", "with space"])
_TEXTS = st.sampled_from(["GoTone", " 全球通 ", 'say "yes"', "null", "", "a,b", "<&>", "line\nbreak", "tab\t"])
_NUMBERS = st.sampled_from([Decimal(0), Decimal("-3.50"), Decimal("100")])


def _values() -> st.SearchStrategy[Value]:
    return st.one_of(_TEXTS, _NUMBERS)


def _parameters() -> st.SearchStrategy[Parameter]:
    drawn = st.one_of(
        st.tuples(st.just(FieldType.string()), _TEXTS, st.dictionaries(_NAMES, _TEXTS, max_size=2)),
        st.tuples(st.just(FieldType.decimal(9, 2)), _NUMBERS, st.dictionaries(_NAMES, _NUMBERS, max_size=2)),
    )
    return st.builds(lambda name, typed: Parameter(name, *typed), _NAMES, drawn)


@st.composite
def with_declarations(draw: st.DrawFn, table: DecisionTable) -> DecisionTable:
    """Draw the table with a city, parameters, computed inputs, lists, other values and defaults, and rows replaced."""
    text = "months until(joined)"
    unit = draw(st.sampled_from(["", "months"]))
    until = Computed("到期月数", FieldType.integer(unit), text, read_expression(text, FIELDS)[0])
    rules = tuple(
        replace(
            rule,
            id=rule.id + HEAD_ROWS,
            replaces=draw(st.none() | st.integers(3, 99)),
            note=draw(st.sampled_from(["", "不超过 <12>"])),
        )
        for rule in table.rules
    )
    aggregation = draw(st.none() | st.sampled_from(Aggregation)) if table.hit_policy is HitPolicy.COLLECT else None
    first, *others = table.outputs
    value = draw(st.none() | st.sampled_from(["全球通", "contract 260"]))
    return replace(
        table,
        city=draw(st.sampled_from(["", "合肥"])),
        rules=rules,
        aggregation=aggregation,
        parameters=tuple(draw(st.lists(_parameters(), max_size=2, unique_by=lambda parameter: parameter.name))),
        computed=draw(st.sampled_from([(), (until,)])),
        lists=draw(st.dictionaries(_NAMES, st.lists(_values(), min_size=1, max_size=3).map(tuple), max_size=2)),
        outputs=(
            replace(first, default=value, values=draw(st.sampled_from([first.values, ("contract 260", "全球通")]))),
            *others,
        ),
    )
