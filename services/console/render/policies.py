"""Prints policies and the versions of their catalogue."""

from collections.abc import Sequence

from visavis.recommendation.v1 import policy_service_pb2 as pb

from services.console.render.output import Output, enum_word, local_time

_FEN = 100


def print_catalogues(catalogues: Sequence[pb.PolicyCatalogue], output: Output) -> None:
    """Print the versions, as they come."""
    columns = ("catalogue", "policies", "products", "taken in", "by")
    rows = [
        (found.name, found.policy_count, found.product_count, local_time(found.create_time), found.author)
        for found in catalogues
    ]
    output.table("Catalogues of policies", columns, rows)


def print_policy(found: pb.GetPolicyResponse, output: Output) -> None:
    """Print one policy."""
    policy = found.policy
    output.facts(
        f"{policy.policy}: {policy.display_name}",
        {
            "kind": policy.kind.replace("_", " "),
            "zone": enum_word(pb.Zone.Name(policy.zone), "ZONE_"),
            "group": policy.policy_group,
            "product": _product(found),
            "brings too": " ".join(policy.combined_products),
            "offered": f"from {policy.valid_from} until the day before {policy.valid_until}",
            "cities": " ".join(policy.cities) or "all",
            "handset needs": " ".join(policy.handset_needs),
            "presupposes": " ".join(policy.prerequisites),
            "not beside": " ".join(policy.exclusions),
            "margin": _yuan(policy.margin_fen),
            "weight": policy.weight,
            "cost": _yuan(policy.cost_fen),
            "bill, a month": _yuan(policy.revenue_change_fen),
            "BOSS offer": policy.boss_offer_code,
            "say": policy.script,
            "say by phone": policy.call_script,
            "SMS": policy.sms_text,
            "yes by SMS": policy.order_keyword,
            "page": policy.page_url,
            "catalogue": found.policy_catalogue,
        },
    )


def _product(found: pb.GetPolicyResponse) -> str:
    product = found.product
    if not product.product:
        return ""
    kindred = f", for who has it: {' '.join(product.associated_products)}" if product.associated_products else ""
    return f"{product.product} ({product.display_name}, {product.tier.replace('_', ' ')}{kindred})"


def _yuan(fen: int) -> str:
    return f"{fen / _FEN:.2f} yuan"
