"""What a message asks for, as the simulated customers read it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sandbox.world.catalogue import (
    PRODUCTS,
    Subject,
    invited_keyword,
    subject_of_keyword,
    subject_of_offer,
)


@pytest.mark.parametrize(
    ("text", "keyword"),
    [
        ("手机报首月免费，回复DZB订购，回复TD退订", "DZB"),
        ("回复TD退订。回复 CL 开通彩铃", "CL"),
        ("续约有礼，回复XY100即可", "XY100"),
        ("回复TD退订", None),
        ("您好", None),
    ],
)
def test_a_message_asks_for_the_word_after_reply_unless_that_opts_out(text: str, keyword: str | None) -> None:
    assert invited_keyword(text) == keyword


@given(st.from_regex(r"[A-Z]{2,6}", fullmatch=True).filter(lambda word: word != "TD"), st.text(max_size=20))
def test_the_word_is_found_wherever_the_invitation_stands(word: str, before: str) -> None:
    if "回复" not in before:
        assert invited_keyword(f"{before}回复{word}，谢谢") == word


def test_keywords_name_their_subjects_and_any_other_is_about_staying() -> None:
    assert [subject_of_keyword(word) for word in ("DZB", "cl", "SW", "yx")] == list(PRODUCTS)
    assert [subject_of_keyword(word) for word in ("CT", "dh", "YH")] == [
        Subject.VOICE_PACK,
        Subject.VPMN,
        Subject.RETENTION,
    ]
    assert subject_of_keyword("XY") is Subject.RETENTION


def test_an_offer_is_about_its_product_and_without_one_about_what_its_keyword_says() -> None:
    assert [subject_of_offer(product.value, "CT") for product in PRODUCTS] == list(PRODUCTS)
    assert subject_of_offer("", "CT") is Subject.VOICE_PACK
    assert subject_of_offer("vpmn", "DH") is Subject.VPMN
    assert subject_of_offer("", "") is Subject.RETENTION
