"""Page tokens of lists of runs."""

from datetime import datetime

from shared.errors import InvalidInput, Violation
from shared.rpc.pages import decode_token, encode_token
from shared.runs.domain import RunPlace


def token_of(place: RunPlace | None, filters: str) -> str:
    """Return the next_page_token of a list selected by `filters`, empty after the last page."""
    return "" if place is None else encode_token([place.create_time.isoformat(), place.run_id], filters)


def place_of(token: str, filters: str) -> RunPlace | None:
    """Return where the page begins, None for the first. Raises InvalidInput for a token that is not this list's."""
    match decode_token(token, filters):
        case None:
            return None
        case (str(create_time), str(run_id)):
            return RunPlace(datetime.fromisoformat(create_time), run_id)
        case _:
            text = "expected the next_page_token of an earlier answer, unchanged"
            raise InvalidInput([Violation("page_token", text)], reason="ERROR_REASON_PAGE_TOKEN_INVALID")
