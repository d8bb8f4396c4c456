"""The worker as a process that mails by its settings, is killed in the middle, and takes what comes back."""

import asyncio
from pathlib import Path

from tests.factories.dispatch import target_row
from tests.integration.dispatch import processes
from tests.integration.dispatch.mail_rig import mail_plan, mail_province_in
from tests.integration.dispatch.rig import Rig

ROWS = [target_row(n) for n in range(1, 61)]


async def test_a_worker_that_is_killed_while_it_mails_sends_nothing_twice_and_takes_refusals_behind(
    rig: Rig, admin_url: str, tmp_path: Path
) -> None:
    async with mail_province_in(tmp_path, rig.clock) as province:
        account, log = province.account, tmp_path / "worker.log"
        variables = processes.environment(
            admin_url,
            tmp_path / "home",
            gateway_port=1,
            VISAVIS_DISPATCH_WORKER_CHANNELS="mail_139",
            VISAVIS_DISPATCH_MAIL_PORT=str(account.port),
            VISAVIS_DISPATCH_MAIL_RETURNS_PORT=str(account.returns.port),
            VISAVIS_DISPATCH_MAIL_PAGES_PORT=str(account.pages.port),
            VISAVIS_DISPATCH_MAIL_RATE="60",
        )
        plan = await rig.plan(ROWS, mail_plan())

        async def begun() -> bool:
            return len(province.taken()) >= 10

        async def over() -> bool:
            return set(await rig.states(plan)) <= {"sent", "indeterminate"}

        async def refused() -> bool:
            async with rig.reading() as reading:
                return await reading.contacts.opt_out_of("c-1") is not None

        first = processes.start("worker", variables, log)
        await rig.until(begun)
        first.kill()
        await asyncio.to_thread(first.wait)
        second = processes.start("worker", variables, log)
        try:
            await rig.until(over, within=40)
            (mail,) = (mail for mail in province.readers.read if mail.msisdn.endswith("00000001"))
            province.gateway.let_unsubscribe(mail)
            await rig.until(refused)
        finally:
            assert await processes.stop(second) == 0
    assert set(province.taken().values()) == {1}
    assert sum((await rig.states(plan)).values()) == len(ROWS)
    assert "138000" not in log.read_text()
