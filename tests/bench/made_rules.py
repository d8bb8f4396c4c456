"""Matrices and policies as large as a busy province's, made up: each row tests a few fields of views and scores."""

import random
from collections.abc import Iterator, Sequence
from datetime import date

from services.recommendation.datasets.inputs import matrix_fields
from services.recommendation.domain import Purpose
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.catalogue import read_catalogue
from services.recommendation.engine.rulebook import read_matrix
from tests.bench.made_base import PRODUCTS
from tests.factories.recommendation import (
    catalogue_csv,
    matrix_csv,
    policy_row,
    product_row,
    products_csv,
    retention_row,
    voice_row,
)

ROWS = 50
PRODUCT_ROWS = 20
GROUPS = 8
_TESTED = 3
_DAY = date(2026, 11, 9)

_CELLS = {
    "tenure_months": ("> 12", "< 24", "[6..36]"),
    "arpu": (">= 50", "< 150", "[30..200)"),
    "return_rate_score": ("> 40", "null,< 80"),
    "minutes_change": ("<= 300", "> 100"),
    "value_tier": ('"high","mid_high"', '"mid"', 'not("low")'),
    "stickiness": ("> 30", "< 70"),
    "portrait": ('"warning","silent"', '"healthy","active"'),
    "contract_months_left": ("null,<= 3", "> 3"),
    "brand": ('"GoTone"', '"M-Zone","Easyown"'),
}
_PAIR_CELLS = {
    "product_state": ('"potential"', '"inactive"', '"cancelled","potential"'),
    "need_level": ('"rigid"', '"sensitive","ordinary"'),
    **{name: _CELLS[name] for name in ("arpu", "tenure_months", "value_tier", "brand")},
}


def make_rules() -> Rules:
    """Return four matrices of 50 rows, and one of 20 rows for each of six products, with a policy of its own for every row."""
    lot = random.Random(1)
    matrices = {
        purpose: read_matrix(text, fields=matrix_fields())
        for purpose, text in (
            (Purpose.PRIORITY, _priority(lot)),
            (Purpose.RETENTION, _retention(lot)),
            (Purpose.NEW_SERVICE, _new_service(lot)),
            (Purpose.VOICE_USAGE, _of_customers(lot, Purpose.VOICE_USAGE, "COLLECT")),
            (Purpose.VPMN, _of_customers(lot, Purpose.VPMN, "FIRST")),
        )
    }
    return Rules(
        priority=matrices[Purpose.PRIORITY],
        retention=matrices[Purpose.RETENTION],
        new_service=matrices[Purpose.NEW_SERVICE],
        voice_usage=matrices[Purpose.VOICE_USAGE],
        vpmn=matrices[Purpose.VPMN],
        catalogue=read_catalogue(
            catalogue_csv([*_retention_policies(), *_product_policies(), *_voice_policies()]), products_csv(_products())
        ),
        day=_DAY,
        consent_default=True,
        most_at_once=3,
    )


def _priority(lot: random.Random) -> str:
    orders = (["retention", "new_service"], ["new_service", "retention"])
    rules = [[*_tests(lot, _CELLS), *lot.choice(orders)] for _ in range(ROWS - 1)]
    return matrix_csv(
        "priority", "FIRST", [*_CELLS, "=> first", "=> second"], [*rules, [*_anybody(_CELLS), *orders[0]]]
    )


def _retention(lot: random.Random) -> str:
    rules = [
        [*_tests(lot, _CELLS), f"group-{row % GROUPS}", f"keep-{row % GROUPS}-{row // GROUPS}"] for row in range(ROWS)
    ]
    return matrix_csv("retention", "FIRST", [*_CELLS, "=> policy_group", "=> main_policy"], rules)


def _new_service(lot: random.Random) -> str:
    rules = [
        [f'"{product}"', *_tests(lot, _PAIR_CELLS), f"sell-{product}-{row}"]
        for product in PRODUCTS
        for row in range(PRODUCT_ROWS)
    ]
    return matrix_csv("new_service", "FIRST", ["product", *_PAIR_CELLS, "=> policy"], rules)


def _of_customers(lot: random.Random, purpose: Purpose, hit_policy: str) -> str:
    rules = [[*_tests(lot, _CELLS), f"{purpose}-{row}"] for row in range(ROWS)]
    return matrix_csv(purpose, hit_policy, [*_CELLS, "=> policy"], rules)


def _tests(lot: random.Random, cells: dict[str, tuple[str, ...]]) -> list[str]:
    tested = set(lot.sample(sorted(cells), _TESTED))
    return [lot.choice(cells[name]) if name in tested else "-" for name in cells]


def _anybody(cells: dict[str, tuple[str, ...]]) -> Sequence[str]:
    return ["-"] * len(cells)


def _retention_policies() -> Iterator[dict[str, str]]:
    for row in range(ROWS):
        group, place = row % GROUPS, row // GROUPS
        yield retention_row(f"keep-{group}-{place}", f"group-{group}", margin_fen=str(1_000 + 100 * row))


def _voice_policies() -> Iterator[dict[str, str]]:
    for row in range(ROWS):
        yield voice_row(f"voice_usage-{row}", margin_fen=str(300 + 10 * row))
        yield voice_row(f"vpmn-{row}", kind="vpmn_plan")


def _products() -> list[dict[str, str]]:
    barriers = ("", "setup", "handset", "setup", "internet", "")
    return [product_row(product, barriers=barrier) for product, barrier in zip(PRODUCTS, barriers, strict=True)]


def _product_policies() -> Iterator[dict[str, str]]:
    for product in PRODUCTS:
        for row in range(PRODUCT_ROWS):
            yield policy_row(f"sell-{product}-{row}", product=product, margin_fen=str(500 + 10 * row))
