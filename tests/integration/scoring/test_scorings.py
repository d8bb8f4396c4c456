"""Snapshots scored over RPCs, by a worker beside the server."""

from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import pyarrow.parquet as pq
import pytest
from visavis.common.v1 import error_reason_pb2 as reason_pb
from visavis.common.v1.run_pb2 import RUN_STATE_FAILED, RUN_STATE_SUCCEEDED
from visavis.profile.v1.customer_view_pb2 import CustomerView, EnterpriseView
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as pb

from shared.errors import AlreadyExists, InvalidInput, NotFound, WrongState
from shared.lake.dataset import Dataset
from shared.lake.refs import from_ref, to_ref
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.scoring import CITIES, NEWSPAPER, draw_base, draw_enterprises, publish_rows
from tests.integration.scoring.conftest import ScoringCalls

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
]

COUNT = 1_000
NOW = draw_base(COUNT, seed=8)
LEFT: dict[str, bool] = dict(zip(*(NOW.labels[name].to_pylist() for name in ("customer_id", "churned")), strict=True))


@pytest.fixture(scope="module")
def views(calls: ScoringCalls) -> Dataset:
    return publish_rows(calls.lake, "profile/customer_view/now", NOW.views, CustomerView.DESCRIPTOR)


def rows_of(calls: ScoringCalls, run: pb.ScoringRun) -> list[dict[str, object]]:
    (path,) = calls.lake.open(from_ref(run.scores))
    rows: list[dict[str, object]] = pq.read_table(path).to_pylist()
    return rows


def asked(views: Dataset, *models: str) -> pb.CreateScoringRunRequest:
    return pb.CreateScoringRunRequest(request_id=str(uuid4()), cycle="2026-11", views=to_ref(views), models=models)


def replace(rules: Path, old: str, new: str) -> None:
    text = rules.read_text(encoding="utf-8")
    assert old in text
    rules.write_text(text.replace(old, new), encoding="utf-8")


async def test_every_customer_is_scored_once_and_the_riskiest_leave_most(
    calls: ScoringCalls, views: Dataset, models: list[str]
) -> None:
    run = await calls.score(views, models)
    assert (run.status.state, run.cycle, list(run.models)) == (RUN_STATE_SUCCEEDED, "2026-11", models)
    assert run.scores.row_count == run.status.done_count == COUNT
    rows = rows_of(calls, run)
    assert [row["customer_id"] for row in rows] == [f"C{i:09d}" for i in range(COUNT)]
    assert {need["product"] for row in rows for need in row["needs"]} == {NEWSPAPER}  # type: ignore[attr-defined]  # records
    months = calls.lake.lookup(views, "customer_id", [str(row["customer_id"]) for row in rows])["billed_months"]
    assert [row["limited_history"] for row in rows] == (months.to_numpy() < 3).tolist()
    assert {row["value_tier"] for row in rows} == {"high", "mid_high", "mid", "low"}
    riskiest = sorted(rows, key=lambda row: row["churn_warning"], reverse=True)[: COUNT // 10]  # type: ignore[arg-type,return-value]  # decimals
    left = sum(LEFT[str(row["customer_id"])] for row in riskiest)
    assert left / len(riskiest) > 2 * sum(LEFT.values()) / COUNT


async def test_a_base_without_customers_has_scores_without_rows(calls: ScoringCalls, models: list[str]) -> None:
    nobody = publish_rows(calls.lake, "profile/customer_view/nobody", NOW.views.slice(0, 0), CustomerView.DESCRIPTOR)
    run = await calls.score(nobody, models)
    assert (run.status.state, run.scores.row_count) == (RUN_STATE_SUCCEEDED, 0)


async def test_the_same_inputs_give_the_same_fingerprint(
    calls: ScoringCalls, views: Dataset, models: list[str]
) -> None:
    first, second = [await calls.score(views, models) for _ in range(2)]
    assert first.name != second.name
    assert first.scores.uri != second.scores.uri
    assert first.scores.fingerprint == second.scores.fingerprint


async def test_a_city_has_its_own_thresholds_and_they_are_read_by_each_run(
    calls: ScoringCalls, views: Dataset, models: list[str], rules: Path
) -> None:
    before = rows_of(calls, await calls.score(views, models))
    own = f'[cities."{CITIES[1]}"]\nchurn_warned = 0\nchurn_stays_warned = 0\nstickiness_mid = 0\nstickiness_high = 0\n'
    replace(rules, "[thresholds]", f"{own}\n[thresholds]")
    after = rows_of(calls, await calls.score(views, models))
    cities = calls.lake.lookup(views, "customer_id", [str(row["customer_id"]) for row in after])["city"].to_pylist()
    for city, old, new in zip(cities, before, after, strict=True):
        if city == CITIES[1]:
            assert (new["warned"], new["stickiness_band"]) == (True, "high")
            assert new["churn_warning"] == old["churn_warning"]
        else:
            assert new == old


async def test_enterprises_are_scored_and_their_members_and_key_persons_feel_it(
    calls: ScoringCalls, views: Dataset, models: list[str]
) -> None:
    rows = draw_enterprises(COUNT // 50)
    enterprises = publish_rows(calls.lake, "profile/enterprise_view/now", rows, EnterpriseView.DESCRIPTOR)
    run = await calls.score(views, models, enterprises=enterprises)
    (path,) = calls.lake.open(from_ref(run.enterprise_scores), expect="visavis.scoring.v1.EnterpriseScores")
    scored = {row["enterprise_id"]: row for row in pq.read_table(path).to_pylist()}
    assert [row["warned"] for row in scored.values()] == [i % 2 == 0 for i in range(COUNT // 50)]
    assert len({row["value"] for row in scored.values()}) > 1
    customers = rows_of(calls, run)
    for i, row in enumerate(customers):
        mine = scored[f"E{i // 50:05d}"] if i % 5 == 0 else {"value_tier": None, "warned": None}
        assert (row["enterprise_value_tier"], row["enterprise_warned"]) == (mine["value_tier"], mine["warned"])
        if i % 100 == 0:
            assert row["strategic_group"] == "retention", "a key person of a warned enterprise"
    assert {row["strategic_group"] for row in customers} == {"retention", "voice_stimulation", "new_service"}
    assert {"silent", "light_caller"} & {row["voice_segment"] for row in customers}


async def test_who_was_warned_in_the_cycle_before_stays_so_for_longer(
    calls: ScoringCalls, views: Dataset, models: list[str], rules: Path
) -> None:
    first = await calls.score(views, models)
    replace(rules, "churn_warned = 32", "churn_warned = 64")
    second = await calls.score(views, models, before=first.scores)
    before, after = rows_of(calls, first), rows_of(calls, second)
    assert [row["warned_before"] for row in after] == [row["warned"] for row in before]
    assert [row["warned"] for row in after] == [row["warned"] for row in before]
    assert any(row["warned"] and row["churn_warning"] < 64 for row in after)  # type: ignore[operator]  # decimals
    assert {row["warned_before"] for row in before} == {None}


async def test_rules_are_checked_while_the_caller_waits(calls: ScoringCalls, rules: Path) -> None:
    asked = pb.GetScoringRulesRequest()
    shipped = (await calls.scoring.GetScoringRules(asked)).fingerprint
    replace(rules, "churn_warned = 32", "churn_warned = 31")
    assert (await calls.scoring.GetScoringRules(asked)).fingerprint != shipped
    replace(rules, 'field = "business_peers"', 'field = "busines_peers"')
    with pytest.raises(InvalidInput, match="did you mean 'business_peers'"):
        await calls.scoring.GetScoringRules(asked)


async def test_contradicting_judgements_fail_the_scoring(
    calls: ScoringCalls, views: Dataset, models: list[str], rules: Path
) -> None:
    replace(rules, "judgements = [2, 4, 2]", "judgements = [9, 0.2, 9]")
    run = await calls.score(views, models)
    assert run.status.state == RUN_STATE_FAILED
    assert run.status.failure.reason == reason_pb.ERROR_REASON_JUDGEMENTS_INCONSISTENT
    assert not run.HasField("scores")


async def test_one_customers_scores_are_shown_to_those_who_see_the_customers_city(
    calls: ScoringCalls, views: Dataset, models: list[str]
) -> None:
    run = await calls.score(views, models)
    row, customer = rows_of(calls, run)[17], "C000000017"
    (city,) = calls.lake.lookup(views, "customer_id", [customer])["city"].to_pylist()
    (other,) = {*CITIES} - {city}
    request = pb.GetCustomerScoresRequest(scoring_run=run.name, customer_id=customer)
    with acting_as(Caller("planner", Role.PLANNER, frozenset({str(city)}))):
        found = (await calls.scoring.GetCustomerScores(request)).scores
    assert (found.customer_id, Decimal(found.value) / 100) == (customer, row["value"])
    assert (found.value_tier, found.warned, len(found.needs)) == (row["value_tier"], row["warned"], 1)
    with acting_as(Caller("planner", Role.PLANNER, frozenset({other}))), pytest.raises(NotFound):
        await calls.scoring.GetCustomerScores(request)
    request.customer_id = "C9"
    with pytest.raises(NotFound):
        await calls.scoring.GetCustomerScores(request)


async def test_models_of_a_scoring_must_be_there_trained_and_one_of_each(
    calls: ScoringCalls, history: tuple[Dataset, Dataset], views: Dataset, models: list[str]
) -> None:
    with pytest.raises(NotFound):
        await calls.scoring.CreateScoringRun(asked(views, *models, f"models/{uuid4()}"))
    with pytest.raises(InvalidInput, match="expected one model of churn warning, found 0"):
        await calls.scoring.CreateScoringRun(asked(views, models[0], models[2]))
    few = draw_base(200).publish(calls.lake, "small")
    failed = await calls.train(few, (model_pb.MODEL_KIND_CHURN_WARNING, ""))
    with pytest.raises(WrongState):
        await calls.scoring.CreateScoringRun(asked(views, models[0], failed.name))
    with pytest.raises(WrongState, match="is FAILED") as refused:
        await calls.scoring.CreateScoringRun(asked(views, models[0], failed.name, models[2]))
    assert refused.value.subject == failed.name


async def test_a_wrong_request_is_refused_with_all_that_is_wrong(calls: ScoringCalls) -> None:
    request = pb.CreateScoringRunRequest(cycle="November", models=["models/a", "a"])
    with pytest.raises(InvalidInput) as refused:
        await calls.scoring.CreateScoringRun(request)
    assert [violation.field for violation in refused.value.violations] == ["cycle", "views", "models[1]"]


async def test_scorings_are_repeated_by_request_id_and_listed(
    calls: ScoringCalls, views: Dataset, models: list[str]
) -> None:
    calls.clock.advance(timedelta(minutes=1))
    request = asked(views, *models)
    first, again = [(await calls.scoring.CreateScoringRun(request)).scoring_run for _ in range(2)]
    assert first.name == again.name == f"scoringRuns/{request.request_id}"
    listed = await calls.scoring.ListScoringRuns(pb.ListScoringRunsRequest())
    assert [run.name for run in listed.scoring_runs].index(first.name) == 0
    request.cycle = "2026-12"
    with pytest.raises(AlreadyExists):
        await calls.scoring.CreateScoringRun(request)
