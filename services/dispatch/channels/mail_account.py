"""The mail account as the contract with the operator has it: where mail goes, and as whom."""

from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from services.dispatch.channels.watch import Patience
from services.dispatch.settings import MailSettings
from shared.wire.mail.addresses import AddressSigner

Encryption: TypeAlias = Literal["none", "starttls", "tls"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class MailAccount:
    """One account at one mail gateway. Times are seconds of real time.

    `domain` is ours: mail comes from it, and what comes back goes to it, or to a gateway that hands it to our listener.
    `customer_domain` makes a number an address. `secret` signs the addresses and links that only we may make. `returns` is
    where we listen for mail, `pages` where for what is behind links.
    """

    name: str
    host: str
    port: int
    domain: str
    sender: str
    sender_name: str
    customer_domain: str
    unsubscribe_url: str
    secret: bytes = field(repr=False)
    returns: Address
    pages: Address
    encryption: Encryption = "none"
    user: str = ""
    password: str = field(default="", repr=False)
    connections: int = 4
    rate: float = 100.0
    """Mails a second that the contract allows, over all connections."""
    answer_within: float = 60.0
    """After so long a mail counts as unanswered, and its connection as broken."""
    write_within: float = 4.0
    """How long one batch may take to leave; what has not left by then is given back."""
    throttle_pause: float = 5.0
    """How long nothing is sent after the gateway said that it is too busy."""
    retry_first: float = 0.5
    retry_longest: float = 30.0
    patience: Patience = field(default_factory=Patience)

    @property
    def signer(self) -> AddressSigner:
        return AddressSigner(self.domain, self.secret)

    @property
    def place(self) -> str:
        return f"{self.host}:{self.port}"


def mail_account_of(settings: MailSettings) -> MailAccount:
    """Return the account; receipts and contacts know it by its domain."""
    return MailAccount(
        name=settings.dispatch_mail_domain,
        host=settings.dispatch_mail_host,
        port=settings.dispatch_mail_port,
        domain=settings.dispatch_mail_domain,
        sender=settings.dispatch_mail_sender,
        sender_name=settings.dispatch_mail_signature,
        customer_domain=settings.dispatch_mail_customer_domain,
        unsubscribe_url=settings.unsubscribe_url,
        secret=settings.dispatch_mail_secret.get_secret_value().encode(),
        returns=Address(settings.dispatch_mail_returns_host, settings.dispatch_mail_returns_port),
        pages=Address(settings.dispatch_mail_pages_host, settings.dispatch_mail_pages_port),
        encryption=settings.dispatch_mail_encryption,
        user=settings.dispatch_mail_user,
        password=settings.dispatch_mail_password.get_secret_value(),
        connections=settings.dispatch_mail_connections,
        rate=settings.dispatch_mail_rate,
        answer_within=settings.dispatch_mail_answer_seconds,
        write_within=settings.dispatch_mail_write_seconds,
    )
