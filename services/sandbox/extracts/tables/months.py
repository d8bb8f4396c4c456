"""Traffic, circle, bills and use of products, month by month."""

from collections.abc import Iterator, Mapping

import numpy as np

from services.sandbox.extracts import cells, sources
from services.sandbox.extracts.tables.rows import Ids, Rows
from services.sandbox.world.catalogue import PRODUCTS
from services.sandbox.world.contents import CATEGORIES, HOURS
from services.sandbox.world.draws import Ints
from services.sandbox.world.places import COUNTERPARTS, PROVINCE
from services.sandbox.world.province import Province

_MINUTES_OF = {
    "minutes": "minutes",
    "inbound_minutes": "inbound",
    "outbound_minutes": "outbound",
    "local_minutes": "local",
    "long_distance_minutes": "long_distance",
    "in_province_long_distance_minutes": "in_province",
    "inter_province_long_distance_minutes": "inter_province",
    "international_long_distance_minutes": "international",
    "roaming_minutes": "roaming",
    "in_province_roaming_minutes": "roaming_in_province",
    "inter_province_roaming_minutes": "roaming_inter_province",
    "international_roaming_minutes": "roaming_international",
    "vpmn_minutes": "vpmn",
    "vpmn_roaming_minutes": "vpmn_roaming",
    "overage_minutes": "overage",
}
_CALLS_OF = {
    f"{kind}_calls": kind
    for kind in ("inbound", "outbound", "peak", "dropped", "blocked", "unanswered", "waiting", "conference")
}
_PEERS = ("breadth", "vpmn_breadth", "enterprise_peers", "rival_peers", "business_peers")
_MONEY_OF = {
    **{f"revenue_{part}": part for part in ("total", "fixed", "voice", "data", "sms")},
    **{
        part: part
        for part in (
            "discounts",
            "gifts",
            "handset_subsidy",
            "settlement",
            "commission",
            "payments",
            "arrears",
        )
    },
}


def month_tables(province: Province, ids: Ids) -> Iterator[Rows]:
    """Make the monthly tables, ordered by month, then line, then product; a line has a row a month while it exists."""
    month, line = np.nonzero(province.life.present.T)
    known = {"customer_id": ids.of(line), "month": cells.months(month, province.calendar.months)}
    yield Rows.of_months(sources.TRAFFIC, {**known, **_traffic(province, line, month)}, month)
    yield Rows.of_months(sources.CIRCLE, {**known, **_circle(province, line, month)}, month)
    yield Rows.of_months(sources.BILLING, {**known, **_billing(province, line, month)}, month)
    yield _product_usage(province, ids)


def _traffic(province: Province, line: Ints, month: Ints) -> cells.Columns:
    traffic, calls = province.traffic, province.calls
    minutes = _picked(traffic, _MINUTES_OF, line, month)
    called = _picked(calls, _CALLS_OF, line, month)
    ten_thousandths = province.bills.voice[line, month] * 1000 // np.maximum(minutes["minutes"], 1)
    return {
        **{name: cells.fixed_point(tenths, places=1) for name, tenths in minutes.items()},
        "unit_price": cells.fixed_point(ten_thousandths, places=4, known=minutes["minutes"] > 0),
        "top_counterpart": cells.words(_top_counterpart(province, minutes, line), (PROVINCE, *COUNTERPARTS)),
        **{name: cells.plain(count) for name, count in called.items()},
        "off_peak_calls": cells.plain(called["inbound_calls"] + called["outbound_calls"] - called["peak_calls"]),
    }


def _top_counterpart(province: Province, minutes: Mapping[str, Ints], line: Ints) -> Ints:
    """Return 0 where most long distance stays inside, else the place of the other province plus 1; -1 without any."""
    inside, outside = (minutes[f"{where}_province_long_distance_minutes"] for where in ("in", "inter"))
    other = province.calling.counterpart[line] + 1
    return np.where(inside + outside == 0, -1, np.where(outside > inside, other, 0))


def _circle(province: Province, line: Ints, month: Ints) -> cells.Columns:
    peers = _picked(province.circle, {name: name for name in _PEERS}, line, month)
    depths = _picked(province.circle, {name: name for name in ("depth", "vpmn_depth")}, line, month)
    return {
        **{name: cells.plain(count) for name, count in peers.items()},
        **{name: cells.fixed_point(hundredths, places=2) for name, hundredths in depths.items()},
    }


def _billing(province: Province, line: Ints, month: Ints) -> cells.Columns:
    money = _picked(province.bills, _MONEY_OF, line, month)
    return {name: cells.fixed_point(fen, places=2) for name, fen in money.items()}


def _product_usage(province: Province, ids: Ids) -> Rows:
    """Make a row per month in which a product was used."""
    rows = [_used(province, number) for number in range(len(PRODUCTS))]
    of = {name: np.concatenate([part[name] for part in rows]) for name in rows[0]}
    order = np.lexsort((of["product"], of["line"], of["month"]))
    of = {name: values[order] for name, values in of.items()}
    source = sources.PRODUCT_USAGE
    categories = [category for product in PRODUCTS for category in CATEGORIES[product]]
    columns: cells.Columns = {
        "customer_id": ids.of(of["line"]),
        "month": cells.months(of["month"], province.calendar.months),
        "product": cells.words(of["product"], source.words("product", PRODUCTS)),
        "active_days": cells.plain(of["days"]),
        "volume": cells.fixed_point(np.rint(of["volume"] * 100).astype(np.int64), places=2),
        "content_category": cells.words(of["category"], categories),
        "content_changed_on": cells.dates(of["changed_on"]),
        "hours": cells.words(of["hours"], source.words("hours", HOURS)),
    }
    return Rows.of_months(source, columns, of["month"])


def _used(province: Province, number: int) -> dict[str, np.ndarray]:
    """Return one product's use, a row per subscription and month with any."""
    product = PRODUCTS[number]
    held, contents = province.subscriptions[product], province.contents[product]
    row, month = np.nonzero(held.active_days)
    return {
        "line": held.line[row],
        "month": month,
        "product": np.full(len(row), number),
        "days": held.active_days[row, month],
        "volume": held.volume[row, month],
        "category": contents.category[row] + sum(len(CATEGORIES[earlier]) for earlier in PRODUCTS[:number]),
        "changed_on": contents.last_change(row, month, held, province.people),
        "hours": contents.hours[row],
    }


def _picked(of: object, names: Mapping[str, str], line: Ints, month: Ints) -> dict[str, Ints]:
    """Return columns of lines x months row by row, under the names of the table."""
    return {name: getattr(of, attribute)[line, month] for name, attribute in names.items()}
