"""Traces of several real processes arrive as one: at an OTLP receiver, or in the files of the installation."""

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from oteltap import OtelTapHttpProtobufReceiver, OtelTapHttpProtobufReceiverSettings

from shared.observability import traces
from shared.observability.settings import TelemetrySettings
from shared.observability.tree import render_tree
from tests.integration.observability.emitter import NUMBER

DEADLINE_SECONDS = 45.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("VISAVIS_", "OTEL_"))}
    return {**clean, "VISAVIS_HOME": str(home), "VISAVIS_TRACE_FLUSH_SECONDS": "0.2", **more}


def run(service: str, deed: str, *arguments: str, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.integration.observability.emitter", service, deed, *arguments]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)


def run_both(env: Mapping[str, str]) -> str:
    """Let `profile` start a run and `dispatch` continue it and link to it; return the run's trace id."""
    started = run("profile", "start_run", env=env)
    assert started.returncode == 0, started.stderr
    assert NUMBER not in started.stderr
    worked = run("dispatch", "work", started.stdout.splitlines()[0], env=env)
    assert worked.returncode == 0, worked.stderr
    return started.stdout.split("-")[1]


async def test_spans_and_links_of_two_processes_arrive_at_an_otlp_receiver(tmp_path: Path) -> None:
    port = free_port()
    async with OtelTapHttpProtobufReceiver(OtelTapHttpProtobufReceiverSettings(http_port=port)) as receiver:
        wanted = ["run", "stage one", "work", "send to 138****8000"]
        arrivals = [asyncio.create_task(receiver.await_trace(named(n), DEADLINE_SECONDS)) for n in wanted]
        counter = asyncio.create_task(receiver.await_metric(lambda m: m.name == "visavis.test.sent", DEADLINE_SECONDS))
        env = environment(tmp_path, VISAVIS_OTLP_ENDPOINT=f"http://127.0.0.1:{port}/")
        trace_id = await asyncio.to_thread(run_both, env)
        root, stage, work, push = [await arrival for arrival in arrivals]
        await counter
    assert root.trace_id.hex() == trace_id
    assert {s.parent_span_id for s in (stage, work)} == {root.span_id}
    assert push.trace_id != root.trace_id
    assert [(link.trace_id, link.span_id) for link in push.links] == [(root.trace_id, root.span_id)]
    assert NUMBER not in str([root, stage, work, push])
    assert not (tmp_path / "telemetry").exists()


def named(name: str) -> Callable[[Span], bool]:
    return lambda span: span.name == name


def test_without_a_receiver_the_files_hold_the_same_tree_and_the_links_of_both_ends(tmp_path: Path) -> None:
    trace_id = run_both(environment(tmp_path))
    directory = TelemetrySettings(home=tmp_path).telemetry_directory
    trace = traces.load(directory, trace_id)
    assert [(line.guide, line.service, line.name) for line in render_tree(trace)] == [
        ("", "profile", "run"),
        ("├─ ", "profile", "stage one"),
        ("└─ ", "dispatch", "work"),
    ]
    (follower,) = trace.followers
    assert (follower.service, follower.name) == ("dispatch", "send to 138****8000")
    (line,) = render_tree(traces.load(directory, follower.trace_id))
    assert line.links == (trace_id,)
    assert [s.trace_id for s in traces.latest(directory, limit=5)] == [follower.trace_id, trace_id]
    assert NUMBER not in "".join(path.read_text() for path in directory.iterdir())


def test_at_ratio_zero_a_run_is_kept_in_every_process_that_works_for_it(tmp_path: Path) -> None:
    trace_id = run_both(environment(tmp_path, VISAVIS_TRACE_SAMPLE_RATIO="0.0"))
    summaries = traces.latest(TelemetrySettings(home=tmp_path).telemetry_directory, limit=5)
    assert [(s.trace_id, s.services, s.spans) for s in summaries] == [(trace_id, ("profile", "dispatch"), 3)]


def test_what_ended_a_flush_interval_before_a_sigkill_is_not_lost(tmp_path: Path) -> None:
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    killed = run("worker", "die", parent, env=environment(tmp_path))
    assert killed.returncode == -9, killed.stderr
    trace = traces.load(TelemetrySettings(home=tmp_path).telemetry_directory, "a" * 32)
    assert [root.span.name for root in trace.roots] == ["ended"]


@pytest.mark.parametrize("is_listening", [False, True], ids=["refused", "silent"])
def test_a_collector_that_is_down_costs_one_warning_and_little_time(tmp_path: Path, is_listening: bool) -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if is_listening:
            silent.listen()
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = run("profile", "start_run", env=environment(tmp_path, VISAVIS_OTLP_ENDPOINT=endpoint))
    assert started.returncode == 0
    assert started.stderr.count("telemetry_export_failed") == 1
    assert len(started.stderr.splitlines()) == 2, started.stderr
    took = float(started.stdout.splitlines()[1])
    assert took < 9, f"{took:.1f} s, of which two exports of at most two seconds each"


def test_an_unwritable_home_costs_one_warning_only(tmp_path: Path) -> None:
    (tmp_path / "telemetry").write_text("a file in the way")
    started = run("profile", "start_run", env=environment(tmp_path))
    assert started.returncode == 0
    assert started.stderr.count("telemetry_export_failed") == 1
    assert "Traceback" not in started.stderr
