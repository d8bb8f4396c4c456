"""The two versions of the protocol that gateways speak, and which of them a line ends up with."""

from enum import IntEnum


class Version(IntEnum):
    """Version octet of CONNECT: the high half is the major version, which alone decides the layouts."""

    CMPP_2 = 0x20
    CMPP_3 = 0x30

    @classmethod
    def of(cls, octet: int) -> "Version":
        """Return the version whose layouts a peer uses that claims `octet`; 0x21 is laid out as 2.0."""
        return cls.CMPP_3 if octet >= cls.CMPP_3 else cls.CMPP_2
