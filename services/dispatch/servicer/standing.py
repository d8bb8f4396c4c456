"""Reads whom CheckContact asks about, and renders what the gate says."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime

from visavis.dispatch.v1 import contact_service_pb2 as pb

from services.dispatch.domain.plans import Channel
from services.dispatch.domain.rules import Allow, Hold, Verdict
from services.dispatch.ports.standing import Candidate
from services.dispatch.servicer.parse import number_of
from services.dispatch.servicer.render import CHANNELS
from shared.errors import InvalidInput, Violation

_ARMS = ("targeted", "random", "control")


def candidate_of(request: pb.CheckContactRequest) -> Candidate:
    """Return the customer. Raises InvalidInput with all that is wrong."""
    since = _day(request.number_since)
    if violations := list(_violations(request, since)):
        raise InvalidInput(violations)
    return Candidate(
        customer_id=request.customer_id,
        owner_id=request.owner_id,
        msisdn=number_of(request.msisdn),
        number_since=since,
        city=request.city,
        arm=request.arm,
        policy=request.policy,
    )


def checked_message(verdicts: Mapping[Channel, Verdict], now: datetime) -> pb.CheckContactResponse:
    """Return the gate's word on each channel."""
    message = pb.CheckContactResponse(channels=[_check(channel, verdict) for channel, verdict in verdicts.items()])
    message.check_time.FromDatetime(now)
    return message


def _check(channel: Channel, verdict: Verdict) -> pb.ChannelCheck:
    if isinstance(verdict, Allow):
        return pb.ChannelCheck(channel=CHANNELS[channel], allowed=True)
    message = pb.ChannelCheck(channel=CHANNELS[channel], rule=verdict.rule, reason=verdict.why)
    if isinstance(verdict, Hold):
        message.until_time.FromDatetime(verdict.until)
    return message


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _violations(request: pb.CheckContactRequest, since: date | None) -> Iterator[Violation]:
    needed = {"customer_id": request.customer_id, "owner_id": request.owner_id, "city": request.city}
    yield from (Violation(field, "is missing") for field, text in needed.items() if not text)
    if request.arm not in _ARMS:
        yield Violation("arm", f"expected one of {', '.join(_ARMS)}")
    if request.number_since and since is None:
        yield Violation("number_since", "expected a day as 2025-02-01, or nothing")
    try:
        number_of(request.msisdn)
    except InvalidInput as wrong:
        yield from wrong.violations
