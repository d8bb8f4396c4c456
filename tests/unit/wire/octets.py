"""Cuts one PDU out of octets, for tests that look at a single one."""

from shared.wire.cmpp.frames import Frame


def frame_of(octets: bytes) -> Frame:
    """Return the one whole PDU that `octets` are."""
    length, command, sequence = (int.from_bytes(octets[at : at + 4], "big") for at in (0, 4, 8))
    assert length == len(octets)
    return Frame(command, sequence, octets[12:])
