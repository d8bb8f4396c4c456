"""Settings of the profile processes."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.rpc.settings import ServerSettings
from shared.settings import EnvironmentSettings


class ProfileServerSettings(ServerSettings):
    """How the server listens: VISAVIS_PROFILE_HOST, VISAVIS_PROFILE_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_PROFILE_")

    port: int = Field(default=50051, ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")


class ProfileWorkerSettings(EnvironmentSettings):
    """How the worker makes snapshots: VISAVIS_PROFILE_HISTORY_CUSTOMERS."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_PROFILE_")

    history_customers: int = Field(
        default=100_000,
        ge=1_000,
        description="About so many customers get a history view, of which models learn; of more, they are drawn by lot.",
    )
