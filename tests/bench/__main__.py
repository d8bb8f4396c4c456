"""`make bench`: starts a whole installation with 20,000 customers, measures it, and prints medians and ratios."""

import asyncio
import os
import tempfile
from pathlib import Path

from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import connect
from services.console.local_clock import find_clock
from services.console.settings import ConsoleSettings
from services.sandbox.settings import SandboxSettings
from tests.bench import assembly, desk, pushes
from tests.bench.figures import Figure
from tests.e2e.installation import Installation, demonstration

CUSTOMERS = 20_000
DESK_CUSTOMERS = 500
READY_SECONDS = 600


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="visavis-bench-") as folder,
        demonstration(
            Path(folder),
            *("--customers", str(CUSTOMERS)),
            VISAVIS_DISPATCH_SMS_RATE="100000",  # the yardstick is the wire, not the contract
        ) as installation,
    ):
        print(f"starting {CUSTOMERS:,} customers …", flush=True)
        installation.wait_for_report(READY_SECONDS)
        os.environ.update({name: value for name, value in installation.environment.items() if "VISAVIS" in name})
        for figure in asyncio.run(_measure(installation)):
            print(figure.line(), flush=True)


async def _measure(installation: Installation) -> list[Figure]:
    settings, clock = ConsoleSettings(), find_clock(installation.home)
    return [
        *await desk.measure(installation, await _customers(settings)),
        *await assembly.measure(settings),
        *await pushes.measure(settings, SandboxSettings(), clock),
    ]


async def _customers(settings: ConsoleSettings) -> list[str]:
    """Return customers whom the demonstration's SMS plan was sent to: each has a list and a contact."""
    async with connect(settings) as clients:
        plans = (await clients.plans.ListPushPlans(plan_pb.ListPushPlansRequest())).push_plans
        plan = next(plan for plan in plans if plan.channel == contact_pb.CHANNEL_SMS)
        asked = plan_pb.ListPushesRequest(parent=plan.name, state=plan_pb.PUSH_STATE_SENT, page_size=DESK_CUSTOMERS)
        return [push.customer_id for push in (await clients.plans.ListPushes(asked)).pushes]


if __name__ == "__main__":
    main()
