"""Policies, policy lists and what may stand in their way: values and the rules that need nothing else."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.errors import InvalidInput

_MSISDN = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")


class Zone(StrEnum):
    """The areas of a policy list."""

    RETENTION = "retention"
    NEW_SERVICE = "new_service"
    VOICE_USAGE = "voice_usage"


class Purpose(StrEnum):
    """What a matrix decides."""

    PRIORITY = "priority"
    RETENTION = "retention"
    NEW_SERVICE = "new_service"
    VOICE_USAGE = "voice_usage"
    VPMN = "vpmn"
    EXTRACTION = "extraction"


NEEDED = (Purpose.PRIORITY, Purpose.RETENTION, Purpose.NEW_SERVICE)
"""The matrices without which no list is assembled."""
OPTIONAL = (Purpose.VOICE_USAGE, Purpose.VPMN)
"""The matrices that a province may do without: then nobody is given what they give."""


class Arm(StrEnum):
    """How the control group treats a customer."""

    TARGETED = "targeted"
    RANDOM = "random"
    CONTROL = "control"


class Ability(StrEnum):
    """What a handset can do, in the order in which needs are checked."""

    GPRS = "gprs"
    WAP = "wap"
    MMS = "mms"


class BlockReason(StrEnum):
    """Why a policy that a matrix gave is not recommended; the first that holds counts."""

    UNKNOWN_POLICY = "unknown_policy"
    WRONG_ZONE = "wrong_zone"
    WRONG_GROUP = "wrong_group"
    WRONG_PRODUCT = "wrong_product"
    NOT_VALID = "not_valid"
    HANDSET_GPRS = "handset_gprs"
    HANDSET_WAP = "handset_wap"
    HANDSET_MMS = "handset_mms"
    ALREADY_ACTIVE = "already_active"
    IN_TRIAL = "in_trial"
    NOT_PROVISIONED = "not_provisioned"
    NEED_NONE = "need_none"


REASON_WORDS: Mapping[BlockReason, str] = {
    BlockReason.UNKNOWN_POLICY: "the policy is not in the catalogue",
    BlockReason.WRONG_ZONE: "the catalogue has the policy in another zone",
    BlockReason.WRONG_GROUP: "the catalogue has the policy in another policy group",
    BlockReason.WRONG_PRODUCT: "the policy is about another product",
    BlockReason.NOT_VALID: "the policy was not valid on the day of the run",
    BlockReason.HANDSET_GPRS: "the handset is not known to open GPRS connections",
    BlockReason.HANDSET_WAP: "the handset is not known to open WAP pages",
    BlockReason.HANDSET_MMS: "the handset is not known to show MMS",
    BlockReason.ALREADY_ACTIVE: "the customer uses the product already",
    BlockReason.IN_TRIAL: "the customer is trying the product",
    BlockReason.NOT_PROVISIONED: "the product is ordered but not provisioned: it needs a repair, not marketing",
    BlockReason.NEED_NONE: "the customer does not need the product",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """What can be offered; offered from `valid_from` until the day before `valid_until`."""

    policy: str
    display_name: str
    zone: Zone
    policy_group: str
    product: str
    boss_offer_code: str
    margin_fen: int
    valid_from: date
    valid_until: date
    handset_needs: tuple[Ability, ...]
    script: str
    sms_text: str
    order_keyword: str

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day < self.valid_until


Catalogue = Mapping[str, Policy]
"""Policies by code."""


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One policy for one customer; `rank` counts from 1 inside the zone, `rule` is the row of the zone's matrix."""

    zone: Zone
    rank: int
    policy: str
    policy_group: str | None
    product: str | None
    need_level: str | None
    rule: int
    expected_value_fen: int


@dataclass(frozen=True, slots=True)
class Blocked:
    """One policy that row `rule` of the zone's matrix gave and a rule took away."""

    zone: Zone
    policy: str
    rule: int
    reason: BlockReason


@dataclass(frozen=True, slots=True)
class PolicyList:
    """One customer's list: recommendations in zone order, best first inside a zone; blocked ones in the order found."""

    customer_id: str
    owner_id: str
    msisdn: str
    city: str
    arm: Arm
    contactable: bool
    zone_order: tuple[Zone, ...]
    priority_rule: int
    recommendations: tuple[Recommendation, ...]
    blocked: tuple[Blocked, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """A customer of the snapshot who gets no list, and why."""

    customer_id: str
    reason: str


def masked_id(customer_id: str) -> str:
    """Return a customer id of which a log may show this much: `551…07`."""
    return f"{customer_id[:3]}…{customer_id[-2:]}" if len(customer_id) > 5 else "…"


def national_number(text: str, *, field: str) -> str:
    """Return the 11 digits of a mobile number, written with 86, +86 or nothing before them. Raises InvalidInput."""
    match = _MSISDN.fullmatch(text.strip())
    if match is None:
        raise InvalidInput.of(
            field, "expected a mobile number of 11 digits that begins with 1; 86 or +86 may precede it"
        )
    return match.group(1)
