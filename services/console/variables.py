"""Finds VISAVIS_… variables that nothing reads: misspelt, they would be ignored by every process in silence."""

import difflib
import importlib
import importlib.util
from collections.abc import Collection, Iterable

from services.console.settings import PORTS
from shared.clock import OFFSET_VARIABLE
from shared.errors import InvalidInput, Violation
from shared.process import TETHER_VARIABLE
from shared.settings import PREFIX, loaded_variables

_OTHERS = {OFFSET_VARIABLE, TETHER_VARIABLE, "VISAVIS_POSTGRES_PASSWORD"}
"""Read by the clock, by supervised processes, and by docker-compose.yml."""


def known_variables() -> set[str]:
    """Return every variable that a process of an installation reads."""
    for program in (*PORTS, "sandbox"):
        if importlib.util.find_spec(f"services.{program}.settings"):
            importlib.import_module(f"services.{program}.settings")  # known by name only, as to the supervisor
    for part in ("db", "lake", "observability"):
        importlib.import_module(f"shared.{part}.settings")
    return loaded_variables() | _OTHERS


def refuse_unknown(names: Iterable[str], known: Collection[str]) -> None:
    """Raise InvalidInput for each VISAVIS_… name that is not known, with the nearest that is."""
    violations = [
        Violation(name, f"is not a setting of Visavis{_nearest(name, known)}")
        for name in sorted(names)
        if name.startswith(PREFIX) and name not in known
    ]
    if violations:
        raise InvalidInput(violations)


def _nearest(name: str, known: Collection[str]) -> str:
    found = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
    return f"; did you mean {found[0]}?" if found else "; .env.example lists those that are"
