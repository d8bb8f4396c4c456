"""Who logs in where, in which version, and what is made of gateways that refuse, lie or are none."""

import pytest
from structlog.testing import capture_logs

from shared.wire.cmpp.auth import ismg_authenticator, source_authenticator
from shared.wire.cmpp.codec import encode
from shared.wire.cmpp.errors import (
    CmppError,
    DecodeError,
    GatewayUnprovenError,
    LineClosedError,
    LoginRefusedError,
)
from shared.wire.cmpp.pdus import (
    ConnectResp,
    Submit,
    SubmitResp,
)
from shared.wire.cmpp.versions import Version
from tests.integration.wire.peer import SECRET, HandPlayedGateway
from tests.integration.wire.sessions import BOTH, SUBMIT, session_with
from tests.integration.wire.waiting import eventually


@pytest.mark.parametrize(("status", "permanent"), [(1, False), (2, True), (3, True), (4, True), (9, False)])
async def test_a_refused_login_says_why_and_whether_to_try_again(status: int, permanent: bool) -> None:
    with pytest.raises(LoginRefusedError, match=f"status {status}") as refused:
        async with session_with(HandPlayedGateway(status=status)):
            pass
    assert refused.value.permanent is permanent


@pytest.mark.parametrize(
    ("instead", "failure"),
    [
        (b"", LineClosedError),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", DecodeError),
        (encode(SubmitResp(1, 0), 1), DecodeError),
        (bytes(5), DecodeError),
    ],
)
async def test_a_peer_that_is_no_gateway_is_refused(instead: bytes, failure: type[CmppError]) -> None:
    with pytest.raises(failure):
        async with session_with(HandPlayedGateway(instead=instead)):
            pass


async def test_a_gateway_that_does_not_prove_itself_is_used_with_a_warning() -> None:
    with capture_logs() as logs:
        async with session_with(HandPlayedGateway(proves_itself=False)):
            pass
    assert [each["event"] for each in logs if each["log_level"] == "warning"] == ["cmpp_gateway_not_authenticated"]


async def test_an_account_that_demands_proof_does_not_use_a_gateway_without() -> None:
    async with session_with(HandPlayedGateway(), demand_proof=True) as session:
        assert session.is_open
    with pytest.raises(GatewayUnprovenError, match="did not prove"):
        async with session_with(HandPlayedGateway(proves_itself=False), demand_proof=True):
            pass


@BOTH
async def test_the_version_asked_for_is_spoken_where_the_gateway_speaks_it(version: Version) -> None:
    gateway = HandPlayedGateway(version=version)
    async with session_with(gateway) as session:
        assert session.version is version
    assert [login.version for login in gateway.logins] == [version]


async def test_a_gateway_that_answers_3_0_in_the_layout_of_2_0_is_spoken_to_in_2_0() -> None:
    gateway = HandPlayedGateway(version=Version.CMPP_2)
    with capture_logs() as logs:
        async with session_with(gateway, asks=Version.CMPP_3) as session:
            assert session.version is Version.CMPP_2
            ticket = await session.submit(SUBMIT)
            await eventually(lambda: gateway.pdus == [SUBMIT])
            gateway.say(SubmitResp(5, 0), gateway.heard(Submit)[0])
            assert await ticket.response() == SubmitResp(5, 0)
    assert "cmpp_gateway_speaks_older_version" in [each["event"] for each in logs]


async def test_a_gateway_that_finds_3_0_too_high_is_asked_once_more_for_2_0() -> None:
    gateway = HandPlayedGateway(version=Version.CMPP_2, refuses_higher=True)
    async with session_with(gateway, asks=Version.CMPP_3) as session:
        assert session.version is Version.CMPP_2
    assert [login.version for login in gateway.logins] == [Version.CMPP_3, Version.CMPP_2]


async def test_a_gateway_that_finds_every_version_too_high_is_asked_no_third_time() -> None:
    gateway = HandPlayedGateway(status=4)
    with pytest.raises(LoginRefusedError, match="protocol version not supported"):
        async with session_with(gateway, asks=Version.CMPP_3):
            pass
    assert len(gateway.logins) == 2


async def test_2_0_is_spoken_to_a_gateway_that_speaks_3_0_too() -> None:
    gateway = HandPlayedGateway(version=Version.CMPP_2)
    proof = ismg_authenticator(0, source_authenticator("900001", SECRET, 109090203), SECRET, status_octets=1)
    gateway.instead = encode(ConnectResp(0, proof, version=0x30), 0)
    async with session_with(gateway, asks=Version.CMPP_2) as session:
        assert session.version is Version.CMPP_2
