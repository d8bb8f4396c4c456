"""PolicyService: takes policy catalogues in, and shows them and their policies."""

from visavis.recommendation.v1 import policy_service_pb2 as pb
from visavis.recommendation.v1 import policy_service_pb2_grpc as rpc

from services.recommendation.engine.sheets import Document
from services.recommendation.ports import Place, Rulebook, StoredCatalogue
from services.recommendation.servicer.render import policy_message, product_message
from services.recommendation.servicer.requests import DEFAULT_PAGE, LARGEST_PAGE, document, file_format, identifier
from services.recommendation.use_cases.exports import export_policies
from services.recommendation.use_cases.imports import CATALOGUES, import_policies
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock
from shared.errors import InvalidInput, NotFound
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.rpc.pages import Key, encode_token, instant_key, page_size, place_in, text_key

_LIST = "policy catalogues"


class PolicyServicer(rpc.PolicyServiceServicer):
    """Each import makes a catalogue of its own."""

    def __init__(self, *, rulebook: Rulebook, readings: Readings, clock: Clock) -> None:
        self._rulebook = rulebook
        self._readings = readings
        self._clock = clock

    async def ImportPolicies(self, request: pb.ImportPoliciesRequest, context: Context) -> pb.ImportPoliciesResponse:
        catalogue = await import_policies(
            document(request),
            Document(request.products_content, request.products_file_name),
            catalogue_id=identifier(request.request_id),
            author=current_caller().principal,
            rulebook=self._rulebook,
            clock=self._clock,
        )
        name = f"{CATALOGUES}/{catalogue.catalogue_id}"
        return pb.ImportPoliciesResponse(
            policy_catalogue=name, policy_count=catalogue.policy_count, product_count=catalogue.product_count
        )

    async def ListPolicies(self, request: pb.ListPoliciesRequest, context: Context) -> pb.ListPoliciesResponse:
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        after, catalogue_id = await self._place(request)
        policies = (await self._readings.catalogue(catalogue_id)).policies
        codes = sorted(code for code in policies if code > after)
        token = ""
        if len(codes) > size:
            token = encode_token([codes[size - 1], catalogue_id], _filters(request))
        shown = [policy_message(policies[code]) for code in codes[:size]]
        return pb.ListPoliciesResponse(policies=shown, next_page_token=token)

    async def GetPolicy(self, request: pb.GetPolicyRequest, context: Context) -> pb.GetPolicyResponse:
        if not request.policy:
            raise InvalidInput.of("policy", "is missing")
        catalogue_id = await self._catalogue_id(request.parent)
        catalogue, name = await self._readings.catalogue(catalogue_id), f"{CATALOGUES}/{catalogue_id}"
        policy = catalogue.policies.get(request.policy)
        if policy is None:
            raise NotFound(f"policy {request.policy} in {name}")
        product = catalogue.products.get(policy.product)
        return pb.GetPolicyResponse(
            policy=policy_message(policy),
            product=None if product is None else product_message(product),
            policy_catalogue=name,
        )

    async def ListPolicyCatalogues(
        self, request: pb.ListPolicyCataloguesRequest, context: Context
    ) -> pb.ListPolicyCataloguesResponse:
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        found = await self._rulebook.catalogues(after=place_in(request.page_token, _LIST, _moment), limit=size + 1)
        shown = found[:size]
        token = ""
        if len(found) > size:
            token = encode_token([shown[-1].create_time.isoformat(), shown[-1].catalogue_id], _LIST)
        return pb.ListPolicyCataloguesResponse(policy_catalogues=map(_catalogue, shown), next_page_token=token)

    async def ExportPolicies(self, request: pb.ExportPoliciesRequest, context: Context) -> pb.ExportPoliciesResponse:
        wanted = file_format(request.format)
        content = await export_policies(await self._catalogue_id(request.parent), wanted, rulebook=self._rulebook)
        return pb.ExportPoliciesResponse(content=content)

    async def _place(self, request: pb.ListPoliciesRequest) -> tuple[str, str]:
        """Return the code after which the page begins, and the catalogue.

        The token names the catalogue, so that "the newest" stays the same from page to page.
        """
        place = place_in(request.page_token, _filters(request), _place)
        if place is not None:
            return place
        return "", await self._catalogue_id(request.parent)

    async def _catalogue_id(self, parent: str) -> str:
        """Return the id of the catalogue that is named, or of the newest."""
        return resource_id(CATALOGUES, parent, field="parent") if parent else await self._rulebook.newest_catalogue_id()


def _moment(create_time: Key, catalogue_id: Key) -> Place:
    return Place(instant_key(create_time), text_key(catalogue_id))


def _catalogue(catalogue: StoredCatalogue) -> pb.PolicyCatalogue:
    message = pb.PolicyCatalogue(
        name=f"{CATALOGUES}/{catalogue.catalogue_id}",
        policy_count=catalogue.policy_count,
        product_count=catalogue.product_count,
        author=catalogue.author,
    )
    message.create_time.FromDatetime(catalogue.create_time)
    return message


def _place(code: Key, catalogue_id: Key) -> tuple[str, str]:
    return text_key(code), text_key(catalogue_id)


def _filters(request: pb.ListPoliciesRequest) -> str:
    return f"policies of {request.parent}"
