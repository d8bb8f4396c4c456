"""What was ordered, what customers reported, and what they answered."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from services.sandbox.extracts import cells, sources
from services.sandbox.extracts.tables.rows import Ids, Rows
from services.sandbox.world.care import ANSWERS, OPINIONS, REASONS, TOPICS
from services.sandbox.world.catalogue import PRODUCTS
from services.sandbox.world.draws import Ints
from services.sandbox.world.identity import Names, padded
from services.sandbox.world.products import CANCEL_REASONS, CHANNELS, HOW_ORDERED, Subscriptions
from services.sandbox.world.province import Province

Value = TypeVar("Value", bound=np.generic)


def answer_tables(province: Province, ids: Ids) -> Iterator[Rows]:
    """Make the tables of orders and of what was said, each ordered by customer or by day."""
    yield Rows.of(sources.SUBSCRIPTIONS, _subscriptions(province, ids))
    yield Rows.of(sources.COMPLAINTS, _complaints(province, ids))
    yield Rows.of(sources.MARKETING_FEEDBACK, _marketing_feedback(province, ids))
    yield Rows.of(sources.SURVEYS, _surveys(province, ids))


def _subscriptions(province: Province, ids: Ids) -> cells.Columns:
    held = list(province.subscriptions.values())
    line = np.concatenate([each.line for each in held])
    order = np.argsort(line, kind="stable")

    def column(of: Callable[[Subscriptions], NDArray[Value]]) -> NDArray[Value]:
        return np.concatenate([of(each) for each in held])[order]

    words = sources.SUBSCRIPTIONS.words
    product = np.repeat(np.arange(len(PRODUCTS)), [len(each.line) for each in held])[order]
    return {
        "customer_id": ids.of(line[order]),
        "product": cells.words(product, words("product", PRODUCTS)),
        "how_ordered": cells.words(column(lambda each: each.how_ordered), words("how_ordered", HOW_ORDERED)),
        "trial_ends_on": cells.dates(column(lambda each: each.trial_ends_on)),
        "channel": cells.words(column(lambda each: each.channel), words("channel", CHANNELS)),
        "provisioned": cells.flags(column(lambda each: each.provisioned)),
        "ordered_on": cells.dates(column(lambda each: each.ordered_on)),
        "cancelled_on": cells.dates(column(lambda each: each.cancelled_on)),
        "cancel_reason": cells.words(column(lambda each: each.cancel_reason), words("cancel_reason", CANCEL_REASONS)),
    }


def _complaints(province: Province, ids: Ids) -> cells.Columns:
    cases, words = province.cases, sources.COMPLAINTS.words
    order = np.lexsort((cases.line, cases.reported_on))
    return {
        "case_id": cells.text(_numbered("TS", province, len(order))),
        "customer_id": ids.of(cases.line[order]),
        "reported_on": cells.dates(cases.reported_on[order]),
        "kind": cells.words(cases.kind[order], words("kind", ("complaint", "consultation"))),
        "topic": cells.words(cases.topic[order], words("topic", TOPICS)),
        "product": cells.words(cases.product[order], words("product", PRODUCTS)),
    }


def _marketing_feedback(province: Province, ids: Ids) -> cells.Columns:
    contacts, words = province.contacts, sources.MARKETING_FEEDBACK.words
    order = np.lexsort((contacts.line, contacts.contacted_on))
    product = contacts.product[order]
    return {
        "contact_id": cells.text(_numbered("YX", province, len(order))),
        "customer_id": ids.of(contacts.line[order]),
        "contacted_on": cells.dates(contacts.contacted_on[order]),
        "channel": cells.words(contacts.channel[order], words("channel", CHANNELS)),
        "policy": cells.words(product, [f"{word}推广" for word in words("product", PRODUCTS)]),
        "product": cells.words(product, words("product", PRODUCTS)),
        "answer": cells.words(contacts.answer[order], words("answer", ANSWERS)),
        "reason": cells.words(contacts.reason[order], words("reason", REASONS)),
    }


def _surveys(province: Province, ids: Ids) -> cells.Columns:
    surveys, words = province.surveys, sources.SURVEYS.words
    order = np.lexsort((surveys.product, surveys.line))
    score: Ints = surveys.score[order]
    return {
        "customer_id": ids.of(surveys.line[order]),
        "answered_on": cells.dates(surveys.answered_on[order]),
        "question": cells.words(surveys.product[order] + 1, words("question", ("satisfaction", *PRODUCTS))),
        "answer": cells.words(surveys.opinion[order], words("answer", OPINIONS)),
        "score": cells.plain(score, known=score >= 0),
    }


def _numbered(prefix: str, province: Province, count: int) -> Names:
    """Number the rows of a block through; the block's number keeps those of different blocks apart."""
    return np.char.add(f"{prefix}{province.block.number:03d}", padded(np.arange(1, count + 1), 7))
