"""The hidden tastes: what each customer would answer to which offer. Nothing here may ever reach an extract.

What is documented here is all that decides an answer:

* `yes_by_sms`, `yes_by_call`: the probability of a yes to an offer about a subject, by the channel. A product is wanted
  by inclination (`inclinations.py`); who has it or cannot run it wants none. A voice pack is wanted by those who call
  far, the more so the dearer their minute is, and by nobody who has no long distance at all; a VPMN by enterprise
  members and by those with a wide circle, as long as they are in none. Staying is agreed to by those who lean to leave,
  whose use falls, and whose contract ends or has just ended.
* `orders_unasked`: the probability of ordering it in BOSS by themselves, while a plan runs.
* `opts_out`: the probability of answering an offer with "no more of this", about one in a hundred.
* `leaving`: the probability of leaving in the quarter of the cycle.
"""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.calendar import HISTORY_MONTHS
from services.sandbox.world.calling import Calling
from services.sandbox.world.catalogue import PRODUCTS, Subject
from services.sandbox.world.draws import Flags, Floats, calibrated
from services.sandbox.world.enterprises import Enterprises
from services.sandbox.world.inclinations import Inclinations, can_run, leaving_in
from services.sandbox.world.life import Life
from services.sandbox.world.people import People
from services.sandbox.world.products import Subscriptions

_YES_BY_SMS = {
    Subject.MOBILE_NEWSPAPER: 0.12,
    Subject.RING_BACK_TONE: 0.09,
    Subject.MOBILE_INTERNET: 0.09,
    Subject.MAIL_139: 0.09,
    Subject.VOICE_PACK: 0.08,
    Subject.VPMN: 0.07,
    Subject.RETENTION: 0.05,
}
_YES_BY_CALL = {
    Subject.MOBILE_NEWSPAPER: 0.16,
    Subject.RING_BACK_TONE: 0.12,
    Subject.MOBILE_INTERNET: 0.12,
    Subject.MAIL_139: 0.12,
    Subject.VOICE_PACK: 0.12,
    Subject.VPMN: 0.10,
    Subject.RETENTION: 0.12,
}
_ORDERS_UNASKED = 0.027
_LEAVING = 0.045
_OPTS_OUT = 0.01
_FEWEST_FAR_MINUTES = 1.0
_SOON_MONTHS = 3
_JUST_ENDED_MONTHS = 3


@dataclass(frozen=True, slots=True)
class Tastes:
    """Probabilities, one per line; 0 for lines that have left."""

    leaving: Floats
    opts_out: Floats
    yes_by_sms: dict[Subject, Floats]
    yes_by_call: dict[Subject, Floats]
    orders_unasked: dict[Subject, Floats]


def derive_tastes(
    people: People,
    *,
    enterprises: Enterprises,
    calling: Calling,
    life: Life,
    inclinations: Inclinations,
    subscriptions: dict[Subject, Subscriptions],
) -> Tastes:
    """Turn inclinations, and where each customer stands now, into answers."""
    here = ~life.has_left
    leaving = leaving_in(HISTORY_MONTHS, people=people, inclinations=inclinations)
    leaning = {product: inclinations.product[product] for product in PRODUCTS}
    leaning[Subject.RETENTION] = _retention(people, life, leaving)
    leaning[Subject.VOICE_PACK] = _voice_pack(people, calling)
    leaning[Subject.VPMN] = _vpmn(people, enterprises, calling)
    wants = {
        product: here & can_run(product, people) & ~subscriptions[product].holders(people.count) for product in PRODUCTS
    }
    wants[Subject.RETENTION] = here
    wants[Subject.VOICE_PACK] = here & (_far_minutes(people, calling) >= _FEWEST_FAR_MINUTES)
    wants[Subject.VPMN] = here & ~calling.in_vpmn
    irritable = people.block.chance("tastes").normal(0.0, 0.8, people.count)
    return Tastes(
        leaving=calibrated(leaving, mean=_LEAVING, among=here),
        opts_out=calibrated(irritable, mean=_OPTS_OUT, among=here),
        yes_by_sms={s: calibrated(leaning[s], mean=_YES_BY_SMS[s], among=wants[s]) for s in Subject},
        yes_by_call={s: calibrated(leaning[s], mean=_YES_BY_CALL[s], among=wants[s]) for s in Subject},
        orders_unasked={s: calibrated(leaning[s], mean=_ORDERS_UNASKED, among=wants[s]) for s in Subject},
    )


def _voice_pack(people: People, calling: Calling) -> Floats:
    """Lean to a pack: far minutes, dear minutes, and a nature of one's own."""
    far = np.log(np.maximum(_far_minutes(people, calling), _FEWEST_FAR_MINUTES))
    nature = people.block.chance("taste for voice packs").normal(0.0, 0.5, people.count)
    leaning: Floats = 0.8 * far + 1.5 * (calling.price_yuan > 0.25) + nature
    return leaning


def _far_minutes(people: People, calling: Calling) -> Floats:
    """Return the long-distance minutes of an ordinary month."""
    minutes: Floats = people.habit_yuan * calling.voice_share / calling.price_yuan * calling.long_distance_share
    return minutes


def _vpmn(people: People, enterprises: Enterprises, calling: Calling) -> Floats:
    """Lean to short numbers: colleagues, and many people to call."""
    nature = people.block.chance("taste for a VPMN").normal(0.0, 0.5, people.count)
    leaning: Floats = 1.4 * enterprises.is_member + 0.9 * np.log(calling.breadth / 14.0) + nature
    return leaning


def _retention(people: People, life: Life, leaving: Floats) -> Floats:
    """Lean to a better deal: at risk, seen to fall off, and free to sign again."""
    risk = (leaving - leaving.mean()) / leaving.std()
    leaning: Floats = 0.5 * risk + 1.4 * life.recent_fall + 1.3 * contract_is_open(people)
    return leaning


def contract_is_open(people: People) -> Flags:
    """Return whether a contract ends within three months of the cycle or ended in the three before."""
    months_left = people.block.calendar.index_of(people.contract_ends) - HISTORY_MONTHS
    is_open: Flags = people.in_contract_class & (months_left >= -_JUST_ENDED_MONTHS) & (months_left < _SOON_MONTHS)
    return is_open
