"""What the fields of customers can hold, as their contracts say."""

from collections.abc import Mapping
from dataclasses import replace

from services.recommendation.domain import Catalogue
from services.recommendation.engine.checking.columns import Domains
from services.recommendation.engine.checking.segments import Domain
from services.recommendation.engine.feel import FieldType
from services.recommendation.engine.rulebook import PAIR_FIELDS


def domains_of(fields: Mapping[str, FieldType], catalogue: Catalogue | None) -> Domains:
    """Return the domains of all fields, of the grain customer x product too: a field that says what null means can be null.

    With a catalogue, products are those that its policies are about.
    """
    known = {name: Domain(each, bool(each.null_meaning)) for name, each in {**fields, **PAIR_FIELDS}.items()}
    if catalogue is None:
        return known
    products = tuple(sorted({policy.product for policy in catalogue.policies.values() if policy.product}))
    if products:
        known["product"] = Domain(replace(PAIR_FIELDS["product"], domain=products), nullable=False)
    return known
