"""Where the console finds the services, and where it keeps what is local."""

from typing import Literal

from pydantic import Field, SecretStr

from shared.settings import VisavisSettings

ServiceName = Literal["profile", "scoring", "recommendation", "dispatch", "feedback"]
PORTS: dict[ServiceName, int] = {
    "profile": 50051,
    "scoring": 50052,
    "recommendation": 50053,
    "dispatch": 50054,
    "feedback": 50055,
}


class ConsoleSettings(VisavisSettings):
    """The addresses are host:port."""

    database_url: SecretStr | None = Field(
        default=None, description="A PostgreSQL to use instead of the embedded server in home."
    )
    profile_address: str = Field(default=f"127.0.0.1:{PORTS['profile']}", description="Where profile answers.")
    scoring_address: str = Field(default=f"127.0.0.1:{PORTS['scoring']}", description="Where scoring answers.")
    recommendation_address: str = Field(
        default=f"127.0.0.1:{PORTS['recommendation']}", description="Where recommendation answers."
    )
    dispatch_address: str = Field(default=f"127.0.0.1:{PORTS['dispatch']}", description="Where dispatch answers.")
    feedback_address: str = Field(default=f"127.0.0.1:{PORTS['feedback']}", description="Where feedback answers.")

    def address(self, service: ServiceName) -> str:
        """Return host:port of one of the five services."""
        addresses: dict[ServiceName, str] = {
            "profile": self.profile_address,
            "scoring": self.scoring_address,
            "recommendation": self.recommendation_address,
            "dispatch": self.dispatch_address,
            "feedback": self.feedback_address,
        }
        return addresses[service]
