"""What the gateway counted for an SP, day by day: the answer to QUERY."""

from collections import Counter
from datetime import datetime
from enum import StrEnum

from shared.clock import LEGAL_ZONE
from shared.wire.cmpp.pdus import Query, QueryResp

_OF_ONE_SERVICE = 1


class Event(StrEnum):
    TAKEN = "taken"
    DELIVERED = "delivered"
    FAILED = "failed"
    REPLY_POSTED = "reply posted"
    REPLY_BROUGHT = "reply brought"


class Tally:
    """Counts of one SP. A day begins at midnight in the province; what happens later is counted on the day it happens."""

    def __init__(self, service_id: str) -> None:
        self._service_id = service_id
        self._counts: Counter[tuple[str, Event]] = Counter()

    def count(self, event: Event, at: datetime) -> None:
        self._counts[f"{at.astimezone(LEGAL_ZONE):%Y%m%d}", event] += 1

    def answer(self, query: Query) -> QueryResp:
        """Return the counts asked for; of a service that the SP does not have, zeros."""
        known = query.query_type != _OF_ONE_SERVICE or query.query_code == self._service_id
        of = {event: self._counts[query.time, event] if known else 0 for event in Event}
        return QueryResp(
            query.time,
            query.query_type,
            query.query_code,
            mt_tl_msg=of[Event.TAKEN],
            mt_tl_usr=of[Event.TAKEN],
            mt_scs=of[Event.DELIVERED],
            mt_wt=max(0, of[Event.TAKEN] - of[Event.DELIVERED] - of[Event.FAILED]),
            mt_fl=of[Event.FAILED],
            mo_scs=of[Event.REPLY_BROUGHT],
            mo_wt=max(0, of[Event.REPLY_POSTED] - of[Event.REPLY_BROUGHT]),
            mo_fl=0,
        )
