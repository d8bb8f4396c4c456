"""What a preview must say, counted customer by customer from the lists that the function for one customer gives."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from services.recommendation.domain import Arm, Catalogue, PolicyList, Purpose, Recommendation, Rejected, Zone
from services.recommendation.domain.previews import Change, Channel, Money
from services.recommendation.engine.assembly.customer import Customer
from services.recommendation.engine.assembly.rules import CompiledRules, Rules
from services.recommendation.engine.assembly.single import Assembly, assemble

NO_ROW = -1
"""Counts those for whom no row fired; the default outputs are row 0."""
SCALE = 10_000


@dataclass(frozen=True)
class Outcome:
    """One customer and what one side gives."""

    customer: Customer
    assembly: Assembly
    catalogue: Catalogue

    @property
    def listed(self) -> PolicyList | None:
        outcome = self.assembly.outcome
        return outcome if isinstance(outcome, PolicyList) else None

    @property
    def reject(self) -> str:
        outcome = self.assembly.outcome
        return outcome.reason if isinstance(outcome, Rejected) else ""

    @property
    def blocked(self) -> Sequence[str]:
        return [str(found.reason) for found in self.listed.blocked] if self.listed else ()

    @property
    def recommendations(self) -> Sequence[Recommendation]:
        return self.listed.recommendations if self.listed else ()

    @property
    def codes(self) -> list[str]:
        return [each.policy for each in self.recommendations]

    @property
    def zone_order(self) -> tuple[str, ...]:
        return tuple(map(str, self.listed.zone_order)) if self.listed else ()

    @property
    def main(self) -> str:
        return next((each.policy for each in self.recommendations if each.zone is Zone.RETENTION), "")

    @property
    def products(self) -> list[str]:
        return [each.product for each in self.recommendations if each.product]

    @property
    def contacted(self) -> bool:
        return self.listed is not None and self.listed.contactable and self.listed.arm is Arm.TARGETED

    def channels(self) -> Iterator[Channel]:
        """Yield the channels that could bring a first recommendation."""
        policies = [self.catalogue.policies[each.policy] for each in self.recommendations if each.rank == 1]
        if not self.contacted:
            return
        for policy in policies:
            if policy.sms_text:
                yield Channel.SMS
            if policy.script or policy.call_script:
                yield Channel.CALL
            if policy.script or policy.sms_text:
                yield Channel.MAIL_139
            if policy.page_url and self.customer.fields["handset_wap"] is True:
                yield Channel.WAP_PUSH

    def offers(self) -> Iterator[Recommendation]:
        """Yield what is offered, of choices the first."""
        seen = set[str | None]()
        for each in self.recommendations:
            about = "retention" if each.zone is Zone.RETENTION else each.product
            if each.zone is Zone.VOICE_USAGE or about not in seen:
                yield each
            seen.add(about)

    def money(self) -> Iterator[tuple[tuple[str, str, str], Money]]:
        """Yield the money of each offer under its city, zone and need level."""
        for each in self.offers() if self.contacted else ():
            policy = self.catalogue.policies[each.policy]
            need = self.customer.needs.get(each.product) if each.product else None
            accepted = SCALE if each.product is None else int(need.probability * SCALE) if need else 0
            yield (
                (str(self.customer.fields["city"]), each.zone, each.need_level or ""),
                Money(
                    offers=1,
                    accepted=accepted,
                    cost_fen=(accepted * policy.cost_fen + SCALE // 2) // SCALE,
                    return_fen=(accepted * policy.margin_fen + SCALE // 2) // SCALE,
                    dilution_fen=min(policy.revenue_change_fen, 0) if each.zone is Zone.RETENTION else 0,
                ),
            )


def outcomes(customers: Iterable[Customer], rules: Rules) -> list[Outcome]:
    compiled = CompiledRules.of(rules)
    return [Outcome(customer, assemble(customer, compiled), rules.catalogue) for customer in customers]


def fired(side: Sequence[Outcome], purpose: Purpose) -> Counter[int]:
    """Return the listed customers by row that fired for them, the default outputs' row 0 included; NO_ROW where none did."""
    counted = Counter[int]()
    for each in side:
        if each.listed is not None:
            meetings = [met for met in each.assembly.meetings if met.table.purpose == purpose]
            counted.update({rule for met in meetings for rule in met.firing.rules} or {NO_ROW})
    return counted


def changes(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, Change]:
    """Return two counts side by side, without what is 0 in both."""
    pairs = {key: Change(before.get(key, 0), after.get(key, 0)) for key in {*before, *after}}
    return {key: change for key, change in pairs.items() if change != Change(0, 0)}


def persons(side: Sequence[Outcome]) -> Counter[Channel]:
    """Return the owners whom each channel could bring an offer, on any of their lines."""
    return Counter(
        channel for _, channel in {(each.customer.owner_id, found) for each in side for found in each.channels()}
    )


def summed(side: Sequence[Outcome]) -> dict[tuple[str, str, str], Money]:
    sums: dict[tuple[str, str, str], Money] = {}
    for each in side:
        for key, money in each.money():
            before = sums.get(key, Money(0, 0, 0, 0, 0))
            sums[key] = Money(
                before.offers + money.offers,
                before.accepted + money.accepted,
                before.cost_fen + money.cost_fen,
                before.return_fen + money.return_fen,
                before.dilution_fen + money.dilution_fen,
            )
    return sums
