"""The small file that tells a running gateway how to misbehave: written by a person's command, read every moment."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from services.sandbox.gateway.faults import Faults
from shared.errors import InvalidInput, Violation

log: structlog.stdlib.BoundLogger = structlog.get_logger()

NAMES = tuple(each.name for each in fields(Faults))
_FAULTS = TypeAdapter(Faults)


def faults_of(settings: Sequence[str]) -> Faults:
    """Read words like `throttle_first=30` or `answer_twice=true`; numbers of telephones are parted by commas.

    Raises InvalidInput with everything that is wrong with them.
    """
    found: list[Violation] = []
    values: dict[str, object] = {}
    for setting in settings:
        name, equals, value = setting.partition("=")
        if name not in NAMES or not equals:
            found.append(Violation(name, f"expected FAULT=VALUE, with one of {', '.join(NAMES)}"))
        values[name] = value.split(",") if name == "unknown_numbers" else value
    if not found:
        try:
            return _FAULTS.validate_python(values)
        except ValidationError as wrong:
            found = [Violation(str(each["loc"][0]), each["msg"]) for each in wrong.errors()]
    raise InvalidInput(found)


def write_faults(path: Path, faults: Faults) -> None:
    """Leave word for the gateway, by one atomic step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.write_bytes(_FAULTS.dump_json(faults, exclude_defaults=True))
    aside.replace(path)


def read_faults(path: Path) -> Faults:
    """Return what the file says; no faults where there is none. Raises InvalidInput."""
    if not path.exists():
        return Faults()
    try:
        values: Mapping[str, object] = json.loads(path.read_bytes())
        if unknown := set(values) - set(NAMES):
            raise InvalidInput.of(path.name, f"{', '.join(sorted(unknown))}: no such fault; known: {', '.join(NAMES)}")
        return _FAULTS.validate_python(values)
    except ValueError as wrong:
        raise InvalidInput.of(path.name, f"expected JSON with faults and their values: {wrong}") from wrong


@dataclass(slots=True)
class FaultsFile:
    """A party of the sandbox: looks whether the file changed, and lets the gateway misbehave as it says from then on."""

    path: Path
    misbehave: Callable[[Faults], None]
    _seen: int | None = field(default=None, init=False)

    async def round(self) -> bool:
        """Raises InvalidInput once for a file that cannot be read; the gateway goes on as before, then."""
        changed = self.path.stat().st_mtime_ns if self.path.exists() else None
        if changed != self._seen:
            self._seen = changed
            faults = read_faults(self.path)
            self.misbehave(faults)
            log.warning("gateway_faults_set", faults=sorted(_FAULTS.dump_python(faults, exclude_defaults=True)))
        return False
