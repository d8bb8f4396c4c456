"""No mobile number survives masking, wherever it stands; what only resembles one stays as it was."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from shared.observability.masking import mask_msisdn, mask_text, mask_value

numbers = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
country_codes = st.sampled_from(["", "86", "+86", "0086", "+86 ", "86-"])
texts = st.text(max_size=40)
DIGITS = tuple("0123456789０１２３４５６７８９")


def is_part_of_an_id(text: str, number: str) -> bool:
    """Whether `number` stands inside one unbroken hexadecimal word as long as an id, or inside a UUID."""
    words = re.findall(r"[0-9A-Za-z-]+", text)
    return any(number in w and (len(w.replace("-", "")) in (16, 32, 40, 64) or "-" in w) for w in words)


@given(numbers, country_codes, texts, texts)
def test_no_number_planted_in_text_survives(number: str, code: str, before: str, after: str) -> None:
    text = f"{before}{code}{number}{after}"
    assume(not before.endswith(DIGITS) and not after.startswith(DIGITS) and not is_part_of_an_id(text, number))
    masked = mask_text(text)
    assert number not in masked
    assert f"{number[:3]}****{number[-4:]}" in masked


@dataclass(frozen=True)
class Opaque:
    """Something that is logged by its representation."""

    held: str


wrappings: st.SearchStrategy[list[Callable[[object], object]]] = st.lists(
    st.sampled_from(
        [
            lambda inner: {"facts": inner, "other": 1},
            lambda inner: {f"of {inner}": True},
            lambda inner: [0, inner],
            lambda inner: (inner, None),
            lambda inner: {1: {2: inner}},
            lambda inner: Opaque(str(inner)),
            lambda inner: ValueError(f"cannot reach {inner}\n\tnow"),
            lambda inner: str(inner).encode(),
        ]
    ),
    max_size=12,
)
leaves: list[Callable[[str], object]] = [str, int, float, Decimal, lambda n: {n}, lambda n: f"\x01{n}\x02", str.encode]


@given(numbers, st.sampled_from(leaves), wrappings)
def test_no_number_planted_in_a_value_survives(
    number: str, leaf: Callable[[str], object], wraps: list[Callable[[object], object]]
) -> None:
    value = leaf(number)
    for wrap in wraps:
        value = wrap(value)
    assert number not in json.dumps(mask_value(value), ensure_ascii=False, allow_nan=False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("手机13800138000号", "手机138****8000号"),
        ("86138 0013 8000", "86138****8000"),
        ("tel:+86-138-0013-8000;", "tel:+86-138****8000;"),
        ("１３８００１３８０００", "１３８****８０００"),
        (r'text: "\346\211\27213800138000"', r'text: "\346\211\272138****8000"'),
        (r"b'\x0113800138000\x00'", r"b'\x01138****8000\x00'"),
        ('{"to":"\\u000113800138000"}', '{"to":"\\u0001138****8000"}'),
        ("13800138000,13900139000", "138****8000,139****9000"),
        ("postgresql://desk:s3cret@127.0.0.1/v", "postgresql://desk:****@127.0.0.1/v"),
    ],
)
def test_numbers_are_found_in_the_forms_that_logs_give_them(text: str, masked: str) -> None:
    assert mask_text(text) == masked


hexadecimal = "0123456789abcdef"
ids = st.one_of(
    st.uuids().map(str),
    st.sampled_from([16, 32, 40, 64]).flatmap(lambda n: st.text(hexadecimal, min_size=n, max_size=n)),
    st.integers(10**11, 10**25).map(str).filter(lambda s: not s.startswith(("86", "0086"))),
    st.from_regex(r"(12|11|10|[2-9][0-9])[0-9]{9}", fullmatch=True).filter(lambda s: not s.startswith("86")),
    st.integers(0, 10**10 - 1).map(str),
    st.datetimes().map(lambda d: d.replace(tzinfo=UTC).isoformat()),
)


@given(
    ids,
    st.sampled_from(["", "id=", "traceparent 00-", "编号", "/runs/", '"']),
    st.sampled_from(["", " ", "-01", "/x", '"', "。"]),
)
def test_ids_of_other_shapes_survive_unharmed(identity: str, before: str, after: str) -> None:
    text = f"{before}{identity}{after}"
    assume(not before.endswith("-") or "-" not in identity)
    assert mask_text(text) == text


@given(st.one_of(st.integers(-(10**9), 10**10 - 1), st.booleans(), st.none(), st.floats(-1e9, 1e9, width=32)))
def test_ordinary_figures_keep_their_type(value: float | None) -> None:
    assert mask_value({"v": value}) == {"v": value}


@given(
    st.one_of(numbers, st.text(min_size=7, max_size=20).filter(lambda s: "*" not in s)),
    st.sampled_from(["msisdn", "x.msisdn", "phone"]),
)
def test_a_field_named_for_a_number_hides_any_format(value: str, key: str) -> None:
    nested = mask_value({key: [value, {"raw": value}]})
    assert value not in json.dumps(nested, ensure_ascii=False)


def test_a_masked_number_is_not_masked_again() -> None:
    assert mask_msisdn(mask_msisdn("+8613800138000")) == "+86138****8000"


def test_secrets_are_hidden_by_their_names() -> None:
    assert mask_value({"shared_secret": "open sesame", "gateway.password": ["a"]}) == {
        "shared_secret": "****",
        "gateway.password": "****",
    }


def test_values_without_a_json_form_become_text() -> None:
    moment = datetime(2026, 11, 21, tzinfo=UTC)
    uuid = UUID("13800138-0001-4000-8000-13800138000a")
    assert mask_value([moment, uuid, Decimal("1.50"), float("nan")]) == [str(moment), str(uuid), "1.50", "nan"]


class Unprintable:
    def __repr__(self) -> str:
        raise RuntimeError("detached")


def test_a_value_that_cannot_be_shown_is_named_by_its_type() -> None:
    assert mask_value([Unprintable()]) == ["<Unprintable>"]
