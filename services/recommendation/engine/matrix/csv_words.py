"""The words of a sheet beside the names of fields: keywords of its lines, headers with a meaning of their own, hit policies.

Each has a Chinese form, and what is written full width means the same.
"""

import unicodedata
from collections.abc import Mapping, Sequence
from enum import StrEnum

from services.recommendation.engine.matrix.table import Aggregation, HitPolicy

OUTPUT_MARK = "=>"
NOTE, REPLACES = "note", "replaces"
_ARROWS = str.maketrans({"→": "=>", "⇒": "=>"})


class Line(StrEnum):
    """What a line above the headers declares."""

    MATRIX = "matrix"
    CITY = "city"
    PARAMETER = "parameter"
    COMPUTED = "computed"
    LIST = "list"
    VALUES = "values"
    DEFAULT = "default"


_LINES: Mapping[str, Line] = {
    **{line.value: line for line in Line},
    "矩阵": Line.MATRIX,
    "城市": Line.CITY,
    "地市": Line.CITY,
    "参数": Line.PARAMETER,
    "计算": Line.COMPUTED,
    "清单": Line.LIST,
    "列表": Line.LIST,
    "取值": Line.VALUES,
    "默认": Line.DEFAULT,
    "缺省": Line.DEFAULT,
}
_HEADERS = {NOTE: NOTE, "备注": NOTE, "说明": NOTE, REPLACES: REPLACES, "替换": REPLACES, "替换行": REPLACES}
_POLICIES: Mapping[str, HitPolicy] = {
    **{policy.value: policy for policy in HitPolicy},
    "U": HitPolicy.UNIQUE,
    "唯一": HitPolicy.UNIQUE,
    "A": HitPolicy.ANY,
    "任意": HitPolicy.ANY,
    "P": HitPolicy.PRIORITY,
    "优先级": HitPolicy.PRIORITY,
    "F": HitPolicy.FIRST,
    "首个": HitPolicy.FIRST,
    "R": HitPolicy.RULE_ORDER,
    "规则顺序": HitPolicy.RULE_ORDER,
    "O": HitPolicy.OUTPUT_ORDER,
    "输出顺序": HitPolicy.OUTPUT_ORDER,
    "C": HitPolicy.COLLECT,
    "收集": HitPolicy.COLLECT,
}
_AGGREGATIONS: Mapping[str, Sequence[str]] = {
    Aggregation.SUM: ("COLLECT SUM", "C+", "收集求和"),
    Aggregation.MIN: ("COLLECT MIN", "C<", "收集最小"),
    Aggregation.MAX: ("COLLECT MAX", "C>", "收集最大"),
    Aggregation.COUNT: ("COLLECT COUNT", "C#", "收集计数"),
}
_AGGREGATES = {word: Aggregation(name) for name, words in _AGGREGATIONS.items() for word in words}
POLICY_WORDS = (*(policy.value for policy in HitPolicy), *(words[0] for words in _AGGREGATIONS.values()))
"""What a head may say of its hit policy, in the words of the standard."""


def folded(word: str) -> str:
    """Return the word half width, with single spaces: as names are compared."""
    return " ".join(unicodedata.normalize("NFKC", word).split())


def line_of(cell: str) -> Line | None:
    """Return what the first cell of a line says that it declares."""
    return _LINES.get(folded(cell))


def header_text(cell: str) -> str:
    """Return a header in one way: half width, outputs as `=> name`; Excel takes what begins with = for a formula, so → is =>."""
    text = folded(cell.translate(_ARROWS))
    return f"{OUTPUT_MARK} {text.removeprefix(OUTPUT_MARK).strip()}" if text.startswith(OUTPUT_MARK) else text


def own_header(header: str) -> str | None:
    """Return NOTE or REPLACES for the header of such a column, else None."""
    return _HEADERS.get(header)


def read_policy(text: str) -> tuple[HitPolicy, Aggregation | None] | None:
    """Return the hit policy by its name, its letter in DMN (C+ for COLLECT SUM) or in Chinese; None for an unknown one."""
    word = folded(text).upper()
    if aggregation := _AGGREGATES.get(word) or _AGGREGATES.get(word.replace(" ", "")):
        return HitPolicy.COLLECT, aggregation
    policy = _POLICIES.get(word)
    return (policy, None) if policy else None
