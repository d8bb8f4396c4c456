"""Whether a customer may be contacted now, asked by those who explain; nothing is reserved."""

from collections.abc import Mapping
from datetime import datetime

from services.dispatch.domain.plans import PLAN_CHANNELS, Channel
from services.dispatch.domain.pushes import PushId, Target
from services.dispatch.domain.rules import ContactRules, Gate, Rule, Verdict
from services.dispatch.ports.standing import Candidate
from services.dispatch.ports.store import Reading
from services.dispatch.use_cases.admission import DELAY


async def check_contact(
    candidate: Candidate, *, reading: Reading, rules: ContactRules, now: datetime
) -> Mapping[Channel, Verdict]:
    """Return what the gate says by each channel of a push that no plan's end would cut off."""
    standing = await reading.standings.of(candidate, since=now - rules.window - DELAY, now=now)
    target = Target(
        push_id=PushId(0),
        rank=0,
        customer_id=candidate.customer_id,
        owner_id=candidate.owner_id,
        msisdn=candidate.msisdn,
        city=candidate.city,
        arm=candidate.arm,
        policy=candidate.policy,
        reservations=0,
        attempts=0,
    )
    verdicts = {}
    for channel in PLAN_CHANNELS:
        gate = Gate(rules, channel, datetime.max.replace(tzinfo=now.tzinfo), now)
        barred = standing.barred or (Rule.DEAD_ADDRESS if channel in standing.dead else None)
        verdicts[channel] = gate.judge(target, standing.past, opted_out=standing.opted_out, barred=barred)
    return verdicts
