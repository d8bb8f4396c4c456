"""What the answers to the parts of a message say about the whole of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.channels.account import account_of
from services.dispatch.channels.sms_wire import from_answers
from services.dispatch.ports import Verdict
from services.dispatch.settings import SmsSettings
from shared.wire.cmpp.pdus import SubmitResp
from shared.wire.cmpp.versions import Version

ANSWERS = st.lists(st.one_of(st.none(), st.sampled_from([0, 0, 0, 8, 13, 6, 120])), min_size=1, max_size=4)


def responses(results: list[int | None]) -> list[SubmitResp | None]:
    return [None if result is None else SubmitResp(n, result) for n, result in enumerate(results, start=1)]


@given(ANSWERS, st.integers(0, 2))
def test_a_message_is_sent_only_if_each_part_was_taken_and_retried_only_if_none_may_have_left(
    results: list[int | None], unwritten: int
) -> None:
    verdict = from_answers("p", responses(results), parts=len(results) + unwritten)
    assert (verdict.verdict is Verdict.SENT) is (unwritten == 0 and set(results) == {0})
    none_left = all(result is not None and result != 0 for result in results)
    assert (verdict.verdict in {Verdict.THROTTLED, Verdict.REJECTED, Verdict.REJECTED_RECIPIENT}) is none_left
    assert len(verdict.gateway_message_ids) == results.count(0)
    assert verdict.detail


@pytest.mark.parametrize(
    ("results", "parts", "detail"),
    [
        (
            [0, 8],
            2,
            "1 of 2 parts were taken by the gateway, and the rest is not sent any more: the gateway is too busy",
        ),
        ([0], 3, "1 of 3 parts were taken by the gateway, and the rest is not sent any more: the rest could not be"),
        ([None], 1, "written, but no answer"),
        ([8, 8], 2, "the gateway is too busy (Result 8)"),
    ],
)
def test_the_verdict_says_why(results: list[int | None], parts: int, detail: str) -> None:
    assert from_answers("p", responses(results), parts=parts).detail.startswith(detail)


def test_a_fault_of_the_accounts_settings_is_told_although_a_part_has_left() -> None:
    verdict = from_answers("p", responses([0, 7]), parts=2)
    assert (verdict.verdict, verdict.configuration_fault) == (Verdict.INDETERMINATE, True)


@pytest.mark.parametrize(("version", "spoken"), [("2.0", Version.CMPP_2), ("3.0", Version.CMPP_3)])
def test_version_and_proof_are_settings_of_the_account(
    monkeypatch: pytest.MonkeyPatch, version: str, spoken: Version
) -> None:
    monkeypatch.setenv("VISAVIS_DISPATCH_SMS_VERSION", version)
    monkeypatch.setenv("VISAVIS_DISPATCH_SMS_DEMAND_PROOF", "true")
    credentials = account_of(SmsSettings()).credentials
    assert (credentials.version, credentials.demand_proof) == (spoken, True)
