"""Settings of the recommendation service."""

from pydantic import Field, PositiveFloat
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.rpc.settings import ServerSettings
from shared.settings import VisavisSettings


class RecommendationServerSettings(ServerSettings):
    """Where the server listens: VISAVIS_RECOMMENDATION_HOST, VISAVIS_RECOMMENDATION_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_RECOMMENDATION_")

    port: int = Field(default=50053, ge=0, le=65535, description="0 lets the system choose, for tests")
    contacts_deadline_seconds: PositiveFloat = Field(
        default=0.3, description="how long the desk waits for dispatch before it does without the contacts"
    )


class RecommendationWorkerSettings(BaseSettings):
    """What the worker decides by: VISAVIS_RECOMMENDATION_CONSENT_DEFAULT."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_RECOMMENDATION_", frozen=True)

    consent_default: bool = Field(
        default=False, description="Whether customers who were never asked may be marketed to; each run pins it."
    )


class DispatchSettings(VisavisSettings):
    """Where the contacts are."""

    dispatch_address: str = Field(default="127.0.0.1:50054", description="Where dispatch answers, host:port.")
