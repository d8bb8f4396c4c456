"""Wireshark, which nobody here wrote, reads our frames as what we meant."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from shared.wire.cmpp.auth import source_authenticator
from shared.wire.cmpp.codec import encode, encode_report
from shared.wire.cmpp.parts import to_submits
from shared.wire.cmpp.pdus import Connect, Deliver, Pdu, StatusReport, Submit, SubmitResp
from shared.wire.cmpp.versions import Version
from shared.wire.pap.datagram import SI_CONTENT, wsp_push
from shared.wire.pap.indication import ServiceIndication
from shared.wire.pap.wbxml import encode_indication

MESSAGE_ID = 0x7B20_0288_B679_0007
SUBMIT = Submit("10658000", ("13800000001",), "你好".encode("utf-16-be"), "900001", "MKT")
REPORT = StatusReport(MESSAGE_ID, "DELIVRD", "2607220800", "2607220801", "13800000001")

pytestmark = pytest.mark.skipif(
    shutil.which("tshark") is None or shutil.which("text2pcap") is None,
    reason="tshark and text2pcap (Debian: tshark) are not installed",
)


def dissected(packets: Sequence[bytes], folder: Path, *, ports: str) -> str:
    """Return what tshark makes of these packets; `ports` are text2pcap's arguments for their addresses."""
    dump = "".join(
        f"{at:06x} {octets[at : at + 16].hex(' ')}\n" for octets in packets for at in range(0, len(octets), 16)
    )
    capture = str(folder / "packets.pcap")
    subprocess.run(["text2pcap", "-q", *ports.split(), "-", capture], input=dump.encode(), check=True, timeout=30)
    command = ["tshark", "-n", "-r", capture, "-V", "-O", "cmpp,wsp,wbxml"]
    read = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()
    assert "Malformed" not in read
    return read


def test_our_frames_of_3_0_are_read_by_wireshark(tmp_path: Path) -> None:
    authenticator = source_authenticator("900001", "888888", 722080010)
    report = encode_report(REPORT, Version.CMPP_3)
    expected: list[tuple[Pdu, list[str]]] = [
        (
            Connect("900001", authenticator, 722080010, Version.CMPP_3),
            ["Command Id: CMPP_CONNECT (0x00000001)", "Source Addr: 900001", "Timestamp: 07/22 08:00:10"],
        ),
        (
            SUBMIT,
            [
                "Total Length: 199",
                "Service ID: MKT",
                "Message Format: UCS2 encoding (8)",
                "Source ID: 10658000",
                "Destination Address: 13800000001",
                "Message length: 4",
            ],
        ),
        (
            to_submits(partial(replace, SUBMIT), "办" * 100, reference=lambda: 7)[1],
            ["Number of Part: 2", "Part Number: 2", "TP udhi: 1", "Message length: 72"],
        ),
        (SubmitResp(MESSAGE_ID, 8), [f"Msg_Id: 0x{MESSAGE_ID:016x}", "Result: Bandwidth error (8)"]),
        (
            Deliver(9, "10658000", "13800000001", report, msg_fmt=0, registered_delivery=1),
            [
                "Total Length: 180",
                "Destination ID: 10658000",
                "Deliver Report: True",
                "Deliver Status: DELIVRD",
                "Done_time: 2607220801",
            ],
        ),
    ]
    frames = [encode(pdu, sequence, Version.CMPP_3) for sequence, (pdu, _) in enumerate(expected)]
    read = dissected(frames, tmp_path, ports="-T 50000,7890").split("Frame ")[1:]
    assert len(read) == len(expected)
    for sequence, (packet, (_, lines)) in enumerate(zip(read, expected, strict=True)):
        assert [line for line in [f"Sequence Id: {sequence}", *lines] if line not in packet] == [], packet


def test_our_pushes_are_read_by_wireshark(tmp_path: Path) -> None:
    indication = ServiceIndication(
        "流量包限时优惠 回复TD退订",
        href="http://wap.10086.cn/p/abc",
        si_id="pid-1@pmp.cn",
        created=datetime(2026, 10, 1, 3, tzinfo=UTC),
    )
    datagram = wsp_push(encode_indication(indication), SI_CONTENT, transaction=1)
    read = dissected([datagram], tmp_path, ports="-u 9200,2948")
    for line in (
        "PDU Type: Push (0x06)",
        "Content-Type: application/vnd.wap.sic",
        "'wap.10086.cn/p/abc'",
        "%DateTime: 2026-10-01T03:00:00Z",
        "action='signal-medium'",
        "'流量包限时优惠 回复TD退订'",
    ):
        assert line in read
