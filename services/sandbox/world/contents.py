"""What subscribers of a product look at, and when: contents, hours, and how long ago they changed what they have."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import Days
from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Ints, choice, pick
from services.sandbox.world.people import People
from services.sandbox.world.products import Subscriptions

CATEGORIES = {
    Subject.MOBILE_NEWSPAPER: ("新闻", "生活", "娱乐"),
    Subject.RING_BACK_TONE: ("流行", "怀旧", "戏曲"),
    Subject.MOBILE_INTERNET: ("社交", "资讯", "视频"),
    Subject.MAIL_139: ("账单", "办公", "资讯"),
}
HOURS = ("morning", "afternoon", "evening", "night")

_YOUNG = 30
_CATEGORY_WEIGHTS = {
    Subject.MOBILE_NEWSPAPER: ((0.40, 0.31, 0.29), (0.60, 0.28, 0.12)),
    Subject.RING_BACK_TONE: ((0.80, 0.17, 0.03), (0.40, 0.40, 0.20)),
    Subject.MOBILE_INTERNET: ((0.60, 0.20, 0.20), (0.30, 0.55, 0.15)),
    Subject.MAIL_139: ((0.30, 0.40, 0.30), (0.40, 0.45, 0.15)),
}
"""Of the young, and of the others: news before lifestyle before entertainment (DOMAIN.md §1)."""
_HOUR_WEIGHTS = {
    Subject.MOBILE_NEWSPAPER: (0.55, 0.12, 0.28, 0.05),
    Subject.RING_BACK_TONE: (0.22, 0.36, 0.34, 0.08),
    Subject.MOBILE_INTERNET: (0.14, 0.22, 0.42, 0.22),
    Subject.MAIL_139: (0.46, 0.38, 0.13, 0.03),
}
_CHANGES_CONTENT = 0.45


@dataclass(frozen=True, slots=True)
class Contents:
    """One entry per subscription of one product: places in `CATEGORIES` and `HOURS`."""

    category: Ints
    hours: Ints
    changed_on: Days
    """The last change of what was chosen with the order; NaT for those who never changed."""

    def last_change(self, row: Ints, month: Ints, subscriptions: Subscriptions, people: People) -> Days:
        """Return what a month's record shows as the last change of content of these subscriptions."""
        known = people.block.calendar.index_of(self.changed_on[row]) <= month
        return np.where(known & ~np.isnat(self.changed_on[row]), self.changed_on[row], subscriptions.ordered_on[row])


def draw_contents(subscriptions: Subscriptions, people: People) -> Contents:
    """Draw one product's contents."""
    product, line = subscriptions.product, subscriptions.line
    chance = people.block.chance(f"contents of {product}")
    young, others = _CATEGORY_WEIGHTS[product]
    today = people.block.calendar.cycle.astype("datetime64[D]")
    held_days = np.maximum((today - subscriptions.ordered_on).astype(np.int64), 1)
    changed_on = today - np.ceil(chance.random(len(line)) * held_days).astype(np.int64)
    return Contents(
        category=choice(chance, np.where((people.age[line] < _YOUNG)[:, None], young, others)),
        hours=pick(chance, _HOUR_WEIGHTS[product], len(line)),
        changed_on=np.where(chance.random(len(line)) < _CHANGES_CONTENT, changed_on, np.datetime64("NaT", "D")),
    )
