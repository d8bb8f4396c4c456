"""Messages leave once each, and whatever the gateway does to them is known."""

from tests.factories.dispatch import msisdn, target_row
from tests.integration.dispatch.rig import Province, Rig, worker


async def test_every_push_of_a_plan_is_sent_once_and_reported_on(rig: Rig, province: Province) -> None:
    plan = await rig.plan([target_row(n) for n in range(1, 201)])
    async with worker(rig, province.account):
        await rig.until_states(plan, sent=200)

        async def all_reported() -> bool:
            async with rig.reading() as reading:
                return (await reading.plans.balances([plan.plan_id]))[plan.plan_id].delivered == 200

        await rig.until(all_reported)
    assert province.taken() == {msisdn(n): 1 for n in range(1, 201)}
    assert province.received()[0].content == "【中国移动】手机报免费体验，回复DGSJB开通。拒收请回复TD"
