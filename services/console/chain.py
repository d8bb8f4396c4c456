"""The chain of one push, read link by link from the services: from the extract to what came of it."""

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.dispatch.v1 import push_record_pb2 as record_pb
from visavis.feedback.v1 import evaluation_service_pb2 as evaluation_pb
from visavis.profile.v1 import profile_service_pb2 as profile_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb
from visavis.scoring.v1 import customer_scores_pb2 as scores_pb
from visavis.scoring.v1 import model_service_pb2 as model_pb
from visavis.scoring.v1 import scoring_service_pb2 as scoring_pb

from services.console.clients import Clients
from services.console.render.output import as_value
from shared.errors import Failure

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class PushChain:
    """Everything that led to a push, and that came of it. A link that could not be read is None; `missing` says which, and why."""

    told: plan_pb.GetPushResponse
    selection: recommendation_pb.TargetSelection | None
    lists: recommendation_pb.AssemblyRun | None
    explanation: recommendation_pb.ExplainPolicyListResponse | None
    snapshot: profile_pb.Snapshot | None
    imported: profile_pb.Import | None
    scoring_run: scoring_pb.ScoringRun | None
    scores: scores_pb.CustomerScores | None
    models: Sequence[model_pb.Model]
    outcome: evaluation_pb.MemberOutcome | None
    missing: Mapping[str, str]

    @property
    def push_trace(self) -> str:
        """The trace of its latest contact, 32 hex digits; empty where nothing was reserved or traced."""
        contacts = self.told.record.contacts
        return contacts[-1].contact.trace_id if contacts else ""

    @property
    def lists_trace(self) -> str:
        """The trace from the extract to the lists; empty where that is not known."""
        return self.lists.status.trace_id if self.lists else ""

    def as_json(self) -> dict[str, object]:
        """Return the chain as one JSON object, messages with the field names of the contracts; missing links are null."""
        links = {
            "import": self.imported,
            "snapshot": self.snapshot,
            "scoring_run": self.scoring_run,
            "scores": self.scores,
            "assembly_run": self.lists,
            "explanation": self.explanation,
            "target_selection": self.selection,
            "outcome": self.outcome,
        }
        return {
            **as_value(self.told),
            **{name: None if link is None else as_value(link) for name, link in links.items()},
            "models": [as_value(model) for model in self.models],
            "traces": {"push": self.push_trace, "lists": self.lists_trace},
            "missing": dict(self.missing),
        }


async def read_chain(push: str, clients: Clients) -> PushChain:
    """Read all links of `pushes/{push}`. Raises what GetPush raises; whatever else cannot be read is missing."""
    told = await clients.plans.GetPush(plan_pb.GetPushRequest(name=push))
    reader, customer = _Reader(clients, {}), told.push.customer_id
    outcome, selection = await asyncio.gather(
        reader.outcome(told.record.push_plan, customer), reader.selection(told.record)
    )
    lists, explanation = await asyncio.gather(reader.lists(selection), reader.explanation(selection, customer))
    (snapshot, imported), (scoring_run, models), scores = await asyncio.gather(
        reader.data(lists), reader.scoring(lists), reader.scores(lists, customer)
    )
    return PushChain(
        told=told,
        selection=selection,
        lists=lists,
        explanation=explanation,
        snapshot=snapshot,
        imported=imported,
        scoring_run=scoring_run,
        scores=scores,
        models=models,
        outcome=outcome,
        missing=reader.missing,
    )


@dataclass(frozen=True, slots=True)
class _Reader:
    """Reads links; of one that fails it keeps the reason."""

    clients: Clients
    missing: dict[str, str]

    async def selection(self, record: record_pb.PushRecord) -> recommendation_pb.TargetSelection | None:
        asked = recommendation_pb.GetTargetSelectionRequest(targets=record.targets)
        answer = await self._read("target selection", self.clients.recommendation.GetTargetSelection(asked))
        return answer.target_selection if answer else None

    async def outcome(self, plan: str, customer: str) -> evaluation_pb.MemberOutcome | None:
        asked = evaluation_pb.GetMemberOutcomeRequest(push_plan=plan, customer_id=customer)
        answer = await self._read("outcome", self.clients.evaluation.GetMemberOutcome(asked))
        return answer.outcome if answer else None

    async def lists(self, selection: recommendation_pb.TargetSelection | None) -> recommendation_pb.AssemblyRun | None:
        if selection is None:
            self._unknown("target selection", "lists")
            return None
        asked = recommendation_pb.GetAssemblyRunRequest(name=selection.assembly_run)
        answer = await self._read("lists", self.clients.recommendation.GetAssemblyRun(asked))
        return answer.assembly_run if answer else None

    async def explanation(
        self, selection: recommendation_pb.TargetSelection | None, customer: str
    ) -> recommendation_pb.ExplainPolicyListResponse | None:
        if selection is None:
            self._unknown("target selection", "matrices")
            return None
        asked = recommendation_pb.ExplainPolicyListRequest(customer_id=customer, target_selection=selection.name)
        return await self._read("matrices", self.clients.recommendation.ExplainPolicyList(asked))

    async def data(
        self, lists: recommendation_pb.AssemblyRun | None
    ) -> tuple[profile_pb.Snapshot | None, profile_pb.Import | None]:
        if lists is None:
            self._unknown("lists", "snapshot", "extract")
            return None, None
        asked = profile_pb.GetSnapshotRequest(name=lists.snapshot)
        found = await self._read("snapshot", self.clients.profile.GetSnapshot(asked))
        if found is None:
            self._unknown("snapshot", "extract")
            return None, None
        asked_import = profile_pb.GetImportRequest(name=found.snapshot.import_run)
        answer = await self._read("extract", self.clients.profile.GetImport(asked_import))
        return found.snapshot, answer.import_run if answer else None

    async def scoring(
        self, lists: recommendation_pb.AssemblyRun | None
    ) -> tuple[scoring_pb.ScoringRun | None, Sequence[model_pb.Model]]:
        if lists is None:
            self._unknown("lists", "scoring run")
            return None, ()
        asked = scoring_pb.GetScoringRunRequest(name=lists.scoring_run)
        found = await self._read("scoring run", self.clients.scoring.GetScoringRun(asked))
        if found is None:
            return None, ()
        answers = await asyncio.gather(*(self._model(name) for name in found.scoring_run.models))
        return found.scoring_run, [answer.model for answer in answers if answer]

    async def scores(
        self, lists: recommendation_pb.AssemblyRun | None, customer: str
    ) -> scores_pb.CustomerScores | None:
        if lists is None:
            self._unknown("lists", "scores")
            return None
        asked = scoring_pb.GetCustomerScoresRequest(scoring_run=lists.scoring_run, customer_id=customer)
        answer = await self._read("scores", self.clients.scoring.GetCustomerScores(asked))
        return answer.scores if answer else None

    async def _model(self, name: str) -> model_pb.GetModelResponse | None:
        return await self._read(name, self.clients.models.GetModel(model_pb.GetModelRequest(name=name)))

    async def _read(self, link: str, answer: Awaitable[_Answer]) -> _Answer | None:
        try:
            return await answer
        except Failure as failure:
            self.missing[link] = failure.message
            return None

    def _unknown(self, without: str, *links: str) -> None:
        self.missing.update(dict.fromkeys(links, f"not known without the {without}"))
