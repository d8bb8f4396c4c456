"""Looks whether the ports of an installation are free, before anything is started."""

import socket
from collections.abc import Mapping

from shared.errors import InvalidInput, Violation


def require_free_ports(wanted: Mapping[str, str]) -> None:
    """Raise InvalidInput naming every port that cannot be listened on. `wanted` is variable -> host:port."""
    refusals = {variable: _refusal(address) for variable, address in wanted.items()}
    taken = [
        Violation(variable, f"{wanted[variable]}: {why}; end what uses it, or set {variable} to a free port")
        for variable, why in refusals.items()
        if why
    ]
    if taken:
        raise InvalidInput(taken)


def _refusal(address: str) -> str:
    host, _, port = address.rpartition(":")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # as servers do: a closed connection is no hindrance
        try:
            probe.bind((host, int(port)))
            probe.listen(1)
        except OSError as error:
            return error.strerror or str(error)
    return ""
