"""A preview of five drafts over a made-up base with large matrices, beside an assembly of the same base."""

import random
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

from services.recommendation.datasets.lists import LakeWorkshop
from services.recommendation.datasets.previews import PreviewWorkshop
from services.recommendation.domain.previews import Channel
from services.recommendation.engine.assembly.rules import Rules
from services.recommendation.engine.matrix import DecisionTable
from services.recommendation.use_cases.assembly import AssemblyInputs
from services.recommendation.use_cases.previews import PreviewAsked, PreviewOrder, PreviewResult
from services.recommendation.use_cases.rules import Circumstances, MatrixIds
from shared.lake.lake import Lake
from tests.bench.figures import Figure
from tests.bench.made_base import make_base
from tests.bench.made_rules import make_rules

ROUNDS = 3
REWRITTEN_ROWS = 2
"""Of each of the five matrices."""
_MADE_AT = datetime(2026, 11, 9, tzinfo=UTC)


def measure(customers: int) -> list[Figure]:
    """Make a base up, and preview drafts on it in turn with assembling it."""
    with tempfile.TemporaryDirectory(prefix="visavis-preview-") as folder:
        lake, rules = Lake(Path(folder)), make_rules()
        inputs, drafts = make_base(lake, customers), rewritten(rules)
        assembled, previewed, changed = [], [], []
        for number in range(ROUNDS):
            begun = time.perf_counter()
            _assemble(lake, inputs, rules, number)
            between = time.perf_counter()
            found = _preview(lake, inputs, rules, drafts, number)
            assembled.append(between - begun)
            previewed.append(time.perf_counter() - between)
            changed.append(100 * found.preview.changed / customers)
    ratio = statistics.median(preview / whole for preview, whole in zip(previewed, assembled, strict=True))
    return [
        Figure(f"preview of five matrices, {customers:,} customers", previewed, "s", ratio, "the assembly of the same"),
        Figure("of whom get another list", changed, "%"),
    ]


def rewritten(rules: Rules) -> Rules:
    """Return drafts of all five matrices: some rows of each give what the row below gives."""
    lot, giving = random.Random(2), rules.giving
    tables = {"priority": rules.priority, **{str(purpose): table for purpose, table in giving.items()}}
    drafts = {name: _rewritten(table, lot) for name, table in tables.items()}
    return replace(rules, **drafts)  # type: ignore[arg-type]  # fields of these names are tables


def _rewritten(table: DecisionTable, lot: random.Random) -> DecisionTable:
    rules = list(table.rules)
    for place in lot.sample(range(len(rules) - 1), REWRITTEN_ROWS):
        rules[place] = replace(rules[place], outputs=rules[place + 1].outputs)
    return replace(table, rules=tuple(rules))


def _assemble(lake: Lake, inputs: AssemblyInputs, rules: Rules, number: int) -> None:
    LakeWorkshop(lake).assemble(
        inputs, rules, run_id=f"made-{number}", cycle="2026-11", created_at=_MADE_AT, traceparent=""
    )


def _preview(lake: Lake, inputs: AssemblyInputs, rules: Rules, drafts: Rules, number: int) -> PreviewResult:
    nothing = MatrixIds("", "", "")
    order = PreviewOrder(
        asked=PreviewAsked((), "", "", {Channel.CALL: 20_000}),
        assembly_run="",
        inputs=inputs,
        circumstances=Circumstances(date(2026, 11, 9), consent_default=True),
        before=nothing,
        after=nothing,
        catalogue_before="",
        catalogue_after="",
    )
    return PreviewWorkshop(lake).preview(
        order,
        rules,
        drafts,
        run_id=f"made-{number}",
        created_at=_MADE_AT,
        traceparent="",
        heard=lambda done, total: None,
    )
