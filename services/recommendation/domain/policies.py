"""What can be offered: zones and matrices by name, products with what stands in their way, policies, the catalogue of both."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum


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


class Ability(StrEnum):
    """What a handset can do, in the order in which needs are checked."""

    GPRS = "gprs"
    WAP = "wap"
    MMS = "mms"


class ProductClass(StrEnum):
    """What a product is for; stickiness products keep people in the network."""

    REVENUE = "revenue"
    GROWTH = "growth"
    STICKINESS = "stickiness"


class Barrier(StrEnum):
    """What a customer must get over before using a product, the hardest last."""

    SETUP = "setup"
    HANDSET = "handset"
    INTERNET = "internet"


class Tier(StrEnum):
    """The ladder that products are sold up, from easy to hard."""

    INSTANT = "instant"
    TAUGHT = "taught"
    HANDSET_BOUND = "handset_bound"
    INTERNET_BOUND = "internet_bound"


_TIERS = {Barrier.INTERNET: Tier.INTERNET_BOUND, Barrier.HANDSET: Tier.HANDSET_BOUND, Barrier.SETUP: Tier.TAUGHT}
"""The hardest barrier first."""


class PolicyKind(StrEnum):
    """What a policy is; a trial lets try a product, an order may convert a trial."""

    PREPAID_CONTRACT = "prepaid_contract"
    RECONTRACT = "recontract"
    PLAN = "plan"
    ORDER = "order"
    TRIAL = "trial"
    COMBINATION = "combination"
    LONG_DISTANCE_PACK = "long_distance_pack"
    VPMN_PLAN = "vpmn_plan"
    FAMILY = "family"
    REFERRAL = "referral"
    CAMPUS = "campus"
    HANDSET_DEAL = "handset_deal"


@dataclass(frozen=True, slots=True)
class Product:
    """A product as sold; `associated_products` are worth a look for who has this one."""

    product: str
    display_name: str
    product_class: ProductClass
    barriers: tuple[Barrier, ...]
    associated_products: tuple[str, ...]
    price_fen: int
    boss_order_code: str
    sms_order_keyword: str
    sms_cancel_keyword: str
    handset_needs: tuple[Ability, ...]
    needs_internet: bool
    demonstration: str

    @property
    def tier(self) -> Tier:
        """The step of the ladder: that of the hardest barrier."""
        return next((tier for barrier, tier in _TIERS.items() if barrier in self.barriers), Tier.INSTANT)

    @classmethod
    def undescribed(cls, product: str) -> "Product":
        """Return a product that only policies speak of: without barriers, so on the ladder's first step."""
        return cls(product, product, ProductClass.GROWTH, (), (), 0, "", "", "", (), False, "")


@dataclass(frozen=True, slots=True)
class Policy:
    """What can be offered; offered from `valid_from` until the day before `valid_until`, in `cities` (none named: in all).

    `product` is what it is about, `combined_products` come with it, `prerequisites` are products that the customer must have,
    `exclusions` policies that may not stand beside it. `margin_fen` and `cost_fen` are per acceptance, `revenue_change_fen` is
    what it is expected to do to the customer's monthly bill. An empty `call_script` means that agents say the clerk's `script`.
    `page_url` shows and orders it where a channel can open pages; empty where there is none. `weight` is the planner's own word
    on how much it counts beside others, with two digits after the point.
    """

    policy: str
    display_name: str
    kind: PolicyKind
    zone: Zone
    policy_group: str
    product: str
    combined_products: tuple[str, ...]
    prerequisites: tuple[str, ...]
    exclusions: tuple[str, ...]
    cities: tuple[str, ...]
    boss_offer_code: str
    margin_fen: int
    cost_fen: int
    revenue_change_fen: int
    valid_from: date
    valid_until: date
    handset_needs: tuple[Ability, ...]
    script: str
    call_script: str
    sms_text: str
    order_keyword: str
    page_url: str
    weight: Decimal = Decimal("1.00")

    def valid_on(self, day: date) -> bool:
        return self.valid_from <= day < self.valid_until

    @property
    def products(self) -> tuple[str, ...]:
        """All products that the customer gets by it."""
        return (self.product, *self.combined_products) if self.product else self.combined_products


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One version: policies and products by code; each product that a policy names is there."""

    policies: Mapping[str, Policy]
    products: Mapping[str, Product]
