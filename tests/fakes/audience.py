"""Subscribers who do what the script says."""

from collections.abc import Mapping

from services.sandbox.gateway.audience import Reaction


class ScriptedAudience:
    """An `Audience` that reacts by number, and remembers what everybody read."""

    def __init__(self, default: Reaction | None = None, by_number: Mapping[str, Reaction] | None = None) -> None:
        self.default = default or Reaction(report_after=0.0)
        self.by_number = dict(by_number or {})
        self.read: list[tuple[str, str, str]] = []

    async def receive(self, msisdn: str, text: str, src_id: str) -> Reaction:
        self.read.append((msisdn, text, src_id))
        return self.by_number.get(msisdn, self.default)
