"""How the operator writes one table: its headings, and its words for our values."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Source:
    """One table. `columns` is our name -> heading in the file; `values` is our column -> word in the file -> our value.

    `flags` are the columns of yes and no, words of their own in text files; `monthly` tables may come in a file a month.
    """

    table: str
    columns: Mapping[str, str]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    flags: tuple[str, ...] = ()
    has_money: bool = False
    monthly: bool = False

    def words(self, column: str, values: tuple[str, ...]) -> list[str]:
        """Return the operator's words for our values."""
        word_of = {ours: word for word, ours in self.values[column].items()}
        return [word_of[value] for value in values]


YES, NO = "是", "否"
PRODUCT_WORDS = {
    "手机报": "mobile_newspaper",
    "彩铃": "ring_back_tone",
    "手机上网": "mobile_internet",
    "139邮箱": "mail_139",
}
CHANNEL_WORDS = {"营业厅": "desk", "外呼": "call", "短信": "sms", "网上营业厅": "web", "10086热线": "hotline"}
