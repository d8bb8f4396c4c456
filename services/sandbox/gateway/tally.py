"""What the gateway counted for an SP, day by day: the answer to QUERY."""

from collections import Counter
from datetime import date, datetime
from enum import StrEnum

from shared.clock import local_date
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
        self._counts: dict[date, Counter[Event]] = {}

    def count(self, event: Event, at: datetime) -> None:
        self._counts.setdefault(local_date(at), Counter())[event] += 1

    def answer(self, query: Query) -> QueryResp:
        """Return the counts asked for; of a service that the SP does not have, zeros."""
        known = query.query_type != _OF_ONE_SERVICE or query.query_code == self._service_id
        of = self._of_day(query.time) if known else Counter[Event]()
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

    def _of_day(self, day: str) -> Counter[Event]:
        """Return the counts of a day written as YYYYMMDD."""
        return next((counts for at, counts in self._counts.items() if f"{at:%Y%m%d}" == day), Counter())
