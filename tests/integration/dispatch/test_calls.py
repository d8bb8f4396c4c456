"""Calls are lent once, checked again before dialling, and every result finds its place, however late."""

import uuid

from visavis.recommendation.v1.policy_list_pb2 import TargetRow

from tests.factories.dispatch import CONTRACT, target_row
from tests.integration.dispatch.desk import Desk
from tests.integration.dispatch.rig import Rig


def call_row(number: int, owner: str = "") -> TargetRow:
    return target_row(number, policy=CONTRACT.policy, owner=owner)


async def test_a_call_is_leased_started_answered_and_its_contact_shown(rig: Rig, desk: Desk) -> None:
    plan = await rig.call_plan([call_row(n) for n in (1, 2, 3)])
    lent = await desk.lease(plan, str(uuid.uuid4()), size=2)
    assert [(call.customer_id, call.attempt, call.max_attempts, call.script) for call in lent] == [
        ("c-1", 1, 3, CONTRACT.text),
        ("c-2", 1, 3, CONTRACT.text),
    ]
    assert await rig.states(plan) == {"leased": 2, "planned": 1}
    assert await desk.started(lent[0]) == "TAKEN"
    assert await desk.finished(lent[0], "ANSWERED", "ACCEPTED") == "TAKEN"
    assert await rig.states(plan) == {"sent": 1, "leased": 1, "planned": 1}
