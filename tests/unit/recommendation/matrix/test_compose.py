"""A composed table decides as the override does in its city, and as the province's matrix does everywhere else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.recommendation.engine.feel import FieldType, Kind, Row, Value
from services.recommendation.engine.matrix import (
    DecisionTable,
    HitPolicy,
    Output,
    compile_closure,
    read_csv,
    results,
)
from services.recommendation.engine.matrix.compose import compose
from services.recommendation.engine.matrix.sql import compile_sql
from services.recommendation.engine.matrix.table import Origin, Rule
from shared.errors import InvalidInput

CITIES = ("合肥", "芜湖", "安庆")
FIELDS = {
    "city": FieldType.string(),
    "tier": FieldType.string("high", "low"),
    "age": FieldType.integer(),
    "day": FieldType(Kind.DATE),
}
OUTPUTS = {
    "retention": (
        Output("policy", FieldType.string(), required=False),
        Output("step", FieldType.integer(), required=False),
    )
}
VALUES = ("gift", "care", "renew")


def read(text: str) -> DecisionTable:
    return read_csv(text, fields=FIELDS, outputs=OUTPUTS)


@dataclass(frozen=True)
class Drawn:
    """A province's matrix and one override for each of some cities, with the threshold that counts in each of them."""

    province: DecisionTable
    overrides: Mapping[str, DecisionTable]

    def rules_for(self, city: str) -> list[tuple[Origin, Rule, DecisionTable]]:
        """Return what stands for customers of a city, in its order, said plainly."""
        override = self.overrides.get(city)
        own = list(override.rules) if override else []
        rules = [(rule, override) for rule in own if rule.replaces is None]
        for rule in self.province.rules:
            replacing = [(each, override) for each in own if each.replaces == rule.id]
            rules += replacing or [(rule, self.province)]
        return [(Origin(table.name, rule.id, table.city), rule, table) for rule, table in rules if table]

    def meets(self, rule: Rule, table: DecisionTable, row: Row) -> bool:
        """Tell whether a rule matches: asked of a table with this one rule, and with the thresholds of the row's city."""
        override = self.overrides.get(str(row["city"]))
        told = {parameter.name: parameter for parameter in self.province.parameters}
        told |= {parameter.name: parameter for parameter in override.parameters} if override else {}
        alone = replace(table, rules=(rule,), hit_policy=HitPolicy.FIRST, parameters=tuple(told.values()))
        return bool(compile_closure(alone)(row).rules)


CELLS: Mapping[str, Sequence[str]] = {
    "tier": ("-", "-", '"high"', 'not("high")', "null", '"low",null'),
    "age": ("-", "-", "< threshold", ">= threshold", "[1..3)", "null"),
    "city": ("-", '"合肥"', '"合肥","芜湖"', 'not("芜湖")', 'not("安庆","合肥")'),
}


@st.composite
def tables(draw: st.DrawFn, policy: HitPolicy, city: str = "", rows: Sequence[int] = ()) -> DecisionTable:
    """Draw a matrix as its sheet; an override may have other columns, and may leave its threshold to the province."""
    columns = draw(st.lists(st.sampled_from(list(CELLS)), min_size=1, max_size=3, unique=True))
    outputs = draw(st.sampled_from([["policy"], ["step", "policy"]])) if city else ["policy", "step"]
    by_city = "" if city else draw(st.sampled_from(["", ",安庆=1", ",合肥=4"]))
    head = [f"matrix,retention,{policy},{city or 'province'}"]
    head += [f"city,{city}"] if city else []
    head += [f"parameter,threshold,{draw(st.integers(0, 4))}{by_city}"]
    head += [f"values,policy,{','.join(VALUES)}"]
    head += [",".join([*columns, *(f"=> {name}" for name in outputs), *(["replaces"] if city else [])])]
    lines = []
    for _ in range(draw(st.integers(1, 5))):
        cells = [draw(st.sampled_from(CELLS[column])).replace('"', '""') for column in columns]
        values = {"policy": draw(st.sampled_from(VALUES)), "step": draw(st.sampled_from(["", "1", "2"]))}
        replaced = [draw(st.sampled_from(["", "", *map(str, rows)]))] if city else []
        lines.append(",".join([*(f'"{cell}"' for cell in cells), *(values[name] for name in outputs), *replaced]))
    return read("\n".join([*head, *lines]))


@st.composite
def drawn_sets(draw: st.DrawFn) -> Drawn:
    policy = draw(st.sampled_from(HitPolicy))
    province = draw(tables(policy))
    cities = draw(st.lists(st.sampled_from(CITIES), unique=True, max_size=2))
    rows = [rule.id for rule in province.rules]
    return Drawn(province, {city: draw(tables(policy, city, rows)) for city in cities})


ROWS: Sequence[Row] = [
    {"city": city, "tier": tier, "age": age, "day": None}
    for city in CITIES
    for tier in ("high", "low", None)
    for age in (0, 1, 3, 4, None)
]


@settings(max_examples=120, deadline=None)
@given(drawn_sets())
def test_the_composed_table_decides_as_override_and_province_say(drawn: Drawn) -> None:
    composed = compose(drawn.province, list(drawn.overrides.values()))
    fire = compile_closure(composed)
    origins = {rule.id: rule.origin for rule in composed.rules}
    assert len(origins) == len(composed.rules)
    for row in ROWS:
        standing = drawn.rules_for(str(row["city"]))
        matching = [(origin, rule, table) for origin, rule, table in standing if drawn.meets(rule, table, row)]
        plain = _plain(drawn, matching)
        firing = fire(row)
        expected = compile_closure(plain)(row)
        assert [origins[rule] for rule in firing.rules] == [plain.rules[rule - 1].origin for rule in expected.rules]
        assert (firing.ambiguous, results(composed, firing)) == (expected.ambiguous, results(plain, expected))


def _plain(drawn: Drawn, matching: Sequence[tuple[Origin, Rule, DecisionTable]]) -> DecisionTable:
    """Return the matching rules as a table without inputs, numbered from 1, which the hit policy then picks from."""
    rules = []
    for number, (origin, rule, table) in enumerate(matching, start=1):
        values = dict(zip((output.name for output in table.outputs), rule.outputs, strict=True))
        outputs = tuple(values.get(output.name) for output in drawn.province.outputs)
        rules.append(replace(rule, id=number, cells=(), outputs=outputs, origin=origin))
    return replace(drawn.province, inputs=(), rules=tuple(rules), parameters=())


@settings(max_examples=25, deadline=None)
@given(drawn_sets())
def test_the_columnar_engine_fires_a_composed_table_like_the_closure(drawn: Drawn) -> None:
    composed = compose(drawn.province, list(drawn.overrides.values()))
    fire = compile_closure(composed)
    listed = composed.hit_policy in {HitPolicy.COLLECT, HitPolicy.RULE_ORDER, HitPolicy.OUTPUT_ORDER}
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE met (place INTEGER, city VARCHAR, tier VARCHAR, age INTEGER, day DATE)")
        connection.executemany(
            "INSERT INTO met VALUES (?, ?, ?, ?, ?)", [[at, *row.values()] for at, row in enumerate(ROWS)]
        )
        found = connection.execute(f"SELECT {compile_sql(composed).fired} FROM met ORDER BY place").fetchall()
    for row, (fired,) in zip(ROWS, found, strict=True):
        firing = fire(row)
        if not firing.ambiguous:
            assert (tuple(fired) if listed else (fired,) if fired else ()) == firing.rules


PROVINCE = '''matrix,retention,FIRST,province
parameter,threshold,3,安庆=2
tier,age,=> policy
"-",< threshold,gift
"""high""",-,care
"-",-,renew
'''


def override(
    *rules: str, city: str = "合肥", columns: str = "tier,=> policy,replaces", more: str = ""
) -> DecisionTable:
    return read(
        "\n".join([f"matrix,retention,FIRST,{city}的矩阵", f"city,{city}", *filter(None, [more]), columns, *rules])
    )


def test_without_overrides_rules_keep_their_ids_and_say_where_they_stand() -> None:
    province = read(PROVINCE)
    composed = compose(province, [])
    assert [(rule.id, rule.origin) for rule in composed.rules] == [
        (row, Origin("province", row, "")) for row in (4, 5, 6)
    ]
    assert replace(composed, rules=()) == replace(province, rules=())


def test_rows_of_an_override_stand_before_all_rows_or_in_the_place_of_one() -> None:
    composed = compose(read(PROVINCE), [override("-,renew,5", "-,care,"), override("-,gift,", city="芜湖")])
    assert [(rule.id, rule.origin, rule.cells[-1].text) for rule in composed.rules] == [
        (1, Origin("合肥的矩阵", 5, "合肥"), '"合肥"'),
        (2, Origin("芜湖的矩阵", 4, "芜湖"), '"芜湖"'),
        (3, Origin("province", 4, ""), "-"),
        (4, Origin("合肥的矩阵", 4, "合肥"), '"合肥"'),
        (5, Origin("province", 5, ""), 'not("合肥")'),
        (6, Origin("province", 6, ""), "-"),
    ]
    assert [column.name for column in composed.inputs] == ["tier", "age", "city"]
    assert composed.city == ""


def test_an_override_of_parameters_alone_sets_the_provinces_rules_in_its_city() -> None:
    only = override(more="parameter,threshold,1.5")
    composed = compose(read(PROVINCE), [only])
    (threshold,) = composed.parameters
    assert (threshold.value, threshold.by_city, threshold.type.scale) == (
        3,
        {"安庆": 2, "合肥": only.parameters[0].value},
        1,
    )
    fire = compile_closure(composed)
    assert [fire({"city": city, "age": 2, "tier": None}).rules for city in CITIES] == [(3,), (1,), (3,)]


def test_computed_inputs_are_typed_for_the_values_of_every_city() -> None:
    province = read(
        "matrix,retention,FIRST,province\nparameter,scale,2\ncomputed,weight,age * scale\nweight,=> policy\n>= 4,care\n"
    )
    composed = compose(province, [override(more="parameter,scale,2.5")])
    assert (province.computed[0].type.scale, composed.computed[0].type.scale) == (0, 1)
    assert composed.inputs[0].type == composed.computed[0].type
    fire = compile_closure(composed)
    row: dict[str, Value] = {"age": 1, "tier": None}
    assert [bool(fire({**row, "city": city}).rules) for city in ("合肥", "芜湖")] == [False, False]
    assert [bool(fire({**row, "age": 2, "city": city}).rules) for city in ("合肥", "芜湖")] == [True, True]


@pytest.mark.parametrize(
    ("text", "where", "what"),
    [
        (
            "matrix,retention,UNIQUE,x\ncity,合肥\ntier,=> policy\n-,care",
            "",
            "it is UNIQUE, and the province's matrix is FIRST",
        ),
        ("matrix,retention,FIRST,x\ntier,=> policy\n-,care", "", "it is the matrix of no city"),
        (
            "matrix,retention,FIRST,x\ncity,合肥\ntier,=> policy,replaces\n-,care,9",
            ", row 4, column replaces",
            'the province\'s matrix "province" has no rule in row 9: its rules stand in rows 4 to 6',
        ),
        (
            "matrix,retention,FIRST,x\ncity,合肥\ntier,=> policy,=> step\n-,care,1",
            ", column => step",
            "does not have this output",
        ),
        (
            "matrix,retention,FIRST,x\ncity,合肥\ndefault,policy,care\ntier,=> policy\n-,care",
            "",
            "the default of policy is the province's",
        ),
        (
            "matrix,retention,FIRST,x\ncity,合肥\nparameter,threshold,abc\ntier,=> policy\n-,care",
            "",
            "is a string, the province's a number",
        ),
    ],
)
def test_an_override_that_does_not_fit_is_refused_with_its_place(text: str, where: str, what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        compose(read(PROVINCE), [read(text)])
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    city = "合肥" if "city,合肥" in text else "no city"
    assert refused.value.violations[0].field == f'"x" ({city}){where}'
    assert what in refused.value.violations[0].description


def test_a_city_has_one_override() -> None:
    with pytest.raises(InvalidInput, match="is its override, too"):
        compose(read(PROVINCE), [override("-,care,"), replace(override("-,care,"), name="another")])


def test_a_row_that_compares_cities_cannot_be_replaced_in_one() -> None:
    province = read('matrix,retention,FIRST,province\ncity,=> policy\n"< ""某""",care\n')
    with pytest.raises(InvalidInput, match="expected a list of cities where a row is replaced"):
        compose(province, [override("-,gift,3", city="合肥"), override("-,gift,3", city="芜湖")])
