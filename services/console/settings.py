"""Where the console finds the services, and where it keeps what is local."""

from pathlib import Path
from typing import Literal

from pydantic_settings import BaseSettings, SettingsConfigDict

ServiceName = Literal["profile", "scoring", "recommendation", "dispatch", "feedback"]
PORTS: dict[ServiceName, int] = {
    "profile": 50051,
    "scoring": 50052,
    "recommendation": 50053,
    "dispatch": 50054,
    "feedback": 50055,
}


class ConsoleSettings(BaseSettings):
    """Read from variables prefixed VISAVIS_; each address is host:port."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_", frozen=True, extra="ignore")

    home: Path = Path(".visavis")
    database_url: str = ""
    profile_address: str = f"127.0.0.1:{PORTS['profile']}"
    scoring_address: str = f"127.0.0.1:{PORTS['scoring']}"
    recommendation_address: str = f"127.0.0.1:{PORTS['recommendation']}"
    dispatch_address: str = f"127.0.0.1:{PORTS['dispatch']}"
    feedback_address: str = f"127.0.0.1:{PORTS['feedback']}"

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
