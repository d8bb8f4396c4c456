"""Versions of the policy catalogue, and single policies of them, over RPC."""

from datetime import timedelta

import pytest
from visavis.recommendation.v1 import policy_service_pb2 as pb

from shared.errors import InvalidInput, NotFound
from tests.factories.recommendation import catalogue_csv, policy_row, product_row, products_csv
from tests.integration.recommendation.service import Service


async def taken(service: Service, margin: str) -> str:
    asked = pb.ImportPoliciesRequest(
        csv=catalogue_csv([policy_row("paper", margin_fen=margin, weight="1.2")]),
        products_content=products_csv([product_row("mobile_newspaper")]).encode(),
    )
    return (await service.policies.ImportPolicies(asked)).policy_catalogue


async def test_catalogues_are_listed_newest_first_page_by_page(service: Service) -> None:
    names = [await taken(service, margin) for margin in ("1", "2", "3")]
    found: list[pb.PolicyCatalogue] = []
    token = ""
    while True:
        page = await service.policies.ListPolicyCatalogues(
            pb.ListPolicyCataloguesRequest(page_size=2, page_token=token)
        )
        found += page.policy_catalogues
        token = page.next_page_token
        if not token:
            break
    assert {catalogue.name for catalogue in found} == set(names)
    assert len(found) == len(names)
    assert {(catalogue.policy_count, catalogue.product_count, catalogue.author) for catalogue in found} == {
        (1, 1, "test")
    }


async def test_a_policy_is_read_with_its_product_from_the_newest_catalogue_or_a_named_one(service: Service) -> None:
    older = await taken(service, "1")
    service.clock.advance(timedelta(seconds=1))
    newer = await taken(service, "2")
    newest = await service.policies.GetPolicy(pb.GetPolicyRequest(policy="paper"))
    assert (newest.policy_catalogue, newest.policy.margin_fen) == (newer, 2)
    told = await service.policies.GetPolicy(pb.GetPolicyRequest(parent=older, policy="paper"))
    assert (told.policy.margin_fen, told.policy.weight, told.product.product) == (1, "1.20", "mobile_newspaper")
    assert told.policy_catalogue == older
    with pytest.raises(NotFound, match="policy paper-x in policyCatalogues/"):
        await service.policies.GetPolicy(pb.GetPolicyRequest(policy="paper-x"))
    with pytest.raises(InvalidInput, match="policy: is missing"):
        await service.policies.GetPolicy(pb.GetPolicyRequest(parent=older))
