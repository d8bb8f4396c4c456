"""What the contracts promise is there: every RPC is served, every error reason given, every stored column explained."""

import ast
import importlib
import inspect
import pkgutil
import textwrap
from collections.abc import Iterator

import pytest
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from visavis.common.v1.error_reason_pb2 import ErrorReason

from shared.lake.schema import Column, Logical, columns
from tests.architecture.contract import all_services, grpc_module, owner, row_messages
from tests.architecture.tree import ROOT, SERVICES, dotted, parsed
from tests.contract.test_error_reasons import reasons_named

_MEASURES = {Logical.DECIMAL, Logical.MONEY, Logical.REAL}


def methods() -> list[MethodDescriptor]:
    return [method for service in all_services() for method in service.methods]


def servicers(service: ServiceDescriptor) -> list[type]:
    """Return the classes in the owner's `servicer` module or package that implement the service."""
    base = getattr(grpc_module(service), f"{service.name}Servicer")
    package = importlib.import_module(f"services.{owner(service)}.servicer")
    names = [package.__name__]
    names += [found.name for found in pkgutil.walk_packages(getattr(package, "__path__", []), f"{package.__name__}.")]
    values = [value for name in names for value in vars(importlib.import_module(name)).values()]
    return list(
        {value for value in values if isinstance(value, type) and issubclass(value, base) and value is not base}
    )


def is_stub(definition: ast.stmt) -> bool:
    """Whether a method only says that it isn't there: nothing, `...`, or NotImplementedError or UNIMPLEMENTED."""
    assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)
    said = [s for s in definition.body if not (isinstance(s, ast.Expr) and isinstance(s.value, ast.Constant))]
    named = {dotted(node).rpartition(".")[2] for node in ast.walk(definition) if isinstance(node, ast.expr)}
    return all(isinstance(s, ast.Pass) for s in said) or bool(named & {"NotImplementedError", "UNIMPLEMENTED"})


def test_each_of_the_five_has_a_service_in_the_contract() -> None:
    assert {owner(service) for service in all_services()} == set(SERVICES)


@pytest.mark.parametrize("method", methods(), ids=lambda method: method.full_name.removeprefix("visavis."))
def test_every_rpc_is_implemented(method: MethodDescriptor) -> None:
    service = method.containing_service
    found = servicers(service)
    assert len(found) == 1, f"{service.full_name} wants one servicer in services/{owner(service)}/servicer, has {found}"
    implementation = getattr(found[0], method.name)
    assert implementation.__module__.startswith("services."), f"{found[0].__name__} leaves {method.name} to its base"
    assert inspect.iscoroutinefunction(implementation) or method.server_streaming
    assert not is_stub(ast.parse(textwrap.dedent(inspect.getsource(implementation))).body[0])


@pytest.mark.parametrize(
    "body", ["...", "pass", "'''Soon.'''", "raise NotImplementedError", "await abort(Code.UNIMPLEMENTED)"]
)
def test_a_stub_is_seen(body: str) -> None:
    assert is_stub(ast.parse(f"async def Get(self, request, context):\n    {body}").body[0])


def test_an_answer_is_no_stub() -> None:
    assert not is_stub(ast.parse("async def Get(self, request, context):\n    return await self.read(request)").body[0])


@pytest.mark.parametrize("service", list(all_services()), ids=lambda service: service.name)
def test_every_servicer_is_registered_where_its_process_is_wired(service: ServiceDescriptor) -> None:
    wiring = parsed(ROOT / "services" / owner(service) / "__main__.py")
    called = {dotted(node.func).rpartition(".")[2] for node in ast.walk(wiring) if isinstance(node, ast.Call)}
    assert f"add_{service.name}Servicer_to_server" in called


def test_every_error_reason_is_given_by_some_code() -> None:
    reasons = set(ErrorReason.keys()) - {"ERROR_REASON_UNSPECIFIED"}
    assert reasons - {reason for reason, _ in reasons_named()} == set(), "take it out of the contract, or give it"


@pytest.mark.parametrize("message", list(row_messages()), ids=lambda message: message.name)
def test_every_stored_column_is_explained(message: Descriptor) -> None:
    unexplained = [f"{message.name}.{c.name}: {what}" for c in columns(message) for what in _unsaid(c)]
    assert unexplained == [], "say it in the field's column option"


def _unsaid(column: Column) -> Iterator[str]:
    if column.nullable and column.logical is not Logical.RECORD and not column.null_meaning:
        yield "what an absent value means"
    if column.logical in _MEASURES and not column.unit:
        yield "its unit"
    if column.logical is Logical.INTEGER and column.name.endswith(("_fen", "_yuan", "_date", "_month")):
        yield "its logical type"


def test_rows_are_found() -> None:
    assert {"CustomerView", "CustomerScores", "PolicyListRow", "TargetRow"} <= {
        message.name for message in row_messages()
    }
