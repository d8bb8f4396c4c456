"""`make bench`: measures the desk and the pushes of an installation, then whole provinces, and prints medians and ratios.

`python -m tests.bench SECTION …` measures some sections only: desk, made, parquet, gbk, dirty. BENCH_CUSTOMERS sets how many
customers the provinces have, a million unless told otherwise.
"""

import asyncio
import os
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import connect
from services.console.local_clock import find_clock
from services.console.settings import ConsoleSettings
from services.sandbox.settings import SandboxSettings
from tests.bench import desk, dirty, made, province, pushes
from tests.bench.figures import Figure
from tests.e2e.installation import Installation, demonstration

CUSTOMERS = 20_000
PROVINCE_CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
DESK_CUSTOMERS = 500
READY_SECONDS = 600


def main() -> None:
    sections: dict[str, Callable[[], list[Figure]]] = {
        "desk": _demonstrated,
        "made": partial(made.measure, PROVINCE_CUSTOMERS),
        **{form: partial(province.measure, PROVINCE_CUSTOMERS, form) for form in province.FORMS},
        "dirty": partial(dirty.measure, PROVINCE_CUSTOMERS),
    }
    for name in sys.argv[1:] or sections:
        print(f"{name}: load of the machine {os.getloadavg()[0]:.1f} before it", flush=True)
        for figure in sections[name]():
            print(figure.line(), flush=True)


def _demonstrated() -> list[Figure]:
    """Measure what a person waits for, on the demonstration of 20,000 customers."""
    with (
        tempfile.TemporaryDirectory(prefix="visavis-bench-") as folder,
        demonstration(
            Path(folder),
            *("--customers", str(CUSTOMERS)),
            VISAVIS_DISPATCH_SMS_RATE="100000",  # the yardstick is the wire, not the contract
        ) as installation,
    ):
        installation.wait_for_report(READY_SECONDS)
        os.environ.update({name: value for name, value in installation.environment.items() if "VISAVIS" in name})
        return asyncio.run(_measure(installation))


async def _measure(installation: Installation) -> list[Figure]:
    settings, clock = ConsoleSettings(), find_clock(installation.home)
    return [
        *await desk.measure(installation, await _customers(settings)),
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
