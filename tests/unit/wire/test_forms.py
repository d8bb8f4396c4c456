"""Texts, times, numbers and message ids keep their meaning in the forms that the protocol wants."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.wire.cmpp.errors import DecodeError, FieldError
from shared.wire.cmpp.message_id import MessageId
from shared.wire.cmpp.terminals import national_number
from shared.wire.cmpp.texts import GBK, UCS2, decode_text, encode_ucs2, ucs2_units
from shared.wire.cmpp.times import absolute_time, parse_absolute_time, parse_report_time, report_time

instants = st.datetimes(datetime(2001, 1, 1), datetime(2067, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001 - bounds of a strategy must be naive


@given(st.text())
def test_a_text_fits_one_message_exactly_up_to_seventy_units(text: str) -> None:
    if ucs2_units(text) > 70:
        with pytest.raises(FieldError, match="max 70 units"):
            encode_ucs2(text)
    else:
        assert decode_text(encode_ucs2(text), UCS2) == text.replace("\0", "\ufffd")


def test_an_emoji_counts_as_two_units() -> None:
    assert ucs2_units("办👍") == 3
    with pytest.raises(FieldError, match="has 71 UTF-16 units, max 70"):
        encode_ucs2("👍" * 35 + "a")


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(FieldError, match="surrogate"):
        encode_ucs2("a\ud83d")


def test_replies_are_read_in_each_coding() -> None:
    assert decode_text("退订".encode("gbk"), GBK) == "退订"
    assert decode_text(b"TD", 0) == "TD"
    assert decode_text("退订".encode("utf-16-be"), UCS2) == "退订"


def test_a_user_data_header_is_not_part_of_the_text() -> None:
    assert decode_text(b"\x05\x00\x03\x01\x02\x01" + "退".encode("utf-16-be"), UCS2, tp_udhi=1) == "退"


@given(st.binary(max_size=160), st.integers(0, 255), st.integers(0, 255))
def test_any_content_reads_as_some_text(content: bytes, msg_fmt: int, tp_udhi: int) -> None:
    assert "\0" not in decode_text(content, msg_fmt, tp_udhi=tp_udhi)


@given(instants)
def test_a_validity_is_never_later_than_asked_and_less_than_a_second_earlier(instant: datetime) -> None:
    assert timedelta() <= instant - parse_absolute_time(absolute_time(instant)) < timedelta(seconds=1)


def test_a_validity_is_written_in_local_time_with_its_offset() -> None:
    assert absolute_time(datetime(2026, 11, 21, 12, 59, 59, 999999, tzinfo=UTC)) == "261121205959032+"


@pytest.mark.parametrize("text", ["", "261121205959032", "2611212059590x2+", "260230000000032+", "000001000000000R"])
def test_any_other_validity_is_refused(text: str) -> None:
    with pytest.raises(DecodeError, match="is no"):
        parse_absolute_time(text)


@given(instants)
def test_a_reports_time_is_kept_to_the_minute(instant: datetime) -> None:
    assert parse_report_time(report_time(instant)) == instant.replace(second=0, microsecond=0)


@pytest.mark.parametrize("text", ["", "0000000000", "261321", "26112108x0"])
def test_an_unreadable_report_time_is_none(text: str) -> None:
    assert parse_report_time(text) is None


@pytest.mark.parametrize("raw", ["13812345678", "8613812345678", "+8613812345678", "008613812345678", " 13812345678 "])
def test_a_mobile_number_is_brought_to_eleven_digits(raw: str) -> None:
    assert national_number(raw) == "13812345678"


@pytest.mark.parametrize("raw", ["", "10086", "+13812345678", "1381234567", "23812345678", "1381234567８"])
def test_anything_else_is_no_mobile_number(raw: str) -> None:
    assert national_number(raw) is None


@given(st.integers(0, (1 << 64) - 1))
def test_a_message_id_survives_unpacking(value: int) -> None:
    assert MessageId.unpack(value).pack() == value


@given(instants, st.integers(0, (1 << 22) - 1), st.integers(0, (1 << 16) - 1))
def test_a_message_id_is_the_same_packed_at_once(instant: datetime, gateway: int, sequence: int) -> None:
    packed = MessageId.packed_at(instant, gateway=gateway, sequence=sequence)
    assert packed == MessageId.at(instant, gateway=gateway, sequence=sequence).pack()


def test_a_message_id_part_that_does_not_fit_is_named() -> None:
    with pytest.raises(FieldError, match=r"msg_id\.gateway"):
        MessageId(1, 1, 0, 0, 0, gateway=1 << 22, sequence=0).pack()
