"""With a PostgreSQL and a collector of one's own: the cycle arrives as one trace, each push as one that links to it."""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from shared.db.embedded import EmbeddedPostgres
from tests.e2e.installation import demonstration, leftovers

pytestmark = [pytest.mark.timeout(300)]

STEPS = ("imports", "snapshots", "controlGroups", "models", "scoringRuns", "assemblyRuns")


async def collect(spans: list[Span], receiver: OtelTapHttpProtobufReceiver) -> None:
    async for span in receiver.stream_traces():
        spans.append(span)  # noqa: PERF401 - the stream ends by cancellation, and what came is kept


@contextmanager
def real_server(home: Path) -> Iterator[str]:
    """A PostgreSQL that somebody else runs: the URL of a database that is not there yet."""
    server = EmbeddedPostgres(home)
    try:
        yield server.start().url("marketing")
    finally:
        server.stop()


async def test_a_collector_receives_the_cycle_and_every_push_with_its_outcome(tmp_path: Path) -> None:
    spans: list[Span] = []
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = int(probe.getsockname()[1])
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=port)) as receiver:
        collecting = asyncio.create_task(collect(spans, receiver))
        endpoint = f"http://127.0.0.1:{port}"
        with (
            real_server(tmp_path / "server") as database,
            demonstration(tmp_path, "--once", VISAVIS_OTLP_ENDPOINT=endpoint, VISAVIS_DATABASE_URL=database) as running,
        ):
            code = await asyncio.to_thread(running.process.wait, 240)
            assert code == 0, running.logs()
        await asyncio.sleep(1)
        collecting.cancel()
    cycle = bytes.fromhex(str(running.report()["trace_id"]))
    in_cycle = [span for span in spans if span.trace_id == cycle]
    assert {f"run {step}" for step in STEPS} <= {span.name for span in in_cycle}
    assert "stage switch in" in {span.name for span in in_cycle}
    pushes = {span.trace_id: span for span in spans if span.name == "push"}
    outcomes = [span for span in spans if span.name.startswith("outcome ")]
    known = {span.span_id for span in in_cycle}
    assert pushes
    assert outcomes
    assert all(known & {link.span_id for link in push.links} for push in pushes.values())
    assert all(pushes[span.trace_id].span_id == span.parent_span_id for span in outcomes)
    assert not (running.home / "telemetry").exists()
    assert not (running.home / "postgres").exists()
    assert leftovers(running.home) == []
