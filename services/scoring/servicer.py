"""Scoring's RPCs: parse, call, render."""

import asyncio
import re
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar
from uuid import UUID, uuid4

from visavis.common.v1.dataset_pb2 import DatasetRef
from visavis.scoring.v1 import customer_scores_pb2 as scores_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import model_service_pb2_grpc as model_rpc
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb
from visavis.scoring.v1 import scoring_service_pb2_grpc as scoring_rpc

from services.scoring import use_cases
from services.scoring.datasets import rule_sql
from services.scoring.domain.resources import (
    ENTERPRISE_VIEW_SCHEMA,
    LABEL_SCHEMA,
    MODELS,
    SCORE_SCHEMA,
    SCORING_RUNS,
    VIEW_SCHEMA,
    Model,
    ModelKind,
    ScoringRequest,
    ScoringRun,
    Target,
    TrainingRequest,
)
from services.scoring.ports import PublishedRows, Store
from services.scoring.settings import read_rules
from services.scoring.use_cases import CreateScoringRun, TrainModel
from shared.clock import Clock
from shared.errors import InvalidInput, Violation
from shared.lake.dataset import Dataset
from shared.lake.messages import row_to_message
from shared.lake.refs import from_ref, to_ref
from shared.rpc import pages
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.runs.messages import to_status
from shared.runs.pages import place_of, token_of

SERVICE_NAMES = (
    scoring_pb.DESCRIPTOR.services_by_name["ScoringService"].full_name,
    model_pb.DESCRIPTOR.services_by_name["ModelService"].full_name,
)

_T = TypeVar("_T")
_CYCLE = re.compile(r"\d{4}-(0[1-9]|1[0-2])")
_KIND_PREFIX = "MODEL_KIND_"
_DEFAULT_PAGE = 50
_LARGEST_PAGE = 1000


class ModelServicer(model_rpc.ModelServiceServicer):
    """Trains models and tells of them."""

    def __init__(self, store: Store, rows: PublishedRows, clock: Clock) -> None:
        self._store = store
        self._rows = rows
        self._clock = clock

    async def TrainModel(self, request: model_pb.TrainModelRequest, context: Context) -> model_pb.TrainModelResponse:
        command = _training(request)
        async with self._store.writing() as resources:
            model = await use_cases.train_model(command, resources=resources, clock=self._clock)
        return model_pb.TrainModelResponse(model=_model(model))

    async def GetModel(self, request: model_pb.GetModelRequest, context: Context) -> model_pb.GetModelResponse:
        model_id = resource_id(MODELS, request.name)
        async with self._store.reading() as resources:
            model = await resources.get_model(model_id)
        return model_pb.GetModelResponse(model=_model(model))

    async def ListModels(self, request: model_pb.ListModelsRequest, context: Context) -> model_pb.ListModelsResponse:
        after, limit = place_of(request.page_token, MODELS), _limit(request.page_size)
        async with self._store.reading() as resources:
            models, place = await resources.list_models(after, limit)
        return model_pb.ListModelsResponse(
            models=[_model(model) for model in models], next_page_token=token_of(place, MODELS)
        )

    async def ListNeedProducts(
        self, request: model_pb.ListNeedProductsRequest, context: Context
    ) -> model_pb.ListNeedProductsResponse:
        labels = _dataset(request.history_labels, "history_labels", LABEL_SCHEMA)
        taken = await self._rows.count_taken(labels)
        products = [model_pb.NeedProduct(product=code, taker_count=count) for code, count in sorted(taken.items())]
        return model_pb.ListNeedProductsResponse(products=products)

    async def CheckJudgements(
        self, request: model_pb.CheckJudgementsRequest, context: Context
    ) -> model_pb.CheckJudgementsResponse:
        weighing = use_cases.check_judgements(request.criteria, request.judgements)
        return model_pb.CheckJudgementsResponse(
            weights=weighing.weights,
            consistency_ratio=weighing.consistency_ratio,
            consistent=weighing.is_consistent,
        )


class ScoringServicer(scoring_rpc.ScoringServiceServicer):
    """Scores snapshots and shows single customers' scores."""

    def __init__(self, store: Store, rows: PublishedRows, clock: Clock, *, settings_file: Path) -> None:
        self._store = store
        self._rows = rows
        self._clock = clock
        self._settings_file = settings_file

    async def CreateScoringRun(
        self, request: scoring_pb.CreateScoringRunRequest, context: Context
    ) -> scoring_pb.CreateScoringRunResponse:
        command = _scoring(request)
        async with self._store.writing() as resources:
            scoring_run = await use_cases.create_scoring_run(command, resources=resources, clock=self._clock)
        return scoring_pb.CreateScoringRunResponse(scoring_run=_scoring_run(scoring_run))

    async def GetScoringRun(
        self, request: scoring_pb.GetScoringRunRequest, context: Context
    ) -> scoring_pb.GetScoringRunResponse:
        scoring_run_id = resource_id(SCORING_RUNS, request.name)
        async with self._store.reading() as resources:
            scoring_run = await resources.get_scoring_run(scoring_run_id)
        return scoring_pb.GetScoringRunResponse(scoring_run=_scoring_run(scoring_run))

    async def ListScoringRuns(
        self, request: scoring_pb.ListScoringRunsRequest, context: Context
    ) -> scoring_pb.ListScoringRunsResponse:
        after, limit = place_of(request.page_token, SCORING_RUNS), _limit(request.page_size)
        async with self._store.reading() as resources:
            scoring_runs, place = await resources.list_scoring_runs(after, limit)
        return scoring_pb.ListScoringRunsResponse(
            scoring_runs=[_scoring_run(run) for run in scoring_runs], next_page_token=token_of(place, SCORING_RUNS)
        )

    async def GetCustomerScores(
        self, request: scoring_pb.GetCustomerScoresRequest, context: Context
    ) -> scoring_pb.GetCustomerScoresResponse:
        scoring_run_id = resource_id(SCORING_RUNS, request.scoring_run, field="scoring_run")
        async with self._store.reading() as resources:
            scoring_run = await resources.get_scoring_run(scoring_run_id)
        row = await use_cases.find_scores(scoring_run, request.customer_id, rows=self._rows, caller=current_caller())
        return scoring_pb.GetCustomerScoresResponse(scores=row_to_message(row, scores_pb.CustomerScores))

    async def GetScoringRules(
        self, request: scoring_pb.GetScoringRulesRequest, context: Context
    ) -> scoring_pb.GetScoringRulesResponse:
        rules = await asyncio.to_thread(read_rules, self._settings_file)
        rule_sql(rules)  # refuses rules that fit neither each other nor the views
        return scoring_pb.GetScoringRulesResponse(fingerprint=rules.fingerprint)


def _training(request: model_pb.TrainModelRequest) -> TrainModel:
    violations: list[Violation] = []
    request_id = _noting(violations, partial(_request_id, request.request_id))
    target = _noting(violations, partial(_target, request.kind, request.product))
    views = _noting(violations, partial(_dataset, request.history_views, "history_views", VIEW_SCHEMA))
    labels = _noting(violations, partial(_dataset, request.history_labels, "history_labels", LABEL_SCHEMA))
    if request_id is None or target is None or views is None or labels is None:
        raise InvalidInput(violations)
    return TrainModel(request_id, TrainingRequest(target, views, labels), current_caller().principal)


def _scoring(request: scoring_pb.CreateScoringRunRequest) -> CreateScoringRun:
    violations: list[Violation] = []
    request_id = _noting(violations, partial(_request_id, request.request_id))
    cycle = _noting(violations, partial(_cycle, request.cycle))
    views = _noting(violations, partial(_dataset, request.views, "views", VIEW_SCHEMA))
    enterprises = _noting(
        violations, partial(_optional, request.enterprise_views, "enterprise_views", ENTERPRISE_VIEW_SCHEMA)
    )
    before = _noting(violations, partial(_optional, request.scores_before, "scores_before", SCORE_SCHEMA))
    models = [
        _noting(violations, partial(resource_id, MODELS, name, field=f"models[{i}]"))
        for i, name in enumerate(request.models)
    ]
    if request_id is None or cycle is None or views is None or violations:
        raise InvalidInput(violations)
    known = tuple(model for model in models if model is not None)
    asked = ScoringRequest(cycle, views, known, enterprise_views=enterprises, scores_before=before)
    return CreateScoringRun(request_id, asked, current_caller().principal)


def _noting(violations: list[Violation], parse: Callable[[], _T]) -> _T | None:
    """Return what `parse` returns; if it refuses, note why and go on, so that the caller hears of all faults at once."""
    try:
        return parse()
    except InvalidInput as refused:
        violations += refused.violations
        return None


def _request_id(text: str) -> str:
    try:
        return str(UUID(text)) if text else str(uuid4())
    except ValueError:
        raise InvalidInput.of("request_id", "expected a UUID, or nothing for a new one") from None


def _target(kind: "model_pb.ModelKind.ValueType", product: str) -> Target:
    kinds = {model_pb.ModelKind.Value(f"{_KIND_PREFIX}{known}"): known for known in ModelKind}
    if kind not in kinds:
        raise InvalidInput.of("kind", f"expected one of {', '.join(f'{_KIND_PREFIX}{known}' for known in ModelKind)}")
    if (kinds[kind] is ModelKind.NEED) != bool(product):
        raise InvalidInput.of("product", f"expected with {_KIND_PREFIX}{ModelKind.NEED}, and only with it")
    return Target(kinds[kind], product)


def _dataset(ref: DatasetRef, field: str, schema: str) -> Dataset:
    if not ref.uri:
        raise InvalidInput.of(field, f"expected a reference to rows of {schema}")
    if ref.schema != schema:
        raise InvalidInput.of(f"{field}.schema", f"expected {schema}, got {ref.schema!r}")
    return from_ref(ref)


def _optional(ref: DatasetRef, field: str, schema: str) -> Dataset | None:
    """Return the dataset, None where the field is absent."""
    return _dataset(ref, field, schema) if ref.uri or ref.schema else None


def _cycle(text: str) -> str:
    if not _CYCLE.fullmatch(text):
        raise InvalidInput.of("cycle", f"expected a month like 2026-11, got {text!r}")
    return text


def _limit(page_size: int) -> int:
    return pages.page_size(page_size, default=_DEFAULT_PAGE, maximum=_LARGEST_PAGE)


def _model(model: Model) -> model_pb.Model:
    target = model.request.target
    message = model_pb.Model(
        name=model.run.name,
        kind=model_pb.ModelKind.Value(f"{_KIND_PREFIX}{target.kind}"),
        product=target.product,
        status=to_status(model.run),
    )
    if model.trained is not None:
        quality = model.trained.quality
        message.quality.auc = quality.auc
        message.quality.top_decile_precision = quality.top_decile_precision
        message.quality.base_rate = quality.base_rate
        message.quality.row_count = quality.row_count
    return message


def _scoring_run(scoring_run: ScoringRun) -> scoring_pb.ScoringRun:
    request = scoring_run.request
    message = scoring_pb.ScoringRun(
        name=scoring_run.run.name,
        cycle=request.cycle,
        status=to_status(scoring_run.run),
        views=to_ref(request.views),
        models=[f"{MODELS}/{model_id}" for model_id in request.models],
    )
    if scoring_run.published is not None:
        message.scores.CopyFrom(to_ref(scoring_run.published.scores))
        if scoring_run.published.enterprise_scores is not None:
            message.enterprise_scores.CopyFrom(to_ref(scoring_run.published.enterprise_scores))
    return message
