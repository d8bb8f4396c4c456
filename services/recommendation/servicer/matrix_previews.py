"""Previews of drafts as RPCs: asked for, looked up, the customers whose lists would change page by page."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Protocol

from visavis.recommendation.v1 import matrix_preview_pb2 as pb

from services.recommendation.ports import Logbook, Runs
from services.recommendation.servicer.preview_messages import asked_channels, preview_message
from services.recommendation.servicer.requests import DEFAULT_PAGE, LARGEST_PAGE, finished_run, identifier
from services.recommendation.use_cases.assembly import ASSEMBLY_RUNS, AssemblyOrder, AssemblyResult
from services.recommendation.use_cases.imports import CATALOGUES, MATRICES
from services.recommendation.use_cases.previews import (
    MATRIX_PREVIEWS,
    AssembledBy,
    PreviewAsked,
    PreviewOrder,
    PreviewResult,
    order_preview,
)
from services.recommendation.use_cases.rules import Readings
from shared.clock import Clock
from shared.errors import AlreadyExists, NotFound
from shared.lake.dataset import Dataset
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.rpc.pages import encode_token, number_key, page_size, place_in
from shared.runs.json import from_json, to_json
from shared.runs.pages import place_of, token_of

_LIST = "matrix previews"


class Changes(Protocol):
    """Reads the customers whose lists a preview would change."""

    def page(
        self, changes: Dataset, *, after: int, limit: int, cities: Collection[str] | None
    ) -> Sequence[pb.PreviewChange]:
        """Return the changes in the places behind `after`, up to `limit` places on, of these cities (None: of all)."""
        ...


class MatrixPreviewMethods:
    """The part of MatrixService that shows what drafts would change."""

    _runs: Runs
    _logbook: Logbook
    _readings: Readings
    _changes: Changes
    _clock: Clock

    async def PreviewMatrix(self, request: pb.PreviewMatrixRequest, context: Context) -> pb.PreviewMatrixResponse:
        asked, run_id = _asked(request), identifier(request.request_id)
        order = await self._ordered_before(asked, run_id) or await self._order(asked)
        run = await self._runs.create(
            MATRIX_PREVIEWS, run_id, to_json(order), principal=current_caller().principal, now=self._clock.now()
        )
        return pb.PreviewMatrixResponse(matrix_preview=preview_message(run, current_caller()))

    async def GetMatrixPreview(
        self, request: pb.GetMatrixPreviewRequest, context: Context
    ) -> pb.GetMatrixPreviewResponse:
        run = await self._runs.get(MATRIX_PREVIEWS, resource_id(MATRIX_PREVIEWS, request.name))
        return pb.GetMatrixPreviewResponse(matrix_preview=preview_message(run, current_caller()))

    async def ListMatrixPreviews(
        self, request: pb.ListMatrixPreviewsRequest, context: Context
    ) -> pb.ListMatrixPreviewsResponse:
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        page = await self._runs.page(MATRIX_PREVIEWS, after=place_of(request.page_token, _LIST), limit=size)
        previews = (preview_message(run, current_caller(), counted=False) for run in page.runs)
        return pb.ListMatrixPreviewsResponse(matrix_previews=previews, next_page_token=token_of(page.next_place, _LIST))

    async def ListPreviewChanges(
        self, request: pb.ListPreviewChangesRequest, context: Context
    ) -> pb.ListPreviewChangesResponse:
        run_id = resource_id(MATRIX_PREVIEWS, request.parent, field="parent")
        run = await finished_run(self._runs, MATRIX_PREVIEWS, run_id)
        changes = from_json(PreviewResult, run.result).changes
        size = page_size(request.page_size, default=DEFAULT_PAGE, maximum=LARGEST_PAGE)
        after = place_in(request.page_token, run.name, number_key) or 0
        cities = current_caller().cities
        found = await asyncio.to_thread(self._changes.page, changes, after=after, limit=size, cities=cities)
        more = after + size < changes.row_count
        token = encode_token([after + size], run.name) if more else ""
        return pb.ListPreviewChangesResponse(changes=found, next_page_token=token)

    async def _order(self, asked: PreviewAsked) -> PreviewOrder:
        run_id = asked.assembly_run or await self._runs.switched_in()
        run = await finished_run(self._runs, ASSEMBLY_RUNS, run_id)
        made = AssembledBy(
            run.name, from_json(AssemblyOrder, run.request), from_json(AssemblyResult, run.result).circumstances
        )
        return await order_preview(asked, made, logbook=self._logbook, readings=self._readings)

    async def _ordered_before(self, asked: PreviewAsked, run_id: str) -> PreviewOrder | None:
        """Return the order of a run that the same request has asked for: it holds whatever is published by now.

        Raises AlreadyExists for the id of another request.
        """
        try:
            order = from_json(PreviewOrder, (await self._runs.get(MATRIX_PREVIEWS, run_id)).request)
        except NotFound:
            return None
        if order.asked != asked:
            raise AlreadyExists(f"{MATRIX_PREVIEWS}/{run_id}")
        return order


def _asked(request: pb.PreviewMatrixRequest) -> PreviewAsked:
    named = request.policy_catalogue, request.assembly_run
    return PreviewAsked(
        drafts=tuple(dict.fromkeys(resource_id(MATRICES, name, field="matrices") for name in request.matrices)),
        catalogue_id=resource_id(CATALOGUES, named[0], field="policy_catalogue") if named[0] else "",
        assembly_run=resource_id(ASSEMBLY_RUNS, named[1], field="assembly_run") if named[1] else "",
        capacities=asked_channels(request.capacities),
    )
