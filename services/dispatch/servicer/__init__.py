"""The edge to gRPC: parse, call a use case, render."""

from visavis.dispatch.v1 import call_list_service_pb2, contact_service_pb2, push_plan_service_pb2

SERVICE_NAMES = tuple(
    file.DESCRIPTOR.services_by_name[name].full_name
    for file, name in (
        (push_plan_service_pb2, "PushPlanService"),
        (call_list_service_pb2, "CallListService"),
        (contact_service_pb2, "ContactService"),
    )
)
