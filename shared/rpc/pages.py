"""Page sizes and page tokens of list methods (AIP-158).

A token is the base64url of JSON `[filter hash, [keyset…]]`: where the next page begins, and for which list. It is opaque
to callers, no secret, and no permission: scope is checked anew for each page.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TypeVar

from shared.errors import InvalidInput, Violation

Key = str | int | float | bool | None
"""What a keyset is made of: the sort columns of the last row sent."""

Place = TypeVar("Place")

_HASH_DIGITS = 16
_UNCHANGED = "expected the next_page_token of an earlier answer, unchanged"


def encode_token(keyset: Sequence[Key], filters: str | bytes) -> str:
    """Return the token of the page that begins after `keyset` in the list selected by `filters`."""
    content = json.dumps([_hash(filters), list(keyset)], ensure_ascii=False, separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def decode_token(token: str, filters: str | bytes) -> tuple[Key, ...] | None:
    """Return the keyset after which the page begins, None for the first page (an empty token).

    Raises `InvalidInput` when the token is none of ours or belongs to a list with other filters.
    """
    if not token:
        return None
    digest, keyset = _parts(token)
    if digest != _hash(filters):
        raise _invalid("the filters changed between pages; start again without a page_token")
    return keyset


def place_in(token: str, filters: str | bytes, read: Callable[..., Place]) -> Place | None:
    """Return what `read` makes of the token's keys, None for the first page.

    `read` takes the keys as arguments and raises TypeError or ValueError for what no token of ours holds: anybody can forge
    one. Raises `InvalidInput` for any token that is not this list's.
    """
    keyset = decode_token(token, filters)
    if keyset is None:
        return None
    try:
        return read(*keyset)
    except (TypeError, ValueError):
        raise _invalid(_UNCHANGED) from None


def text_key(key: Key) -> str:
    """Return a key that is a text, for `place_in`."""
    if not isinstance(key, str):
        raise TypeError(key)
    return key


def number_key(key: Key) -> int:
    """Return a key that is a whole number as a database has it, for `place_in`."""
    if not isinstance(key, int) or isinstance(key, bool):
        raise TypeError(key)
    if not -(1 << 63) <= key < 1 << 63:
        raise ValueError(key)
    return key


def instant_key(key: Key) -> datetime:
    """Return a key that is an aware instant in ISO 8601, for `place_in`."""
    instant = datetime.fromisoformat(text_key(key))
    if instant.tzinfo is None:
        raise ValueError(key)
    return instant


def page_size(value: int, *, default: int, maximum: int) -> int:
    """Return how many items a page has: `default` for 0, at most `maximum`. A negative `value` is `InvalidInput`."""
    if value < 0:
        raise InvalidInput.of("page_size", f"expected 0 (for {default}) or 1 to {maximum}, got {value}")
    return min(value or default, maximum)


def _hash(filters: str | bytes) -> str:
    content = filters.encode() if isinstance(filters, str) else filters
    return hashlib.sha256(content).hexdigest()[:_HASH_DIGITS]


def _parts(token: str) -> tuple[str, tuple[Key, ...]]:
    try:
        content = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        match json.loads(content):
            case [str(digest), list(keyset)] if all(isinstance(key, Key) for key in keyset):
                return digest, tuple(keyset)
    except (binascii.Error, ValueError, RecursionError):
        pass
    raise _invalid(_UNCHANGED)


def _invalid(description: str) -> InvalidInput:
    return InvalidInput([Violation("page_token", description)], reason="ERROR_REASON_PAGE_TOKEN_INVALID")
