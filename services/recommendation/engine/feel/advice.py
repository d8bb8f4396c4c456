"""Turns a cell that is not S-FEEL into what the planner should have written."""

import re
import unicodedata
from collections.abc import Set

from services.recommendation.engine.feel.problems import FindingError

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_CLOSED_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_LOOKALIKES = {
    "“": '"', "”": '"', "„": '"', "「": '"', "」": '"', "‘": '"', "’": '"', "、": ",", "。": ".", "≥": ">=", "≤": "<=",
    "⩾": ">=", "⩽": "<=", "≧": ">=", "≦": "<=", "【": "[", "】": "]", "〔": "[", "〕": "]", "–": "-", "—": "-", "−": "-",
    "…": "..", "~": "..", "～": "..", "〜": "..", "≠": "not(…)",
}  # fmt: skip
_ENDPOINT = r'(?:-?[\d.]*\d|"[^"]*"|[a-z ]+\("[^"]*"\))'
_ALTERNATIVES = "a cell is a list of alternatives; to ask for both,"
_DATE = r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
# What a planner may have meant, tried in order; ‹…› is what to write instead.
_FORMS = tuple(
    (re.compile(pattern), advice)
    for pattern, advice in (
        (r"=>\s*(.+)", "write ‹>= {0}›"),
        (r"=<\s*(.+)", "write ‹<= {0}›"),
        (r"(?:!=|<>)\s*(.+)", "write ‹not({0})›"),
        (r"==?\s*(.+)", "write ‹{0}› without the equals sign"),
        (r"\?\s*(.+)", "the column itself is what is tested: write ‹{0}› without the question mark"),
        (r"not\s+([^(\s].*)", "write ‹not({0})›"),
        (r"not\s*\(\s*-\s*\)|-\s*,.*|.*,\s*-", "- stands alone in its cell, for any value"),
        (r"-\s+(\d.*)", "write ‹-{0}› without the space"),
        (rf"[\[\](]\s*({_ENDPOINT})\s*,\s*({_ENDPOINT})\s*[\[\])]", "write an interval with two dots: ‹[{0}..{1}]›"),
        (rf"(?:date\s*\(\s*)?{_DATE}(?:\s*\))?", 'write date("{0}-{1:0>2}-{2:0>2}")'),
        (rf"({_ENDPOINT})\s*(?:\.\.+|-|to|至|到)\s*({_ENDPOINT})", "write ‹[{0}..{1}]›"),
        (r".*\.\..*", "an interval has two ends and two brackets, such as ‹[5..10]› or ‹(5..10]›"),
        (r".*(?:not\s*\(.*|,\s*)not\s*\(.*", "not( … ) must enclose the whole cell, once"),
        (rf"([<>]=?)\s*{_ENDPOINT}\s*(?:and|&&?|且)?\s*([<>]=?)\s*{_ENDPOINT}", f"{_ALTERNATIVES} write an interval such as ‹[10..20)›"),
        (r"(.*\S)\s*(?:\bor\b|\|\|?|或)\s*(\S.*)", "write alternatives with a comma: ‹{0},{1}›"),
        (r"(.*\S)\s*(?:\band\b|&&?|且)\s*(\S.*)", f"{_ALTERNATIVES} use two columns"),
        (r"([<>]=?\s*)?(-?[\d.]+)\s*%", "write the number in the unit of the column, without the percent sign"),
        (r"([<>]=?\s*)?(-?[\d.]+)\s*([^\W\d]\w*)", "write the number without a unit: ‹{0}{1}›"),
        (r"(date and time|date|time|duration)\s*\([^\"]*\)", '{0} takes one text in quotes, as in {0}("…")'),
        (r"(?!not\b|date\b|time\b|duration\b)([^\W\d][\w. ]*?)\s*\(.*", "{0}( … ) cannot be called here: only not, date, date and time, time and duration can"),
        (r"'([^']*)'", 'a text stands in double quotes: write "{0}"'),
        (r"([^\W\d][\w \-+/&.]*)", 'a text stands in double quotes: write "{0}"'),
    )
)  # fmt: skip
_WORDS = {
    "COMMA": '","', "RPAR": '")"', "LPAR": '"("', "_TO": '".."', "LSQB": '"["', "RSQB": '"]"', "$END": "the end of the cell",
}  # fmt: skip


def refuse_full_width(text: str) -> None:
    """Raise FindingError at the first character outside quotes that only looks like the ASCII one that is meant."""
    outside = _STRING.sub(lambda match: " " * len(match.group()), text)
    for at, character in enumerate(outside):
        meant = _LOOKALIKES.get(character) or unicodedata.normalize("NFKC", character)
        if meant != character and meant.isascii() and not meant.isspace():
            raise FindingError(at, f"write {meant} instead of {character} (switch the input method to half width)")


def advise(text: str, at: int, allowed: Set[str]) -> str:
    """Return what to write instead of `text`, which the parser understood only up to `at`, where `allowed` could stand."""
    if not text.strip():
        return 'an empty cell: write "-" for "any value"'
    if text[at : at + 1] == '"' and not _CLOSED_STRING.match(text, at):
        return "the closing quote is missing" + (', it must be " and not ”' if "”" in text[at:] else "")
    for candidate in (_alternative(text, at), text.strip()):
        for pattern, advice in _FORMS:
            if match := pattern.fullmatch(candidate):
                return _render(advice, [group or "" for group in match.groups()])
    return _expected(allowed)


def _render(advice: str, parts: list[str]) -> str:
    """Fill in the planner's own words; what to write is quoted, unless it holds quotes itself."""
    quote = "" if any('"' in part for part in parts) else '"'
    return re.sub("[‹›]", quote, advice).format(*parts)


def _alternative(text: str, at: int) -> str:
    """Return the comma-separated part of the cell around `at`."""
    outside = _STRING.sub(lambda match: '"' * len(match.group()), text)
    start = outside.rfind(",", 0, at) + 1
    end = outside.find(",", at)
    return text[start : end if end >= 0 else len(text)].strip()


def _expected(allowed: Set[str]) -> str:
    words = [_WORDS[name] for name in sorted(allowed) if name in _WORDS and "NUMBER" not in allowed]
    if "NUMBER" in allowed:
        words.append('a value such as 12, "text", true, date("2026-01-31") or the name of a field')
    return f"expected {' or '.join(words)}" if words else "this is no S-FEEL test"
