"""Features and trees: nothing that identifies, nothing that leaks, the same bytes each time."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pyarrow as pa
import pytest
import xgboost
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold
from visavis.profile.v1.customer_view_pb2 import CustomerView

from services.scoring.domain.resources import ModelKind, Target, target_faults
from services.scoring.engine import boosting
from services.scoring.engine.features import COLUMNS, FeaturePlan, Labels, Matrix, feature_matrix, plan_features
from tests.factories.scoring import NEWSPAPER, RING_TONE, Base, draw_base

WITHHELD = {
    *("customer_id", "msisdn", "owner_id", "enterprise_id", "customer_manager"),  # who
    *("city", "county", "micro_region"),  # where
    "handset",  # its price, age and abilities are seen
    "number_since",  # tenure is seen
    *("red_list", "marketing_consent"),  # no behaviour
    "contract_ends_on",  # the months that are left say the same
}
STICKINESS, CHURN = Target(ModelKind.STICKINESS), Target(ModelKind.CHURN_WARNING)


@pytest.fixture(scope="module")
def base() -> Base:
    return draw_base(2_000)


@pytest.fixture(scope="module")
def plan(base: Base) -> FeaturePlan:
    return plan_features(base.views)


@pytest.fixture(scope="module")
def matrix(base: Base, plan: FeaturePlan) -> Matrix:
    return matrix_of(base.views, plan)


@pytest.fixture(scope="module")
def churned(base: Base) -> Labels:
    return np.asarray(base.labels["churned"].to_numpy(), dtype=np.bool_)


def matrix_of(views: pa.Table, plan: FeaturePlan) -> Matrix:
    return feature_matrix(views.combine_chunks().to_batches()[0], plan)


def test_each_column_of_the_view_is_a_feature_or_withheld_on_purpose() -> None:
    assert {field.name for field in CustomerView.DESCRIPTOR.fields} == WITHHELD | set(COLUMNS)


def test_who_and_where_a_customer_is_changes_no_feature(base: Base, plan: FeaturePlan, matrix: Matrix) -> None:
    views = base.views
    for name in ("customer_id", "msisdn", "owner_id", "city", "county"):
        place = views.schema.get_field_index(name)
        views = views.set_column(place, views.schema.field(name), pa.array(["13900000000"] * views.num_rows))
    assert np.array_equal(matrix_of(views, plan), matrix, equal_nan=True)


def test_features_do_not_depend_on_how_views_are_cut_into_batches(
    base: Base, plan: FeaturePlan, matrix: Matrix
) -> None:
    cut = base.views.combine_chunks().to_batches(max_chunksize=700)
    assert len(cut) == 3
    assert np.array_equal(np.concatenate([feature_matrix(batch, plan) for batch in cut]), matrix, equal_nan=True)


def test_products_are_numbers_and_a_potential_one_is_missing(plan: FeaturePlan) -> None:
    views = draw_base(1).views
    states = [{"product": RING_TONE, "state": "cancelled", "active_days": 4, "provisioned": True}]
    place = views.schema.get_field_index("products")
    views = views.set_column(place, views.schema.field(place), pa.array([states], views.schema.field(place).type))
    row = dict(zip(plan.names, matrix_of(views, plan)[0], strict=True))
    assert plan.products == (NEWSPAPER, RING_TONE)
    assert (row[f"product_{RING_TONE}_state"], row[f"product_{RING_TONE}_active_days"]) == (4, 4)
    assert np.isnan(row[f"product_{NEWSPAPER}_state"])


def test_values_that_training_did_not_see_are_missing(base: Base, plan: FeaturePlan) -> None:
    older = FeaturePlan(plan.numbers, (("brand", ("GoTone",)), *plan.categories[1:]), (RING_TONE,))
    brands = base.views["brand"].to_pylist()
    brand = matrix_of(base.views, older)[:, older.names.index("brand")]
    assert [not np.isnan(code) for code in brand] == [name == "GoTone" for name in brands]
    assert not any(NEWSPAPER in name for name in older.names)


def test_a_plan_survives_its_storage(plan: FeaturePlan) -> None:
    assert FeaturePlan.from_json(plan.to_json()) == plan


def test_trees_find_what_can_be_learnt(matrix: Matrix, churned: Labels, plan: FeaturePlan) -> None:
    quality = boosting.fit_and_judge(matrix, churned, names=plan.names).quality
    assert quality.auc > 0.7
    assert quality.top_decile_precision > 2 * quality.base_rate
    assert (quality.base_rate, quality.row_count) == (churned.mean(), 2_000)


def test_trees_find_nothing_in_outcomes_dealt_at_random(matrix: Matrix, churned: Labels, plan: FeaturePlan) -> None:
    dealt = np.random.default_rng(3).permutation(churned)
    assert 0.4 < boosting.fit_and_judge(matrix, dealt, names=plan.names).quality.auc < 0.6


def test_the_same_data_give_the_same_bytes_beside_other_trainings(
    matrix: Matrix, churned: Labels, plan: FeaturePlan
) -> None:
    def fit(_: int) -> boosting.Fitted:
        return boosting.fit_and_judge(matrix[:500], churned[:500], names=plan.names)

    with ThreadPoolExecutor(2) as pool:
        fitted = [fit(0), *pool.map(fit, range(3))]
    assert len({boosting.to_bytes(model.trees) for model in fitted}) == 1
    assert len({model.quality for model in fitted}) == 1


def test_rows_left_out_teach_nothing(matrix: Matrix, churned: Labels, plan: FeaturePlan) -> None:
    fitted = boosting.fit_and_judge(matrix, churned, names=plan.names)
    length = fitted.trees.num_boosted_rounds()
    bins = boosting.PARAMETERS["max_bin"]
    whole = xgboost.QuantileDMatrix(matrix, label=churned, max_bin=bins)
    unseen = np.empty(len(churned))
    folds = StratifiedKFold(n_splits=boosting.FOLDS, shuffle=True, random_state=boosting.SEED)
    for learnt, left_out in folds.split(matrix, churned):
        alone = xgboost.QuantileDMatrix(matrix[learnt], label=churned[learnt], max_bin=bins, ref=whole)
        trees = xgboost.train(boosting.PARAMETERS, alone, num_boost_round=length)
        unseen[left_out] = trees.inplace_predict(matrix[left_out])
    assert fitted.quality.auc == pytest.approx(roc_auc_score(churned, unseen), abs=1e-6)
    assert fitted.quality.top_decile_precision == boosting.top_decile_precision(churned, unseen)


def test_a_stored_model_predicts_as_before(matrix: Matrix, churned: Labels, plan: FeaturePlan) -> None:
    model = boosting.fit_and_judge(matrix, churned, names=plan.names).trees
    restored = boosting.from_bytes(boosting.to_bytes(model))
    assert np.array_equal(boosting.predict(restored, matrix), boosting.predict(model, matrix))


def test_precision_is_that_of_the_best_tenth_rounded_up() -> None:
    labels = np.array([True, False, True, *[False] * 8])
    assert boosting.top_decile_precision(labels, np.array([0.9, 0.8, 0.7, *[0.1] * 8])) == 0.5


def test_a_scoring_needs_one_model_of_each_score_and_one_per_product() -> None:
    newspaper = Target(ModelKind.NEED, NEWSPAPER)
    assert target_faults([newspaper, CHURN, STICKINESS]) == []
    assert target_faults([CHURN, CHURN, newspaper, newspaper]) == [
        "expected one model of stickiness, found 0",
        "expected one model of churn warning, found 2",
        "expected one model of need of mobile_newspaper, found 2",
    ]
