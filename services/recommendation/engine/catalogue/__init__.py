"""The catalogue: policies and products as planners keep them in spreadsheets, read and checked whole."""

from collections.abc import Iterable, Iterator, Mapping

from services.recommendation.domain import Catalogue, Policy, Product
from services.recommendation.engine.catalogue.policies import read_policies
from services.recommendation.engine.catalogue.products import read_products
from services.recommendation.engine.feel import did_you_mean
from shared.errors import InvalidInput, Violation

__all__ = ["join_catalogue", "read_catalogue", "read_policies", "read_products"]

_INVALID = "ERROR_REASON_POLICY_INVALID"


def read_catalogue(policies_csv: str, products_csv: str) -> Catalogue:
    """Return the catalogue of two sheets, the second of which may be empty. Raises InvalidInput (POLICY_INVALID)."""
    return join_catalogue(read_policies(policies_csv), read_products(products_csv) if products_csv else None)


def join_catalogue(policies: Mapping[str, Policy], products: Mapping[str, Product] | None) -> Catalogue:
    """Return the catalogue; without products, those that policies name stand in it undescribed.

    Raises InvalidInput (POLICY_INVALID) naming each policy that speaks of what is not there.
    """
    catalogue = Catalogue(policies, _undescribed(policies) if products is None else products)
    if violations := list(_unknown(catalogue.policies, catalogue.products)):
        raise InvalidInput(violations, reason=_INVALID)
    return catalogue


def _undescribed(policies: Mapping[str, Policy]) -> Mapping[str, Product]:
    codes = sorted({code for policy in policies.values() for code in (*policy.products, *policy.prerequisites)})
    return {code: Product.undescribed(code) for code in codes}


def _unknown(policies: Mapping[str, Policy], products: Mapping[str, Product]) -> Iterator[Violation]:
    """Yield the names in policies that stand for nothing."""
    for policy in policies.values():
        yield from _missing(policy.policy, "product", policy.products, products)
        yield from _missing(policy.policy, "prerequisite", policy.prerequisites, products)
        yield from _missing(policy.policy, "exclusion", policy.exclusions, policies)


def _missing(policy: str, what: str, named: Iterable[str], known: Mapping[str, object]) -> Iterator[Violation]:
    for name in named:
        if name not in known:
            yield Violation(
                f"policy {policy}", f'{what} "{name}" is not in the catalogue{did_you_mean(name, list(known))}'
            )
