"""GetPolicyList as a desk asks it, with contacts and without, beside an echo of the same message: same builder, same tracing,
same client."""

import asyncio
import gc
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
    """Alternate rounds of the desk, of the echo and of the list alone, and return rates, latency and server processor time per call."""
    desk_pid = installation.processes()["recommendation"]
    async with _stub(installation.address("recommendation")) as desk:
        answer = await desk.GetPolicyList(pb.GetPolicyListRequest(customer_id=customers[0]))
        with (
            _beside(installation, "tests.bench.echo", _stored(installation, answer)) as (echo_pid, echo_address),
            _beside(installation, "tests.bench.listing") as (list_pid, list_address),
        ):
            async with _stub(echo_address) as echo, _stub(list_address) as listing:
                servers = ((desk, desk_pid), (echo, echo_pid), (listing, list_pid))
                for stub, pid in servers:
                    await _round(stub, pid, customers)  # so that each is warm
                gc.freeze()  # or this client's own collections would count as the server's slowest answers
                rounds = [[await _round(stub, pid, customers) for stub, pid in servers] for _ in range(ROUNDS)]
    return _figures(*zip(*rounds, strict=True))


def _figures(desk: Sequence[Round], echo: Sequence[Round], listing: Sequence[Round]) -> list[Figure]:
    cpu = statistics.median(e.cpu_us / d.cpu_us for d, e in zip(desk, echo, strict=True))
    return [
        Figure("echo of the same message", [r.rate for r in echo], "calls/s"),
        Figure(
            "GetPolicyList without contacts", [r.rate for r in listing], "calls/s", _ratio(listing, echo), "the echo"
        ),
        Figure(f"  its p99 at {CONCURRENT} concurrent", [r.p99_ms for r in listing], "ms"),
        Figure("GetPolicyList with contacts", [r.rate for r in desk], "calls/s", _ratio(desk, echo), "the echo"),
        Figure(f"  its p99 at {CONCURRENT} concurrent", [r.p99_ms for r in desk], "ms"),
        Figure("server processor time of an echo", [r.cpu_us for r in echo], "us/call"),
        Figure("server processor time without contacts", [r.cpu_us for r in listing], "us/call"),
        Figure("server processor time of GetPolicyList", [r.cpu_us for r in desk], "us/call", cpu, "an echo, inverted"),
    ]


def _ratio(of: Sequence[Round], echo: Sequence[Round]) -> float:
    return statistics.median(one.rate / other.rate for one, other in zip(of, echo, strict=True))


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


def _stored(installation: Installation, answer: pb.GetPolicyListResponse) -> str:
    """Write what the echo answers; return the file."""
    file = installation.home.parent / "echo.bin"
    file.write_bytes(answer.SerializeToString())
    return str(file)


@contextmanager
def _beside(installation: Installation, module: str, *arguments: str) -> Iterator[tuple[int, str]]:
    """Run a server of the benchmark beside the installation; yield its pid and its address."""
    process = subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
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
