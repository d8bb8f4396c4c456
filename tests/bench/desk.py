"""GetPolicyList as a desk asks it, beside an echo of the same message: same builder, same tracing, same client."""

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from visavis.recommendation.v1 import recommendation_service_pb2 as pb
from visavis.recommendation.v1 import recommendation_service_pb2_grpc as rpc

from shared.rpc.client import open_channel
from tests.bench.figures import Figure, cpu_seconds
from tests.e2e.installation import ROOT, Installation

CONCURRENT = 32
CALLS = 1_500
ROUNDS = 5


@dataclass(frozen=True)
class Round:
    """One round against one server."""

    rate: float
    p99_ms: float
    cpu_us: float


async def measure(installation: Installation, customers: Sequence[str]) -> list[Figure]:
    """Alternate rounds of the desk and of the echo, and return rates, latency and server processor time per call."""
    desk_pid = installation.processes()["recommendation"]
    async with _stub(installation.address("recommendation")) as desk:
        answer = await desk.GetPolicyList(pb.GetPolicyListRequest(customer_id=customers[0]))
        with _echo(installation, answer) as (echo_pid, address):
            async with _stub(address) as echo:
                await _round(desk, desk_pid, customers)
                await _round(echo, echo_pid, customers)  # both warm
                rounds = [
                    (await _round(desk, desk_pid, customers), await _round(echo, echo_pid, customers))
                    for _ in range(ROUNDS)
                ]
    return _figures([d for d, _ in rounds], [e for _, e in rounds])


def _figures(desk: Sequence[Round], echo: Sequence[Round]) -> list[Figure]:
    ratio = statistics.median(d.rate / e.rate for d, e in zip(desk, echo, strict=True))
    cpu = statistics.median(e.cpu_us / d.cpu_us for d, e in zip(desk, echo, strict=True))
    return [
        Figure("echo of the same message", [r.rate for r in echo], "calls/s"),
        Figure("GetPolicyList with contacts", [r.rate for r in desk], "calls/s", ratio, "the echo"),
        Figure(f"GetPolicyList p99 at {CONCURRENT} concurrent", [r.p99_ms for r in desk], "ms"),
        Figure("server processor time of an echo", [r.cpu_us for r in echo], "us/call"),
        Figure("server processor time of GetPolicyList", [r.cpu_us for r in desk], "us/call", cpu, "an echo, inverted"),
    ]


async def _round(stub: "rpc.RecommendationServiceAsyncStub", pid: int, customers: Sequence[str]) -> Round:
    begun, used = time.perf_counter(), cpu_seconds(pid)
    questions = iter([customers[n % len(customers)] for n in range(CALLS)])
    times = await asyncio.gather(*(_ask(stub, questions) for _ in range(CONCURRENT)))
    seconds, spent = time.perf_counter() - begun, cpu_seconds(pid) - used
    ordered = sorted(value for part in times for value in part)
    return Round(CALLS / seconds, 1000 * ordered[int(len(ordered) * 0.99)], 1e6 * spent / CALLS)


async def _ask(stub: "rpc.RecommendationServiceAsyncStub", questions: Iterator[str]) -> list[float]:
    times = []
    for customer in questions:
        begun = time.perf_counter()
        await stub.GetPolicyList(pb.GetPolicyListRequest(customer_id=customer))
        times.append(time.perf_counter() - begun)
    return times


@asynccontextmanager
async def _stub(address: str) -> AsyncIterator["rpc.RecommendationServiceAsyncStub"]:
    async with open_channel(address, client_name="bench") as channel:
        yield rpc.RecommendationServiceStub(channel)


@contextmanager
def _echo(installation: Installation, answer: pb.GetPolicyListResponse) -> Iterator[tuple[int, str]]:
    file = installation.home.parent / "echo.bin"
    file.write_bytes(answer.SerializeToString())
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.echo", str(file)],
        env=dict(installation.environment),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.pid, f"127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait()
