"""What products need of a handset and of the customer, told by the mapping file; without it no product needs anything.

[products.mobile_newspaper]
handset_needs = ["mms"]     # gprs, wap, mms, 3g, 4g
internet = true             # internet access elsewhere; false by default
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, cast

from shared.errors import Violation

HANDSET_FEATURES: Final = ("gprs", "wap", "mms", "3g", "4g")


@dataclass(frozen=True, slots=True)
class ProductNeeds:
    """`handset` are those of HANDSET_FEATURES without which the product does not run."""

    product: str
    handset: frozenset[str]
    internet: bool


def product_needs(mapping: str) -> tuple[ProductNeeds, ...]:
    """Return the needs that a sound mapping file tells, by product."""
    entries = cast("Mapping[str, Mapping[str, object]]", tomllib.loads(mapping).get("products", {}))
    return tuple(
        ProductNeeds(
            product,
            frozenset(cast("list[str]", entry.get("handset_needs", []))),
            bool(entry.get("internet", False)),
        )
        for product, entry in sorted(entries.items())
    )


def needs_violations(products: object) -> Iterator[Violation]:
    """Tell what is wrong with the section `products` of a mapping file."""
    if not isinstance(products, dict):
        yield Violation("products", f"expected a table, found {products!r}")
        return
    for product, entry in products.items():
        path = f"products.{product}"
        if not isinstance(entry, dict):
            yield Violation(path, f"expected a table, found {entry!r}")
            continue
        for name in entry.keys() - {"handset_needs", "internet"}:
            yield Violation(f"{path}.{name}", "there is no such option; known are handset_needs, internet")
        needed = entry.get("handset_needs", [])
        if not isinstance(needed, list) or not all(each in HANDSET_FEATURES for each in needed):
            yield Violation(
                f"{path}.handset_needs", f"expected a list out of {', '.join(HANDSET_FEATURES)}, found {needed!r}"
            )
        if not isinstance(entry.get("internet", False), bool):
            yield Violation(f"{path}.internet", f"expected true or false, found {entry['internet']!r}")
