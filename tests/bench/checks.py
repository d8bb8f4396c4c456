"""The check of a matrix over all its inputs at once: gaps, overlaps, dead rows."""

import random
import time
from collections.abc import Mapping

from services.recommendation.engine.checking.check import Surroundings, check_table
from services.recommendation.engine.checking.segments import Domain
from services.recommendation.engine.feel import FieldType, Kind, parse
from services.recommendation.engine.matrix import Cell, DecisionTable, HitPolicy, Input, Output, Rule
from tests.bench.figures import Figure

DOMAINS: Mapping[str, Domain] = {
    "arpu": Domain(FieldType.decimal(18, 2), nullable=True),
    "tenure": Domain(FieldType.integer(), nullable=False),
    "age": Domain(FieldType.integer(), nullable=True),
    "brand": Domain(FieldType.string("GoTone", "M-Zone", "Easyown"), nullable=True),
    "city": Domain(FieldType.string(), nullable=False),
    "joined": Domain(FieldType(Kind.DATE), nullable=False),
}
_WORDS = {"brand": ("GoTone", "M-Zone", "Easyown"), "city": ("合肥", "芜湖", "安庆", "巢湖")}
_RUNS = 15


def planners_table(rows: int, hit_policy: HitPolicy, *, seed: int = 0) -> DecisionTable:
    """Return a table of six inputs as a planner may write it, the last row of which takes all the rest."""
    chance = random.Random(seed)
    cells = [[_cell(name, chance) for name in DOMAINS] for _ in range(rows - 1)]
    rules = (
        Rule(number, tuple(Cell(text, parse(text)) for text in texts), (f"policy {number % 7}",))
        for number, texts in enumerate([*cells, ["-"] * len(DOMAINS)], 3)
    )
    inputs = tuple(Input(name, domain.type) for name, domain in DOMAINS.items())
    return DecisionTable("made", "vpmn", hit_policy, inputs, (Output("policy", FieldType.string()),), tuple(rules))


def _cell(name: str, chance: random.Random) -> str:
    if chance.random() < 0.35:
        return "-"
    if name in _WORDS:
        words = ",".join(f'"{word}"' for word in chance.sample(_WORDS[name], chance.randint(1, 2)))
        return f"not({words})" if chance.random() < 0.3 else words
    if name == "joined":
        return f'{chance.choice(["<", ">="])} date("20{chance.randint(10, 26)}-{chance.randint(1, 12):02}-01")'
    low = chance.randrange(100)
    return chance.choice([f"[{low}..{low + chance.randint(5, 60)})", f"> {low}", f"<= {low}", f"null,< {low}"])


def measure() -> list[Figure]:
    """Check made-up tables of 50 rows x 6 inputs, each another one, and return how long one takes."""
    figures = []
    for hit_policy in (HitPolicy.FIRST, HitPolicy.UNIQUE):
        seconds = []
        for seed in range(_RUNS):
            table = planners_table(50, hit_policy, seed=seed)
            begun = time.perf_counter()
            check_table(table, Surroundings(DOMAINS))
            seconds.append(1000 * (time.perf_counter() - begun))
        figures.append(Figure(f"check of 50 rows x 6 inputs, {hit_policy}", seconds, "ms"))
    return figures
