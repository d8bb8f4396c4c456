"""Page tokens of lists of runs."""

from shared.rpc.pages import Key, encode_token, instant_key, place_in, text_key
from shared.runs.domain import RunPlace


def token_of(place: RunPlace | None, filters: str) -> str:
    """Return the next_page_token of a list selected by `filters`, empty after the last page."""
    return "" if place is None else encode_token([place.create_time.isoformat(), place.run_id], filters)


def place_of(token: str, filters: str) -> RunPlace | None:
    """Return where the page begins, None for the first. Raises InvalidInput for a token that is not this list's."""
    return place_in(token, filters, _place)


def _place(create_time: Key, run_id: Key) -> RunPlace:
    return RunPlace(instant_key(create_time), text_key(run_id))
