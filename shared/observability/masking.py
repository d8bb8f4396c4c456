"""Hides mobile numbers and secrets in anything that is about to be logged or exported."""

import math
import re
from collections.abc import Mapping, Set
from datetime import date, time, timedelta
from decimal import Decimal
from pathlib import PurePath
from typing import Final
from uuid import UUID

from shared.jsontypes import JsonValue

_DIGIT = "[0-9０-９]"
_COUNTRY = r"(?:(?:\+|＋|[0０]{2})?[8８][6６][ -]?)"
_NATIONAL = rf"([1１][3-9３-９]{_DIGIT})[ -]?{_DIGIT}{{4}}[ -]?({_DIGIT}{{4}})"
_NUMBER = rf"({_COUNTRY}?){_NATIONAL}"

# Digits are part of the number's context only if a person would read them so: those of an escape (`\x01`, `\u0001`, and the
# octal of protobuf's text format, which writes 号 as `\345\217\267`) are not, or a number after Chinese text would survive.
_STARTS = rf"(?:(?<!{_DIGIT})|(?<=\\x[0-9a-fA-F]{{2}})|(?<=\\u[0-9a-fA-F]{{4}})|(?<=\\[0-7]{{3}}))"
_ENDS = rf"(?!{_DIGIT})"

# Trace, span and content ids are hexadecimal; eleven of their digits may look like a number, and a masked id finds nothing.
_HEX = "[0-9a-fA-F]"
_UUID = rf"{_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"
_ID = rf"(?<![0-9A-Za-z])(?:{_UUID}|{_HEX}{{64}}|{_HEX}{{40}}|{_HEX}{{32}}|{_HEX}{{16}})(?![0-9A-Za-z])"

_MAYBE_NUMBER: Final = re.compile(_NATIONAL)
_ID_OR_NUMBER: Final = re.compile(rf"{_ID}|{_STARTS}{_NUMBER}{_ENDS}")
_WHOLE_NUMBER: Final = re.compile(_NUMBER)
_MASKED_NUMBER: Final = re.compile(rf"{_COUNTRY}?[1１][3-9３-９]{_DIGIT}\*{{4}}{_DIGIT}{{4}}")
_URL_PASSWORD: Final = re.compile(r"(?<=://)([^\s:/@]*):[^\s/@]+@")

_NUMBER_KEYS: Final = frozenset(
    {"msisdn", "msisdns", "mobile", "phone", "phone_number", "src_terminal_id", "dest_terminal_id", "caller", "callee"}
)
_SECRET_KEYS: Final = frozenset({"password", "passwd", "secret", "shared_secret", "token", "authorization", "api_key"})
_MAX_DEPTH: Final = 8


def mask_msisdn(number: str) -> str:
    """Keep the country code, three digits before and four after the mask: `138****8000`.

    What is not one mobile number keeps at most its last two characters, since its digits may be anybody's.
    """
    if match := _WHOLE_NUMBER.fullmatch(number.strip()):
        return _hide(match)
    if _MASKED_NUMBER.fullmatch(number):
        return number
    return f"****{number[-2:]}" if len(number) > 6 else "****"


def mask_text(text: str) -> str:
    """Mask every Chinese mobile number (11 digits, `86`/`+86`/`0086` or none before, 3-4-4 groups too) and URL password.

    Longer runs of digits, UUIDs and hexadecimal ids of 16, 32, 40 or 64 characters stay as they are.
    """
    if "://" in text:
        text = _URL_PASSWORD.sub(r"\1:****@", text)
    if _MAYBE_NUMBER.search(text) is None:  # nearly always; twenty times faster than looking for ids as well
        return text
    return _ID_OR_NUMBER.sub(_hide, text)


def mask_value(value: object, *, key: str = "") -> JsonValue:
    """Return `value` as plain JSON data with all text in it masked, and hidden whole where `key` names a number or secret."""
    return _mask(value, key, 0)


def _hide(match: re.Match[str]) -> str:
    if match[2] is None:
        return match[0]
    return f"{match[1]}{match[2]}****{match[3]}"


def _mask(value: object, key: str, depth: int) -> JsonValue:
    name = key.rpartition(".")[2].lower()
    if value is None or isinstance(value, bool):
        return value
    if name in _SECRET_KEYS:
        return "****"
    if isinstance(value, str | int | float):
        return _mask_leaf(value, hide_whole=name in _NUMBER_KEYS)
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        inherited = key if name in _NUMBER_KEYS else ""
        return {mask_text(str(k)): _mask(v, inherited or str(k), depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | Set) and depth < _MAX_DEPTH:
        return [_mask(item, key, depth + 1) for item in value]
    return _mask_leaf(value, hide_whole=name in _NUMBER_KEYS)


def _mask_leaf(value: object, *, hide_whole: bool) -> JsonValue:
    text = _as_text(value)
    masked = mask_msisdn(text) if hide_whole else mask_text(text)
    if masked == text and isinstance(value, int | float) and math.isfinite(value):
        return value
    return masked


def _as_text(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str | int | Decimal | UUID | date | time | timedelta | PurePath):
        return str(value)
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - a broken representation must fail neither the log nor its caller
        return f"<{type(value).__name__}>"
