"""Settings of the recommendation service."""

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt
from pydantic_settings import SettingsConfigDict

from services.recommendation.engine.assembly.terms import MOST_AFFINITY_PERCENT, Weighing
from shared.rpc.settings import ServerSettings
from shared.settings import EnvironmentSettings


class RecommendationServerSettings(ServerSettings):
    """How the server listens and answers: VISAVIS_RECOMMENDATION_HOST, VISAVIS_RECOMMENDATION_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_RECOMMENDATION_")

    port: int = Field(default=50053, ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")
    contacts_deadline_seconds: PositiveFloat = Field(
        default=0.3, description="What dispatch gets to answer the desk, before it does without the contacts."
    )


class RecommendationWorkerSettings(EnvironmentSettings):
    """What the worker decides by."""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_RECOMMENDATION_")

    consent_default: bool = Field(
        default=False, description="Whether customers who were never asked may be marketed to; each run pins it."
    )
    most_at_once: PositiveInt = Field(
        default=3, description="How many new services a customer is offered at once, at most; each run pins it."
    )
    weigh_probability: bool = Field(
        default=True, description="Whether the probability of the need counts in the value that orders a zone; pinned."
    )
    weigh_margin: bool = Field(
        default=True, description="Whether the policy's margin counts in the value that orders a zone; pinned."
    )
    weigh_weight: bool = Field(
        default=True, description="Whether the planner's weight counts in the value that orders a zone; pinned."
    )
    affinity_percent: NonNegativeInt = Field(
        default=20,
        le=MOST_AFFINITY_PERCENT,
        description="What a new service gains where the customer has a product that the catalogue associates with it; 0: nothing.",
    )
    combinations_once: bool = Field(
        default=True,
        description="Whether what a combination brings is not offered by another policy beside it; pinned.",
    )

    def weighing(self) -> Weighing:
        """Return what values are made of."""
        return Weighing(
            probability=self.weigh_probability,
            margin=self.weigh_margin,
            weight=self.weigh_weight,
            affinity_percent=self.affinity_percent,
            combinations_once=self.combinations_once,
        )


class PeerSettings(EnvironmentSettings):
    """Where the peers are."""

    dispatch_address: str = Field(default="127.0.0.1:50054", description="Where dispatch answers, host:port.")
