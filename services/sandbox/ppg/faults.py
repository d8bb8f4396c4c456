"""What a push gateway gets wrong on purpose."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PpgFaults:
    """Misbehaviour of a push gateway. Counts run over pushes from the moment these faults were set."""

    throttle_first: int = 0
    """So many pushes are refused: by code 4001 and by HTTP 503 in turn."""
    fail_first: int = 0
    """So many are refused with code 3000 (internal error)."""
    silent_first: int = 0
    """So many are taken and told about, but never answered."""
    garble_first: int = 0
    """So many are taken and told about, but answered with what is no PAP."""
    cut_at: int | None = None
    """This push, counted from 1, is taken; then its connection is reset without an answer."""
    cut_mid_answer: bool = False
    """Half of the answer to that push is written first."""
    answer_after: float = 0.0
    """Answers come so many seconds late, so that what is told of a push may overtake them."""
    odd_answers_after: float = 0.0
    """Those to the first, third … push come so much later still: answers come out of order."""
    unknown_numbers: frozenset[str] = frozenset()
    """Eleven-digit numbers refused with code 2003."""
    refuse_every: int = 0
    """Each so-manieth push is refused with code 2003."""
    pass_on_after: float = 0.0
    """Pushes are passed on to people so many seconds late, and may be cancelled until then."""
    duplicate_reports: bool = False
    """What became of a push is told twice."""
    no_reports: bool = False
    """Nothing is ever told."""
    opt_out_every: int = 0
    """Each so-manieth person who gets a push refuses marketing at once, by an SMS of one word."""
