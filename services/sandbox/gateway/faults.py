"""What goes wrong on purpose, so that the product meets it in tests before it does so in a province."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Faults:
    """Misbehaviour of a gateway. Counts run over SUBMITs from the moment these faults were set."""

    throttle_first: int = 0
    """So many SUBMITs are refused with Result 8 (flow control)."""
    silent_first: int = 0
    """So many SUBMITs are taken and reported on, but never answered."""
    cut_at: int | None = None
    """This SUBMIT, counted from 1, is taken; then the connection is reset, and answers not yet sent are lost."""
    answer_after: float = 0.0
    """SUBMIT_RESPs come so many seconds late, so that a report may overtake them."""
    duplicate_reports: bool = False
    """Every report is delivered twice."""
    unknown_numbers: frozenset[str] = frozenset()
    """Eleven-digit numbers refused with Result 13."""
