"""Page tokens and sizes."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.rpc.pages import Key, decode_token, encode_token, number_key, page_size, place_in
from shared.runs.domain import RunPlace
from shared.runs.pages import place_of, token_of

KEYSETS = st.lists(st.text() | st.integers() | st.floats(allow_nan=False) | st.booleans() | st.none())


@given(KEYSETS, st.text())
def test_a_token_gives_back_its_keyset(keyset: list[Key], filters: str) -> None:
    token = encode_token(keyset, filters)
    assert decode_token(token, filters) == tuple(keyset)
    assert token.isascii()
    assert "=" not in token


def test_no_token_is_the_first_page() -> None:
    assert decode_token("", "city=755") is None


def test_changed_filters_are_refused() -> None:
    with pytest.raises(InvalidInput, match="filters changed") as caught:
        decode_token(encode_token(["a"], "city=755"), "city=20")
    assert caught.value.reason == "ERROR_REASON_PAGE_TOKEN_INVALID"
    assert [violation.field for violation in caught.value.violations] == ["page_token"]


@given(st.text(min_size=1) | st.binary(min_size=1).map(lambda content: content.hex()))
def test_any_other_text_is_refused_and_nothing_else_happens(token: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        decode_token(token, "city=755")
    assert caught.value.reason == "ERROR_REASON_PAGE_TOKEN_INVALID"


@given(st.integers(0, 200), st.integers(0, 255))
def test_a_damaged_token_is_refused_or_another_place_to_begin_but_never_a_crash(position: int, byte: int) -> None:
    token = encode_token(["customers/000123", 17], "city=755")
    damaged = bytearray(token.encode())
    damaged[position % len(damaged)] = byte
    try:
        keyset = decode_token(damaged.decode("latin-1"), "city=755")
    except InvalidInput:
        return
    assert isinstance(keyset, tuple)


@pytest.mark.parametrize(
    "forged",
    [
        [],
        ["a"],
        ["2026-11-09T10:00:00+00:00", "run", 3],
        ["yesterday", "run"],
        ["2026-11-09T10:00:00", "run"],
        [17, "run"],
        ["2026-11-09T10:00:00+00:00", None],
    ],
)
def test_a_forged_place_in_a_list_of_runs_is_refused(forged: list[Key]) -> None:
    with pytest.raises(InvalidInput) as caught:
        place_of(encode_token(forged, "imports"), "imports")
    assert caught.value.reason == "ERROR_REASON_PAGE_TOKEN_INVALID"


def test_the_place_of_a_run_comes_back() -> None:
    place = RunPlace(datetime(2026, 11, 9, 10, tzinfo=UTC), "run")
    assert place_of(token_of(place, "imports"), "imports") == place
    assert place_of(token_of(None, "imports"), "imports") is None


@given(st.integers())
def test_a_number_is_a_place_exactly_if_a_database_can_hold_it(number: int) -> None:
    token = encode_token([number], "")
    if -(2**63) <= number < 2**63:
        assert place_in(token, "", number_key) == number
    else:
        with pytest.raises(InvalidInput, match="page_token"):
            place_in(token, "", number_key)


@pytest.mark.parametrize(("asked", "given_"), [(0, 50), (1, 1), (50, 50), (100, 100), (101, 100), (2**31 - 1, 100)])
def test_page_size_rule(asked: int, given_: int) -> None:
    assert page_size(asked, default=50, maximum=100) == given_


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"page_size: expected 0 .* got -1"):
        page_size(-1, default=50, maximum=100)
