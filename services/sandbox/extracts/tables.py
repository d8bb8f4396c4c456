"""The five tables of a province as the operator sees it: facts and history, and nothing of the tastes behind them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from services.sandbox.extracts import cells, sources
from services.sandbox.extracts.sources import Source
from services.sandbox.world.calendar import Days
from services.sandbox.world.catalogue import PRODUCTS
from services.sandbox.world.draws import Ints, stream
from services.sandbox.world.identity import customer_ids, msisdns, owner_ids
from services.sandbox.world.people import BRANDS, CITIES, COUNTIES, GRIDS_PER_COUNTY
from services.sandbox.world.products import CANCEL_REASONS, HOW_ORDERED, Subscriptions
from services.sandbox.world.province import Province

Columns = Mapping[str, pa.StringArray]
Value = TypeVar("Value", bound=np.generic)

_PLANS = (
    ("全球通58套餐", "全球通88套餐", "全球通128套餐", "全球通188套餐"),
    ("动感地带音乐套餐", "动感地带网聊套餐", "动感地带校园套餐", "动感地带上网套餐"),
    ("神州行轻松卡", "神州行家园卡", "神州行畅听卡", "神州行大众卡"),
)
_PLAN_STEPS_YUAN = np.array([30.0, 60.0, 110.0])
_CONTRACTS = ("存100送160话费", "存300送300话费", "预存购机", "承诺在网送手机报")
_SEXES = ("male", "female")
_STATUSES = ("active", "suspended", "left")
_SUSPENDED_BELOW = 0.15


def tables(province: Province) -> Iterator[tuple[Source, Columns]]:
    """Make one table after the other; rows are ordered by customer, then month or product."""
    yield sources.CUSTOMERS, _customers(province)
    yield sources.TRAFFIC, _traffic(province)
    yield sources.SUBSCRIPTIONS, _subscriptions(province)
    yield sources.BILLING, _billing(province)
    yield sources.PRODUCT_USAGE, _product_usage(province)


def _customers(province: Province) -> Columns:
    people, owners = province.people, province.people.owners
    owner = people.owner
    chance = stream(province.seed, "particulars")
    place = owners.city[owner] * len(COUNTIES[0]) + owners.county[owner]
    return {
        "customer_id": cells.text(customer_ids(people)),
        "msisdn": cells.text(msisdns(people, seed=province.seed)),
        "owner_id": cells.text(owner_ids(people)),
        "city": cells.labels(owners.city[owner], CITIES),
        "county": cells.labels(place, [county for counties in COUNTIES for county in counties]),
        "micro_region": cells.labels(place * GRIDS_PER_COUNTY + owners.grid[owner] - 1, _grids()),
        "brand": _words(sources.CUSTOMERS, "brand", people.brand, BRANDS),
        "activation_date": cells.dates(people.activated),
        "status": _words(sources.CUSTOMERS, "status", _status(province, chance), _STATUSES),
        "left_date": cells.dates(province.life.left_on),
        "sex": _words(sources.CUSTOMERS, "sex", np.where(people.sex_known, owners.sex[owner], -1), _SEXES),
        "birth_year": cells.plain(province.calendar.year - people.age, known=people.age_known),
        "credit_level": cells.plain(people.credit_level),
        "handset_gprs": cells.yes_no(people.handset_gprs),
        "handset_wap": cells.yes_no(people.handset_wap),
        "handset_mms": cells.yes_no(people.handset_mms),
        "internet_access": cells.yes_no(owners.internet_access[owner]),
        "plan": cells.labels(_plan(province), [plan for plans in _PLANS for plan in plans]),
        **_contracts(people.contract_ends, chance),
        "balance": cells.fixed_point(province.bills.balance, places=2),
        "red_list": cells.yes_no(owners.red_list[owner]),
        "marketing_consent": cells.labels(people.consent, ("否", "是")),
    }


def _grids() -> list[str]:
    counties = [county for counties in COUNTIES for county in counties]
    return [f"{county}{grid:02d}网格" for county in counties for grid in range(1, GRIDS_PER_COUNTY + 1)]


def _status(province: Province, chance: np.random.Generator) -> Ints:
    """Return 0 active, 1 suspended, 2 left; who uses next to nothing is suspended in four of ten cases."""
    idle = province.life.activity[:, -1] < _SUSPENDED_BELOW
    suspended = chance.random(province.people.count) < np.where(idle, 0.4, 0.003)
    return np.where(province.life.has_left, 2, suspended.astype(np.int64))


def _plan(province: Province) -> Ints:
    step = np.searchsorted(_PLAN_STEPS_YUAN, province.people.habit_yuan)
    plan: Ints = province.people.brand * len(_PLANS[0]) + step
    return plan


def _contracts(ends: Days, chance: np.random.Generator) -> Columns:
    has_one = ~np.isnat(ends)
    policy = np.where(has_one, chance.integers(0, len(_CONTRACTS), len(ends)), -1)
    return {
        "contract_class": cells.plain(has_one.astype(np.int64)),
        "contract_policy": cells.labels(policy, _CONTRACTS),
        "contract_end_date": cells.dates(ends),
    }


def _traffic(province: Province) -> Columns:
    line, month = np.nonzero(province.life.present)
    traffic = province.traffic
    return {
        **_customer_months(province, line, month),
        "minutes": cells.fixed_point(traffic.minutes[line, month], places=1),
        "outbound_minutes": cells.fixed_point(traffic.outbound[line, month], places=1),
        "long_distance_minutes": cells.fixed_point(traffic.long_distance[line, month], places=1),
        "roaming_minutes": cells.fixed_point(traffic.roaming[line, month], places=1),
    }


def _billing(province: Province) -> Columns:
    line, month = np.nonzero(province.life.present)
    bills = province.bills
    money = {
        "revenue_total": bills.total,
        "revenue_voice": bills.voice,
        "revenue_data": bills.data,
        "revenue_sms": bills.sms,
        "discounts": bills.discounts,
        "handset_subsidy": bills.handset_subsidy,
        "settlement": bills.settlement,
        "commission": bills.commission,
        "arrears": bills.arrears,
    }
    return {
        **_customer_months(province, line, month),
        **{name: cells.fixed_point(fen[line, month], places=2) for name, fen in money.items()},
    }


def _customer_months(province: Province, line: Ints, month: Ints) -> Columns:
    return {
        "customer_id": cells.text(customer_ids(province.people)[line]),
        "month": cells.months(province.calendar.months[month]),
    }


def _subscriptions(province: Province) -> Columns:
    held = list(province.subscriptions.values())
    line = np.concatenate([each.line for each in held])
    order = np.argsort(line, kind="stable")

    def column(of: Callable[[Subscriptions], NDArray[Value]]) -> NDArray[Value]:
        return np.concatenate([of(each) for each in held])[order]

    source = sources.SUBSCRIPTIONS
    product = np.repeat(np.arange(len(PRODUCTS)), [len(each.line) for each in held])[order]
    return {
        "customer_id": cells.text(customer_ids(province.people)[line[order]]),
        "product": _words(source, "product", product, PRODUCTS),
        "how_ordered": _words(source, "how_ordered", column(lambda each: each.how_ordered), HOW_ORDERED),
        "provisioned": cells.yes_no(column(lambda each: each.provisioned)),
        "ordered_on": cells.dates(column(lambda each: each.ordered_on)),
        "cancelled_on": cells.dates(column(lambda each: each.cancelled_on)),
        "cancel_reason": _words(source, "cancel_reason", column(lambda each: each.cancel_reason), CANCEL_REASONS),
    }


def _product_usage(province: Province) -> Columns:
    held = list(province.subscriptions.values())
    used = [np.nonzero(each.active_days) for each in held]
    line = np.concatenate([each.line[row] for each, (row, _) in zip(held, used, strict=True)])
    month = np.concatenate([month for _, month in used])
    product = np.repeat(np.arange(len(held)), [len(row) for row, _ in used])
    days = np.concatenate([each.active_days[cell] for each, cell in zip(held, used, strict=True)])
    volume = np.concatenate([each.volume[cell] for each, cell in zip(held, used, strict=True)])
    order = np.lexsort((product, month, line))
    return {
        **_customer_months(province, line[order], month[order]),
        "product": _words(sources.PRODUCT_USAGE, "product", product[order], PRODUCTS),
        "active_days": cells.plain(days[order]),
        "volume": cells.fixed_point(np.round(volume[order] * 100).astype(np.int64), places=2),
    }


def _words(source: Source, column: str, codes: Ints, values: Sequence[str]) -> pa.StringArray:
    """Return the operator's word for the value of each code, empty for negative ones."""
    return cells.labels(codes, [source.word(column, value) for value in values])
