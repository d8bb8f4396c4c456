"""Handsets in the hands of the province: models, what they cost and what they can do, and who carries which."""

from dataclasses import dataclass

import numpy as np

from services.sandbox.world.block import Block
from services.sandbox.world.draws import Flags, Floats, Ints, choice


@dataclass(frozen=True, slots=True)
class Model:
    """`skill` is how far a model goes; each step includes those before. `share` is its share among the under-45s and
    among the others; dear models go to high bills."""

    name: str
    price_yuan: int
    skill: int
    share: tuple[float, float]


CALLS, GPRS, WAP, MMS, THREE_G, FOUR_G = range(6)
MODELS = (
    Model("诺基亚1110", 250, CALLS, (0.06, 0.24)),
    Model("天语老人机A1", 180, CALLS, (0.02, 0.14)),
    Model("波导S1000", 320, GPRS, (0.05, 0.05)),
    Model("联想i300", 480, GPRS, (0.04, 0.03)),
    Model("诺基亚2610", 560, WAP, (0.05, 0.05)),
    Model("诺基亚5300", 1180, MMS, (0.14, 0.11)),
    Model("摩托罗拉V3", 1050, MMS, (0.11, 0.10)),
    Model("索尼爱立信W810", 1350, MMS, (0.12, 0.05)),
    Model("三星E258", 980, MMS, (0.12, 0.09)),
    Model("诺基亚N73", 2280, MMS, (0.10, 0.06)),
    Model("诺基亚5800", 2100, THREE_G, (0.07, 0.03)),
    Model("HTC G3", 2900, THREE_G, (0.06, 0.02)),
    Model("三星Galaxy S", 3800, FOUR_G, (0.03, 0.015)),
    Model("苹果iPhone 5", 4900, FOUR_G, (0.03, 0.015)),
)
_DEAR_YUAN = 2000


@dataclass(frozen=True, slots=True)
class Handsets:
    """One entry per line; `model` points into `MODELS`."""

    model: Ints
    days: Ints
    owned: Ints
    models_owned: Ints

    def can(self, skill: int) -> Flags:
        """Return whether each handset goes that far."""
        able: Flags = np.array([model.skill for model in MODELS])[self.model] >= skill
        return able

    @property
    def price_yuan(self) -> Ints:
        prices: Ints = np.array([model.price_yuan for model in MODELS])[self.model]
        return prices


def draw_handsets(age: Ints, habit_yuan: Floats, *, block: Block) -> Handsets:
    """Draw who carries what: the young and the high bills newer and dearer ones; and how many there were before."""
    chance = block.chance("handsets")
    weights = np.array([model.share for model in MODELS]).T[(age >= 45).astype(np.int64)]
    dear = np.array([model.price_yuan >= _DEAR_YUAN for model in MODELS])
    model = choice(chance, np.where(dear, weights * np.clip(habit_yuan / 45.0, 0.3, 4.0)[:, None], weights))
    earlier = chance.poisson(np.where(age < 30, 2.2, 1.1))
    return Handsets(
        model=model,
        days=np.floor(chance.exponential(420.0, block.count)).astype(np.int64) + 1,
        owned=1 + earlier,
        models_owned=1 + chance.binomial(earlier, 0.8),
    )
