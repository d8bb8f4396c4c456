"""The small file that tells a running gateway how to misbehave: written by a person's command, read every moment."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Generic, TypeVar

import structlog
from pydantic import TypeAdapter, ValidationError

from services.sandbox.gateway.faults import Faults
from services.sandbox.mail.faults import MailFaults
from services.sandbox.ppg.faults import PpgFaults
from shared.errors import InvalidInput, Violation

log: structlog.stdlib.BoundLogger = structlog.get_logger()

FaultsT = TypeVar("FaultsT", Faults, PpgFaults, MailFaults)


class GatewayName(StrEnum):
    """The gateways that keep an inbox and take orders to misbehave."""

    SMS = "sms"
    WAP = "wap"
    MAIL = "mail"


class Orders(Generic[FaultsT]):
    """What one kind of gateway may be told: the fields of its faults."""

    def __init__(self, kind: type[FaultsT]) -> None:
        self._faults: TypeAdapter[FaultsT] = TypeAdapter(kind)
        self._none: type[FaultsT] = kind
        self.names = tuple(each.name for each in fields(kind))

    def parse(self, settings: Sequence[str]) -> FaultsT:
        """Read words like `throttle_first=30` or `duplicate_reports=true`; numbers of telephones are parted by commas.

        Raises InvalidInput with everything that is wrong with them.
        """
        found: list[Violation] = []
        values: dict[str, object] = {}
        for setting in settings:
            name, equals, value = setting.partition("=")
            if name not in self.names or not equals:
                found.append(Violation(name, f"expected FAULT=VALUE, with one of {', '.join(self.names)}"))
            values[name] = value.split(",") if name == "unknown_numbers" else value
        if not found:
            try:
                return self._faults.validate_python(values)
            except ValidationError as wrong:
                found = [Violation(str(each["loc"][0]), each["msg"]) for each in wrong.errors()]
        raise InvalidInput(found)

    def write(self, path: Path, faults: FaultsT) -> None:
        """Leave word for the gateway, by one atomic step."""
        path.parent.mkdir(parents=True, exist_ok=True)
        aside = path.with_suffix(".new")
        aside.write_bytes(self._faults.dump_json(faults, exclude_defaults=True))
        aside.replace(path)

    def read(self, path: Path) -> FaultsT:
        """Return what the file says; no faults where there is none. Raises InvalidInput."""
        if not path.exists():
            return self._none()
        try:
            values: Mapping[str, object] = json.loads(path.read_bytes())
            if unknown := set(values) - set(self.names):
                told = f"{', '.join(sorted(unknown))}: no such fault; known: {', '.join(self.names)}"
                raise InvalidInput.of(path.name, told)
            faults: FaultsT = self._faults.validate_python(values)
        except ValueError as wrong:
            raise InvalidInput.of(path.name, f"expected JSON with faults and their values: {wrong}") from wrong
        return faults


SMS_ORDERS = Orders(Faults)
WAP_ORDERS = Orders(PpgFaults)
MAIL_ORDERS = Orders(MailFaults)


@dataclass(slots=True)
class FaultsFile(Generic[FaultsT]):
    """A party of the sandbox: looks whether the file changed, and lets the gateway misbehave as it says from then on."""

    path: Path
    orders: Orders[FaultsT]
    misbehave: Callable[[FaultsT], None]
    _seen: int | None = field(default=None, init=False)

    async def round(self) -> bool:
        """Raises InvalidInput once for a file that cannot be read; the gateway goes on as before, then."""
        changed = self.path.stat().st_mtime_ns if self.path.exists() else None
        if changed != self._seen:
            self._seen = changed
            faults = self.orders.read(self.path)
            self.misbehave(faults)
            log.warning("gateway_faults_set", file=self.path.name)
        return False
