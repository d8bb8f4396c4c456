"""Customers, VIP customers, enterprises and their members as the operator's tables show them."""

from collections.abc import Iterator

import numpy as np

from services.sandbox.extracts import cells, sources
from services.sandbox.extracts.tables.rows import Ids, Rows
from services.sandbox.world.calendar import Days
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Flags, Ints
from services.sandbox.world.enterprises import INDUSTRIES
from services.sandbox.world.handsets import FOUR_G, GPRS, MMS, MODELS, THREE_G, WAP
from services.sandbox.world.identity import Names, msisdns, owner_ids, padded
from services.sandbox.world.owners import OCCUPATIONS
from services.sandbox.world.people import BRANDS, GOTONE, People
from services.sandbox.world.places import (
    CITIES,
    REGIONS_PER_COUNTY,
    county_index,
    county_names,
    region_names,
)
from services.sandbox.world.province import Province

_PLANS = (
    ("全球通58套餐", "全球通88套餐", "全球通128套餐", "全球通188套餐"),
    ("动感地带音乐套餐", "动感地带网聊套餐", "动感地带校园套餐", "动感地带上网套餐"),
    ("神州行轻松卡", "神州行家园卡", "神州行畅听卡", "神州行大众卡"),
)
_CONTRACTS = ("存100送160话费", "存300送300话费", "预存购机", "承诺在网送手机报")
_SEXES = ("male", "female")
_STATUSES = ("active", "suspended", "left")
_SUSPENDED_BELOW = 0.15
_VIP_FROM_YUAN = np.array([120.0, 180.0, 280.0])
_KNOWN_INCOME = 0.7


def people_tables(province: Province, ids: Ids) -> Iterator[Rows]:
    """Make the tables that say who customers are."""
    yield Rows.of(sources.CUSTOMERS, _customers(province, ids))
    yield Rows.of(sources.VIP_CUSTOMERS, _vip_customers(province, ids))
    yield Rows.of(sources.ENTERPRISES, _enterprises(province))
    yield Rows.of(sources.ENTERPRISE_MEMBERS, _members(province, ids))


def _customers(province: Province, ids: Ids) -> cells.Columns:
    people = province.people
    chance = people.block.chance("particulars")
    return {
        "customer_id": ids.of(np.arange(people.count)),
        "msisdn": cells.text(msisdns(people, province.numbers)),
        "number_since": cells.dates(people.number_since),
        "brand": cells.words(people.brand, sources.CUSTOMERS.words("brand", BRANDS)),
        "activation_date": cells.dates(people.activated),
        "status": cells.words(_status(province, chance), sources.CUSTOMERS.words("status", _STATUSES)),
        "left_date": cells.dates(province.life.left_on),
        "credit_level": cells.plain(people.credit_level),
        "plan": cells.words(people.brand * len(_PLANS[0]) + people.plan_step, [plan for of in _PLANS for plan in of]),
        **_person(people, chance),
        **_handset(people),
        **_contracts(people.contract_ends, chance),
        "balance": cells.fixed_point(province.bills.balance, places=2),
        "answers_mail": cells.flags(_answers_mail(province, chance)),
        "referrals": cells.plain(chance.poisson(0.08, people.count)),
        "marketing_consent": cells.flags(people.consent == 1, known=people.consent >= 0),
    }


def _person(people: People, chance: np.random.Generator) -> cells.Columns:
    owners, owner = people.owners, people.owner
    county = county_index(people.city, owners.county[owner])
    lines = np.bincount(owner, minlength=len(owners.city)) + owners.lines_elsewhere
    return {
        "owner_id": cells.text(owner_ids(people)),
        "owner_lines": cells.plain(lines[owner]),
        "city": cells.words(people.city, CITIES),
        "county": cells.words(county, county_names()),
        "micro_region": cells.words(county * REGIONS_PER_COUNTY + owners.region[owner], region_names()),
        "sex": cells.words(np.where(people.sex_known, owners.sex[owner], -1), sources.CUSTOMERS.words("sex", _SEXES)),
        "birth_year": cells.plain(people.block.calendar.year - people.age, known=people.age_known),
        "occupation": cells.words(owners.occupation[owner], OCCUPATIONS),
        "income_level": cells.plain(owners.income[owner], known=chance.random(people.count) < _KNOWN_INCOME),
        "internet_access": cells.flags(owners.internet_access[owner]),
        "red_list": cells.flags(owners.red_list[owner]),
    }


def _handset(people: People) -> cells.Columns:
    handsets = people.handsets
    skills = {"gprs": GPRS, "wap": WAP, "mms": MMS, "3g": THREE_G, "4g": FOUR_G}
    return {
        "handset": cells.words(handsets.model, [model.name for model in MODELS]),
        **{f"handset_{name}": cells.flags(handsets.can(skill)) for name, skill in skills.items()},
        "handset_price": cells.fixed_point(100 * handsets.price_yuan, places=2),
        "handset_days": cells.plain(handsets.days),
        "handsets_owned": cells.plain(handsets.owned),
        "handset_models_owned": cells.plain(handsets.models_owned),
    }


def _status(province: Province, chance: np.random.Generator) -> Ints:
    """Return 0 active, 1 suspended, 2 left; who uses next to nothing is suspended in four of ten cases."""
    idle = province.life.activity[:, -1] < _SUSPENDED_BELOW
    suspended = chance.random(province.people.count) < np.where(idle, 0.4, 0.003)
    return np.where(province.life.has_left, 2, suspended.astype(np.int64))


def _contracts(ends: Days, chance: np.random.Generator) -> cells.Columns:
    has_one = ~np.isnat(ends)
    policy = np.where(has_one, chance.integers(0, len(_CONTRACTS), len(ends)), -1)
    return {
        "contract_class": cells.plain(has_one.astype(np.int64)),
        "contract_policy": cells.words(policy, _CONTRACTS),
        "contract_end_date": cells.dates(ends),
    }


def _answers_mail(province: Province, chance: np.random.Generator) -> Flags:
    reads_mail = province.subscriptions[Subject.MAIL_139].holders(province.people.count)
    answers: Flags = chance.random(province.people.count) < np.where(reads_mail, 0.3, 0.04)
    return answers


def _vip_customers(province: Province, ids: Ids) -> cells.Columns:
    """GoTone customers with high bills; the higher, the higher their level, and each has a manager."""
    people = province.people
    level = np.searchsorted(_VIP_FROM_YUAN, people.habit_yuan, side="right")
    line = np.flatnonzero((people.brand == GOTONE) & (level > 0))
    return {
        "customer_id": ids.of(line),
        "vip_level": cells.plain(level[line]),
        "customer_manager": cells.text(_managers(people.block.places[line] // 120)),
    }


def _enterprises(province: Province) -> cells.Columns:
    enterprises = province.enterprises
    return {
        "enterprise_id": cells.text(_enterprise_ids(province, np.arange(enterprises.count))),
        "city": cells.words(enterprises.city, CITIES),
        "industry": cells.words(enterprises.industry, INDUSTRIES),
        "employees": cells.plain(enterprises.employees),
        "credit_level": cells.plain(enterprises.credit_level),
        "signed_on": cells.dates(enterprises.signed_on),
        "contract_end_date": cells.dates(enterprises.contract_ends),
        "customer_manager": cells.text(_managers(province.block.first // 120 + enterprises.manager)),
    }


def _members(province: Province, ids: Ids) -> cells.Columns:
    enterprises = province.enterprises
    line = np.flatnonzero(enterprises.is_member)
    roles = sources.ENTERPRISE_MEMBERS.words("role", ("member", "key_person"))
    return {
        "customer_id": ids.of(line),
        "enterprise_id": cells.text(_enterprise_ids(province, enterprises.of_line[line])),
        "role": cells.words(enterprises.key_person[line].astype(np.int64), roles),
    }


def _enterprise_ids(province: Province, enterprise: Ints) -> Names:
    return np.char.add("JT", padded(province.block.first + enterprise + 1, 8))


def _managers(number: Ints) -> Names:
    return np.char.add("KH", padded(number, 5))
