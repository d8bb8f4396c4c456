"""Reads a policy catalogue from the CSV that a spreadsheet writes, and says all that is wrong with it at once."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date
from typing import TypeVar

from services.recommendation.domain import Ability, Catalogue, Policy, Zone
from services.recommendation.engine.feel import did_you_mean
from services.recommendation.engine.matrix.csv_layout import Faults, Record, read_records
from shared.errors import InvalidInput

COLUMNS = tuple(field.name for field in fields(Policy))
_CODE = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_KEYWORD = re.compile(r"[A-Z0-9]{1,10}")
_RESERVED_KEYWORDS = {"TD", "TDMRTX"}
"""Words of the reply grammar that mean something else than yes."""
_PLACEHOLDER = re.compile(r"\{[^}]*\}?|\}")
_MAX_MARGIN_FEN = 10**11
_Value = TypeVar("_Value")


def read_policies(text: str) -> Catalogue:
    """Return the policies in `text`, whose header names the fields of Policy; `handset_needs` are separated by spaces.

    Empty lines and comments (`#` first) are passed over. Raises InvalidInput (POLICY_INVALID) with every violation.
    """
    faults = Faults()
    policies = _read(text, faults)
    if faults.found:
        raise InvalidInput(faults.found, reason="ERROR_REASON_POLICY_INVALID")
    return {policy.policy: policy for policy in policies}


def _read(text: str, faults: Faults) -> list[Policy]:
    if "\0" in text:
        faults.add(1, "this is no text: save the sheet as CSV in UTF-8")
        return []
    records = list(read_records(text.removeprefix("\ufeff"), faults))
    if len(records) < 2:
        faults.add(len(records) + 1, "expected a header that names the columns, and one policy per line")
        return []
    places = _places(records[0], faults)
    first_rows: dict[str, int] = {}
    policies = []
    for record in records[1:]:
        row = _Row(record, places, faults)
        policies.append(_policy(row))
        code = row.text("policy")
        if code and first_rows.setdefault(code, record.row) != record.row:
            row.fault("policy", f'"{code}" is in row {first_rows[code]}, too: expected another code')
    return policies


def _places(header: Record, faults: Faults) -> Mapping[str, int]:
    places: dict[str, int] = {}
    for place, name in enumerate(header.cells):
        if name in places:
            faults.add(header.row, "this column is there twice", column=name)
        elif name in COLUMNS:
            places[name] = place
        elif name:
            faults.add(header.row, f'no field of a policy is called "{name}"{did_you_mean(name, COLUMNS)}', column=name)
    if missing := [name for name in COLUMNS if name not in places]:
        faults.add(header.row, f"columns are missing: {', '.join(missing)}")
    return places


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the catalogue with the places of its columns."""

    record: Record
    places: Mapping[str, int]
    faults: Faults

    def text(self, column: str) -> str:
        place = self.places.get(column)
        return "" if place is None else self.record.cell(place)

    def fault(self, column: str, description: str) -> None:
        if column in self.places:
            self.faults.add(self.record.row, description, column=column)

    def read(self, column: str, parse: Callable[[str], _Value | None], expected: str, stand_in: _Value) -> _Value:
        """Return the parsed cell; where `parse` gives None, note what was expected and go on with the stand-in."""
        value = parse(self.text(column))
        if value is None:
            self.fault(column, f'"{self.text(column)}": expected {expected}')
            return stand_in
        return value


def _policy(row: _Row) -> Policy:
    found_before = len(row.faults.found)
    policy = Policy(
        policy=row.read("policy", _matching(_CODE), "a code of small letters, digits and - . _", ""),
        display_name=row.read("display_name", _filled, "a name", ""),
        zone=row.read("zone", _zone, f"one of {', '.join(Zone)}", Zone.RETENTION),
        policy_group=row.text("policy_group"),
        product=row.text("product"),
        boss_offer_code=row.read("boss_offer_code", _filled, "what BOSS orders", ""),
        margin_fen=row.read("margin_fen", _margin, "whole fen, not negative", 0),
        valid_from=row.read("valid_from", _day, "a day as 2026-11-01", date.min),
        valid_until=row.read("valid_until", _day, "a day as 2026-12-01", date.max),
        handset_needs=row.read("handset_needs", _abilities, f"of {' '.join(Ability)}, separated by spaces", ()),
        script=row.read("script", _filled, "what the clerk says", ""),
        sms_text=row.read("sms_text", _filled, "the text of the SMS", ""),
        order_keyword=row.read("order_keyword", _keyword, "at most 10 capital letters and digits, not TD", ""),
    )
    if len(row.faults.found) == found_before:  # else stand-ins would be told as faults, too
        _check_together(policy, row)
    return policy


def _check_together(policy: Policy, row: _Row) -> None:
    """Note what is wrong between the cells of one line."""
    retains = policy.zone is Zone.RETENTION
    if bool(policy.policy_group) != retains:
        row.fault("policy_group", f'"{policy.policy_group}": expected a group in zone retention, nothing elsewhere')
    if bool(policy.product) == retains:
        row.fault("product", f'"{policy.product}": expected a product in zone new_service, nothing in retention')
    if policy.valid_from >= policy.valid_until:
        row.fault("valid_until", f'"{policy.valid_until}": expected a day after valid_from')
    marks = _PLACEHOLDER.findall(policy.sms_text)
    if wrong := [mark for mark in marks if mark != "{keyword}"]:
        row.fault("sms_text", f'"{wrong[0]}": the only placeholder is {{keyword}}')
    if policy.order_keyword and "{keyword}" not in marks:
        row.fault("sms_text", f"expected {{keyword}} where the customer reads {policy.order_keyword}")
    if not policy.order_keyword and "{keyword}" in marks:
        row.fault("order_keyword", "the SMS text asks for a keyword, but there is none")


def _matching(pattern: re.Pattern[str]) -> Callable[[str], str | None]:
    return lambda text: text if pattern.fullmatch(text) else None


def _filled(text: str) -> str | None:
    return text or None


def _zone(text: str) -> Zone | None:
    return Zone(text) if text in list(Zone) else None


def _margin(text: str) -> int | None:
    return int(text) if re.fullmatch(r"\d{1,12}", text, re.ASCII) and int(text) <= _MAX_MARGIN_FEN else None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text) else None
    except ValueError:
        return None


def _abilities(text: str) -> tuple[Ability, ...] | None:
    words = set(text.split())
    return tuple(ability for ability in Ability if ability in words) if words <= set(Ability) else None


def _keyword(text: str) -> str | None:
    return text if not text or (_KEYWORD.fullmatch(text) and text not in _RESERVED_KEYWORDS) else None
