"""Typed clients of the five services: the only way the console reaches anything."""

import getpass
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from google.protobuf.descriptor import ServiceDescriptor
from visavis.dispatch.v1 import (
    call_list_service_pb2,
    call_list_service_pb2_grpc,
    contact_service_pb2,
    contact_service_pb2_grpc,
    push_plan_service_pb2,
    push_plan_service_pb2_grpc,
)
from visavis.feedback.v1 import (
    evaluation_service_pb2,
    evaluation_service_pb2_grpc,
    feedback_service_pb2,
    feedback_service_pb2_grpc,
)
from visavis.profile.v1 import profile_service_pb2, profile_service_pb2_grpc
from visavis.recommendation.v1 import (
    matrix_service_pb2,
    matrix_service_pb2_grpc,
    policy_service_pb2,
    policy_service_pb2_grpc,
    recommendation_service_pb2,
    recommendation_service_pb2_grpc,
)
from visavis.scoring.v1 import (
    model_service_pb2,
    model_service_pb2_grpc,
    scoring_service_pb2,
    scoring_service_pb2_grpc,
)

from services.console.settings import PORTS, ConsoleSettings
from services.console.supervisor.supervisor import PROCESSES
from shared.errors import Unavailable
from shared.rpc.client import open_channel, reading_methods
from shared.rpc.identity import Caller, Role

if TYPE_CHECKING:  # the async stubs exist for the type checker only
    from visavis.dispatch.v1.call_list_service_pb2_grpc import CallListServiceAsyncStub
    from visavis.dispatch.v1.contact_service_pb2_grpc import ContactServiceAsyncStub
    from visavis.dispatch.v1.push_plan_service_pb2_grpc import PushPlanServiceAsyncStub
    from visavis.feedback.v1.evaluation_service_pb2_grpc import EvaluationServiceAsyncStub
    from visavis.feedback.v1.feedback_service_pb2_grpc import FeedbackServiceAsyncStub
    from visavis.profile.v1.profile_service_pb2_grpc import ProfileServiceAsyncStub
    from visavis.recommendation.v1.matrix_service_pb2_grpc import MatrixServiceAsyncStub
    from visavis.recommendation.v1.policy_service_pb2_grpc import PolicyServiceAsyncStub
    from visavis.recommendation.v1.recommendation_service_pb2_grpc import RecommendationServiceAsyncStub
    from visavis.scoring.v1.model_service_pb2_grpc import ModelServiceAsyncStub
    from visavis.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub

_SERVICES: tuple[ServiceDescriptor, ...] = tuple(
    service
    for module in (
        call_list_service_pb2,
        contact_service_pb2,
        push_plan_service_pb2,
        evaluation_service_pb2,
        feedback_service_pb2,
        profile_service_pb2,
        matrix_service_pb2,
        policy_service_pb2,
        recommendation_service_pb2,
        model_service_pb2,
        scoring_service_pb2,
    )
    for service in module.DESCRIPTOR.services_by_name.values()
)


@dataclass(frozen=True, slots=True)
class Clients:
    """One stub per service of the contracts. Failures are shared.errors."""

    profile: "ProfileServiceAsyncStub"
    scoring: "ScoringServiceAsyncStub"
    models: "ModelServiceAsyncStub"
    recommendation: "RecommendationServiceAsyncStub"
    matrices: "MatrixServiceAsyncStub"
    policies: "PolicyServiceAsyncStub"
    plans: "PushPlanServiceAsyncStub"
    calls: "CallListServiceAsyncStub"
    contacts: "ContactServiceAsyncStub"
    feedback: "FeedbackServiceAsyncStub"
    evaluation: "EvaluationServiceAsyncStub"


@asynccontextmanager
async def connect(settings: ConsoleSettings, *, principal: str = "") -> AsyncIterator[Clients]:
    """Open one channel per service, in the role of operations; nothing is sent before the first call.

    The calls are made by `principal`, without it by that of the settings, without either by the operating system's user.

    Where nothing was started in this home, an absent service is told with the command that starts it.
    """
    retry = reading_methods(*_SERVICES)
    operator = operator_of(settings, principal)
    async with AsyncExitStack() as stack:
        stack.enter_context(_telling_how_to_start(settings))
        channel = {
            name: await stack.enter_async_context(
                open_channel(settings.address(name), client_name="console", caller=operator, retry=retry)
            )
            for name in PORTS
        }
        yield Clients(
            profile=profile_service_pb2_grpc.ProfileServiceStub(channel["profile"]),
            scoring=scoring_service_pb2_grpc.ScoringServiceStub(channel["scoring"]),
            models=model_service_pb2_grpc.ModelServiceStub(channel["scoring"]),
            recommendation=recommendation_service_pb2_grpc.RecommendationServiceStub(channel["recommendation"]),
            matrices=matrix_service_pb2_grpc.MatrixServiceStub(channel["recommendation"]),
            policies=policy_service_pb2_grpc.PolicyServiceStub(channel["recommendation"]),
            plans=push_plan_service_pb2_grpc.PushPlanServiceStub(channel["dispatch"]),
            calls=call_list_service_pb2_grpc.CallListServiceStub(channel["dispatch"]),
            contacts=contact_service_pb2_grpc.ContactServiceStub(channel["dispatch"]),
            feedback=feedback_service_pb2_grpc.FeedbackServiceStub(channel["feedback"]),
            evaluation=evaluation_service_pb2_grpc.EvaluationServiceStub(channel["feedback"]),
        )


@contextmanager
def _telling_how_to_start(settings: ConsoleSettings) -> Iterator[None]:
    try:
        yield
    except Unavailable as absent:
        if (settings.home / PROCESSES).exists():
            raise
        hint = f"nothing was started with VISAVIS_HOME={settings.home}: start it with `visavis up` or `make run`"
        raise Unavailable(f"{absent.message}; {hint}", reason=absent.reason) from absent


def operator_of(settings: ConsoleSettings, principal: str = "") -> Caller:
    """Return whom commands act for."""
    return Caller(principal or settings.principal or _user(), Role.OPERATIONS)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user need not have an entry in the password file
        return f"uid-{os.getuid()}"
