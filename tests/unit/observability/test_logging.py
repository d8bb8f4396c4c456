"""Every line that a process logs is one masked JSON object that leads to its trace."""

import io
import json
import logging
import re
import sys
import threading
import warnings
from collections.abc import Iterator

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import format_span_id, format_trace_id

from shared.observability import logging as process_logging
from shared.observability.settings import LogFormat, TelemetrySettings

NUMBER = "13800138000"
tracer = TracerProvider(shutdown_on_exit=False).get_tracer(__name__)


@pytest.fixture(autouse=True)
def _restored_process() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, hooks = root.handlers, root.level, (sys.excepthook, threading.excepthook)
    yield
    root.handlers, root.level = handlers, level
    sys.excepthook, threading.excepthook = hooks
    logging.captureWarnings(capture=False)
    for name in (*process_logging._CHATTY, *process_logging._TOLD_ELSEWHERE):
        logging.getLogger(name).setLevel(logging.NOTSET)
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def configured(log_format: LogFormat | None = "json", *, stream: io.StringIO | None = None) -> io.StringIO:
    out = stream or io.StringIO()
    process_logging.configure("profile", settings=TelemetrySettings(log_format=log_format), stream=out)
    return out


def events(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_json_object_with_its_fields_and_service() -> None:
    out = configured()
    structlog.contextvars.bind_contextvars(request_id="r1")
    structlog.get_logger("services.x").info("import_started", rows=7, city="广州")
    (event,) = events(out)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", str(event.pop("timestamp")))
    assert event == {
        "event": "import_started",
        "level": "info",
        "logger": "services.x",
        "service": "profile",
        "request_id": "r1",
        "rows": 7,
        "city": "广州",
    }


def test_lines_inside_a_span_carry_its_ids_and_lines_outside_none() -> None:
    out = configured()
    with tracer.start_as_current_span("rpc") as span:
        structlog.get_logger().info("inside")
        logging.getLogger("sqlalchemy.pool").error("inside too")
    structlog.get_logger().info("outside")
    context = span.get_span_context()
    ids = (format_trace_id(context.trace_id), format_span_id(context.span_id))
    assert [(event.get("trace_id"), event.get("span_id")) for event in events(out)] == [ids, ids, (None, None)]


def test_no_number_leaves_by_any_way_of_logging() -> None:
    out = configured()
    log, library = structlog.get_logger(), logging.getLogger("grpc._server")
    put_together = f"to {NUMBER}"
    log.info(put_together, to=NUMBER, nested={"list": [int(NUMBER)]}, msisdn="7 digits")
    log.info("to %s", NUMBER)
    library.warning("to %s", NUMBER, extra={"peer": NUMBER}, stack_info=True)
    library.warning("to %(to)s", {"to": NUMBER})
    try:
        raise ValueError(NUMBER) from KeyError(NUMBER)
    except ValueError:
        log.exception("failed")
        library.exception("failed")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn(NUMBER, stacklevel=1)
    said = out.getvalue()
    assert NUMBER not in said
    assert said.count("138****8000") >= 11
    assert len(events(out)) == 7


def test_what_nobody_caught_is_logged_masked_from_main_and_from_threads() -> None:
    out = configured()

    def fail() -> None:
        raise RuntimeError(NUMBER)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    try:
        fail()
    except RuntimeError as error:
        sys.excepthook(RuntimeError, error, error.__traceback__)
    assert [event["event"] for event in events(out)] == ["uncaught_exception"] * 2
    assert NUMBER not in out.getvalue()
    assert out.getvalue().count("RuntimeError: 138****8000") == 2


def test_a_broken_log_call_names_its_place_and_not_its_arguments() -> None:
    out = configured()
    logging.getLogger("x").warning("%s and %s", NUMBER)  # noqa: PLE1206 - the mistake is the test
    (event,) = events(out)
    assert event["event"] == "log_call_broken"
    assert "test_logging.py:" in str(event["at"])


def test_a_broken_stream_does_not_fail_the_caller() -> None:
    out = configured()
    out.close()
    logging.getLogger("x").warning("to nobody")
    assert out.closed


def test_libraries_talk_about_themselves_only_when_it_matters() -> None:
    out = configured()
    logging.getLogger("alembic.runtime").info("context impl")
    logging.getLogger("alembic.runtime").warning("no history")
    structlog.get_logger().debug("detail")
    assert [event["event"] for event in events(out)] == ["no history"]


def test_a_terminal_gets_text_for_people_and_a_pipe_gets_json() -> None:
    terminal = configured(None, stream=Terminal())
    structlog.get_logger().info("import_started", to=NUMBER)
    pipe = configured(None)
    structlog.get_logger().info("import_started")
    assert "import_started" in terminal.getvalue()
    assert not terminal.getvalue().startswith("{")
    assert NUMBER not in terminal.getvalue()
    assert events(pipe)[0]["event"] == "import_started"


def test_console_tracebacks_show_no_local_variables() -> None:
    out = configured("console")
    held = NUMBER
    try:
        raise ValueError("no such customer")
    except ValueError:
        structlog.get_logger().exception("failed")
    assert "ValueError: no such customer" in out.getvalue()
    assert held not in out.getvalue()
