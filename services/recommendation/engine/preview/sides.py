"""The two sides of a preview: what is published and what the drafts say, made to meet the base in one scan."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from services.recommendation.domain import Catalogue, Product
from services.recommendation.engine.assembly.decided import Fired, Side, every_column
from services.recommendation.engine.assembly.facts import Ints, integers
from services.recommendation.engine.assembly.rules import Rules

_STEM = "draft_"


def beside(published: Rules, drafts: Rules) -> tuple[Side, Side]:
    """Return the sides, which know the same products; a matrix that is the same on both fires once.

    What holds for a whole run, such as the day, is taken from `published`: only matrices and catalogues are compared.
    """
    known = {**drafts.catalogue.products, **published.catalogue.products}
    before = replace(published, catalogue=_knowing(published.catalogue, known))
    after = replace(
        before,
        priority=drafts.priority,
        retention=drafts.retention,
        new_service=drafts.new_service,
        voice_usage=drafts.voice_usage,
        vpmn=drafts.vpmn,
        catalogue=_knowing(drafts.catalogue, known),
    )
    met = {fired.column: _what_counts(fired, before) for fired in every_column(before)}
    shared = frozenset(
        fired.column for fired in every_column(after) if met.get(fired.column) == _what_counts(fired, after)
    )
    return Side(before), Side(after, _STEM, shared)


def batch_of(batch: pa.RecordBatch, side: Side) -> pa.RecordBatch:
    """Return a batch of `decided` as that side alone would have it: its own columns under the names that a single side has."""
    columns = {name: batch.column(name) for name in batch.schema.names}
    prefix = f"_{side.stem}"
    own = {f"_{name.removeprefix(prefix)}": column for name, column in columns.items() if name.startswith(prefix)}
    return pa.RecordBatch.from_pydict({**columns, **own} if side.stem else columns)


def fired_in(column: "pa.Array[Any]") -> tuple[Ints, Ints]:  # the stubs know no column that may be of lists
    """Return customers and the rows that fired for them in a column of `decided`, one row or a list of them; no row is 0."""
    if pa.types.is_list(column.type):
        return integers(pc.list_parent_indices(column)), integers(pc.list_flatten(column))
    return np.arange(len(column)), integers(column)


def _knowing(catalogue: Catalogue, known: Mapping[str, Product]) -> Catalogue:
    return replace(catalogue, products={**known, **catalogue.products})


def _what_counts(fired: Fired, rules: Rules) -> tuple[object, ...]:
    """Return what decides which rows fire in a column, whatever the version is called."""
    product = rules.catalogue.products[fired.product] if fired.product else None
    return (replace(fired.table, name=""), product and (product.product, product.product_class, product.tier))
