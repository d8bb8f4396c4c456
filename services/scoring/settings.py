"""Settings of the scoring processes, and the file in which a province keeps the rules of its scores."""

import hashlib
import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from services.scoring.domain.rules import (
    Comparison,
    Condition,
    EnterpriseRules,
    FixedTiers,
    Operator,
    ScoringRules,
    Segment,
    Sign,
    Thresholds,
    Utility,
    ValueRules,
)
from shared.errors import InvalidInput, Violation
from shared.rpc.settings import ServerSettings
from shared.settings import EnvironmentSettings

SHIPPED_RULES = Path(__file__).with_name("province.toml")

Points = Annotated[Decimal, Field(ge=0, le=100, decimal_places=2)]
Probability = Annotated[Decimal, Field(ge=0, le=1, decimal_places=4)]
Bound = Annotated[Decimal, Field(decimal_places=4, max_digits=11)]
"""Up to ten million: utilities are computed in 64 bits."""


class ScoringServerSettings(ServerSettings):
    """How the server listens: VISAVIS_SCORING_HOST, VISAVIS_SCORING_PORT …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_SCORING_")

    port: int = Field(default=50052, ge=0, le=65535, description="Port to listen on; 0 lets the system choose.")


class ScoringSettings(EnvironmentSettings):
    """How models and scores are made: VISAVIS_SCORING_SETTINGS_FILE …"""

    model_config = SettingsConfigDict(env_prefix="VISAVIS_SCORING_")

    settings_file: Path = Field(default=SHIPPED_RULES, description="TOML file of the province's rules for scores.")
    model_threads: int = Field(default=2, ge=1, le=64, description="Batches of customers scored side by side.")
    runs_at_once: int = Field(
        default=2,
        ge=1,
        le=16,
        description="Trainings and scorings that one worker does at a time, each in its own memory.",
    )
    training_rows: int = Field(
        default=60_000, ge=1_000, description="Customers that models learn from at most; of more, so many are drawn."
    )
    training_cells: int = Field(
        default=2_000_000,
        ge=100_000,
        description="Numbers (customers x features) that one model learns from at most; its time is in proportion.",
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
    null: Literal["unknown", "nothing"] = "unknown"

    @model_validator(mode="after")
    def _leads_somewhere(self) -> Self:
        if self.nothing_at == self.all_at:
            raise ValueError(f"nothing_at and all_at are both {self.all_at}")
        return self

    def rule(self) -> Utility:
        return Utility(self.column, self.nothing_at, self.all_at, null_is_nothing=self.null == "nothing")


class _Tree(_Section):
    comparisons: tuple[_Comparison, ...]
    utilities: dict[str, _Utility]

    def rule(self) -> ValueRules:
        comparisons = tuple(Comparison(c.of, c.criteria, c.judgements) for c in self.comparisons)
        return ValueRules(comparisons, {name: utility.rule() for name, utility in self.utilities.items()})


class _FixedTiers(_Section):
    high: Points
    mid_high: Points
    mid: Points

    @model_validator(mode="after")
    def _descend(self) -> Self:
        if not self.high >= self.mid_high >= self.mid:
            raise ValueError("high, mid_high and mid do not descend")
        return self


class _Value(_Tree):
    fixed_tiers: _FixedTiers


class _Sign(_Utility):
    weight: Annotated[Decimal, Field(gt=0, le=100, decimal_places=2)]


class _Enterprises(_Section):
    value: _Tree
    signs: Annotated[dict[str, _Sign], Field(min_length=1)]

    def rule(self) -> EnterpriseRules:
        signs = {name: Sign(sign.weight, sign.rule()) for name, sign in self.signs.items()}
        return EnterpriseRules(self.value.rule(), signs)


class _Condition(_Section):
    field: str
    op: Operator
    value: bool | int | Decimal | str | tuple[str, ...]
    share_of: str | None = None

    def rule(self) -> Condition:
        return Condition(self.field, self.op, self.value, self.share_of)


class _Segment(_Section):
    segment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    all: tuple[_Condition, ...] = ()

    def rule(self) -> Segment:
        return Segment(self.segment, tuple(condition.rule() for condition in self.all))


class _Group(_Section):
    all: Annotated[tuple[_Condition, ...], Field(min_length=1)]


class _Thresholds(_Section):
    stickiness_high: Points
    stickiness_mid: Points
    churn_warned: Points
    churn_stays_warned: Points
    enterprise_warned: Points
    need_rigid: Probability
    need_sensitive: Probability
    need_ordinary: Probability

    @model_validator(mode="after")
    def _descend(self) -> Self:
        if self.stickiness_high < self.stickiness_mid:
            raise ValueError("stickiness_high is below stickiness_mid")
        if self.churn_warned < self.churn_stays_warned:
            raise ValueError("churn_warned is below churn_stays_warned")
        if not self.need_rigid >= self.need_sensitive >= self.need_ordinary:
            raise ValueError("need_rigid, need_sensitive and need_ordinary do not descend")
        return self


class _Rules(_Section):
    value: _Value
    enterprises: _Enterprises
    voice_segments: Annotated[tuple[_Segment, ...], Field(min_length=1)]
    minutes_can_grow: tuple[_Group, ...] = ()
    thresholds: _Thresholds
    cities: dict[str, _Thresholds] = {}

    @field_validator("voice_segments")
    @classmethod
    def _ends_with_everybody(cls, segments: tuple[_Segment, ...]) -> tuple[_Segment, ...]:
        open_at = [i for i, segment in enumerate(segments) if not segment.all]
        if open_at != [len(segments) - 1]:
            raise ValueError("expected the last group, and only the last, without conditions: it is for everybody else")
        return segments

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
    return ScoringRules(
        value=rules.value.rule(),
        fixed_tiers=FixedTiers(**rules.value.fixed_tiers.model_dump()),
        enterprises=rules.enterprises.rule(),
        voice_segments=tuple(segment.rule() for segment in rules.voice_segments),
        minutes_can_grow=tuple(tuple(condition.rule() for condition in group.all) for group in rules.minutes_can_grow),
        province=_thresholds(rules.thresholds),
        cities={city: _thresholds(own) for city, own in rules.cities.items()},
        fingerprint=fingerprint,
    )


def _thresholds(section: _Thresholds) -> Thresholds:
    return Thresholds(**section.model_dump())


def _violation(path: Path, location: tuple[int | str, ...], message: str) -> Violation:
    return Violation(f"{path.name}: {'.'.join(str(step) for step in location)}", message)
