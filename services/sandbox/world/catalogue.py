"""What can be had in this province, and which SMS keyword orders it."""

import re
from enum import StrEnum


class Subject(StrEnum):
    """What an offer is about: one of the products, calling farther for less, a short-number group, or staying."""

    MOBILE_NEWSPAPER = "mobile_newspaper"
    RING_BACK_TONE = "ring_back_tone"
    MOBILE_INTERNET = "mobile_internet"
    MAIL_139 = "mail_139"
    VOICE_PACK = "voice_pack"
    VPMN = "vpmn"
    RETENTION = "retention"


PRODUCTS = (Subject.MOBILE_NEWSPAPER, Subject.RING_BACK_TONE, Subject.MOBILE_INTERNET, Subject.MAIL_139)

_BY_KEYWORD = {
    "DZB": Subject.MOBILE_NEWSPAPER,
    "CL": Subject.RING_BACK_TONE,
    "SW": Subject.MOBILE_INTERNET,
    "YX": Subject.MAIL_139,
    "CT": Subject.VOICE_PACK,
    "DH": Subject.VPMN,
    "YH": Subject.RETENTION,
}
_OPT_OUT = "TD"
_INVITATION = re.compile(r"回复\s*([A-Za-z0-9]+)")


def subject_of_offer(product: str, keyword: str) -> Subject:
    """Return what an offer is about: its product if it is one of ours, else what its order keyword says."""
    return Subject(product) if product in PRODUCTS else subject_of_keyword(keyword)


def subject_of_keyword(keyword: str) -> Subject:
    """Return what the order keyword is for; an unknown one is for staying."""
    return _BY_KEYWORD.get(keyword.upper(), Subject.RETENTION)


def invited_keyword(text: str) -> str | None:
    """Return the word that a message asks to answer with ("回复DZB"), other than the opt-out word; None if it asks nothing."""
    invited = (match.group(1) for match in _INVITATION.finditer(text))
    return next((word for word in invited if word.upper() != _OPT_OUT), None)
