"""Settings of the feedback service."""

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared.rpc.settings import ServerSettings
from shared.settings import VisavisSettings


class FeedbackServerSettings(ServerSettings):
    """Where the server listens: VISAVIS_FEEDBACK_HOST, VISAVIS_FEEDBACK_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_FEEDBACK_")

    port: int = Field(default=50055, ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")


class FeedbackWorkerSettings(VisavisSettings):
    """What the worker needs to know."""

    dispatch_address: str = Field(default="127.0.0.1:50054", description="Where dispatch answers, host:port.")
