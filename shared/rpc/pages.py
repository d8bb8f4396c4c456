"""Page sizes and page tokens of list methods (AIP-158).

A token is the base64url of JSON `[filter hash, [keyset…]]`: where the next page begins, and for which list. It is opaque
to callers, no secret, and no permission: scope is checked anew for each page.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence

from shared.errors import InvalidInput, Violation

Key = str | int | float | bool | None
"""What a keyset is made of: the sort columns of the last row sent."""

_HASH_DIGITS = 16


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
    raise _invalid("expected the next_page_token of an earlier answer, unchanged")


def _invalid(description: str) -> InvalidInput:
    return InvalidInput([Violation("page_token", description)], reason="ERROR_REASON_PAGE_TOKEN_INVALID")
