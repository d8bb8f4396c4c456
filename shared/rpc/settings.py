"""Settings that every server has; a service derives its own with its prefix and port."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """Read from the environment under the prefix that the service gives, for example `VISAVIS_PROFILE_PORT`."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_", extra="forbid", frozen=True)

    host: str = "127.0.0.1"
    port: int = Field(ge=0, le=65535, description="0 lets the system choose, for tests")
    default_deadline_seconds: PositiveFloat = Field(default=30, description="for callers that set none")
    drain_seconds: NonNegativeFloat = Field(
        default=0.2, description="between NOT_SERVING and refusing calls, for health pollers"
    )
    grace_seconds: NonNegativeFloat = Field(default=10, description="what calls in flight get to finish when stopping")
    health_interval_seconds: PositiveFloat = Field(default=1, description="between looks at the dependencies")
    max_message_bytes: PositiveInt = Field(default=4 * 1024 * 1024, description="of one request or response")

    def variable(self, field: str) -> str:
        """Return the name of the environment variable that sets `field`."""
        return f"{self.model_config.get('env_prefix', '')}{field}".upper()
