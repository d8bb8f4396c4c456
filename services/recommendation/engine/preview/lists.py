"""The lists of a batch as flat arrays whose numbers mean the same on both sides of a preview."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.recommendation.domain import Policy, Zone
from services.recommendation.domain.previews import Channel
from services.recommendation.engine.assembly.decided import Side
from services.recommendation.engine.assembly.facts import NONE, ZONES, Flags, Ints, OfferColumns, facts_of
from services.recommendation.engine.assembly.found import judge
from services.recommendation.engine.assembly.terms import PROBABILITY_SCALE

CHANNELS = tuple(Channel)


@dataclass(frozen=True, slots=True, eq=False)
class SideColumns:
    """What is worked out of a side once: its offers, and of each the place of its policy among the `codes` of both
    sides, money, and channels that can say it."""

    side: Side
    offers: OfferColumns
    codes: Sequence[str]
    policy: Ints
    margin_fen: Ints
    cost_fen: Ints
    dilution_fen: Ints
    channels: Flags

    @classmethod
    def of(cls, side: Side, offers: OfferColumns, codes: Sequence[str]) -> "SideColumns":
        """Return the columns; `codes` are the policies of both sides, by number."""
        numbers = {code: number for number, code in enumerate(codes)}
        policies = [offer.policy for offer in offers.offers]
        diluting = (_dilution(offer.policy) if offer.zone is Zone.RETENTION else 0 for offer in offers.offers)
        return cls(
            side=side,
            offers=offers,
            codes=codes,
            policy=np.fromiter((numbers[offer.code] for offer in offers.offers), dtype=np.int64),
            margin_fen=np.fromiter((policy.margin_fen if policy else 0 for policy in policies), dtype=np.int64),
            cost_fen=np.fromiter((policy.cost_fen if policy else 0 for policy in policies), dtype=np.int64),
            dilution_fen=np.fromiter(diluting, dtype=np.int64),
            channels=np.array([_channels(policy) for policy in policies], dtype=np.bool_).reshape(-1, len(CHANNELS)),
        )


def _dilution(policy: Policy | None) -> int:
    return min(policy.revenue_change_fen, 0) if policy else 0


def _channels(policy: Policy | None) -> list[bool]:
    """Return which channels a policy's texts suffice for: an SMS, something to say, a page to open, a letter."""
    if policy is None:
        return [False] * len(CHANNELS)
    can = {
        Channel.SMS: bool(policy.sms_text),
        Channel.CALL: bool(policy.call_script or policy.script),
        Channel.WAP_PUSH: bool(policy.page_url),
        Channel.MAIL_139: bool(policy.script or policy.sms_text),
    }
    return [can[channel] for channel in CHANNELS]


@dataclass(frozen=True, slots=True, eq=False)
class Lists:
    """Finds in the order of the lists, customer by customer; `row` is the customer's place in the batch, the rest as in `Verdicts`.

    `accepted` is in ten-thousandths: the need's probability, or one whole where no product is offered. `main` marks the first
    recommendation of retention, the first about each product, and every pack; `leads` the first one of each zone.
    """

    side: SideColumns
    row: Ints
    offer: Ints
    level: Ints
    reason: Ints
    accepted: Ints
    main: Flags
    leads: Flags

    def of(self, finds: Flags) -> "Lists":
        """Return some of the finds."""
        places = np.flatnonzero(finds)
        return Lists(
            side=self.side,
            row=self.row[places],
            offer=self.offer[places],
            level=self.level[places],
            reason=self.reason[places],
            accepted=self.accepted[places],
            main=self.main[places],
            leads=self.leads[places],
        )

    def of_customers(self, customers: Flags) -> "Lists":
        """Return the lists of some of the batch's customers."""
        return self.of(customers[self.row])

    @property
    def kept(self) -> Flags:
        """The finds that are recommended."""
        kept: Flags = self.reason == 0
        return kept

    @property
    def policy(self) -> Ints:
        return self.side.policy[self.offer]

    @property
    def product(self) -> Ints:
        return self.side.offers.product[self.offer]

    @property
    def zone(self) -> Ints:
        return self.side.offers.zone[self.offer]

    @property
    def cost_fen(self) -> Ints:
        return _expected(self.accepted, self.side.cost_fen[self.offer])

    @property
    def return_fen(self) -> Ints:
        return _expected(self.accepted, self.side.margin_fen[self.offer])

    @property
    def dilution_fen(self) -> Ints:
        return self.side.dilution_fen[self.offer]


def lists_of(batch: pa.RecordBatch, customers: Flags, columns: SideColumns) -> Lists:
    """Return the lists of some customers of a batch that is named as the side has it (`sides.batch_of`)."""
    rules, offers = columns.side.rules, columns.offers
    listed = batch if customers.all() else batch.filter(pa.array(customers))
    facts = facts_of(listed, offers, rules)
    verdicts = judge(listed, facts, offers, most_at_once=rules.most_at_once)
    product, zone, kept = offers.product[verdicts.offer], offers.zone[verdicts.offer], verdicts.reason == 0
    accepted = np.full(len(product), PROBABILITY_SCALE, dtype=np.int64)
    about = np.flatnonzero(product != NONE)
    accepted[about] = facts.probability[verdicts.row[about], product[about]]
    leads = _first_ones(verdicts.row * len(ZONES) + zone, np.flatnonzero(kept))
    return Lists(
        side=columns,
        row=np.flatnonzero(customers)[verdicts.row],
        offer=verdicts.offer,
        level=verdicts.level,
        reason=verdicts.reason,
        accepted=accepted,
        main=_main(verdicts.row, zone, product, kept, leads),
        leads=leads,
    )


def _main(row: Ints, zone: Ints, product: Ints, kept: Flags, leads: Flags) -> Flags:
    """Mark what is offered and no choice beside another offer (as `postgres` marks what the desk shows as main)."""
    selling = np.flatnonzero(kept & (zone == ZONES.index(Zone.NEW_SERVICE)))
    main = _first_ones(row * (int(product.max(initial=0)) + 1) + product, selling)
    main |= leads & (zone == ZONES.index(Zone.RETENTION))
    main |= kept & (zone == ZONES.index(Zone.VOICE_USAGE))
    return main


def _first_ones(key: Ints, among: Ints) -> Flags:
    """Mark, among some places, the first entry of each key."""
    first = np.full(int(key[among].max(initial=-1)) + 1, NONE, dtype=np.int64)
    first[key[among[::-1]]] = among[::-1]  # of entries with one key, the last that is written stays
    marked = np.zeros(len(key), dtype=np.bool_)
    marked[first[first != NONE]] = True
    return marked


def _expected(accepted: Ints, fen: Ints) -> Ints:
    """Return fen times probability, half up, as lists say expected values."""
    return (accepted * fen + PROBABILITY_SCALE // 2) // PROBABILITY_SCALE
