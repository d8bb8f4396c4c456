"""Settings that every server has; a service derives its own with its prefix and port."""

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from shared.settings import EnvironmentSettings


class ServerSettings(EnvironmentSettings):
    """Read from the environment under the prefix that the service gives, for example `VISAVIS_PROFILE_PORT`."""

    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")
    default_deadline_seconds: PositiveFloat = Field(default=30, description="Deadline of calls that come without one.")
    drain_seconds: NonNegativeFloat = Field(
        default=0.2, description="Time between NOT_SERVING and refusing calls, for health pollers."
    )
    grace_seconds: NonNegativeFloat = Field(
        default=10, description="What calls in flight get to finish when the server stops."
    )
    health_interval_seconds: PositiveFloat = Field(default=1, description="Time between looks at the dependencies.")
    max_message_bytes: PositiveInt = Field(
        default=4 * 1024 * 1024, description="Largest request or response that is taken."
    )

    @classmethod
    def known_variables(cls) -> set[str]:
        """Return those of its fields, and the address under which its peers find it, e.g. `VISAVIS_PROFILE_ADDRESS`."""
        return super().known_variables() | {cls.variable("address")}
