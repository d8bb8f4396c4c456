"""One stream of log lines per process: structlog's and the libraries', with trace ids and without subscriber numbers."""

import contextlib
import json
import logging
import sys
import threading
from types import TracebackType
from typing import Final, TextIO

import structlog
from opentelemetry import trace
from structlog.types import EventDict, Processor, WrappedLogger

from shared.observability.masking import mask_value
from shared.observability.settings import LogFormat, TelemetrySettings

_CHATTY: Final = ("alembic", "asyncio", "grpc", "opentelemetry", "sqlalchemy", "urllib3")
"""Libraries whose INFO is about themselves; they are heard from WARNING on, or from DEBUG when that is asked for."""

_TOLD_ELSEWHERE: Final = ("opentelemetry.exporter", "opentelemetry.sdk._shared_internal")
"""Complain about a missing collector at every batch; `MaskingExporter` tells of it once."""


def configure(service: str, *, settings: TelemetrySettings, stream: TextIO | None = None) -> None:
    """Route structlog and stdlib logging to `stream` (default stderr) as JSON lines or, for people, coloured text."""
    out = stream or sys.stderr
    common: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
        _stamp_service(service),
        _mask,
        _add_trace_ids,
    ]
    structlog.configure(
        processors=[*common, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    _take_over_root(_formatter(common, settings.log_format or _format_for(out), out), out, settings.log_level)
    _catch_the_uncaught()


class _MaskedHandler(logging.StreamHandler[TextIO]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        """Say which call is broken without its arguments, which the inherited method prints unmasked."""
        broken = {"event": "log_call_broken", "logger": record.name, "at": f"{record.pathname}:{record.lineno}"}
        with contextlib.suppress(OSError, ValueError):  # the stream itself may be what is broken
            self.stream.write(json.dumps(broken) + "\n")


def _formatter(common: list[Processor], log_format: LogFormat, out: TextIO) -> logging.Formatter:
    renderer: Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if log_format == "json"
        # Rich tracebacks would show local variables, unmasked.
        else structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
    )
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *common],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )


def _take_over_root(formatter: logging.Formatter, out: TextIO, level: str) -> None:
    handler = _MaskedHandler(out)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(level if level in ("DEBUG", "ERROR") else "WARNING")
    for name in _TOLD_ELSEWHERE:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(capture=True)


def _catch_the_uncaught() -> None:
    """Let what nobody caught pass through the masked stream too, instead of the interpreter's own printing."""

    def in_thread(args: threading.ExceptHookArgs) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            _report(args.exc_type, args.exc_value, args.exc_traceback)

    sys.excepthook = _report
    threading.excepthook = in_thread


def _report(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("uncaught").critical("uncaught_exception", exc_info=(kind, error, traceback))


def _format_for(out: TextIO) -> LogFormat:
    return "console" if out.isatty() else "json"


def _stamp_service(service: str) -> Processor:
    def stamp(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
        event["service"] = service
        return event

    return stamp


def _mask(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # `_record` and `_from_structlog` belong to ProcessorFormatter, which removes them before rendering.
    return {key: value if key.startswith("_") else mask_value(value, key=key) for key, value in event.items()}


def _add_trace_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = trace.format_trace_id(span.trace_id)
        event["span_id"] = trace.format_span_id(span.span_id)
    return event
