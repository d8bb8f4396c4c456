"""What crosses one or two hops over real sockets: answers, typed failures, identity, trace, request id, time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
import pytest
import structlog
from google.protobuf.wrappers_pb2 import StringValue
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode, get_current_span

from shared.errors import (
    DeadlineExceeded,
    Denied,
    Failure,
    InvalidInput,
    NotFound,
    PeerFault,
    Unavailable,
    Violation,
    WrongState,
)
from shared.rpc.client import open_channel
from shared.rpc.deadline import remaining
from shared.rpc.errors import failure_of
from shared.rpc.identity import Caller, Role, acting_as, current_caller
from shared.rpc.interceptors import current_request_id
from tests.integration.rpc.toy import GET, SERVICE, Answer, ToyStub, health_of, toy_server, toy_settings

CLERK = Caller("李明", Role.CLERK, frozenset({"755", "惠州"}))


@asynccontextmanager
async def one_hop(answer: Answer) -> AsyncIterator[ToyStub]:
    async with toy_server(answer) as port, open_channel(f"127.0.0.1:{port}", client_name="test") as channel:
        yield ToyStub(channel)


@asynccontextmanager
async def two_hops(answer: Answer, *, tracer_provider: TracerProvider | None = None) -> AsyncIterator[ToyStub]:
    """A front server that passes every request on to a back server, which answers."""
    async with (
        toy_server(answer, tracer_provider=tracer_provider) as back_port,
        open_channel(f"127.0.0.1:{back_port}", client_name="front", tracer_provider=tracer_provider) as back,
        toy_server(ToyStub(back).get, tracer_provider=tracer_provider) as port,
        open_channel(f"127.0.0.1:{port}", client_name="test", tracer_provider=tracer_provider) as channel,
    ):
        yield ToyStub(channel)


async def echo(text: str) -> str:
    return text


async def crash(text: str) -> str:
    raise RuntimeError(f"connection to db.internal failed: password=hunter2 {text}")


async def test_each_shape_of_method_answers_through_the_chain() -> None:
    async with one_hop(echo) as stub:
        assert await stub.get("好") == "好"
        assert [word async for word in stub.list_words("a b c")] == ["a", "b", "c"]
        assert await stub.join("x", "y") == "xy"


async def test_all_violations_of_a_bad_request_are_read_back_after_two_hops() -> None:
    violations = [Violation("page_size", "expected 0 or more, got -1"), Violation("城市", "8999 不存在")]

    async def refuse(_: str) -> str:
        raise InvalidInput(violations, reason="ERROR_REASON_MAPPING_INVALID")

    async with two_hops(refuse) as stub:
        with pytest.raises(InvalidInput) as caught:
            await stub.get("x")
    assert caught.value.violations == violations
    assert caught.value.reason == "ERROR_REASON_MAPPING_INVALID"


async def test_hundreds_of_violations_still_arrive_as_bad_input() -> None:
    async def refuse(_: str) -> str:
        raise InvalidInput([Violation(f"第{row}行 套餐", "应为 4 位套餐代码，而不是空白") for row in range(500)])

    async with one_hop(refuse) as stub:
        with pytest.raises(InvalidInput) as caught:
            await stub.get("x")
    told = len(caught.value.violations)
    assert told > 20
    assert caught.value.violations[-1].description == f"and {500 - told + 1} more"


async def test_a_failure_is_typed_whether_the_answer_is_one_or_a_stream() -> None:
    async def refuse(_: str) -> str:
        raise WrongState("the plan is loading", subject="plans/9")

    async with one_hop(refuse) as stub:
        for call in (stub.get("x"), anext(stub.list_words("x"))):
            with pytest.raises(WrongState, match="the plan is loading") as caught:
                await call
            assert caught.value.subject == "plans/9"


async def test_a_method_that_takes_a_stream_fails_with_a_rich_status_too() -> None:
    async def refuse(_: str) -> str:
        raise WrongState("the plan is loading", subject="plans/9")

    async with one_hop(refuse) as stub:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.join("x")
    assert isinstance(failure_of(caught.value), WrongState)


async def test_a_stream_fails_after_what_it_had_sent() -> None:
    async def until_b(word: str) -> str:
        if word == "b":
            raise NotFound("words/b")
        return word

    async with one_hop(until_b) as stub:
        words = stub.list_words("a b c")
        assert await anext(words) == "a"
        with pytest.raises(NotFound):
            await anext(words)


async def test_cancelling_a_stream_ends_the_stream_at_the_server() -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow(word: str) -> str:
        if word == "b":
            begun.set()
            try:
                await asyncio.sleep(30)
            finally:
                ended.set()
        return word

    async with one_hop(slow) as stub:
        call = stub.words(StringValue(value="a b"))
        assert (await anext(aiter(call))).value == "a"
        await asyncio.wait_for(begun.wait(), 5)  # a cancellation that comes earlier has nothing to end
        call.cancel()
        await asyncio.wait_for(ended.wait(), 5)


async def test_an_unexpected_exception_leaks_nothing_and_is_logged_with_its_traceback() -> None:
    async with toy_server(crash) as port:
        with structlog.testing.capture_logs() as lines:
            async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as bare:
                with pytest.raises(grpc.aio.AioRpcError) as caught:
                    await ToyStub(bare).get("secret")
    everything = f"{caught.value!r} {caught.value.trailing_metadata()!r} {caught.value.debug_error_string()}"
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert not any(word in everything for word in ("hunter2", "db.internal", "RuntimeError", "secret"))
    crashed = next(line for line in lines if line["event"] == "rpc_crashed")
    assert "hunter2" in str(crashed["exc_info"])


async def test_a_crash_two_hops_away_is_found_by_the_trace_id_of_where_it_happened() -> None:
    provider = TracerProvider()
    async with two_hops(crash, tracer_provider=provider) as stub:
        with pytest.raises(PeerFault) as caught, provider.get_tracer("test").start_as_current_span("root") as root:
            await stub.get("x")
    assert caught.value.metadata["trace_id"] == f"{root.get_span_context().trace_id:032x}"
    provider.shutdown()


async def test_the_callers_deadline_holds_across_two_hops() -> None:
    left: list[float | None] = []
    ended = asyncio.Event()

    async def slow(_: str) -> str:
        left.append(remaining())
        try:
            await asyncio.sleep(30)
        finally:
            ended.set()
        return "too late"

    async with two_hops(slow) as stub:
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded) as caught:
            await stub.get("x", seconds=0.4)
        await asyncio.wait_for(ended.wait(), 3)
    assert time.monotonic() - began < 3
    assert caught.value.reason == "ERROR_REASON_DEADLINE_EXCEEDED"
    assert left[0] is not None
    assert 0 < left[0] < 0.41  # a timeout travels rounded up


async def test_a_caller_without_a_deadline_gets_the_servers() -> None:
    async def slow(_: str) -> str:
        await asyncio.sleep(30)
        return "too late"

    async with (
        toy_server(slow, settings=toy_settings(default_deadline_seconds=0.2)) as port,
        grpc.aio.insecure_channel(f"127.0.0.1:{port}") as bare,
    ):
        for call in (ToyStub(bare).get("x"), anext(ToyStub(bare).list_words("x"))):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call
            assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
            assert "not done in 0.2 s" in (caught.value.details() or "")


async def test_identity_and_request_id_cross_two_hops() -> None:
    seen: list[tuple[Caller, str]] = []

    async def look(text: str) -> str:
        seen.append((current_caller(), current_request_id.get()))
        return text

    async with two_hops(look) as stub:
        with acting_as(CLERK):
            await stub.get("x", metadata={"visavis-request-id": "desk-17"})
    assert seen == [(CLERK, "desk-17")]


async def test_a_program_outside_of_any_call_calls_as_itself() -> None:
    seen: list[Caller] = []

    async def look(text: str) -> str:
        seen.append(current_caller())
        return text

    async with one_hop(look) as stub:
        await stub.get("x")
    assert seen == [Caller("test", Role.SERVICE)]


async def test_a_bare_client_on_loopback_is_the_local_operator_and_half_an_identity_is_denied() -> None:
    async def who(_: str) -> str:
        return f"{current_caller().principal} {current_caller().role}"

    async with toy_server(who) as port, grpc.aio.insecure_channel(f"127.0.0.1:{port}") as bare:
        assert await ToyStub(bare).get("x") == "local operations"
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await ToyStub(bare).get("x", metadata={"visavis-role": "planner"})
    assert caught.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_a_method_that_denies_the_role_is_denied_at_the_caller() -> None:
    async def planners_only(_: str) -> str:
        current_caller().require(Role.PLANNER)
        return "yes"

    async with one_hop(planners_only) as stub:
        with acting_as(CLERK), pytest.raises(Denied, match="needs the role planner; 李明 has clerk"):
            await stub.get("x")


async def test_one_trace_goes_through_client_and_server_of_each_hop() -> None:
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))

    async def refuse(_: str) -> str:
        get_current_span().set_attribute("inside", True)
        raise NotFound("plans/9")

    async with two_hops(refuse, tracer_provider=provider) as stub:
        with pytest.raises(NotFound):
            await stub.get("x")
        assert await health_of(stub.channel) == "SERVING"
    spans = {span.context.span_id: span for span in exporter.get_finished_spans() if span.name == GET}
    innermost = next(span for span in spans.values() if (span.attributes or {}).get("inside"))
    lineage = list(_lineage(innermost, spans))
    kinds = [SpanKind.SERVER, SpanKind.CLIENT, SpanKind.SERVER, SpanKind.CLIENT]
    assert [span.kind for span in lineage] == kinds
    assert dict(innermost.attributes or {}) == {
        "rpc.system.name": "grpc",
        "rpc.method": GET,
        "rpc.response.status_code": "NOT_FOUND",
        "inside": True,
    }
    unset, error = StatusCode.UNSET, StatusCode.ERROR
    assert [span.status.status_code for span in lineage] == [unset, error, unset, error]
    assert {span.name for span in exporter.get_finished_spans() if span.kind is SpanKind.SERVER} == {GET}
    provider.shutdown()


def _lineage(span: ReadableSpan, spans: dict[int, ReadableSpan]) -> list[ReadableSpan]:
    parent = span.parent and spans[span.parent.span_id]
    return [span, *(_lineage(parent, spans) if parent else [])]


async def test_every_line_logged_within_a_call_says_which_and_whose() -> None:
    lines: list[structlog.typing.EventDict] = []

    def keep(_: object, __: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
        lines.append(dict(line))
        raise structlog.DropEvent

    async def note(text: str) -> str:
        structlog.get_logger().info("inside")
        if text == "bad":
            raise NotFound("plans/9")
        return text

    structlog.configure(processors=[structlog.contextvars.merge_contextvars, structlog.stdlib.add_log_level, keep])
    async with one_hop(note) as stub:
        with acting_as(CLERK):
            await stub.get("good", metadata={"visavis-request-id": "desk-17"})
            with pytest.raises(NotFound):
                await stub.get("bad", metadata={"visavis-request-id": "desk 18"})
    served = [line for line in lines if line["event"] == "rpc_served"]
    assert [(line["level"], line["code"], line["reason"]) for line in served] == [
        ("debug", "OK", None),
        ("info", "NOT_FOUND", "ERROR_REASON_RESOURCE_NOT_FOUND"),
    ]
    first, second = (line["request_id"] for line in lines if line["event"] == "inside")
    assert first == "desk-17"
    assert len(second) == 32  # a blank does not belong in an id: a new one was made
    assert all(line["principal"] == "李明" and line["rpc_method"] == GET for line in served)
    assert all("trace_id" in line for line in served)


async def test_a_server_that_is_down_is_unavailable_by_the_name_of_its_service(free_port: int) -> None:
    async with open_channel(f"127.0.0.1:{free_port}", client_name="test") as channel:
        with pytest.raises(Unavailable, match=f"{SERVICE} cannot be reached"):
            await ToyStub(channel).get("x")


async def test_an_answer_over_the_size_limit_is_a_fault_not_a_hang() -> None:
    async def big(_: str) -> str:
        return "x" * 5_000_000

    async with one_hop(big) as stub:
        with pytest.raises(Failure):
            await stub.get("x")
