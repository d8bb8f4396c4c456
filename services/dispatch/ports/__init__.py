"""What dispatch needs of the world outside its core; adapters fit these shapes without inheriting from them."""

from services.dispatch.ports.channels import (
    IncomingMessages,
    Line,
    Message,
    MessageChannel,
    Recall,
    RecallAnswer,
    RecallingChannel,
    Receipt,
    Refusals,
    Reply,
    SendResult,
    Verdict,
    WrittenBatch,
)

__all__ = [
    "IncomingMessages",
    "Line",
    "Message",
    "MessageChannel",
    "Recall",
    "RecallAnswer",
    "RecallingChannel",
    "Receipt",
    "Refusals",
    "Reply",
    "SendResult",
    "Verdict",
    "WrittenBatch",
]
