"""Whom findings concern is counted in columns as one would count row by row."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import cast

import pytest
from visavis.profile.v1.customer_view_pb2 import CustomerView
from visavis.scoring.v1.customer_scores_pb2 import CustomerScores

from services.recommendation.datasets.inputs import matrix_fields, score_columns, view_columns
from services.recommendation.domain import Catalogue
from services.recommendation.engine.assembly.decided import SCORES, VIEWS, InputColumns, pair_sql
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.checking.check import Surroundings, check_table
from services.recommendation.engine.checking.counts import Base, count, count_base
from services.recommendation.engine.checking.domains import domains_of
from services.recommendation.engine.checking.findings import Concern
from services.recommendation.engine.feel import FieldType, Row, to_predicate
from services.recommendation.engine.matrix import DecisionTable, HitPolicy, Parameter, completed
from services.recommendation.engine.matrix.closure import compile_closure
from services.recommendation.engine.rulebook import read_matrix
from shared.lake.duckdb import open_engine
from shared.lake.engine import ColumnarEngine
from shared.lake.lake import Lake
from shared.lake.schema import arrow_schema
from tests.factories import recommendation as made
from tests.factories.recommendation import matrix_csv, policy_row

DAY = date(2026, 11, 9)
CATALOGUE = read_catalogue(made.catalogue_csv([policy_row("paper"), policy_row("tone", product="ring_back_tone")]), "")
CITIES = ("合肥", "芜湖", "安庆")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ColumnarEngine, Base]]:
    lake = Lake(Path(tmp_path_factory.mktemp("lake")))
    chance = random.Random(5)
    customers = [_customer(f"c{number:05}", chance) for number in range(120)]
    inputs = made.Base(
        [view for view, _ in customers],
        [scores for _, scores in customers if chance.random() < 0.9],
        [made.member("c00000")],
    ).publish(lake, "counted")
    columns = InputColumns(view_columns(), score_columns())
    found = Base(columns, matrix_fields(), CATALOGUE, DAY, cities=CITIES[:2])
    with open_engine(lake) as engine:
        engine.register(VIEWS, inputs.views, arrow_schema(CustomerView.DESCRIPTOR))
        engine.register(SCORES, inputs.scores, arrow_schema(CustomerScores.DESCRIPTOR))
        assert count_base(engine, found) == len(_rows(engine, found, None))
        yield engine, found


def _customer(customer_id: str, chance: random.Random) -> tuple[CustomerView, CustomerScores]:
    states = [
        made.holding(chance.choice(["active", "trial"]), product)
        for product in CATALOGUE.products
        if chance.random() < 0.5
    ]
    view = made.view(
        customer_id,
        city=chance.choice(CITIES),
        arpu_fen=chance.choice([None, 0, 4_999, 5_000, 5_001, 9_000]),
        tenure_months=chance.randrange(6),
        brand=chance.choice([None, "GoTone", "M-Zone"]),
        products=states,
    )
    return view, made.scores(customer_id, warned=chance.random() < 0.5)


def _rows(engine: ColumnarEngine, base: Base, product: str | None) -> list[Row]:
    pair = "" if product is None else f", {pair_sql(base.catalogue, product)}"
    sql = f"SELECT *{pair} FROM {'each_customer' if product is None else 'each_product'} WHERE {base.within}"
    return cast("list[Row]", engine.fetch(sql, base.parameters).to_pylist())


def test_random_tables_about_customers(base: tuple[ColumnarEngine, Base]) -> None:
    engine, counted = base
    rows = [_rows(engine, counted, None)]
    for seed in range(12):
        _agrees(engine, counted, _table(random.Random(seed)), rows)


def test_random_tables_about_customers_and_products(base: tuple[ColumnarEngine, Base]) -> None:
    engine, counted = base
    rows = [_rows(engine, counted, product) for product in sorted(CATALOGUE.products)]
    for seed in range(4):
        chance = random.Random(seed)
        cells = [
            [
                chance.choice(["-", '"ring_back_tone"', '"mobile_newspaper"']),
                chance.choice(["-", '"active"', '"trial","potential"']),
                _arpu(chance),
                chance.choice(["paper", "tone", ""]),
            ]
            for _ in range(5)
        ]
        text = matrix_csv(
            "new_service", chance.choice(["FIRST", "COLLECT"]), ["product", "product_state", "arpu", "=> policy"], cells
        )
        _agrees(engine, counted, read_matrix(text, fields=matrix_fields()), rows)


def _table(chance: random.Random) -> DecisionTable:
    cells = [
        [
            _arpu(chance),
            chance.choice(["-", "< 3", "> floor", "[floor..4]"]),
            chance.choice(["-", '"GoTone"', 'not("GoTone")', "null"]),
            chance.choice(["-", "true"]),
            chance.choice(["keep", "paper", ""]),
        ]
        for _ in range(5)
    ]
    headers = ["arpu", "tenure_months", "brand", "warned", "=> policy"]
    fields = {**matrix_fields(), "floor": FieldType.integer()}
    table = read_matrix(matrix_csv("vpmn", "FIRST", headers, cells), fields=fields)
    floor = Parameter("floor", FieldType.integer(), 2, {"芜湖": 1})
    policy = chance.choice([HitPolicy.FIRST, HitPolicy.UNIQUE, HitPolicy.ANY, HitPolicy.RULE_ORDER])
    return replace(table, parameters=(floor,), hit_policy=policy)


def _arpu(chance: random.Random) -> str:
    return chance.choice(["-", "null,< 50", "[50..50.01)", ">= 50.01", "> 80"])


def _agrees(engine: ColumnarEngine, base: Base, table: DecisionTable, rows: Sequence[Sequence[Row]]) -> None:
    checked = check_table(table, Surroundings(domains_of(matrix_fields(), CATALOGUE)))
    told = count(engine, table, checked.findings, base)
    for finding, whom in zip(checked.findings, told, strict=True):
        if finding.concern is None:
            assert whom is None
            continue
        concerned = {row["customer_id"] for each in rows for row in each if _concerned(table, finding.concern, row)}
        assert whom is not None
        assert whom.count == len(concerned), finding.text
        assert whom.customer_id == (min(map(str, concerned)) if concerned else "")


def _concerned(table: DecisionTable, concern: Concern, row: Row) -> bool:
    complete = completed(table)(row)
    matching = {
        rule.id
        for rule in table.rules
        if all(
            to_predicate(cell.tests)(complete[column.name], complete)
            for column, cell in zip(table.inputs, rule.cells, strict=True)
        )
    }
    fired = compile_closure(table)(row).rules
    return (
        all(
            any(all(to_predicate(test.tests)(complete[test.input], complete) for test in tests) for tests in either)
            for either in concern.where
        )
        and all(matching & set(either) for either in concern.matched)
        and not (concern.unmatched and matching)
        and (not concern.fired or bool(set(fired) & set(concern.fired)))
    )


def test_a_catalogue_without_products_counts_nobody(base: tuple[ColumnarEngine, Base]) -> None:
    engine, counted = base
    table = read_matrix(
        matrix_csv("new_service", "FIRST", ["product_state", "=> policy"], [['"trial"', "x"]]), fields=matrix_fields()
    )
    checked = check_table(table, Surroundings(domains_of(matrix_fields(), None)))
    (gap,) = count(engine, table, checked.findings, replace(counted, catalogue=Catalogue({}, {})))
    assert gap is not None
    assert gap.count == 0
