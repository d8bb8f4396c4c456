"""Who is calling: role and scope from call metadata, visible to whatever runs within the call.

Metadata (text is percent-encoded, since gRPC metadata is ASCII): `visavis-principal`, `visavis-role` (a `Role`) and
`visavis-cities` (comma-separated codes, or `*` for all). All or none: without any of them only a caller on loopback is
let in, as the local operator. Nothing is proved yet: tokens and TLS come with the first listener beyond loopback.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote, unquote

from shared.errors import Denied

PRINCIPAL_KEY = "visavis-principal"
ROLE_KEY = "visavis-role"
CITIES_KEY = "visavis-cities"
ALL_CITIES = "*"
_LOOPBACK = ("ipv4:127.", "ipv6:[::1]", "ipv6:%5B::1%5D", "unix:")


class Role(StrEnum):
    """What a caller is; each method names those that may call it."""

    CLERK = "clerk"
    AGENT = "agent"
    CALL_PLATFORM = "call_platform"
    PLANNER = "planner"
    ANALYST = "analyst"
    OPERATIONS = "operations"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Caller:
    """A person or program and its scope; `cities` of None means all."""

    principal: str
    role: Role
    cities: frozenset[str] | None = None

    def sees(self, city: str) -> bool:
        return self.cities is None or city in self.cities

    def require(self, *roles: Role) -> None:
        """Raise `Denied` unless the caller has one of `roles`."""
        if self.role not in roles:
            raise Denied(f"this needs the role {' or '.join(roles)}; {self.principal} has {self.role}")


LOCAL = Caller("local", Role.OPERATIONS)
_current: ContextVar[Caller | None] = ContextVar("visavis_caller", default=None)


def current_caller() -> Caller:
    """Return who makes the call being served; outside of one, whom `acting_as` names. Neither is a bug: LookupError."""
    caller = _current.get()
    if caller is None:
        raise LookupError("nobody is calling: not within an RPC, nor within acting_as()")
    return caller


def caller_or(default: Caller) -> Caller:
    return _current.get() or default


def enter_caller(caller: Caller) -> None:
    """Set the caller for the rest of this task; a server's call has a task of its own."""
    _current.set(caller)


@contextmanager
def acting_as(caller: Caller) -> Iterator[None]:
    """Make calls on behalf of `caller`: a worker's job, a command, a test."""
    token = _current.set(caller)
    try:
        yield
    finally:
        _current.reset(token)


def require(*roles: Role) -> Caller:
    """Return the current caller; raise `Denied` unless it has one of `roles`."""
    caller = current_caller()
    caller.require(*roles)
    return caller


def caller_metadata(caller: Caller) -> tuple[tuple[str, str], ...]:
    """Return what tells a server that `caller` is calling."""
    cities = ALL_CITIES if caller.cities is None else ",".join(quote(city, safe="") for city in sorted(caller.cities))
    return ((PRINCIPAL_KEY, quote(caller.principal, safe="")), (ROLE_KEY, caller.role.value), (CITIES_KEY, cities))


def caller_of(metadata: Mapping[str, str], *, peer: str) -> Caller:
    """Read the caller from a call's metadata. `peer` is gRPC's address of the other side. Raises `Denied`."""
    principal, role, cities = (metadata.get(key) for key in (PRINCIPAL_KEY, ROLE_KEY, CITIES_KEY))
    if principal is None and role is None and cities is None:
        return _local(peer)
    if not principal or role is None or cities is None:
        raise Denied(f"identity is incomplete: {PRINCIPAL_KEY}, {ROLE_KEY} and {CITIES_KEY} go together")
    return Caller(unquote(principal), _role(role), _cities(cities))


def _local(peer: str) -> Caller:
    if not peer.startswith(_LOOPBACK):
        raise Denied(f"a caller from another machine must say who it is: {PRINCIPAL_KEY}, {ROLE_KEY}, {CITIES_KEY}")
    return LOCAL


def _role(text: str) -> Role:
    try:
        return Role(text)
    except ValueError:
        raise Denied(f"{ROLE_KEY} {text!r} is unknown; expected one of {', '.join(Role)}") from None


def _cities(text: str) -> frozenset[str] | None:
    return None if text == ALL_CITIES else frozenset(unquote(city) for city in text.split(",") if city)
