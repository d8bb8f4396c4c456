"""Plays the demonstration on a running installation, tells how it goes, and writes what came of it."""

import asyncio
import json
import shlex
import time
from collections.abc import Awaitable
from pathlib import Path
from typing import TypeVar

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb

import services
from services.console.clients import connect
from services.console.demo import flow
from services.console.demo.pages import print_report
from services.console.demo.report import DemoReport, push_states
from services.console.installation import make_extracts
from services.console.render.output import Output
from services.console.render.progress import RunBoard
from services.console.settings import ConsoleSettings
from services.console.supervisor import processes
from services.console.supervisor.supervisor import Supervisor
from shared.clock import SystemClock
from shared.observability.context import current_trace_id

PLANNER = Path(services.__file__).parent / "sandbox" / "planner"
REPORT = "demo-report.json"

_Result = TypeVar("_Result")


class Stage:
    """One demonstration; `report` is there once it was played to its end."""

    def __init__(
        self, settings: ConsoleSettings, clock: SystemClock, output: Output, *, customers: int, seed: int
    ) -> None:
        self._settings = settings
        self.clock = clock
        self._output = output
        self._customers = customers
        self._seed = seed
        self._begun = time.monotonic()
        self._seconds: dict[str, float] = {}
        self._example = ""
        self.report: DemoReport | None = None

    async def play(self, supervisor: Supervisor) -> None:
        """Make the province, run its cycle, push, wait for answers, report. Raises shared.errors.Failure."""
        self._seconds["start"] = round(time.monotonic() - self._begun, 2)
        extracts, world = self._settings.home.resolve() / "extracts", self._settings.home.resolve() / "world.parquet"
        self._output.line(f"A province of {self._customers:,} customers is made up (seed {self._seed}) …")
        await self._timed(
            "extracts",
            make_extracts(extracts, world, customers=self._customers, seed=self._seed, cycle=flow.CYCLE),
        )
        await supervisor.start(processes.sandbox(self._settings, world))
        self.report = await self._cycle_and_push(extracts)
        path = self._settings.home / REPORT
        await asyncio.to_thread(_write, path, json.dumps(self.report.as_json(), ensure_ascii=False, indent=1))
        if not self._output.value(self.report.as_json()):
            print_report(self.report, self._output)

    def invite(self) -> None:
        """Name three commands to try next."""
        where = "".join(f"{name}={shlex.quote(value)} " for name, value in self._settings.places().items())
        self._output.line("\nAll of it stays up until Ctrl-C. In another terminal, try:")
        customer = (
            [f"list {self._example}", f"why {self._example}"]
            if self._example
            else ["plan list", f"cycle show {flow.CYCLE}"]
        )
        for command in (*customer, "trace"):
            self._output.line(f"  {where}.venv/bin/visavis {command}")

    async def _cycle_and_push(self, extracts: Path) -> DemoReport:
        async with connect(self._settings, principal=flow.PLANNER) as clients:
            with RunBoard(self._output.console, quiet=self._output.as_json) as board:
                self._output.line("One cycle, from extracts to policy lists:")
                result = await flow.run_demo_cycle(extracts, PLANNER, seed=self._seed, clients=clients, progress=board)
                plans = await flow.start_plans(result, PLANNER, clients=clients, progress=board, clock=self.clock)
            self._seconds.update(board.seconds)
            self._output.line("The plans are started; customers answer …")
            with self._output.console.status("pushing") as status:
                settling = flow.settle(
                    plans, clients=clients, progress=lambda seen: status.update(_in_words(seen)), clock=self.clock
                )
                settled = await self._timed("push", settling)
            reports = await self._timed("evaluate", flow.reports(settled.plans, clients=clients))
            self._example = await flow.contacted_customer(settled.plans, clients=clients)
        return flow.demo_report(result, settled, reports, trace_id=current_trace_id(), seconds=self._seconds)

    async def _timed(self, name: str, work: Awaitable[_Result]) -> _Result:
        begun = time.monotonic()
        result = await work
        self._seconds[name] = round(time.monotonic() - begun, 2)
        return result


def _write(path: Path, text: str) -> None:
    draft = path.with_suffix(".draft")
    draft.write_text(text)
    draft.replace(path)  # whole: who waits for the report reads all of it


def _in_words(plans: flow.Plans) -> str:
    """Tell each plan's pushes by state. Example: "Voice packs by SMS: 210 sent, 3 held; Retention by call: 40 leased"."""
    return "; ".join(f"{name}: {_counts(plan)}" for name, plan in plans.items())


def _counts(plan: plan_pb.PushPlan) -> str:
    return ", ".join(f"{count:,} {state}" for state, count in push_states(plan.balance).items() if count)
