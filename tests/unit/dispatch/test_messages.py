"""What a message says, what is wrong with a plan, and which words refuse."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.dispatch.domain.messages import (
    OPT_OUT_WORDS,
    Forms,
    MessageForm,
    ScriptForm,
    frozen_offers,
    is_opt_out,
    plan_violations,
)
from services.dispatch.domain.plans import Channel, Offer
from shared.wire.cmpp.parts import count_parts
from tests.factories.dispatch import CONTRACT, MORNING, NEWSPAPER, plan_request

FORM = MessageForm("中国移动", 3, count_parts)
FORMS: Forms = {Channel.SMS: FORM, Channel.CALL: ScriptForm()}


def wrong(**changes: str) -> list[str]:
    """Return the fields of an SMS plan that are wrong with these changes of its offer."""
    request = plan_request(offers=[replace(NEWSPAPER, **changes)])  # type: ignore[arg-type]  # only texts change
    return [violation.field for violation in plan_violations(request, FORMS, MORNING)]


def test_a_message_has_signature_keyword_and_the_way_out() -> None:
    assert frozen_offers(plan_request(), FORMS)[0].message == "【中国移动】手机报免费体验，回复DGSJB开通。拒收请回复TD"


def test_a_script_is_read_as_it_is() -> None:
    assert frozen_offers(plan_request(Channel.CALL), FORMS)[0].message == CONTRACT.text


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, []),
        ({"text": "体验 {name} {keyword}"}, ["offers[0].text"]),
        ({"order_keyword": ""}, ["offers[0].order_keyword"]),
        ({"text": "体验"}, ["offers[0].text"]),
        ({"text": "体验", "order_keyword": ""}, []),
        ({"order_keyword": "ｔｄ"}, ["offers[0].order_keyword"]),
        ({"text": " ", "order_keyword": ""}, ["offers[0].text"]),
    ],
)
def test_what_is_wrong_with_an_offer_is_said(changes: dict[str, str], fields: list[str]) -> None:
    assert wrong(**changes) == fields


@given(st.text(st.characters(codec="utf-16-be", exclude_characters="{}"), min_size=1, max_size=80))
def test_a_message_is_refused_exactly_when_it_takes_more_parts_than_are_allowed(text: str) -> None:
    offer = Offer("p", "", text * 3, "")
    parts = count_parts(FORM.render(offer))
    violations = plan_violations(plan_request(offers=[offer]), FORMS, MORNING)
    refused = [violation for violation in violations if f"takes {parts} SMS" in violation.description]
    assert bool(refused) is (parts > 3)


def test_a_text_that_no_gateway_could_carry_is_refused_with_the_others() -> None:
    offers = [replace(NEWSPAPER, text="办" * 20_000 + "{keyword}"), replace(NEWSPAPER, policy="")]
    violations = plan_violations(plan_request(offers=offers), FORMS, MORNING)
    assert [violation.field for violation in violations] == ["offers[0].text", "offers[1].policy"]
    assert "at most 255 expected" in violations[0].description


def test_the_length_in_parts_is_frozen_with_the_text() -> None:
    edge = "办" * (67 - len("【中国移动】拒收请回复TD"))
    offers = [Offer("one", "", edge, ""), Offer("two", "", edge + "办" * 4, ""), Offer("three", "", "办" * 130, "")]
    assert [offer.parts for offer in frozen_offers(plan_request(offers=offers), FORMS)] == [1, 2, 3]


def test_everything_that_is_wrong_with_a_plan_is_said_at_once() -> None:
    request = plan_request(
        offers=[NEWSPAPER, NEWSPAPER, replace(NEWSPAPER, policy="")], expire_time=MORNING, display_name=" "
    )
    fields = [violation.field for violation in plan_violations(request, FORMS, MORNING)]
    assert fields == ["display_name", "expire_time", "offers", "offers[2].policy"]


@pytest.mark.parametrize("text", ["TD", "td", " ｔｄ\n", "退订", "R", "qx", "0000"])
def test_a_word_that_refuses_is_understood_however_it_is_typed(text: str) -> None:
    assert is_opt_out(text)


@given(st.text(max_size=5), st.sampled_from(sorted(OPT_OUT_WORDS)), st.text(max_size=5))
def test_a_word_that_refuses_counts_only_when_it_stands_alone(before: str, word: str, after: str) -> None:
    text = before + "X" + word + "X" + after
    assert not is_opt_out(text)
    assert not is_opt_out("TDMRTX")
