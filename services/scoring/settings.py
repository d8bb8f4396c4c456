"""Settings of the scoring processes, and the file in which a province keeps the rules of its scores."""

import hashlib
import tomllib
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic_settings import SettingsConfigDict

from services.scoring.domain.rules import Comparison, ScoringRules, Thresholds, Utility, ValueRules
from shared.errors import InvalidInput, Violation
from shared.rpc.settings import ServerSettings
from shared.settings import EnvironmentSettings

SHIPPED_RULES = Path(__file__).with_name("province.toml")

Points = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
Probability = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
Bound = Annotated[Decimal, Field(decimal_places=4, max_digits=13)]


class ScoringServerSettings(ServerSettings):
    """How the server listens: VISAVIS_SCORING_HOST, VISAVIS_SCORING_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_SCORING_")

    port: int = Field(default=50052, ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")


class ScoringSettings(EnvironmentSettings):
    """How models and scores are made: VISAVIS_SCORING_SETTINGS_FILE …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_SCORING_")

    settings_file: Path = Field(default=SHIPPED_RULES, description="TOML file of the province's rules for scores.")
    model_threads: int = Field(
        default=1,
        ge=1,
        description="Threads for models; more than there are idle cores make training ten times slower.",
    )
    memory: str = Field(
        default="1GB", pattern=r"^\d+(MB|GB)$", description="Memory of a scoring's columnar engine before it spills."
    )
    least_cases: int = Field(
        default=30, ge=5, description="Least customers of each outcome that a model is trained on."
    )


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Comparison(_Section):
    of: str
    criteria: tuple[str, ...]
    judgements: tuple[float, ...]


class _Utility(_Section):
    column: str
    nothing_at: Bound
    all_at: Bound

    @model_validator(mode="after")
    def _rises(self) -> Self:
        if self.nothing_at >= self.all_at:
            raise ValueError(f"nothing_at {self.nothing_at} is not below all_at {self.all_at}")
        return self


class _Value(_Section):
    comparisons: tuple[_Comparison, ...]
    utilities: dict[str, _Utility]


class _Thresholds(_Section):
    stickiness_high: Points
    stickiness_mid: Points
    churn_warned: Points
    need_rigid: Probability
    need_sensitive: Probability
    need_ordinary: Probability

    @model_validator(mode="after")
    def _descend(self) -> Self:
        if self.stickiness_high < self.stickiness_mid:
            raise ValueError("stickiness_high is below stickiness_mid")
        if not self.need_rigid >= self.need_sensitive >= self.need_ordinary:
            raise ValueError("need_rigid, need_sensitive and need_ordinary do not descend")
        return self


class _Rules(_Section):
    value: _Value
    thresholds: _Thresholds
    cities: dict[str, _Thresholds] = {}

    @model_validator(mode="before")
    @classmethod
    def _complete_cities(cls, rules: dict[str, object]) -> dict[str, object]:
        """Lay what a city says over what the province says."""
        province, cities = rules.get("thresholds"), rules.get("cities", {})
        if not isinstance(province, dict) or not isinstance(cities, dict):
            return rules
        laid = {city: {**province, **own} if isinstance(own, dict) else own for city, own in cities.items()}
        return {**rules, "cities": laid}


def read_rules(path: Path) -> ScoringRules:
    """Read a province's rules. Raises InvalidInput with all that is wrong in the file, each by its key."""
    try:
        content = path.read_bytes()
        rules = _Rules.model_validate(tomllib.loads(content.decode(), parse_float=Decimal))
    except OSError as error:
        text = f"cannot be read ({error.strerror}); see VISAVIS_SCORING_SETTINGS_FILE"
        raise InvalidInput.of(str(path), text) from error
    except ValidationError as error:
        raise InvalidInput([_violation(path, fault["loc"], fault["msg"]) for fault in error.errors()]) from error
    except ValueError as error:  # no TOML, or no UTF-8
        raise InvalidInput.of(path.name, str(error)) from error
    return _rules(rules, hashlib.sha256(content).hexdigest())


def _rules(rules: _Rules, fingerprint: str) -> ScoringRules:
    comparisons = tuple(Comparison(c.of, c.criteria, c.judgements) for c in rules.value.comparisons)
    utilities = {
        name: Utility(utility.column, utility.nothing_at, utility.all_at)
        for name, utility in rules.value.utilities.items()
    }
    cities: Mapping[str, Thresholds] = {city: _thresholds(own) for city, own in rules.cities.items()}
    return ScoringRules(ValueRules(comparisons, utilities), _thresholds(rules.thresholds), cities, fingerprint)


def _thresholds(section: _Thresholds) -> Thresholds:
    return Thresholds(**section.model_dump())


def _violation(path: Path, location: tuple[int | str, ...], message: str) -> Violation:
    return Violation(f"{path.name}: {'.'.join(str(step) for step in location)}", message)
