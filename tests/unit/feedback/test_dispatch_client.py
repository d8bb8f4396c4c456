"""What dispatch says, as feedback understands it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc
from visavis.dispatch.v1 import contact_service_pb2 as pb
from visavis.dispatch.v1 import contact_service_pb2_grpc as rpc

from services.feedback.clients import DispatchClient
from services.feedback.domain import EventKind


class Told(rpc.ContactServiceServicer):
    """Tells of every kind in the contract, and of one that is not in it."""

    async def ListContactEvents(  # noqa: N802 - gRPC gives servicers their methods' names
        self, request: pb.ListContactEventsRequest, context: object
    ) -> pb.ListContactEventsResponse:
        kinds = [*pb.ContactEventKind.values(), 999]
        events = [pb.ContactEvent(event_id=str(kind), kind=kind) for kind in kinds]  # type: ignore[arg-type] # 999 is to come
        return pb.ListContactEventsResponse(events=events, next_cursor=request.cursor + "1")


@asynccontextmanager
async def dispatch() -> AsyncIterator[DispatchClient]:
    server = grpc.aio.server()
    rpc.add_ContactServiceServicer_to_server(Told(), server)  # type: ignore[abstract] # nobody asks for its other methods
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield DispatchClient.on(channel)
    finally:
        await server.stop(None)


async def test_every_kind_of_the_contract_is_known_and_others_are_passed_over() -> None:
    async with dispatch() as client:
        page = await client.events("1", limit=10)
    assert [event.kind for event in page.events] == list(EventKind)
    assert page.cursor == "11"
