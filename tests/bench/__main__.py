"""`make bench`: measures the desk, the pushes and the call lists of an installation, then whole provinces, and prints medians and ratios.

`python -m tests.bench SECTION …` measures some sections only: desk, pushes, leases, made, preview, parquet, gbk, checks, decisions, dirty. BENCH_CUSTOMERS sets how many
customers the provinces have, a million unless told otherwise.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import partial
from pathlib import Path

from visavis.dispatch.v1 import contact_pb2 as contact_pb
from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

from services.console.clients import connect
from services.console.local_clock import find_clock
from services.console.settings import ConsoleSettings
from services.sandbox.settings import SandboxSettings
from tests.bench import checks, decisions, desk, dirty, leases, made, previews, province, pushes
from tests.bench.figures import Figure
from tests.e2e.installation import Installation, demonstration

CUSTOMERS = 20_000
PROVINCE_CUSTOMERS = int(os.environ.get("BENCH_CUSTOMERS", "1000000"))
DESK_CUSTOMERS = 500
READY_SECONDS = 600


def main() -> None:
    sections: dict[str, Callable[[], list[Figure]]] = {
        "made": partial(made.measure, PROVINCE_CUSTOMERS),
        "preview": partial(previews.measure, PROVINCE_CUSTOMERS),
        **{form: partial(province.measure, PROVINCE_CUSTOMERS, form) for form in province.FORMS},
        "checks": checks.measure,
        "decisions": partial(decisions.measure, PROVINCE_CUSTOMERS),
        "dirty": partial(dirty.measure, PROVINCE_CUSTOMERS),
    }
    asked = sys.argv[1:] or [*INSTALLED, *sections]
    if installed := [name for name in asked if name in INSTALLED]:
        _demonstrated(installed)
    for name in asked:
        if name in INSTALLED:
            continue
        print(f"{name}: load of the machine {os.getloadavg()[0]:.1f} before it", flush=True)
        for figure in sections[name]():
            print(figure.line(), flush=True)


def _demonstrated(sections: Sequence[str]) -> None:
    """Measure and print these sections on one demonstration of 20,000 customers."""
    unpaced = {f"VISAVIS_DISPATCH_{name}_RATE": "100000" for name in ("SMS", "WAP", "MAIL")}
    with (
        tempfile.TemporaryDirectory(prefix="visavis-bench-") as folder,
        demonstration(
            Path(folder),
            *("--customers", str(CUSTOMERS)),
            **unpaced,  # the yardstick is the wire, not the contract
        ) as installation,
    ):
        installation.wait_for_report(READY_SECONDS)
        os.environ.update({name: value for name, value in installation.environment.items() if "VISAVIS" in name})
        for name in sections:
            print(f"{name}: load of the machine {os.getloadavg()[0]:.1f} before it", flush=True)
            for figure in asyncio.run(INSTALLED[name](installation)):
                print(figure.line(), flush=True)


async def _desk(installation: Installation) -> list[Figure]:
    return await desk.measure(installation, await _customers(ConsoleSettings()))


async def _pushes(installation: Installation) -> list[Figure]:
    return await pushes.measure(ConsoleSettings(), SandboxSettings(), find_clock(installation.home))


async def _leases(installation: Installation) -> list[Figure]:
    """Stop the sandbox meanwhile: its dialer takes every call that it can get."""
    sandbox = installation.processes()["sandbox"]
    os.kill(sandbox, signal.SIGSTOP)
    try:
        return await leases.measure(ConsoleSettings(), find_clock(installation.home))
    finally:
        os.kill(sandbox, signal.SIGCONT)


INSTALLED: Mapping[str, Callable[[Installation], Coroutine[None, None, list[Figure]]]] = {
    "desk": _desk,
    "pushes": _pushes,
    "leases": _leases,
}
"""What is measured on a running installation, all on the same one."""


async def _customers(settings: ConsoleSettings) -> list[str]:
    """Return customers whom the demonstration's SMS plan was sent to: each has a list and a contact."""
    async with connect(settings) as clients:
        plans = (await clients.plans.ListPushPlans(plan_pb.ListPushPlansRequest())).push_plans
        plan = next(plan for plan in plans if plan.channel == contact_pb.CHANNEL_SMS)
        asked = plan_pb.ListPushesRequest(parent=plan.name, state=plan_pb.PUSH_STATE_SENT, page_size=DESK_CUSTOMERS)
        return [push.customer_id for push in (await clients.plans.ListPushes(asked)).pushes]


if __name__ == "__main__":
    main()
