"""Placeholders: known ones are filled for each customer, others are refused with the one that was meant."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.mails import MailForm
from services.dispatch.domain.messages import Form, MessageForm, ScriptForm, frozen_offers, plan_violations
from services.dispatch.domain.plans import Channel, Offer
from services.dispatch.domain.templates import LONGEST_CITY, OF_TARGETS, extremes_of, faults_of, fill
from services.dispatch.domain.wap_push import PushForm
from shared.wire.cmpp.parts import count_parts
from tests.factories.dispatch import MORNING, NEWSPAPER, plan_request

FORMS: Mapping[Channel, Form] = {
    Channel.SMS: MessageForm("中国移动", 3, count_parts),
    Channel.WAP_PUSH: PushForm("中国移动", "10658899", 3, lambda text, _: count_parts(text)),
    Channel.MAIL_139: MailForm("中国移动"),
    Channel.CALL: ScriptForm(),
}
AROUND = len("【中国移动】拒收请回复TD")
LETTERS = st.text(st.characters(codec="utf-16-be", exclude_characters="{}"), max_size=40)


def faults(channel: Channel, **changes: str) -> list[str]:
    """Return what is wrong with the text of a plan's only offer."""
    offer = replace(Offer("p", "", "x", "", title="t", href="http://wap.example/1"), **changes)  # type: ignore[arg-type]  # only texts change
    found = plan_violations(plan_request(channel, offers=[offer]), FORMS, MORNING)
    assert {violation.field for violation in found} <= {"offers[0].text", "offers[0].title"}
    return [violation.description for violation in found]


@pytest.mark.parametrize("channel", FORMS)
def test_a_slip_is_refused_on_every_channel_with_what_was_meant(channel: Channel) -> None:
    (fault,) = faults(channel, text="{City}的客户您好")
    assert "{City} is no placeholder here" in fault
    assert fault.endswith("did you mean {city}?")
    (fault,) = faults(channel, text="{name}您好")
    assert "did you mean" not in fault
    (fault,) = faults(channel, text="{city的客户您好")
    assert fault == "has a brace without its other half"


@pytest.mark.parametrize("channel", FORMS)
def test_the_city_and_the_last_digits_are_known_on_every_channel(channel: Channel) -> None:
    assert faults(channel, text="{city}尾号{last4}的客户您好") == []


def test_an_order_keyword_is_named_where_it_can_be_answered_with() -> None:
    assert faults(Channel.SMS, text="回复{keyword}", order_keyword="DG") == []
    assert faults(Channel.MAIL_139, text="回复{keyword}", order_keyword="DG") == []
    spoken = Offer("p", "", "请回复{keyword}", "DG")
    assert frozen_offers(plan_request(Channel.CALL, offers=[spoken]), FORMS)[0].message == "请回复DG"
    for channel in (Channel.CALL, Channel.WAP_PUSH):
        (fault,) = faults(channel, text="回复{keyword}")
        assert "{keyword} is no placeholder" in fault


def test_the_subject_of_a_mail_is_filled_and_measured_too() -> None:
    assert faults(Channel.MAIL_139, title="{city}客户专享") == []
    (fault,) = faults(Channel.MAIL_139, title="{town}客户专享")
    assert "{town} is no placeholder" in fault
    (fault,) = faults(Channel.MAIL_139, title="办" * 50 + "{city}")
    assert "at most 60" in fault


def test_an_sms_takes_as_many_parts_for_everybody() -> None:
    fits = "办" * (70 - AROUND - LONGEST_CITY)
    assert faults(Channel.SMS, text=fits + "{city}") == []
    (fault,) = faults(Channel.SMS, text=fits + "办{city}")
    assert fault.startswith("takes 1 SMS for some and 2 for others")
    assert faults(Channel.SMS, text=fits + "办" * 20 + "{city}") == []
    (fault,) = faults(Channel.SMS, text="办" * 67 * 3 + "{city}")
    assert "takes 4 SMS, at most 3" in fault


@given(
    before=LETTERS,
    after=LETTERS,
    city=st.sampled_from(["合肥", "A", "黔西南布依族苗族自治州"]),
    last=st.integers(0, 9999),
)
def test_the_parts_that_are_frozen_are_those_of_every_rendering(before: str, after: str, city: str, last: int) -> None:
    offer = replace(NEWSPAPER, text=f"{before}{{city}}{after}{{last4}}", order_keyword="")
    request = plan_request(offers=[offer])
    if plan_violations(request, FORMS, MORNING):
        return
    (frozen,) = frozen_offers(request, FORMS)
    rendered = fill(frozen.message, city=city, msisdn=f"1380000{last:04}")
    assert rendered == f"【中国移动】{before}{city}{after}{last:04}拒收请回复TD"
    assert count_parts(rendered) == frozen.parts


@given(st.text(st.sampled_from("{}city last4合"), max_size=20), st.text(max_size=11))
def test_what_fills_a_placeholder_is_never_taken_for_one(text: str, city: str) -> None:
    filled = fill(text, city=city, msisdn="13800001234")
    assert filled == "1234".join(part.replace("{city}", city) for part in text.split("{last4}"))
    if not list(faults_of(text, OF_TARGETS)):
        assert not any("{" in rendering or "}" in rendering for rendering in extremes_of(text))
