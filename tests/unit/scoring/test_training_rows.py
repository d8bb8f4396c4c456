"""Whom models learn from: an even sample, the same each time, and of a need those who do not have the product."""

import numpy as np
import pyarrow as pa
import pytest

from services.profile.engine.customer_views import EVERYBODY, statement
from services.scoring.domain.resources import ModelKind, Target
from services.scoring.engine.training_rows import LABELS, VIEWS, History, history_sql, lesson, read_history
from shared.lake.duckdb import open_engine
from shared.lake.lake import Lake
from tests.factories.scoring import NEWSPAPER, RING_TONE, Base, draw_base

COUNT = 3_000
CHURN, NEED = Target(ModelKind.CHURN_WARNING), Target(ModelKind.NEED, NEWSPAPER)
PLENTY = 10**9


@pytest.fixture(scope="module")
def base() -> Base:
    return draw_base(COUNT)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    return Lake(tmp_path_factory.mktemp("lake"))


def history(lake: Lake, base: Base, *, most: int = COUNT) -> History:
    sql, parameters = history_sql(population=COUNT, most=most)
    with open_engine(lake) as engine:
        engine.register_table(VIEWS, base.views)
        engine.register_table(LABELS, base.labels)
        return read_history(engine.fetch(sql, parameters))


def tenures(found: History) -> list[float]:
    column: list[float] = found.matrix[:, found.plan.names.index("tenure_months")].tolist()
    return column


def test_a_small_base_is_learnt_from_whole_in_the_order_of_customers(lake: Lake, base: Base) -> None:
    found = history(lake, base)
    assert tenures(found) == base.views["tenure_months"].to_pylist()
    assert lesson(found, CHURN, cells=PLENTY).labels.tolist() == base.labels["churned"].to_pylist()


def test_of_a_large_base_the_same_sample_is_drawn_whatever_its_order(lake: Lake, base: Base) -> None:
    drawn = history(lake, base, most=1_000)
    turned = np.arange(COUNT)[::-1].tolist()
    again = history(lake, Base(base.views.take(turned), base.labels.take(turned)), most=1_000)
    assert 850 < len(drawn.matrix) < 1_150
    assert np.array_equal(drawn.matrix, again.matrix, equal_nan=True)
    assert drawn.outcomes.equals(again.outcomes)
    whole = np.asarray(base.labels["churned"]).mean()
    assert lesson(drawn, CHURN, cells=PLENTY).labels.mean() == pytest.approx(whole, abs=0.03)


def test_of_those_whom_profile_has_drawn_already_an_even_sample_is_drawn(lake: Lake, base: Base) -> None:
    with open_engine(lake) as engine:
        engine.execute(statement("macros"))
        engine.register_table("everybody", base.views)
        engine.execute(f"CREATE TABLE {VIEWS} AS FROM everybody WHERE is_drawn(customer_id, {EVERYBODY // 5})")
        engine.register_table(LABELS, base.labels)
        drawn_before = engine.fetch(f"SELECT customer_id FROM {VIEWS}").num_rows
        sql, parameters = history_sql(population=drawn_before, most=drawn_before // 2)
        found = engine.fetch(sql, parameters).num_rows
    assert 0.4 * drawn_before < found < 0.6 * drawn_before


def test_a_lesson_is_thinned_evenly_to_so_many_numbers(lake: Lake, base: Base) -> None:
    found = history(lake, base)
    thin = lesson(found, CHURN, cells=300 * len(found.plan.names))
    assert np.array_equal(thin.matrix, found.matrix[::10], equal_nan=True)
    assert thin.labels.tolist() == base.labels["churned"].to_pylist()[::10]


def test_a_need_is_learnt_from_those_who_do_not_have_the_product(lake: Lake, base: Base) -> None:
    found = lesson(history(lake, base), NEED, cells=PLENTY)
    owners = [any(entry["product"] == NEWSPAPER for entry in held or ()) for held in base.views["products"].to_pylist()]
    took = [NEWSPAPER in (taken or ()) for taken in base.labels["products_taken"].to_pylist()]
    assert 0 < len(found.labels) == owners.count(False)
    assert found.labels.tolist() == [taken for taken, owns in zip(took, owners, strict=True) if not owns]


def test_who_has_cancelled_a_product_may_need_it_again_and_nobody_took_what_nobody_took(lake: Lake, base: Base) -> None:
    found = lesson(history(lake, base), Target(ModelKind.NEED, RING_TONE), cells=PLENTY)
    assert len(found.labels) == COUNT
    assert not found.labels.any()
    unheard = lesson(history(lake, base), Target(ModelKind.NEED, "unheard_of"), cells=PLENTY)
    assert len(unheard.labels) == COUNT


def test_columns_that_are_the_same_for_all_are_no_features(lake: Lake, base: Base) -> None:
    found = history(lake, base)
    constant = {"sms_revenue_fen", "circle_breadth", "arrears_fen"}
    assert not constant & set(found.plan.names)
    assert pa.compute.count_distinct(base.views["arrears_fen"]).as_py() == 1
