"""What a WAP push says, and what keeps it from being said."""

from dataclasses import replace
from functools import partial

import pytest
from pydantic import ValidationError

from services.dispatch.channels.wap_wire import count_parts
from services.dispatch.domain.messages import Forms, frozen_offers, plan_violations
from services.dispatch.domain.plans import Channel
from services.dispatch.domain.wap_push import PushForm
from services.dispatch.settings import WapSettings
from tests.factories.dispatch import MORNING, PAGE, plan_request

FORMS: Forms = {
    Channel.WAP_PUSH: PushForm("中国移动", "10658899", 3, partial(count_parts, initiator="visavis.example.com"))
}


def test_a_push_names_its_sender_and_the_way_out() -> None:
    offer = frozen_offers(plan_request(Channel.WAP_PUSH), FORMS)[0]
    assert offer.message == "【中国移动】手机报免费体验，点击开通。 拒收请发TD至10658899"
    assert offer.parts == 1, "it is one message of the gateway, however many SMS that makes of it"


@pytest.mark.parametrize(
    ("changes", "field", "said"),
    [
        ({"text": "回复{keyword}开通"}, "text", "its page takes the orders"),
        ({"href": ""}, "href", "expected the page to open"),
        ({"href": "ftp://example.com"}, "href", "expected the page to open"),
        ({"text": "办" * 200}, "text", "at most 3 expected"),
        ({"text": "办\0"}, "text", "contains NUL"),
        ({"text": "办" * 20_000}, "text", "datagram"),
    ],
)
def test_what_is_wrong_with_a_push_is_said(changes: dict[str, str], field: str, said: str) -> None:
    offer = replace(PAGE, **changes)  # type: ignore[arg-type]  # only texts change
    (violation,) = plan_violations(plan_request(Channel.WAP_PUSH, offers=[offer]), FORMS, MORNING)
    assert violation.field == f"offers[0].{field}"
    assert said in violation.description


def test_kannel_without_a_smsbox_would_never_call_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VISAVIS_DISPATCH_WAP_REPORTS", "kannel")
    with pytest.raises(ValidationError, match="VISAVIS_DISPATCH_WAP_KANNEL_SMSBOX"):
        WapSettings()
    monkeypatch.setenv("VISAVIS_DISPATCH_WAP_KANNEL_SMSBOX", "dlrbox")
    assert WapSettings().dispatch_wap_kannel_smsbox == "dlrbox"
