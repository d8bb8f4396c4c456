"""What can be set about dispatch: where it serves, the contact rules, and the accounts at gateways."""

from collections.abc import Mapping
from datetime import date, time, timedelta
from pathlib import Path
from typing import ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.dispatch.domain.holidays import read_holidays
from services.dispatch.domain.plans import MESSAGE_CHANNELS, Channel
from services.dispatch.domain.rules import ContactRules, Hours
from shared.errors import InvalidInput
from shared.rpc.settings import ServerSettings
from shared.settings import VisavisSettings

_HOST_NAME = r"^[A-Za-z0-9]([A-Za-z0-9.-]{0,60}[A-Za-z0-9])?$"


class DispatchServerSettings(ServerSettings):
    """Where the server listens: VISAVIS_DISPATCH_HOST, VISAVIS_DISPATCH_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_DISPATCH_")

    port: int = Field(default=50054, ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")


class ContactRuleSettings(VisavisSettings):
    """The province's contact rules. Times are HH:MM in Asia/Shanghai; nothing happens at or after the closing time."""

    owned_prefixes: ClassVar[tuple[str, ...]] = (
        "VISAVIS_DISPATCH_CAP_",
        "VISAVIS_DISPATCH_HOURS_",
        "VISAVIS_DISPATCH_HOLIDAYS_",
    )

    dispatch_cap_contacts: int = Field(
        default=2, ge=1, description="Contacts that one person may get in VISAVIS_DISPATCH_CAP_DAYS, over all channels."
    )
    dispatch_cap_days: int = Field(default=7, ge=1, le=365, description="Length of the rolling window of the cap.")
    dispatch_hours_sms_open: time = Field(
        default=time(8), description="From when messages may be sent, SMS and WAP push."
    )
    dispatch_hours_sms_close: time = Field(
        default=time(21), description="Until when messages may be sent, SMS and WAP push."
    )
    dispatch_hours_mail_open: time = Field(default=time(0), description="From when mails may be sent.")
    dispatch_hours_mail_close: time = Field(default=time(23, 59), description="Until when mails may be sent.")
    dispatch_hours_call_open: time = Field(default=time(9), description="From when calls may be made.")
    dispatch_hours_call_close: time = Field(default=time(20, 30), description="Until when calls may be made.")
    dispatch_holidays_file: Path | None = Field(
        default=None,
        description="Text file of days on which nothing leaves, with lines like '2027-02-06..2027-02-12 call sms'; a line "
        "without channels is about all. Read at the start.",
    )

    @model_validator(mode="after")
    def _hours_open_before_they_close(self) -> Self:
        """Hours that never open would hold every push back, silently, until its plan has ended."""
        hours = {
            "SMS": (self.dispatch_hours_sms_open, self.dispatch_hours_sms_close),
            "mails": (self.dispatch_hours_mail_open, self.dispatch_hours_mail_close),
            "calls": (self.dispatch_hours_call_open, self.dispatch_hours_call_close),
        }
        never = [name for name, (opens, closes) in hours.items() if opens >= closes]
        if never:
            raise ValueError(f"hours of {never[0]}: expected an opening before the closing of the same day")
        return self

    def rules(self) -> ContactRules:
        """Return the rules. Raises InvalidInput for a file of holidays that cannot be read."""
        hours = {
            Channel.SMS: (self.dispatch_hours_sms_open, self.dispatch_hours_sms_close),
            Channel.WAP_PUSH: (self.dispatch_hours_sms_open, self.dispatch_hours_sms_close),
            Channel.MAIL_139: (self.dispatch_hours_mail_open, self.dispatch_hours_mail_close),
            Channel.CALL: (self.dispatch_hours_call_open, self.dispatch_hours_call_close),
        }
        holidays = self._holidays()
        return ContactRules(
            cap=self.dispatch_cap_contacts,
            window=timedelta(days=self.dispatch_cap_days),
            hours={channel: Hours(*times, holidays[channel]) for channel, times in hours.items()},
        )

    def _holidays(self) -> Mapping[Channel, frozenset[date]]:
        file = self.dispatch_holidays_file
        try:
            text = file.read_text(encoding="utf-8") if file else ""
        except (OSError, UnicodeDecodeError) as failure:
            variable = self.variable("dispatch_holidays_file")
            raise InvalidInput.of(variable, f"expected a text file in UTF-8 at {file}: {failure}") from None
        return read_holidays(text, source=str(file))


class SmsSettings(VisavisSettings):
    """The account at the operator's gateway; the defaults are those of the sandbox."""

    owned_prefixes: ClassVar[tuple[str, ...]] = ("VISAVIS_DISPATCH_SMS_",)

    dispatch_sms_host: str = Field(default="127.0.0.1", description="The gateway (ISMG).")
    dispatch_sms_port: int = Field(default=7890, ge=1, le=65535, description="Its port for long connections.")
    dispatch_sms_sp_id: str = Field(default="901234", pattern=r"^\d{6}$", description="The account's SP id.")
    dispatch_sms_secret: SecretStr = Field(
        default=SecretStr("sandbox-only"), description="The secret shared with the gateway."
    )
    dispatch_sms_service_id: str = Field(
        default="VISAVIS", max_length=10, description="Service code given by the operator."
    )
    dispatch_sms_src_id: str = Field(default="10658899", max_length=21, description="The number that customers see.")
    dispatch_sms_signature: str = Field(
        default="中国移动", min_length=1, description="Stands in 【】 before every text."
    )
    dispatch_sms_version: Literal["2.0", "3.0"] = Field(
        default="2.0",
        description="Version of CMPP that the contract names; a gateway that finds 3.0 too high is spoken to in 2.0.",
    )
    dispatch_sms_demand_proof: bool = Field(
        default=False, description="Whether a gateway is used only if it proves that it knows the secret."
    )
    dispatch_sms_max_parts: int = Field(
        default=3, ge=1, le=20, description="As how many SMS, at most, one text may leave and be billed."
    )
    dispatch_sms_rate: float = Field(
        default=100.0, gt=0, description="Messages a second that the contract allows; each part of a long text is one."
    )
    dispatch_sms_window: int = Field(
        default=16, ge=1, le=256, description="Messages that may wait for an answer at a time."
    )
    dispatch_sms_answer_seconds: float = Field(
        default=60.0, gt=0, description="After so long a message counts as unanswered."
    )
    dispatch_sms_write_seconds: float = Field(
        default=4.0,
        gt=0,
        le=8,
        description="How long one batch may take to be written, and an opt-out may wait for it.",
    )


class WapSettings(VisavisSettings):
    """The account at the operator's push gateway (PPG); the defaults are those of the sandbox."""

    owned_prefixes: ClassVar[tuple[str, ...]] = ("VISAVIS_DISPATCH_WAP_",)

    dispatch_wap_url: str = Field(
        default="http://127.0.0.1:8090/wappush",
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="Where the push gateway takes pushes (PAP).",
    )
    dispatch_wap_username: str = Field(
        default="visavis", pattern=r"^[^:]+$", description="The account's name there, for HTTP's basic authentication."
    )
    dispatch_wap_password: SecretStr = Field(default=SecretStr("sandbox-only"), description="Its password.")
    dispatch_wap_gateway: str = Field(
        default="ppg.example.com",
        pattern=_HOST_NAME,
        description="The gateway's name in the addresses of telephones, behind their @.",
    )
    dispatch_wap_initiator: str = Field(
        default="visavis.example.com",
        pattern=_HOST_NAME,
        description="Our name in the ids of pushes, behind their @; short ones save SMS.",
    )
    dispatch_wap_max_parts: int = Field(
        default=3, ge=1, le=20, description="As how many SMS, at most, the gateway may have to bring one push."
    )
    dispatch_wap_reports: Literal["notifications", "kannel", "none"] = Field(
        default="notifications",
        description="How the gateway tells what became of a push: PAP's result notifications, Kannel's call-backs, or never.",
    )
    dispatch_wap_reports_host: str = Field(default="127.0.0.1", description="Address to listen on for what it tells.")
    dispatch_wap_reports_port: int = Field(
        default=8091, ge=0, le=65535, description="Port to listen on for what it tells; each worker needs its own."
    )
    dispatch_wap_reports_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#%]+)?$",
        description="Where the gateway finds that listener; empty: on this machine, at that port.",
    )
    dispatch_wap_kannel_smsbox: str = Field(
        default="", description="Id of the smsbox of Kannel that calls back; needed for its call-backs only."
    )
    dispatch_wap_rate: float = Field(default=100.0, gt=0, description="Pushes a second that the contract allows.")
    dispatch_wap_window: int = Field(
        default=16, ge=1, le=256, description="Pushes that may wait for an answer at a time, each on a connection."
    )
    dispatch_wap_answer_seconds: float = Field(
        default=60.0, gt=0, description="After so long a push counts as unanswered."
    )
    dispatch_wap_write_seconds: float = Field(
        default=4.0,
        gt=0,
        le=8,
        description="How long one batch may take to be written, and an opt-out may wait for it.",
    )

    @model_validator(mode="after")
    def _kannel_calls_back_by_a_smsbox(self) -> Self:
        """Without one Kannel would never say anything."""
        if self.dispatch_wap_reports == "kannel" and not self.dispatch_wap_kannel_smsbox:
            raise ValueError("call-backs of Kannel need VISAVIS_DISPATCH_WAP_KANNEL_SMSBOX")
        return self


class MailSettings(VisavisSettings):
    """The account at the operator's mail gateway, and what is ours of it; the defaults are those of the sandbox."""

    owned_prefixes: ClassVar[tuple[str, ...]] = ("VISAVIS_DISPATCH_MAIL_",)

    dispatch_mail_host: str = Field(default="127.0.0.1", description="The mail gateway (SMTP).")
    dispatch_mail_port: int = Field(default=2525, ge=1, le=65535, description="Its port for submissions.")
    dispatch_mail_encryption: Literal["none", "starttls", "tls"] = Field(
        default="none", description="none, starttls or tls; a certificate that does not hold is refused."
    )
    dispatch_mail_user: str = Field(default="", description="Who logs in there; empty: nobody.")
    dispatch_mail_password: SecretStr = Field(default=SecretStr(""), description="Their password.")
    dispatch_mail_domain: str = Field(
        default="push.example.com",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="Our domain: mail comes from it, and what comes back goes to it.",
    )
    dispatch_mail_sender: str = Field(
        default="marketing",
        pattern=r"^[A-Za-z0-9._-]+$",
        description="Name before the @ of the address that people see.",
    )
    dispatch_mail_signature: str = Field(
        default="中国移动", min_length=1, description="Name of the sender, in From and below every text."
    )
    dispatch_mail_customer_domain: str = Field(
        default="139.com",
        pattern=r"^[A-Za-z0-9.-]+$",
        description="A customer's address is their number at this domain.",
    )
    dispatch_mail_secret: SecretStr = Field(
        default=SecretStr("sandbox-only"),
        min_length=8,
        description="Signs return addresses and unsubscribe links; with another one, those of mails sent before are void.",
    )
    dispatch_mail_unsubscribe_url: str = Field(
        default="",
        pattern=r"^(https?://[^\s?#,<>]+/[^\s?#,<>]*)?$",
        description="The page behind unsubscribe links, as customers reach it by https; empty: on this machine only.",
    )
    dispatch_mail_pages_host: str = Field(default="127.0.0.1", description="Address to listen on for that page.")
    dispatch_mail_pages_port: int = Field(
        default=8092, ge=0, le=65535, description="Port to listen on for that page; one worker at a time has it."
    )
    dispatch_mail_returns_host: str = Field(
        default="127.0.0.1", description="Address to listen on for mail to our domain (SMTP)."
    )
    dispatch_mail_returns_port: int = Field(
        default=2526, ge=0, le=65535, description="Port to listen on for it; one worker at a time has it."
    )
    dispatch_mail_connections: int = Field(
        default=4, ge=1, le=64, description="Connections that are kept open to the gateway."
    )
    dispatch_mail_rate: float = Field(default=100.0, gt=0, description="Mails a second that the contract allows.")
    dispatch_mail_answer_seconds: float = Field(
        default=60.0, gt=0, description="After so long a mail counts as unanswered."
    )
    dispatch_mail_write_seconds: float = Field(
        default=4.0, gt=0, le=8, description="How long one batch may take to leave, and an opt-out may wait for it."
    )

    @model_validator(mode="after")
    def _links_are_safe(self) -> Self:
        """RFC 8058 wants https; a link within one machine needs none."""
        link = urlsplit(self.unsubscribe_url)
        if link.scheme != "https" and link.hostname not in {"127.0.0.1", "::1", "localhost"}:
            raise ValueError("VISAVIS_DISPATCH_MAIL_UNSUBSCRIBE_URL: expected https")
        return self

    @property
    def unsubscribe_url(self) -> str:
        """The page behind unsubscribe links, as customers reach it."""
        here = f"http://127.0.0.1:{self.dispatch_mail_pages_port}/unsubscribe"
        return self.dispatch_mail_unsubscribe_url or here


class WorkerSettings(VisavisSettings):
    """How the worker works, and whom it asks."""

    owned_prefixes: ClassVar[tuple[str, ...]] = ("VISAVIS_DISPATCH_WORKER_",)

    dispatch_worker_channels: str = Field(
        default="sms wap_push mail_139",
        description="Channels for messages that this worker serves, parted by blanks: sms, wap_push, mail_139.",
    )
    profile_address: str = Field(default="127.0.0.1:50051", description="Where profile answers, host:port.")
    dispatch_worker_batches: int = Field(
        default=3, ge=1, le=8, description="Batches of 64 messages or more under way at a time, on each channel."
    )
    dispatch_worker_call_grace_minutes: int = Field(
        default=30, ge=1, description="After so long a call that was started, but not reported, counts as perhaps made."
    )

    @field_validator("dispatch_worker_channels")
    @classmethod
    def _are_channels_for_messages(cls, names: str) -> str:
        unknown = [name for name in names.split() if name not in MESSAGE_CHANNELS]
        if unknown or not names.split():
            raise ValueError(f"expected some of {', '.join(MESSAGE_CHANNELS)}, parted by blanks, not {names!r}")
        return names

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Those that this worker serves, each once."""
        return tuple(dict.fromkeys(Channel(name) for name in self.dispatch_worker_channels.split()))
