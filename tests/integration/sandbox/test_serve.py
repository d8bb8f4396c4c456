"""The simulated outside world as the process that it is: over CMPP and gRPC, stopped, and killed."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from services.sandbox.audience import TasteAudience
from services.sandbox.extracts.folder import Destination, Request, write_extracts
from services.sandbox.gateway.journal import read_journal
from services.sandbox.world.block import blocks_of
from services.sandbox.world.secret import write_secret
from shared.clock import OFFSET_VARIABLE, ManualClock
from shared.wire.cmpp.codec import decode_report
from shared.wire.cmpp.link import LinkLimits
from shared.wire.cmpp.login import Credentials
from shared.wire.cmpp.pdus import Deliver, Submit
from shared.wire.cmpp.session import connect
from shared.wire.cmpp.texts import decode_text, encode_ucs2
from tests.factories.sandbox import CYCLE, oracle, secret
from tests.integration.sandbox.operator_side import START, Operator, plan
from tests.integration.wire.waiting import eventually

TEXT = "手机报首月免费，回复DZB订购，回复TD退订"
CREDENTIALS = Credentials("901234", "sandbox-only")
NOW = ManualClock(START)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("world") / "tastes.parquet"
    write_secret(secret(), path)
    return path


def command(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "services.sandbox", *arguments)


@asynccontextmanager
async def sandbox_process(
    world: Path, home: Path, operator: Operator
) -> AsyncIterator[tuple[asyncio.subprocess.Process, int]]:
    """Run `serve` on the demonstration's morning; yield the process and the port of its gateway."""
    environment = os.environ | {
        "VISAVIS_HOME": str(home),
        "VISAVIS_DISPATCH_ADDRESS": operator.address,
        "VISAVIS_FEEDBACK_ADDRESS": operator.address,
        "VISAVIS_SANDBOX_GATEWAY_PORT": "0",
        "VISAVIS_SANDBOX_MAIL_PORT": "0",
        "VISAVIS_SANDBOX_PPG_PORT": "0",
        "VISAVIS_SANDBOX_POLL_SECONDS": "0.05",
        "VISAVIS_SANDBOX_AGENTS": "5",
        "VISAVIS_LOG_FORMAT": "json",
        OFFSET_VARIABLE: str((START - datetime.now(UTC)).total_seconds()),  # noqa: TID251 - a process lives in real time
    }
    process = await asyncio.create_subprocess_exec(
        *command("serve", "--world", str(world)),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    reading = asyncio.create_task(_drain(process.stdout, ready := asyncio.get_running_loop().create_future()))
    try:
        async with asyncio.timeout(60):
            yield process, await ready
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _drain(lines: asyncio.StreamReader, ready: asyncio.Future[int]) -> None:
    """Read the log to its end, so that the process never waits for its reader; tell the gateway's port."""
    said = []
    async for line in lines:
        said.append(line.decode())
        if b"sandbox_ready" in line:
            ready.set_result(json.loads(line)["gateway_port"])
    if not ready.done():
        ready.set_exception(RuntimeError("".join(said)))


async def test_customers_who_get_an_sms_answer_over_cmpp_by_their_tastes(world: Path, tmp_path: Path) -> None:
    delivers: list[Deliver] = []

    async def on_delivers(batch: Sequence[Deliver]) -> None:
        delivers.extend(batch)

    numbers = [str(number) for number in secret().msisdn[:150]]
    audience = TasteAudience(oracle())
    expected = {number: await audience.receive(number, TEXT, "") for number in numbers}
    replying = {number: reaction.replies[0] for number, reaction in expected.items() if reaction.replies}
    async with sandbox_process(world, tmp_path, Operator(port=1)) as (process, port):
        session = await connect("127.0.0.1", port, CREDENTIALS, on_delivers=on_delivers, clock=NOW, limits=LinkLimits())
        for number in numbers:
            await session.submit(Submit("10658899", (number,), encode_ucs2(TEXT), "901234", "VISAVIS"))
        await eventually(lambda: len(delivers) >= 150 + len(replying), within=15)
        await session.close()
        process.send_signal(signal.SIGTERM)
        assert await process.wait() == 0
    reports = [decode_report(deliver.content) for deliver in delivers if deliver.registered_delivery]
    assert {report.dest_terminal_id: report.stat for report in reports} == {
        number: reaction.status for number, reaction in expected.items()
    }
    replies = [deliver for deliver in delivers if not deliver.registered_delivery]
    texts = {deliver.src_terminal_id[-11:]: decode_text(deliver.content, deliver.msg_fmt) for deliver in replies}
    assert texts == replying
    assert "DZB" in replying.values()
    assert [received.dest for received in read_journal(tmp_path / "sandbox" / "gateway.jsonl")] == numbers


async def test_a_port_in_use_is_named(world: Path, tmp_path: Path) -> None:
    async with sandbox_process(world, tmp_path / "one", Operator(port=1)) as (_, port):
        environment = os.environ | {
            "VISAVIS_SANDBOX_GATEWAY_PORT": str(port),
            "VISAVIS_SANDBOX_MAIL_PORT": "0",
            "VISAVIS_HOME": str(tmp_path / "two"),
        }
        second = await asyncio.create_subprocess_exec(
            *command("serve", "--world", str(world)), env=environment, stderr=asyncio.subprocess.PIPE
        )
        _, said = await second.communicate()
    assert second.returncode == 2
    assert str(port) in said.decode()
    assert "Traceback" not in said.decode()


async def test_killed_while_calling_and_ordering_the_next_process_finishes_the_same_work(
    world: Path, tmp_path: Path
) -> None:
    operator = Operator()
    operator.plans.plans = [plan("1", offers=(("keep-1", ""), ("paper", "mobile_newspaper")))]
    for customer in secret().customer_id[:100]:
        operator.calls.add(str(customer))
    async with operator.running():
        async with sandbox_process(world, tmp_path, operator) as (process, _):
            await eventually(lambda: len(operator.calls.finished) >= 10)
            process.kill()
            await process.wait()
        before = dict(operator.calls.finished)
        assert len(before) < 100
        operator.calls.end_leases()
        async with sandbox_process(world, tmp_path, operator) as (process, _):
            await eventually(
                lambda: len(operator.calls.finished) == 100 and bool(operator.feedback.requests), within=20
            )
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0
    assert {name: operator.calls.finished[name] for name in before} == before
    assert len({order.customer_id + order.policy for order in operator.feedback.orders.values()}) == len(
        operator.feedback.orders
    )


async def test_it_waits_for_a_dispatch_that_comes_up_later(world: Path, tmp_path: Path) -> None:
    operator = Operator()
    async with operator.running():
        pass
    operator.plans.plans = [plan("1")]
    operator.calls.add(str(secret().customer_id[0]))
    async with sandbox_process(world, tmp_path, operator) as (process, _):
        await asyncio.sleep(1)
        assert process.returncode is None
        async with operator.running():
            await eventually(lambda: len(operator.calls.finished) == 1)


def test_extracts_from_the_command_line_are_the_same_bytes_say_what_they_are_and_never_overwrite_others(
    tmp_path: Path,
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command("extracts", *arguments), capture_output=True, text=True, check=False, timeout=60)

    asked = ("--customers", "300", "--seed", "3", "--out", str(tmp_path / "in" / "extracts"))
    made = run(*asked)
    assert made.returncode == 0, made.stderr
    assert re.search(r"customers +300 rows", made.stdout)
    told = json.loads(run(*asked, "--json").stdout)
    assert (told["rows"]["customers"], told["extracts"]) == (300, str(tmp_path / "in" / "extracts"))
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["extracts", "tastes.parquet"]
    here = Destination.of(tmp_path / "here" / "extracts")
    write_extracts(Request(blocks_of(300, seed=3, cycle=CYCLE)), here)
    for path in here.extracts.iterdir():
        assert (tmp_path / "in" / "extracts" / path.name).read_bytes() == path.read_bytes()
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").touch()
    refused = run(*asked[:-1], str(tmp_path / "mine"))
    assert refused.returncode == 2
    assert "is not empty" in refused.stderr
    assert run(*asked, "--cycle", "2026-13").returncode == 2


def test_serving_a_world_that_is_none_ends_with_a_clear_word(tmp_path: Path) -> None:
    refused = subprocess.run(
        command("serve", "--world", str(tmp_path / "absent.parquet")),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert refused.returncode == 2
    assert "absent.parquet" in refused.stderr
    assert "Traceback" not in refused.stderr
