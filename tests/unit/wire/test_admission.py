"""The simulated gateway refuses what a real one would, with the Result that says why."""

from dataclasses import replace

import pytest

from services.sandbox.gateway.admission import GatewayAccount, Result, admit
from shared.wire.cmpp.pdus import Submit

ACCOUNT = GatewayAccount("900001", "888888", service_id="MKT", src_id="10658000")
SUBMIT = Submit(
    "1065800012", ("8613800000001",), "你好".encode("utf-16-be"), "900001", "MKT", valid_time="261121205959032+"
)


def test_a_proper_submit_is_taken() -> None:
    assert admit(SUBMIT, ACCOUNT) is Result.TAKEN


@pytest.mark.parametrize(
    ("submit", "result"),
    [
        (replace(SUBMIT, msg_src="900002"), Result.MSG_SRC),
        (replace(SUBMIT, service_id="OTHER"), Result.SERVICE_ID),
        (replace(SUBMIT, src_id="10659"), Result.SRC_ID),
        (replace(SUBMIT, dest_terminal_ids=()), Result.LENGTH),
        (replace(SUBMIT, dest_terminal_ids=("13800000001", "13800000002")), Result.LENGTH),
        (replace(SUBMIT, dest_terminal_ids=("10086",)), Result.DESTINATION),
        (replace(SUBMIT, msg_fmt=4), Result.STRUCTURE),
        (replace(SUBMIT, content=bytes(142)), Result.TOO_LONG),
        (replace(SUBMIT, valid_time="tomorrow"), Result.STRUCTURE),
    ],
)
def test_anything_else_is_refused_by_its_reason(submit: Submit, result: Result) -> None:
    assert admit(submit, ACCOUNT) is result
