"""The five services as a test writes them: what each method answers, over a real socket."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeAlias

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status
from visavis.dispatch.v1 import call_list_service_pb2, contact_service_pb2, push_plan_service_pb2
from visavis.feedback.v1 import evaluation_service_pb2, feedback_service_pb2
from visavis.profile.v1 import profile_service_pb2
from visavis.recommendation.v1 import matrix_service_pb2, policy_service_pb2, recommendation_service_pb2
from visavis.scoring.v1 import model_service_pb2, scoring_service_pb2

from shared.errors import Failure, NotFound
from shared.rpc.errors import status_of

_CONTRACTS = (
    profile_service_pb2,
    scoring_service_pb2,
    model_service_pb2,
    recommendation_service_pb2,
    policy_service_pb2,
    matrix_service_pb2,
    push_plan_service_pb2,
    call_list_service_pb2,
    contact_service_pb2,
    feedback_service_pb2,
    evaluation_service_pb2,
)

Answer: TypeAlias = Message | Failure | Callable[[Message], Message | Failure]


@dataclass
class FakeServices:
    """Answers by `answers[method]`, a message, a failure or one by request; keeps in `asked` what it was asked, in order."""

    address: str = ""
    answers: dict[str, list[Answer]] = field(default_factory=dict)
    asked: list[tuple[str, Message]] = field(default_factory=list)

    def will(self, method: str, *answers: Answer) -> None:
        """Answer `method` with each of `answers` in turn, then with the last one for good."""
        self.answers[method] = list(answers)

    def requests(self, method: str) -> list[Message]:
        """Return what `method` was asked."""
        return [request for name, request in self.asked if name == method]

    def answer(self, method: str, request: Message) -> Message:
        self.asked.append((method, request))
        prepared = self.answers.get(method, [NotFound(f"an answer of {method}")])
        found = prepared.pop(0) if len(prepared) > 1 else prepared[0]
        if not isinstance(found, Message | Failure):
            found = found(request)
        if isinstance(found, Failure):
            raise found
        return found


@contextmanager
def serving_fakes() -> Iterator[FakeServices]:
    """Serve every method of every contract on one port, as long as the body runs."""
    fakes = FakeServices()
    server = grpc.server(ThreadPoolExecutor(max_workers=4))
    for contract in _CONTRACTS:
        for service in contract.DESCRIPTOR.services_by_name.values():
            server.add_generic_rpc_handlers((_handler(service, fakes),))
    fakes.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield fakes
    finally:
        server.stop(None).wait()


def _handler(service: ServiceDescriptor, fakes: FakeServices) -> grpc.GenericRpcHandler:
    methods = {method.name: _method(method, fakes) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, methods)


def _method(method: MethodDescriptor, fakes: FakeServices) -> "grpc.RpcMethodHandler[Message, Message]":
    def answer(request: Message, context: grpc.ServicerContext) -> Message:
        try:
            return fakes.answer(method.name, request)
        except Failure as failure:
            context.abort_with_status(rpc_status.to_status(status_of(failure, trace_id="")))

    return grpc.unary_unary_rpc_method_handler(
        answer,
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=lambda response: response.SerializeToString(),
    )
