"""Who is calling, as metadata and back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import Denied
from shared.rpc.identity import (
    LOCAL,
    Caller,
    Role,
    acting_as,
    caller_metadata,
    caller_of,
    current_caller,
    require,
)

CALLERS = st.builds(
    Caller,
    st.text(min_size=1).filter(lambda text: text.isprintable()),
    st.sampled_from(Role),
    st.none() | st.frozensets(st.text(min_size=1, max_size=8).filter(lambda text: text.isprintable()), max_size=4),
)


@given(CALLERS)
def test_a_caller_survives_the_metadata_which_is_ascii(caller: Caller) -> None:
    metadata = dict(caller_metadata(caller))
    assert all(value.isascii() for value in metadata.values())
    assert caller_of(metadata, peer="ipv4:10.0.0.9:1") == caller


@pytest.mark.parametrize("peer", ["ipv4:127.0.0.1:40000", "ipv6:[::1]:40000", "ipv6:%5B::1%5D:40000", "unix:/x"])
def test_without_identity_loopback_is_the_local_operator(peer: str) -> None:
    assert caller_of({}, peer=peer) == LOCAL


def test_without_identity_another_machine_is_denied() -> None:
    with pytest.raises(Denied, match="another machine"):
        caller_of({}, peer="ipv4:10.0.0.9:40000")


@pytest.mark.parametrize("missing", ["visavis-principal", "visavis-role", "visavis-cities"])
def test_half_an_identity_is_denied_even_on_loopback(missing: str) -> None:
    metadata = dict(caller_metadata(Caller("li", Role.CLERK, frozenset({"755"}))))
    del metadata[missing]
    with pytest.raises(Denied, match="incomplete"):
        caller_of(metadata, peer="ipv4:127.0.0.1:40000")


def test_an_unknown_role_is_denied_and_the_known_ones_are_named() -> None:
    metadata = {"visavis-principal": "li", "visavis-role": "root", "visavis-cities": "*"}
    with pytest.raises(Denied, match=r"'root' is unknown; expected one of clerk, agent"):
        caller_of(metadata, peer="ipv4:127.0.0.1:1")


def test_no_cities_means_seeing_none_of_them() -> None:
    metadata = {"visavis-principal": "li", "visavis-role": "clerk", "visavis-cities": ""}
    assert not caller_of(metadata, peer="ipv4:127.0.0.1:1").sees("755")


def test_a_caller_sees_its_cities_and_all_means_all() -> None:
    assert Caller("li", Role.CLERK, frozenset({"755"})).sees("755")
    assert not Caller("li", Role.CLERK, frozenset({"755"})).sees("20")
    assert Caller("wang", Role.ANALYST).sees("20")


def test_a_role_that_is_not_listed_is_denied_with_what_is_needed() -> None:
    with acting_as(Caller("li", Role.CLERK)):
        with pytest.raises(Denied, match="planner or operations; li has clerk"):
            require(Role.PLANNER, Role.OPERATIONS)
        assert require(Role.CLERK).principal == "li"


def test_outside_of_a_call_there_is_no_caller() -> None:
    with pytest.raises(LookupError, match="nobody is calling"):
        current_caller()
