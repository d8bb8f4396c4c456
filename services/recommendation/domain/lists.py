"""Policy lists, and what keeps a policy out of one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from services.recommendation.domain.policies import Purpose, Zone
from shared.errors import InvalidInput

_MSISDN = re.compile(r"(?:\+?86)?(1[3-9]\d{9})")


class Arm(StrEnum):
    """How the control group treats a customer."""

    TARGETED = "targeted"
    RANDOM = "random"
    CONTROL = "control"


class BlockReason(StrEnum):
    """Why a policy that a matrix gave is not recommended; the first that holds counts."""

    UNKNOWN_POLICY = "unknown_policy"
    WRONG_ZONE = "wrong_zone"
    WRONG_MATRIX = "wrong_matrix"
    WRONG_GROUP = "wrong_group"
    WRONG_PRODUCT = "wrong_product"
    NOT_VALID = "not_valid"
    DILUTION = "dilution"
    NOT_IN_CITY = "not_in_city"
    HANDSET_GPRS = "handset_gprs"
    HANDSET_WAP = "handset_wap"
    HANDSET_MMS = "handset_mms"
    NO_INTERNET = "no_internet"
    ALREADY_ACTIVE = "already_active"
    IN_VOICE_PLAN = "in_voice_plan"
    IN_TRIAL = "in_trial"
    NOT_PROVISIONED = "not_provisioned"
    HAD_BEFORE = "had_before"
    NEED_NONE = "need_none"
    COMBINED_HELD = "combined_held"
    COMBINED_UNNEEDED = "combined_unneeded"
    PREREQUISITE = "prerequisite"
    EXCLUDED_BY = "excluded_by"
    COMBINED_BY = "combined_by"
    LADDER = "ladder"
    ENOUGH = "enough"


BESIDE_OTHERS = (BlockReason.EXCLUDED_BY, BlockReason.COMBINED_BY, BlockReason.LADDER, BlockReason.ENOUGH)
"""The reasons that lie in what else stands in the list, not in the customer: by itself, such a policy may be offered."""

REASON_WORDS: Mapping[BlockReason, str] = {
    BlockReason.UNKNOWN_POLICY: "the policy is not in the catalogue",
    BlockReason.WRONG_ZONE: "the catalogue has the policy in another zone",
    BlockReason.WRONG_MATRIX: "vpmn plans are given by the matrix vpmn, all else of this zone by the matrix voice_usage",
    BlockReason.WRONG_GROUP: "the catalogue has the policy in another policy group",
    BlockReason.WRONG_PRODUCT: "the policy is about another product",
    BlockReason.NOT_VALID: "the policy was not valid on the day of the run",
    BlockReason.DILUTION: "the policy would lower the customer's bill, which only retention may",
    BlockReason.NOT_IN_CITY: "the policy is not offered in the customer's city",
    BlockReason.HANDSET_GPRS: "the handset is not known to open GPRS connections",
    BlockReason.HANDSET_WAP: "the handset is not known to open WAP pages",
    BlockReason.HANDSET_MMS: "the handset is not known to show MMS",
    BlockReason.NO_INTERNET: "the customer is not known to have internet access, which the product needs",
    BlockReason.ALREADY_ACTIVE: "the customer uses the product already",
    BlockReason.IN_VOICE_PLAN: "the customer has the product in the voice plan",
    BlockReason.IN_TRIAL: "the customer is trying the product; only an order may convert the trial",
    BlockReason.NOT_PROVISIONED: "the product is ordered but not provisioned: it needs a repair, not marketing",
    BlockReason.HAD_BEFORE: "the customer has had the product before: it is no longer there to be tried",
    BlockReason.NEED_NONE: "the customer does not need the product",
    BlockReason.COMBINED_HELD: "the customer has one of the combined products already",
    BlockReason.COMBINED_UNNEEDED: "the customer does not need one of the combined products",
    BlockReason.PREREQUISITE: "the customer lacks a product that the policy presupposes",
    BlockReason.EXCLUDED_BY: "the policy may not stand beside {by}, which comes before it in the list",
    BlockReason.COMBINED_BY: "a product of it comes by {by} already, one of the two being a combination",
    BlockReason.LADDER: "an easier product comes first",
    BlockReason.ENOUGH: "enough new services are offered at once",
}


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One policy for one customer; `rank` counts from 1 inside the zone, `rule` is the row of `matrix` that gave it."""

    zone: Zone
    rank: int
    policy: str
    policy_group: str | None
    product: str | None
    need_level: str | None
    rule: int
    expected_value_fen: int
    matrix: Purpose


@dataclass(frozen=True, slots=True)
class Blocked:
    """One policy that row `rule` of `matrix` gave and `reason` took away; `by` is the policy that excludes it, if one does."""

    zone: Zone
    policy: str
    rule: int
    reason: BlockReason
    matrix: Purpose
    by: str | None = None

    @property
    def words(self) -> str:
        """The reason for people."""
        return REASON_WORDS[self.reason].format(by=self.by)


@dataclass(frozen=True, slots=True)
class PolicyList:
    """One customer's list: recommendations in zone order, best first inside a zone; blocked ones where
    they would have stood."""

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
