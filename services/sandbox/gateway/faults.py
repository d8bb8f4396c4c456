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
    cut_mid_frame: bool = False
    """Half of the answer to that SUBMIT is written first."""
    answer_after: float = 0.0
    """SUBMIT_RESPs come so many seconds late, so that a report may overtake them."""
    odd_answers_after: float = 0.0
    """Those to the first, third … SUBMIT come so much later still: answers come out of order."""
    answer_twice: bool = False
    """Every SUBMIT_RESP comes twice."""
    unknown_numbers: frozenset[str] = frozenset()
    """Eleven-digit numbers refused with Result 13."""
    refuse_every: int = 0
    """Each so-manieth SUBMIT is refused with Result 13."""
    pass_on_after: float = 0.0
    """Messages are passed on to people so many seconds late, and so are their reports."""
    duplicate_reports: bool = False
    """Every report is delivered twice."""
    no_reports: bool = False
    """Nothing is ever reported on."""
    narrow_reports: bool = False
    """Reports have the 60 octets of 2.0 on lines of 3.0, too."""
    opt_out_every: int = 0
    """Each so-manieth person who reads a message refuses marketing at once, by a message of one word."""
