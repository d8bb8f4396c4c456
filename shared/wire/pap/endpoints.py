"""Where a gateway is found, and what it answers; apart from the client, which takes its time to load."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a gateway takes documents, and as whom. Times are seconds."""

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    connect_within: float = 3.0
    answer_within: float = 60.0


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: PAP's verdict is in the body, whatever the status says."""

    status: int
    body: bytes
