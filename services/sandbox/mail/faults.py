"""What goes wrong with mail on purpose, so that the product meets it in tests before it does so in a province."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MailFaults:
    """Misbehaviour of the mail gateway. Counts run over mails, by their RCPT, from the moment these faults were set."""

    throttle_first: int = 0
    """So many mails are refused with 451 (too busy)."""
    full_first: int = 0
    """Of so many, the mailbox is full: refused with 452 4.2.2."""
    silent_first: int = 0
    """So many mails are taken and read, but never answered."""
    cut_at: int | None = None
    """This mail, counted from 1, is taken; then the connection is reset without an answer."""
    cut_mid_data: int | None = None
    """In the middle of this mail's text the connection is reset; it is not taken."""
    answer_after: float = 0.0
    """Answers to whole mails come so many seconds late."""
    answer_twice: bool = False
    """Every such answer comes twice."""
    unknown_numbers: frozenset[str] = frozenset()
    """Eleven-digit numbers without a mailbox: refused with 550 5.1.1."""
    refuse_every: int = 0
    """Each so-manieth mail is refused with 550 5.1.1."""
    bounce_every: int = 0
    """Each so-manieth mail is taken, and comes back as undeliverable."""
    bounce_twice: bool = False
    """What comes back comes back twice."""
    hang_up: bool = False
    """Connections are refused with 421 at once."""
    opt_out_every: int = 0
    """Each so-manieth reader makes their mail program unsubscribe at once (RFC 8058)."""
