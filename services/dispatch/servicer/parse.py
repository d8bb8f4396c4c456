"""Reads what requests hold."""

import re
import uuid
from collections.abc import Iterable
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

from services.dispatch.domain.calls import CallId
from services.dispatch.domain.plans import PLAN_KIND, PlanId
from services.dispatch.domain.pushes import PushId
from shared.errors import InvalidInput, Violation
from shared.rpc.names import resource_id
from shared.wire.cmpp.terminals import national_number

_CALL = re.compile(r"calls/(\d{1,18})", re.ASCII)
_PUSH = re.compile(r"pushes/(\d{1,18})", re.ASCII)


def plan_id_of(name: str, *, field: str = "name") -> PlanId:
    """Return the id in `pushPlans/{push_plan}`; raises InvalidInput for what is no such name."""
    return PlanId(resource_id(PLAN_KIND, name, field=field))


def call_id_of(name: str) -> CallId | None:
    """Return the id in `calls/{call}`; None for what is no such name."""
    match = _CALL.fullmatch(name)
    return CallId(int(match.group(1))) if match else None


def push_id_of(name: str) -> PushId:
    """Return the id in `pushes/{push}`; raises InvalidInput for what is no such name."""
    match = _PUSH.fullmatch(name)
    if match is None:
        raise InvalidInput.of("name", f"expected pushes/{{push}} with the push's number, got {name!r}")
    return PushId(int(match.group(1)))


def lease_id_of(name: str) -> str:
    """Return the id in `leases/{lease}`; raises InvalidInput for what is no such name."""
    lease_id = resource_id("leases", name, field="lease")
    if any(uuid_violations(lease_id, required=True)):
        raise InvalidInput.of("lease", "expected leases/{lease} as it was given with the calls")
    return request_id_of(lease_id)


def request_id_of(request_id: str) -> str:
    """Return a request id, whose form `uuid_violations` has checked, as it is stored: however it is written, it is one."""
    return str(uuid.UUID(request_id))


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


def instant_of(timestamp: Timestamp) -> datetime | None:
    """Return an aware instant, None where it is outside the years 1 to 9999; an absent timestamp is that of 1970."""
    try:
        return timestamp.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
