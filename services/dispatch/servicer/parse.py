"""Reads what requests hold."""

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from services.dispatch.domain.calls import CallId
from services.dispatch.domain.plans import PLAN_KIND, PlanId
from shared.errors import InvalidInput, Violation
from shared.rpc.names import resource_id
from shared.wire.cmpp.terminals import national_number

_CALL = re.compile(r"calls/(\d{1,18})", re.ASCII)
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def plan_id_of(name: str, *, field: str = "name") -> PlanId:
    """Return the id in `pushPlans/{push_plan}`; raises InvalidInput for what is no such name."""
    return PlanId(resource_id(PLAN_KIND, name, field=field))


def call_id_of(name: str) -> CallId | None:
    """Return the id in `calls/{call}`; None for what is no such name."""
    match = _CALL.fullmatch(name)
    return CallId(int(match.group(1))) if match else None


def uuid_violations(request_id: str, *, required: bool) -> Iterable[Violation]:
    """Yield what is wrong with a request id."""
    if not request_id and not required:
        return
    try:
        uuid.UUID(request_id)
    except ValueError:
        yield Violation("request_id", "expected a UUID")


def number_of(msisdn: str) -> str:
    """Return a number's eleven digits, or an empty text for an empty one; raises InvalidInput."""
    if not msisdn:
        return ""
    number = national_number(msisdn)
    if number is None:
        raise InvalidInput.of("msisdn", "expected a mobile number of 11 digits")
    return number


def instant_of(timestamp: Timestamp) -> datetime:
    """Return an aware instant; that of an absent timestamp lies at the beginning of time."""
    if not (timestamp.seconds or timestamp.nanos):
        return _BEGINNING
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return _BEGINNING
