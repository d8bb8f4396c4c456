"""Where the console finds the services, and where it keeps what is local."""

from typing import Literal

from pydantic import Field, SecretStr, model_validator

from shared.errors import InvalidInput, Violation
from shared.settings import VisavisSettings

ServiceName = Literal["profile", "scoring", "recommendation", "dispatch", "feedback"]
PORTS: dict[ServiceName, int] = {
    "profile": 50051,
    "scoring": 50052,
    "recommendation": 50053,
    "dispatch": 50054,
    "feedback": 50055,
}
_HOST = "127.0.0.1"
_HOST_AND_PORT = r"^[^\s:]+:\d{1,5}$"


def _port(service: ServiceName) -> int:
    port: int = Field(default=PORTS[service], ge=1, le=65535, description=f"Port of {service} on this machine.")
    return port


def _address(service: ServiceName) -> str:
    default = f"{_HOST}:{PORTS[service]}"
    address: str = Field(default=default, pattern=_HOST_AND_PORT, description=f"Where {service} answers, host:port.")
    return address


class ConsoleSettings(VisavisSettings):
    """A service is found at its address, or where only its port is given, at that port of this machine."""

    database_url: SecretStr | None = Field(
        default=None, description="A PostgreSQL to use instead of the embedded server in home."
    )
    principal: str = Field(
        default="",
        description="Who you are to the services, which keep who did what; absent: the operating system's user.",
    )
    profile_port: int = _port("profile")
    profile_address: str = _address("profile")
    scoring_port: int = _port("scoring")
    scoring_address: str = _address("scoring")
    recommendation_port: int = _port("recommendation")
    recommendation_address: str = _address("recommendation")
    dispatch_port: int = _port("dispatch")
    dispatch_address: str = _address("dispatch")
    feedback_port: int = _port("feedback")
    feedback_address: str = _address("feedback")
    sandbox_gateway_port: int = Field(default=7890, ge=1, le=65535, description="Port of the simulated SMS gateway.")
    sandbox_mail_port: int = Field(default=2525, ge=1, le=65535, description="Port of the simulated mail gateway.")
    sandbox_ppg_port: int = Field(default=8090, ge=1, le=65535, description="Port of the simulated push gateway.")
    dispatch_wap_reports_port: int = Field(
        default=8091, ge=1, le=65535, description="Port on which dispatch hears what became of WAP pushes."
    )

    @property
    def gateway_address(self) -> str:
        """Where the simulated SMS gateway listens, host:port."""
        return f"{_HOST}:{self.sandbox_gateway_port}"

    @property
    def mail_gateway_address(self) -> str:
        """Where the simulated mail gateway listens, host:port."""
        return f"{_HOST}:{self.sandbox_mail_port}"

    @property
    def push_gateway_address(self) -> str:
        """Where the simulated push gateway listens, host:port."""
        return f"{_HOST}:{self.sandbox_ppg_port}"

    @property
    def wap_reports_address(self) -> str:
        """Where dispatch hears what became of WAP pushes, host:port."""
        return f"{_HOST}:{self.dispatch_wap_reports_port}"

    def address(self, service: ServiceName) -> str:
        """Return where a service is found, host:port."""
        if f"{service}_port" in self.model_fields_set and f"{service}_address" not in self.model_fields_set:
            return f"{_HOST}:{getattr(self, f'{service}_port')}"
        return str(getattr(self, f"{service}_address"))

    def port(self, service: ServiceName) -> int:
        """Return the port of a service."""
        return int(self.address(service).rpartition(":")[2])

    def places(self) -> dict[str, str]:
        """Return the variables by which another terminal finds this installation; none where all is as by default."""
        names = ("home", *(f"{service}_{part}" for service in PORTS for part in ("port", "address")))
        return {self.variable(name): str(getattr(self, name)) for name in names if name in self.model_fields_set}

    @model_validator(mode="after")
    def _reject_two_ports(self) -> "ConsoleSettings":
        """Raise InvalidInput where port and address of a service are both set and differ: one of them is forgotten."""
        violations = [
            Violation(
                self.variable(f"{service}_port"),
                f"is {getattr(self, f'{service}_port')}, but {self.variable(f'{service}_address')} is "
                f"{self.address(service)}; give both the same port, or unset one",
            )
            for service in PORTS
            if f"{service}_port" in self.model_fields_set and getattr(self, f"{service}_port") != self.port(service)
        ]
        if violations:
            raise InvalidInput(violations)
        return self
