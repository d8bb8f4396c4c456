"""The contracts of protos/visavis, as their generated descriptors have them."""

import functools
import importlib
from collections.abc import Iterator
from types import ModuleType

from google.protobuf.descriptor import Descriptor, FileDescriptor, ServiceDescriptor
from visavis.common.v1 import dataset_pb2

from tests.architecture.tree import ROOT


@functools.cache
def _files() -> tuple[FileDescriptor, ...]:
    protos = ROOT / "protos"
    names = [path.relative_to(protos).with_suffix("") for path in sorted(protos.rglob("*.proto"))]
    return tuple(importlib.import_module(".".join(name.parts) + "_pb2").DESCRIPTOR for name in names)


def all_services() -> Iterator[ServiceDescriptor]:
    for file in _files():
        yield from file.services_by_name.values()


def grpc_module(service: ServiceDescriptor) -> ModuleType:
    """Return the generated module that has the base class of the servicer."""
    return importlib.import_module(service.file.name.removesuffix(".proto").replace("/", ".") + "_pb2_grpc")


def owner(service: ServiceDescriptor) -> str:
    """Return which of ours serves it: `visavis.profile.v1` is profile's."""
    return str(service.file.package.split(".")[1])


def row_messages() -> Iterator[Descriptor]:
    """Yield each message whose fields are columns of a dataset, or of a record in one: some field has a column option."""
    for file in _files():
        for message in file.message_types_by_name.values():
            if any(field.GetOptions().HasExtension(dataset_pb2.column) for field in message.fields):
                yield message
