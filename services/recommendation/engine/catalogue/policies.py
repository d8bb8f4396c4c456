"""Reads policies from the CSV that a spreadsheet writes, and says all that is wrong with them at once."""

import re
from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from decimal import Decimal

from services.recommendation.domain import Ability, Policy, PolicyKind, Zone
from services.recommendation.engine.catalogue import sheet
from services.recommendation.engine.catalogue.sheet import SheetRow
from services.recommendation.engine.matrix.csv_layout import Faults
from shared.errors import InvalidInput

COLUMNS = tuple(field.name for field in fields(Policy))
_LATER = {
    "kind",
    "combined_products",
    "prerequisites",
    "exclusions",
    "cities",
    "cost_fen",
    "revenue_change_fen",
    "call_script",
    "page_url",
    "weight",
}
"""Columns that came later: catalogues without them are still read."""
_NEEDED = tuple(name for name in COLUMNS if name not in _LATER)
_KINDS = {
    Zone.RETENTION: PolicyKind.RECONTRACT,
    Zone.NEW_SERVICE: PolicyKind.ORDER,
    Zone.VOICE_USAGE: PolicyKind.LONG_DISTANCE_PACK,
}
"""What a policy is whose kind is not told."""
_ONE_ZONE = {
    PolicyKind.PREPAID_CONTRACT: Zone.RETENTION,
    PolicyKind.RECONTRACT: Zone.RETENTION,
    PolicyKind.ORDER: Zone.NEW_SERVICE,
    PolicyKind.TRIAL: Zone.NEW_SERVICE,
    PolicyKind.COMBINATION: Zone.NEW_SERVICE,
    PolicyKind.LONG_DISTANCE_PACK: Zone.VOICE_USAGE,
    PolicyKind.VPMN_PLAN: Zone.VOICE_USAGE,
}
"""Kinds that belong to one zone; the others may stand in any."""
_ONCE = Decimal("1.00")
"""The weight of a policy that the planner says nothing of."""
_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")


def read_policies(text: str) -> Mapping[str, Policy]:
    """Return the policies in `text`, by code; its header names the fields of Policy. What is several is separated by spaces.

    Raises InvalidInput (POLICY_INVALID) with every violation.
    """
    faults = Faults()
    rows = sheet.read_sheet(text, faults, key="policy", needed=_NEEDED, columns=COLUMNS)
    policies = [_policy(row) for row in rows]
    if faults.found:
        raise InvalidInput(faults.found, reason="ERROR_REASON_POLICY_INVALID")
    return {policy.policy: policy for policy in policies}


def _policy(row: SheetRow) -> Policy:
    found_before = len(row.faults.found)
    zone = row.read("zone", sheet.choice(Zone), f"one of {', '.join(Zone)}", Zone.RETENTION)
    policy = Policy(
        policy=row.read("policy", sheet.matching(sheet.CODE), "a code of small letters, digits and - . _", ""),
        display_name=row.read("display_name", sheet.filled, "a name", ""),
        kind=_kind(row, zone),
        zone=zone,
        policy_group=row.text("policy_group"),
        product=row.text("product"),
        combined_products=sheet.words(row.text("combined_products")),
        prerequisites=sheet.words(row.text("prerequisites")),
        exclusions=sheet.words(row.text("exclusions")),
        cities=sheet.words(row.text("cities")),
        boss_offer_code=row.read("boss_offer_code", sheet.filled, "what BOSS orders", ""),
        margin_fen=row.read("margin_fen", _filled_fen, "whole fen, not negative", 0),
        cost_fen=row.read("cost_fen", sheet.fen, "whole fen, not negative", 0),
        revenue_change_fen=row.read("revenue_change_fen", sheet.signed_fen, "whole fen, negative where bills fall", 0),
        valid_from=row.read("valid_from", sheet.day, "a day as 2026-11-01", date.min),
        valid_until=row.read("valid_until", sheet.day, "a day as 2026-12-01", date.max),
        handset_needs=row.read("handset_needs", sheet.abilities, f"of {' '.join(Ability)}, separated by spaces", ()),
        script=row.read("script", sheet.filled, "what the clerk says", ""),
        call_script=row.text("call_script"),
        sms_text=row.read("sms_text", sheet.filled, "the text of the SMS", ""),
        order_keyword=row.read("order_keyword", sheet.keyword, "at most 10 capital letters and digits, not TD", ""),
        page_url=row.read(
            "page_url", sheet.page, "an address as https://wap.example.com/offer, at most 200 characters", ""
        ),
        weight=row.read(
            "weight", sheet.weight, "a number from 0 to 99.99 with at most two digits after the point", _ONCE
        ),
    )
    if len(row.faults.found) == found_before:  # else stand-ins would be told as faults, too
        _check_place(policy, row)
        _check_products(policy, row)
        _check_texts(policy, row)
    return policy


def _kind(row: SheetRow, zone: Zone) -> PolicyKind:
    if not row.text("kind"):
        return _KINDS[zone]
    return row.read("kind", sheet.choice(PolicyKind), f"one of {', '.join(PolicyKind)}", _KINDS[zone])


def _filled_fen(text: str) -> int | None:
    return sheet.fen(text) if text else None


def _check_place(policy: Policy, row: SheetRow) -> None:
    """Note a kind, a group or days that do not fit."""
    belongs = _ONE_ZONE.get(policy.kind, policy.zone)
    if belongs is not policy.zone:
        row.fault("kind", f'"{policy.kind}": expected a kind of zone {policy.zone}; this one belongs to {belongs}')
    if bool(policy.policy_group) != (policy.zone is Zone.RETENTION):
        row.fault("policy_group", f'"{policy.policy_group}": expected a group in zone retention, nothing elsewhere')
    if policy.valid_from >= policy.valid_until:
        row.fault("valid_until", f'"{policy.valid_until}": expected a day after valid_from')
    if policy.policy in policy.exclusions:
        row.fault("exclusions", f'"{policy.policy}" excludes itself: expected other policies')
    if policy.margin_fen * policy.weight > sheet.MOST_FEN:
        row.fault("weight", f'"{policy.weight}": expected margin_fen x weight of at most {sheet.MOST_FEN} fen')


def _check_products(policy: Policy, row: SheetRow) -> None:
    if bool(policy.product) != (policy.zone is Zone.NEW_SERVICE):
        row.fault("product", f'"{policy.product}": expected a product in zone new_service, nothing elsewhere')
    if policy.kind is PolicyKind.COMBINATION and not policy.combined_products:
        row.fault("kind", f'"{policy.kind}": expected further products in the column combined_products')
    if policy.combined_products and policy.kind is not PolicyKind.COMBINATION:
        told = " ".join(policy.combined_products)
        row.fault("combined_products", f'"{told}": expected nothing, as only a combination brings further products')
    if policy.product and policy.product in policy.combined_products:
        row.fault("combined_products", f'"{policy.product}" is the product itself: expected further ones')


def _check_texts(policy: Policy, row: SheetRow) -> None:
    marks = _PLACEHOLDER.findall(policy.sms_text)
    if wrong := [mark for mark in marks if mark != "{keyword}"]:
        row.fault("sms_text", f'"{wrong[0]}": the only placeholder is {{keyword}}')
    if policy.order_keyword and "{keyword}" not in marks:
        row.fault("sms_text", f"expected {{keyword}} where the customer reads {policy.order_keyword}")
    if not policy.order_keyword and "{keyword}" in marks:
        row.fault("order_keyword", "the SMS text asks for a keyword, but there is none")
