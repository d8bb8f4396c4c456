"""Signed addresses and tokens: read back as made, also in capitals; nobody makes one without the secret."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.mail.addresses import AddressSigner, Purpose, SignedAddress
from shared.wire.mail.errors import FieldError

SIGNER = AddressSigner("push.example.cn", b"a secret")
attempts = st.text("0123456789abcxyz", min_size=1, max_size=12)
recipients = st.builds(
    "{}@{}.com".format, st.text("019ab.=+_-", min_size=1, max_size=11), st.text("19az", min_size=1, max_size=6)
)
purposes = st.sampled_from(Purpose)


@given(purposes, attempts, recipients)
def test_an_address_is_read_back_as_it_was_made(purpose: Purpose, attempt: str, recipient: str) -> None:
    address = SIGNER.address(purpose, attempt, recipient)
    assert SIGNER.read(address) == SignedAddress(purpose, attempt, recipient)
    assert SIGNER.read(address.upper()) == SignedAddress(purpose, attempt, recipient)
    assert len(address.rpartition("@")[0]) <= 64


@given(attempts)
def test_a_token_is_read_back_and_names_nobody(attempt: str) -> None:
    token = SIGNER.token(attempt)
    assert SIGNER.attempt_of(token) == attempt
    assert SIGNER.attempt_of(token.upper()) == attempt


@given(purposes, attempts, recipients, st.data())
def test_an_address_that_was_changed_anywhere_is_none(
    purpose: Purpose, attempt: str, recipient: str, data: st.DataObject
) -> None:
    address = SIGNER.address(purpose, attempt, recipient)
    place = data.draw(st.integers(0, len(address) - 1))
    other = data.draw(st.sampled_from("abc234=+.@").filter(lambda sign: sign != address[place]))
    assert SIGNER.read(address[:place] + other + address[place + 1 :]) is None


@given(attempts, attempts, recipients)
def test_signatures_of_others_do_not_fit(attempt: str, another: str, recipient: str) -> None:
    stranger = AddressSigner("push.example.cn", b"another secret")
    assert SIGNER.read(stranger.address(Purpose.BOUNCE, attempt, recipient)) is None
    assert SIGNER.attempt_of(stranger.token(attempt)) is None
    bounce, reply = (SIGNER.address(purpose, attempt, recipient) for purpose in (Purpose.BOUNCE, Purpose.REPLY))
    assert SIGNER.read("r" + bounce[1:]) is None
    assert reply != bounce
    if another != attempt:
        assert SIGNER.attempt_of(SIGNER.token(attempt).replace(attempt, another, 1)) is None


@given(st.text(max_size=300))
def test_any_other_text_is_no_address_and_no_token(text: str) -> None:
    assert SIGNER.read(text) is None
    assert SIGNER.read(f"{text}@push.example.cn") is None
    assert SIGNER.attempt_of(text) is None


def test_an_address_that_no_server_would_take_is_not_made() -> None:
    with pytest.raises(FieldError, match="64 octets"):
        SIGNER.address(Purpose.BOUNCE, "1" * 20, "13800138000@a-domain-that-is-quite-long.example")
    with pytest.raises(FieldError, match="recipient"):
        SIGNER.address(Purpose.BOUNCE, "1", "no address")
    with pytest.raises(FieldError, match="attempt"):
        SIGNER.address(Purpose.BOUNCE, "A-1", "13800138000@139.com")


def test_the_secret_is_not_shown() -> None:
    assert "a secret" not in repr(SIGNER)
