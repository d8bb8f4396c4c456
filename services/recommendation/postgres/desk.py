"""The desk's lists: found by customer or number."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table

from services.recommendation.domain import Arm, Purpose, Zone
from services.recommendation.ports import DeskItem, DeskList
from services.recommendation.tables import DESK_NUMBER_PAGES, DESK_PAGES, SWITCHES
from shared.db.single_reads import Found, SingleReads


def _entry(page: str, key: str) -> str:
    return f"{page}.entries[array_position({page}.keys, {key})]"


def _page(name: str, pages: Table, key: str) -> str:
    """Return a join with the page of the newest batch in which the key is, if it is there at all."""
    return f"""
    CROSS JOIN LATERAL (
        SELECT keys, entries FROM {pages.fullname}
        WHERE batch = newest.batch AND first_key <= {key} ORDER BY first_key DESC LIMIT 1
    ) AS {name}
    """


def _desk_sql(customer_id: str, joins: str) -> str:
    return f"""
    SELECT run_id, cycle, catalogue_id, switch_time, {customer_id} AS customer_id, {_entry("page", customer_id)} AS list
    FROM (SELECT * FROM {SWITCHES.fullname} ORDER BY batch DESC LIMIT 1) AS newest {joins}
    """


_KEY = "CAST($1 AS text)"
_HOLDER = _entry("numbers", _KEY)
_BY_CUSTOMER = _desk_sql(_KEY, _page("page", DESK_PAGES, _KEY))
_BY_MSISDN = _desk_sql(_HOLDER, _page("numbers", DESK_NUMBER_PAGES, _KEY) + _page("page", DESK_PAGES, _HOLDER))


@dataclass(frozen=True, slots=True)
class PostgresDesk:
    """The lists that are switched in, by index."""

    reads: SingleReads

    async def by_customer(self, customer_id: str) -> DeskList | None:
        """Return the list of a customer as it is switched in now."""
        return await self._one(_BY_CUSTOMER, customer_id)

    async def by_msisdn(self, msisdn: str) -> DeskList | None:
        """Return the list of the customer who held the number at the snapshot."""
        return await self._one(_BY_MSISDN, msisdn)

    async def _one(self, sql: str, key: str) -> DeskList | None:
        rows = await self.reads.rows(sql, key)
        return _desk_list(rows[0]) if rows and rows[0]["list"] is not None else None


def _desk_list(row: Found) -> DeskList:
    msisdn, city, arm, withheld, items = json.loads(row["list"])
    return DeskList(
        run_id=row["run_id"],
        cycle=row["cycle"],
        catalogue_id=row["catalogue_id"],
        switch_time=row["switch_time"],
        customer_id=row["customer_id"],
        msisdn=msisdn,
        city=city,
        arm=Arm(arm),
        withheld=withheld,
        items=tuple(_items(items)),
    )


def _items(entries: Sequence[Mapping[str, Any]]) -> Iterator[DeskItem]:
    """Read the recommendations; the first about a product, or of the retention zone, is the main one.

    Packs are no choice among one another, so each of them is one. Lists loaded of old do not name the matrix: its name was the
    zone's; of those without overrides none names a city.
    """
    seen = set()
    for entry in entries:
        zone, about = Zone(entry["z"]), (entry["z"], entry["d"])
        main = zone is Zone.VOICE_USAGE or about not in seen
        matrix, city = Purpose(entry.get("m", entry["z"])), entry.get("o", "")
        yield DeskItem(zone, entry["p"], entry["n"], matrix, entry["r"], main, city)
        seen.add(about)
