"""Finds VISAVIS_… variables that nothing reads: misspelt, they would be ignored by every process in silence."""

import difflib
import importlib
from collections.abc import Collection

from services.console.settings import PORTS
from shared.clock import OFFSET_VARIABLE
from shared.errors import InvalidInput, Violation
from shared.process import TETHER_VARIABLE
from shared.settings import PREFIX, loaded_variables

_OTHERS = {OFFSET_VARIABLE, TETHER_VARIABLE, "VISAVIS_POSTGRES_PASSWORD"}
"""Read by the clock, by supervised processes, and by docker-compose.yml."""


def refuse_unknown(environment: Collection[str]) -> None:
    """Raise InvalidInput for each VISAVIS_… name that nothing reads, with the nearest that something does."""
    doubtful = {name for name in environment if name.startswith(PREFIX)} - loaded_variables() - _OTHERS
    if not doubtful:
        return  # most commands: the settings of all programs take a second to load
    known = _all_variables()
    violations = [
        Violation(name, f"is not a setting of Visavis{_nearest(name, known)}") for name in sorted(doubtful - known)
    ]
    if violations:
        raise InvalidInput(violations)


def _all_variables() -> set[str]:
    for program in (*PORTS, "sandbox"):
        importlib.import_module(f"services.{program}.settings")  # known by name only, as to the supervisor
    for part in ("db", "lake", "observability"):
        importlib.import_module(f"shared.{part}.settings")
    return loaded_variables() | _OTHERS


def _nearest(name: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"; did you mean {found[0]}?" if found else "; .env.example lists those that are"
