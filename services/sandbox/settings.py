"""Where the simulated outside world listens, whom it calls, and how fast its people are."""

from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, PositiveFloat, PositiveInt, SecretStr

from shared.settings import VisavisSettings


class SandboxSettings(VisavisSettings):
    """Times are seconds of real time."""

    owned_prefixes: ClassVar[tuple[str, ...]] = ("VISAVIS_SANDBOX_",)

    dispatch_address: str = Field(default="127.0.0.1:50054", description="Where dispatch answers, host:port.")
    feedback_address: str = Field(default="127.0.0.1:50055", description="Where feedback answers, host:port.")
    sandbox_gateway_port: int = Field(
        default=7890, ge=0, le=65535, description="Port of the simulated SMS gateway (CMPP), on 127.0.0.1."
    )
    sandbox_sp_id: str = Field(
        default="901234", pattern=r"^\d{6}$", description="SP id that may log in at the simulated gateway."
    )
    sandbox_sp_secret: SecretStr = Field(
        default=SecretStr("sandbox-only"),
        description="Secret of that SP; the default protects simulated customers only.",
    )
    sandbox_sp_version: Literal["2.0", "3.0"] = Field(
        default="3.0", description="Highest version of CMPP that the simulated gateway speaks with that SP."
    )
    sandbox_service_id: str = Field(
        default="VISAVIS", min_length=1, max_length=10, description="Service code that its messages must bear."
    )
    sandbox_src_id: str = Field(
        default="10658899", pattern=r"^\d{1,21}$", description="Service number that its messages must come from."
    )
    sandbox_mail_port: int = Field(
        default=2525, ge=0, le=65535, description="Port of the simulated mail gateway (SMTP), on 127.0.0.1."
    )
    dispatch_mail_returns_port: int = Field(
        default=2526, ge=0, le=65535, description="Port where dispatch takes mail to our domain, on 127.0.0.1."
    )
    sandbox_ppg_port: int = Field(
        default=8090, ge=0, le=65535, description="Port of the simulated push gateway (PAP over HTTP), on 127.0.0.1."
    )
    sandbox_ppg_username: str = Field(
        default="visavis", pattern=r"^[^:]+$", description="Who may push there, by HTTP's basic authentication."
    )
    sandbox_ppg_password: SecretStr = Field(
        default=SecretStr("sandbox-only"), description="Their password; the default protects simulated customers only."
    )
    sandbox_agents: PositiveInt = Field(
        default=25, le=500, description="Calls that the simulated dialer makes at once."
    )
    sandbox_call_seconds: PositiveFloat = Field(default=0.2, description="How long a simulated call takes.")
    sandbox_call_back_seconds: PositiveFloat = Field(
        default=5.0, description="After so long those want to be called back who ask for it."
    )
    sandbox_lease_seconds: PositiveInt = Field(
        default=30,
        ge=30,
        le=3600,
        description="For how long the dialer leases calls; after its kill they come back then.",
    )
    sandbox_poll_seconds: PositiveFloat = Field(
        default=0.5, description="How often the dialer and BOSS look for started plans."
    )

    @property
    def journal(self) -> Path:
        """Where the gateway notes every message that it was handed."""
        return self.home / "sandbox" / "gateway.jsonl"

    @property
    def mail_journal(self) -> Path:
        """Where the mail gateway notes every mail that it had to decide on."""
        return self.home / "sandbox" / "mails.jsonl"

    @property
    def faults(self) -> Path:
        """Where the gateway reads how it shall misbehave; while there is no such file it behaves."""
        return self.home / "sandbox" / "faults.json"

    @property
    def push_journal(self) -> Path:
        """Where the push gateway notes everything that it was handed."""
        return self.home / "sandbox" / "pushes.jsonl"

    @property
    def call_journal(self) -> Path:
        """Where the call platform notes every call that it dialled."""
        return self.home / "sandbox" / "calls.jsonl"

    @property
    def push_faults(self) -> Path:
        """Where the push gateway reads how it shall misbehave."""
        return self.home / "sandbox" / "faults-wap.json"

    @property
    def mail_faults(self) -> Path:
        """Where the mail gateway reads how it shall misbehave."""
        return self.home / "sandbox" / "faults-mail.json"
