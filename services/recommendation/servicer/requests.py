"""What the requests of all three services have in common."""

import uuid

from shared.errors import InvalidInput

DEFAULT_PAGE, LARGEST_PAGE = 50, 1000


def identifier(request_id: str) -> str:
    """Return the id of what is made: the request's, or a new one where it has none. Raises InvalidInput."""
    if not request_id:
        return str(uuid.uuid4())
    try:
        return str(uuid.UUID(request_id))
    except ValueError:
        raise InvalidInput.of("request_id", f"expected a UUID or nothing, got {request_id!r}") from None
