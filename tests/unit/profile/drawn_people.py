"""Hypothesis strategies for persons: small worlds in which days and amounts fall on edges often."""

from datetime import date
from decimal import Decimal

from hypothesis import strategies as st

from services.profile.domain.months import Month
from tests.unit.profile.plain_people import Bill, Case, Circle, Offer, Order, Person, Survey, Talk, Use
from tests.unit.profile.plain_views import BILL_PARTS

M = Month(2026, 10)
H = Month(2026, 7)
MONTHS = [M.plus(-distance) for distance in range(9)]
PRODUCTS = ("mobile_internet", "mobile_newspaper", "ring_back_tone")
_EDGES = [month.first_day for month in (*MONTHS, M.plus(1))] + [
    date(2026, 10, 31),
    date(2026, 7, 31),
    date(2025, 10, 1),
]
_TALK_PARTS = (
    "inbound_minutes",
    "long_distance_minutes",
    "in_province_long_distance_minutes",
    "inter_province_long_distance_minutes",
    "international_long_distance_minutes",
    "roaming_minutes",
    "in_province_roaming_minutes",
    "vpmn_minutes",
    "vpmn_roaming_minutes",
    "peak_calls",
    "conference_calls",
)

days = st.one_of(st.sampled_from(_EDGES), st.dates(date(2024, 1, 1), date(2026, 12, 31)))
_amounts = st.one_of(st.sampled_from([0, 1, 7, 70, 80, 100, 1000, 699, 700, 701]), st.integers(-50, 10**12 - 1))
_minutes = st.one_of(st.sampled_from([0, 1, 5, 70, 100, 10000]), st.integers(0, 10**14 - 1))
_percent = st.none() | st.integers(-10_000, 10_000).map(lambda count: Decimal(count).scaleb(-2))
_flags = st.none() | st.booleans()
_words = st.none() | st.sampled_from(["news", "lifestyle"])
_channels = st.none() | st.sampled_from(["sms", "desk", "call"])


def _parts(names: tuple[str, ...], values: st.SearchStrategy[int]) -> st.SearchStrategy[dict[str, int | None]]:
    return st.fixed_dictionaries({}, optional={name: st.none() | values for name in names})


def _monthly(drawn: st.SearchStrategy[Bill | Talk | Circle]) -> st.SearchStrategy[list[Bill | Talk | Circle]]:
    return st.lists(drawn, unique_by=lambda row: row.month, max_size=9)


_bills = _monthly(
    st.builds(
        Bill, st.sampled_from(MONTHS), _amounts, st.integers(-10, 10**6), _parts(tuple(BILL_PARTS), _amounts), _percent
    )
)
_talks = _monthly(
    st.builds(
        Talk, st.sampled_from(MONTHS), _minutes, _parts(_TALK_PARTS, _minutes), _percent, st.none() | st.just("江苏")
    )
)
_peers = st.integers(0, 99)
_circles = _monthly(st.builds(Circle, st.sampled_from(MONTHS), _peers, st.none() | _minutes, st.none() | _peers))
_orders = st.lists(
    st.builds(
        Order,
        st.sampled_from(PRODUCTS),
        st.sampled_from(["self", "voice_plan", "trial"]),
        days,
        st.none() | days,
        _flags,
        st.none() | days,
        _channels,
        st.none() | st.just("太贵"),
    ),
    unique_by=lambda order: (order.product, order.ordered),
    max_size=4,
)
_uses = st.lists(
    st.builds(
        Use,
        st.sampled_from(PRODUCTS),
        st.sampled_from(MONTHS),
        st.integers(0, 31),
        _words,
        st.none() | days,
        st.none() | st.sampled_from(["morning", "night"]),
    ),
    unique_by=lambda use: (use.product, use.month),
    max_size=6,
)
_cases = st.lists(
    st.builds(
        Case,
        days,
        st.sampled_from(["complaint", "consultation"]),
        st.none() | st.sampled_from(["price", "fashion", "network"]),
        st.none() | st.sampled_from(PRODUCTS),
        st.none() | st.integers(0, 10**5),
    ),
    max_size=3,
)
_offers = st.lists(
    st.builds(Offer, days, _channels, st.sampled_from(["accepted", "rejected", "none"]), st.none() | st.integers(1, 9)),
    max_size=4,
)
_surveys = st.lists(
    st.builds(
        Survey,
        days,
        st.sampled_from(["满意度", *PRODUCTS]),
        st.none() | st.sampled_from(["price", "fashion"]),
        st.none() | st.integers(0, 10),
    ),
    unique_by=lambda survey: (survey.question, survey.answered),
    max_size=3,
)
_copied = st.fixed_dictionaries(
    {
        "balance_fen": st.none() | st.integers(-(10**6), 10**6),
        "handset_mms": _flags,
        "internet_access": _flags,
        "handset_days": st.none() | st.integers(0, 99),
        "referrals": st.none() | st.integers(0, 9),
        "occupation": st.none() | st.just("教师"),
        "handset_price_fen": st.none() | st.integers(0, 10**6),
    }
)
people = st.lists(
    st.builds(
        Person,
        st.uuids().map(str),
        activated=st.one_of(st.just(date(2020, 1, 31)), days),
        left=st.none() | days,
        birth_year=st.none() | st.integers(1900, 2020),
        contract_class=st.integers(0, 1),
        contract_ends=st.none() | days,
        owner=st.none() | st.sampled_from(["o1", "o2"]),
        owner_lines=st.none() | st.integers(0, 3),
        copied=_copied,
        bills=_bills,
        talks=_talks,
        circles=_circles,
        orders=_orders,
        uses=_uses,
        cases=_cases,
        offers=_offers,
        surveys=_surveys,
    ).filter(lambda person: person.left is None or person.left >= person.activated),
    min_size=1,
    max_size=8,
)
