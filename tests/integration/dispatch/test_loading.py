"""Loading: the whole plan or nothing, and a reason that a planner understands."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from services.dispatch.datasets import Targets
from services.dispatch.domain.plans import PLAN_KIND, Plan, PlanId, PlanState
from services.dispatch.postgres import work_in
from services.dispatch.tables import RUNS
from services.dispatch.use_cases.plans import create_plan
from services.dispatch.worker.loading import PlanLoader
from shared.lake.dataset import Dataset
from shared.lake.lake import Lake
from shared.runs.worker import RunWorker
from tests.factories.dispatch import NEWSPAPER, plan_request, publish_targets, target_row
from tests.integration.dispatch.rig import FORMS, Rig

SELECTION = "00-11111111111111111111111111111111-2222222222222222-01"


async def loaded(rig: Rig, lake: Lake, targets: Dataset, *, text: str = NEWSPAPER.text) -> Plan:
    """Create a plan and let a worker load it."""
    plan_id = PlanId("plan")
    loader = PlanLoader(rig.reading, work_in, partial(Targets, lake))
    async with rig.work() as work:
        request = plan_request(targets=targets, offers=[replace(NEWSPAPER, text=text)])
        await create_plan(
            plan_id, request, violations=(), work=work, forms=FORMS, principal="test", now=rig.clock.now()
        )
    stop = asyncio.Event()
    worker = RunWorker(database=rig.database, tables=RUNS, handlers={PLAN_KIND: loader.stages}, clock=rig.clock)
    running = asyncio.create_task(worker.run(stop))

    async def ended() -> bool:
        async with rig.reading() as reading:
            return (await reading.plans.get(plan_id)).load.end_time is not None

    await rig.until(ended)
    stop.set()
    await running
    async with rig.reading() as reading:
        return await reading.plans.get(plan_id)


def rows(count: int, **changes: str) -> Sequence[TargetRow]:
    return [target_row(n, **changes) for n in range(1, count + 1)]


async def test_all_but_the_control_arm_are_planned_and_the_selections_trace_is_kept(rig: Rig, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    targets = publish_targets(lake, [*rows(9), target_row(10, arm="control")], traceparent=SELECTION)
    plan = await loaded(rig, lake, targets)
    assert (plan.state, plan.traceparents) == (PlanState.READY, (SELECTION,))
    assert await rig.states(plan) == {"planned": 9}


async def test_targets_of_a_policy_without_an_offer_fail_the_plan_with_its_name(rig: Rig, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    plan = await loaded(rig, lake, publish_targets(lake, rows(3, policy="unheard-of")))
    assert plan.state is PlanState.FAILED
    assert plan.load.failure is not None
    assert "without an offer: unheard-of" in plan.load.failure.message
    assert await rig.states(plan) == {}


@pytest.mark.parametrize(("text", "state"), [("{city}：回复{keyword}", "failed"), ("回复{keyword}", "ready")])
async def test_a_text_that_names_cities_is_for_targets_in_cities_of_common_length(
    rig: Rig, tmp_path: Path, text: str, state: str
) -> None:
    far, lake = target_row(2), Lake(tmp_path)
    far.city = "a place with a very long name"
    plan = await loaded(rig, lake, publish_targets(lake, [target_row(1), far]), text=text)
    assert plan.state == state
    if plan.load.failure is not None:
        assert "of 29 characters, at most 11 expected" in plan.load.failure.message


async def test_a_control_customer_needs_no_offer(rig: Rig, tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    targets = publish_targets(lake, [target_row(1), target_row(2, arm="control", policy="unheard-of")])
    assert (await loaded(rig, lake, targets)).state is PlanState.READY


async def test_a_dataset_that_is_gone_fails_the_plan(rig: Rig, tmp_path: Path) -> None:
    plan = await loaded(rig, Lake(tmp_path), plan_request().targets)
    assert plan.load.failure is not None
    assert plan.load.failure.reason == "ERROR_REASON_DATASET_UNREADABLE"


async def test_whoever_asks_again_does_not_wait_for_the_loader_nor_it_for_them(rig: Rig) -> None:
    plan = await rig.plan([], start=False)
    request = plan_request(targets=plan.request.targets)
    async with rig.work() as loader:
        await loader.plans.load(plan.plan_id, [], traceparent="")
        async with asyncio.timeout(5), rig.work() as work:
            again = await create_plan(
                plan.plan_id, request, violations=(), work=work, forms=FORMS, principal="test", now=rig.clock.now()
            )
    assert again.plan_id == plan.plan_id
