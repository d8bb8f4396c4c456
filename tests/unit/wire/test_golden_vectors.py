"""The same octets as independent implementations: Wireshark and gocmpp read or wrote every one of these."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

import pytest

from shared.wire.cmpp.auth import is_ismg_authentic, ismg_authenticator, source_authenticator
from shared.wire.cmpp.codec import decode, decode_report, encode, encode_report
from shared.wire.cmpp.message_id import MessageId
from shared.wire.cmpp.pdus import (
    ActiveTest,
    ActiveTestResp,
    Connect,
    ConnectResp,
    Deliver,
    DeliverResp,
    Fwd,
    FwdResp,
    Pdu,
    StatusReport,
    Submit,
    SubmitResp,
    Terminate,
    TerminateResp,
)
from shared.wire.cmpp.versions import Version
from tests.data import reference_data
from tests.unit.wire.octets import frame_of

SECRET, SP_ID, TIMESTAMP = "888888", "900001", 722080010
DIGEST = bytes.fromhex("2cef0ef59f1f3ecf375fa3e6590442e1")
MESSAGE_ID = 0x7B20_0288_B679_0007


@cache
def gocmpp_vectors() -> list[tuple[str, bytes]]:
    """Return (test name, octets) of each vector, or none where the reference data is absent."""
    path = reference_data("cmpp_vectors_gocmpp.json")
    if path is None:
        return []
    return [(each["test"], bytes.fromhex(each["hex"])) for each in json.loads(path.read_text())]


def gocmpp(name: str) -> bytes:
    for test, octets in gocmpp_vectors():
        if test == name:
            return octets
    pytest.skip("no cmpp_vectors_gocmpp.json in ../shared/data (or VISAVIS_TEST_DATA)")


def test_the_digest_pads_the_timestamp_to_ten_digits() -> None:
    assert source_authenticator(SP_ID, SECRET, TIMESTAMP) == DIGEST


@pytest.mark.parametrize(
    ("width", "expected"), [(1, "984bade78ad7cb8c3661045d22042e69"), (4, "7e6db44ef7a27f5335c0d9bc1044c08f")]
)
def test_the_gateways_digest_is_accepted_with_either_width_of_status(width: int, expected: str) -> None:
    digest = ismg_authenticator(0, DIGEST, SECRET, status_octets=width)
    assert digest.hex() == expected
    assert is_ismg_authentic(digest, 0, DIGEST, SECRET)
    assert not is_ismg_authentic(digest, 0, DIGEST, "999999")


def test_connect() -> None:
    golden = "0000002700000001000000013930303030312cef0ef59f1f3ecf375fa3e6590442e1302b0a110a"
    assert encode(Connect(SP_ID, DIGEST, TIMESTAMP, version=0x30), 1).hex() == golden


def test_message_id() -> None:
    parts = MessageId(7, 22, 8, 0, 10, gateway=571001, sequence=7)
    assert parts.pack() == MESSAGE_ID
    assert MessageId.unpack(MESSAGE_ID) == parts
    assert MessageId.at(datetime(2026, 7, 22, 0, 0, 10, tzinfo=UTC), gateway=571001, sequence=7) == parts


@pytest.mark.parametrize(("version", "octets"), [(Version.CMPP_2, 163), (Version.CMPP_3, 199)])
def test_a_submit_of_two_characters_has_the_length_of_its_version(version: Version, octets: int) -> None:
    submit = Submit("10658000", ("13800000001",), "你好".encode("utf-16-be"), SP_ID, "MKT")
    assert len(encode(submit, 1, version)) == octets


@pytest.mark.parametrize(("version", "octets"), [(Version.CMPP_2, 145), (Version.CMPP_3, 180)])
def test_a_report_delivered_has_the_length_of_its_version(version: Version, octets: int) -> None:
    report = StatusReport(MESSAGE_ID, "DELIVRD", "2607220800", "2607220801", "13800000001")
    deliver = Deliver(1, "10658000", "13800000001", encode_report(report, version), msg_fmt=0, registered_delivery=1)
    assert len(encode(deliver, 1, version)) == octets


GOCMPP_SUBMIT = Submit(
    src_id="900001",
    dest_terminal_ids=("13500002696",),
    content="测试gocmpp submit".encode("utf-16-be"),
    msg_src="900001",
    service_id="test",
    msg_level=1,
    fee_terminal_id="13500002696",
    fee_type="02",
    fee_code="10",
    valid_time="151105131555101+",
)
GOCMPP_DELIVER = Deliver(
    msg_id=0xB525_6280_0001_0000,
    dest_id="900001",
    src_terminal_id="13412340000",
    content=b"This is a test MO.",
    msg_fmt=0,
)
GOCMPP_CONNECT = Connect("900001", bytes.fromhex("90d00c1d517abd0b4f65f6bcf8535d16"), 1021080510, version=0x21)
GOCMPP_CONNECT_RESP = ConnectResp(0, bytes.fromhex("6c0b846e25bab6daa4ed1c466e0f4bd8"), version=0x21)


GOCMPP_FWD = Fwd(
    source_id="100201",
    destination_id="111112",
    src_id="99998888",
    dest_terminal_ids=("13500002696",),
    content="测试gocmpp fwd".encode("utf-16-be"),
    msg_src="321321",
    service_id="test",
    registered_delivery=0,
    msg_level=1,
    fee_terminal_id="13500002696",
    fee_type="02",
    fee_code="10",
    valid_time="151115131555101+",
)
GOCMPP_DELIVER_3 = replace(GOCMPP_DELIVER, msg_id=0xB4C5_5300_0001_0000)
GOCMPP_CONNECT_RESP_3 = ConnectResp(0, bytes.fromhex("7942977274098cf210ab0c16c367bc8d"), version=0x30)
V2, V3 = Version.CMPP_2, Version.CMPP_3
GOCMPP: list[tuple[str, Pdu, Version]] = [
    ("TestCmppActiveTestReqPktPack", ActiveTest(), V2),
    ("TestCmppActiveTestRspPktPack", ActiveTestResp(), V3),
    ("TestCmppTerminateReqPktPack", Terminate(), V2),
    ("TestCmppTerminateRspPktPack", TerminateResp(), V3),
    ("TestCmppConnReqPktPack", GOCMPP_CONNECT, V2),
    ("TestCmpp2ConnRspUnpack", GOCMPP_CONNECT_RESP, V2),
    ("TestCmpp3ConnRspUnpack", GOCMPP_CONNECT_RESP_3, V3),
    ("TestCmpp2SubmitReqPktPack", GOCMPP_SUBMIT, V2),
    ("TestCmpp3SubmitReqPktPack", GOCMPP_SUBMIT, V3),
    ("TestCmpp2SubmitRspPktPack", SubmitResp(0xB2B9_DA80_0001_0000, 0), V2),
    ("TestCmpp3SubmitRspPktPack", SubmitResp(0xB2B9_DA80_0001_0000, 0), V3),
    ("TestCmpp2DeliverReqPktPack", GOCMPP_DELIVER, V2),
    ("TestCmpp3DeliverReqPktPack", GOCMPP_DELIVER_3, V3),
    ("TestCmpp2DeliverRspPktPack", DeliverResp(0xB525_6280_0001_0000, 0), V2),
    ("TestCmpp3DeliverRspPktPack", DeliverResp(0xB4C5_5300_0001_0000, 0), V3),
    ("TestCmpp2FwdReqPktPack", GOCMPP_FWD, V2),
    ("TestCmpp3FwdReqPktPack", replace(GOCMPP_FWD, msg_id=1), V3),
    ("TestCmpp2FwdRspPktPack", FwdResp(0xB2B9_DA80_0001_0000, 1, 1, 0), V2),
    ("TestCmpp3FwdRspPktPack", FwdResp(0xB2B9_DA80_0001_0000, 1, 1, 1), V3),
]


@pytest.mark.parametrize(("name", "pdu", "version"), GOCMPP, ids=[name for name, _, _ in GOCMPP])
def test_gocmpp_writes_and_reads_the_same_octets(name: str, pdu: Pdu, version: Version) -> None:
    frame = frame_of(gocmpp(name))
    assert decode(frame, version) == pdu
    assert encode(pdu, frame.sequence, version) == gocmpp(name)


def test_every_pdu_of_gocmpp_is_among_those_compared() -> None:
    whole = {octets for _, octets in gocmpp_vectors() if int.from_bytes(octets[:4], "big") == len(octets)}
    if not whole:
        pytest.skip("no cmpp_vectors_gocmpp.json in ../shared/data (or VISAVIS_TEST_DATA)")
    assert whole == {gocmpp(name) for name, _, _ in GOCMPP}


def test_gocmpp_writes_and_reads_the_same_report() -> None:
    golden = gocmpp("TestCmppReceiptPktPack")
    report = StatusReport(
        0xB4C5_5300_0001_0000, "DELIVRD", "1511120955", "1511120957", "13412340000", smsc_sequence=0x1234_5678
    )
    assert decode_report(golden) == report
    assert encode_report(report) == golden
