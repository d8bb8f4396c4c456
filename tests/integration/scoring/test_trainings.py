"""Models trained over RPCs, by a worker beside the server."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from visavis.common.v1 import error_reason_pb2 as reason_pb
from visavis.common.v1.run_pb2 import RUN_STATE_FAILED, RUN_STATE_SUCCEEDED
from visavis.scoring.v1 import model_service_pb2 as pb

from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.lake.dataset import Dataset
from shared.lake.refs import to_ref
from tests.factories.scoring import NEWSPAPER, draw_base
from tests.integration.scoring.conftest import KINDS, ScoringCalls

STICKINESS, CHURN, NEED = KINDS

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_model_is_trained_and_says_how_good_it_is(
    calls: ScoringCalls, history: tuple[Dataset, Dataset], kind: tuple[pb.ModelKind.ValueType, str]
) -> None:
    model = await calls.train(history, kind)
    assert (model.status.state, model.kind, model.product) == (RUN_STATE_SUCCEEDED, *kind)
    assert model.quality.auc > 0.7
    assert model.quality.top_decile_precision > model.quality.base_rate > 0
    assert model.status.done_count == model.status.total_count == model.quality.row_count


async def test_a_need_is_learnt_from_those_who_do_not_have_the_product(
    calls: ScoringCalls, history: tuple[Dataset, Dataset]
) -> None:
    model = await calls.train(history, NEED)
    products = calls.lake.lookup(history[0], "customer_id", [f"C{i:09d}" for i in range(1_500)])["products"]
    owners = sum(any(state["product"] == NEWSPAPER for state in states or ()) for states in products.to_pylist())
    assert owners > 0
    assert model.quality.row_count == 1_500 - owners


async def test_a_stored_model_says_what_it_was_made_from(calls: ScoringCalls, history: tuple[Dataset, Dataset]) -> None:
    model = await calls.train(history, CHURN)
    dataset = calls.lake.find(f"scoring/model/{model.name.removeprefix('models/')}")
    assert dataset is not None
    files = {path.name: path for path in calls.lake.open(dataset)}
    description = json.loads(files["meta.json"].read_text())
    assert description["history_views"]["fingerprint"] == history[0].fingerprint
    assert description["history_labels"]["fingerprint"] == history[1].fingerprint
    assert description["made_with"]["trees"] in {25, 50, 100}
    assert {"age", "brand", f"product_{NEWSPAPER}_state"} <= set(description["features"])


async def test_products_that_were_taken_are_listed_with_how_many_took_them(
    calls: ScoringCalls, history: tuple[Dataset, Dataset]
) -> None:
    asked = pb.ListNeedProductsRequest(history_labels=to_ref(history[1]))
    (product,) = (await calls.models.ListNeedProducts(asked)).products
    labels = calls.lake.lookup(history[1], "customer_id", [f"C{i:09d}" for i in range(1_500)])
    takers = sum(NEWSPAPER in (taken or ()) for taken in labels["products_taken"].to_pylist())
    assert (product.product, product.taker_count) == (NEWSPAPER, takers)


async def test_training_twice_gives_the_same_trees(calls: ScoringCalls, history: tuple[Dataset, Dataset]) -> None:
    first, second = [await calls.train(history, CHURN) for _ in range(2)]
    assert first.name != second.name
    assert first.quality == second.quality
    found = [calls.lake.find(f"scoring/model/{model.name.removeprefix('models/')}") for model in (first, second)]
    assert len({dataset.fingerprint for dataset in found if dataset}) == 1


async def test_too_few_cases_fail_the_training_with_their_number(calls: ScoringCalls) -> None:
    base = draw_base(200)
    left = base.labels["churned"].to_pylist().count(True)
    model = await calls.train(base.publish(calls.lake, "small"), CHURN)
    assert model.status.state == RUN_STATE_FAILED
    assert model.status.failure.reason == reason_pb.ERROR_REASON_TRAINING_DATA_INSUFFICIENT
    assert f"of 200 customers it happened to {left} and not to {200 - left}" in model.status.failure.message
    assert not model.HasField("quality")


async def test_a_missing_history_fails_the_training_with_its_name(
    calls: ScoringCalls, history: tuple[Dataset, Dataset]
) -> None:
    lost = Dataset("profile/customer_view/lost", history[0].schema, 1, "00")
    model = await calls.train((lost, history[1]), CHURN)
    assert model.status.failure.reason == reason_pb.ERROR_REASON_DATASET_UNREADABLE
    assert "profile/customer_view/lost" in model.status.failure.message


async def test_the_same_request_id_returns_the_same_model_and_another_request_is_refused(
    calls: ScoringCalls, history: tuple[Dataset, Dataset]
) -> None:
    views, labels = (to_ref(dataset) for dataset in history)
    asked = pb.TrainModelRequest(
        request_id=str(uuid4()), kind=pb.MODEL_KIND_CHURN_WARNING, history_views=views, history_labels=labels
    )
    first, again = [(await calls.models.TrainModel(asked)).model for _ in range(2)]
    assert first.name == again.name == f"models/{asked.request_id}"
    asked.kind = pb.MODEL_KIND_STICKINESS
    with pytest.raises(AlreadyExists):
        await calls.models.TrainModel(asked)


async def test_a_wrong_request_is_refused_with_all_that_is_wrong(calls: ScoringCalls) -> None:
    asked = pb.TrainModelRequest(request_id="today", kind=pb.MODEL_KIND_STICKINESS, product=NEWSPAPER)
    asked.history_views.uri = "somewhere"
    with pytest.raises(InvalidInput) as refused:
        await calls.models.TrainModel(asked)
    fields = [violation.field for violation in refused.value.violations]
    assert fields == ["request_id", "product", "history_views.schema", "history_labels"]


async def test_models_are_listed_newest_first_page_by_page(
    calls: ScoringCalls, history: tuple[Dataset, Dataset]
) -> None:
    views, labels = (to_ref(dataset) for dataset in history)
    asked = pb.TrainModelRequest(kind=pb.MODEL_KIND_CHURN_WARNING, history_views=views, history_labels=labels)
    trained = []
    for _ in range(3):
        calls.clock.advance(timedelta(minutes=1))
        trained.append((await calls.models.TrainModel(asked)).model.name)
    first = await calls.models.ListModels(pb.ListModelsRequest(page_size=2))
    second = await calls.models.ListModels(pb.ListModelsRequest(page_size=2, page_token=first.next_page_token))
    assert [model.name for model in (*first.models, *second.models)][:3] == trained[::-1]
    everything = await calls.models.ListModels(pb.ListModelsRequest())
    assert [model.name for model in everything.models][:4] == [m.name for m in (*first.models, *second.models)]
    assert (len(first.models), everything.next_page_token) == (2, "")
    with pytest.raises(InvalidInput):
        await calls.models.ListModels(pb.ListModelsRequest(page_token="two"))  # noqa: S106 - where a page begins, no secret


async def test_a_model_that_is_not_there_is_not_found(calls: ScoringCalls) -> None:
    with pytest.raises(NotFound):
        await calls.models.GetModel(pb.GetModelRequest(name=f"models/{uuid4()}"))


async def test_judgements_are_weighed_and_their_contradiction_is_told(calls: ScoringCalls) -> None:
    agreeing = pb.CheckJudgementsRequest(criteria=["direct", "indirect"], judgements=[3])
    answer = await calls.models.CheckJudgements(agreeing)
    assert list(answer.weights) == pytest.approx([0.75, 0.25])
    assert answer.consistent
    circle = pb.CheckJudgementsRequest(criteria=["a", "b", "c"], judgements=[9, 1 / 9, 9])
    answer = await calls.models.CheckJudgements(circle)
    assert answer.consistency_ratio > 0.1
    assert not answer.consistent
    with pytest.raises(InvalidInput):
        await calls.models.CheckJudgements(pb.CheckJudgementsRequest(criteria=["a"]))
