"""Resource names (AIP-122): `collection/id`."""

from shared.errors import InvalidInput


def resource_id(collection: str, name: str, *, field: str = "name") -> str:
    """Return the id in `collection/id`. Raises InvalidInput for any other form, naming the request's `field`."""
    found, _, identifier = name.partition("/")
    if found != collection or not identifier or "/" in identifier:
        raise InvalidInput.of(field, f"expected {collection}/ID, got {name!r}")
    return identifier
