"""The base of all settings: environment variables named VISAVIS_…, and no misspelled one goes unnoticed.

Several processes share one environment, so a class can judge only the variables below the prefixes that it owns.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import InvalidInput, Violation

PREFIX = "VISAVIS_"


class EnvironmentSettings(BaseSettings):
    """Read from the environment; a class may have an `env_prefix` of its own below `VISAVIS_`, which it then owns.

    It owns those in `owned_prefixes`, too (`VISAVIS_DATABASE_`), and those of its bases. A variable below one of them that
    no settings class of this process knows raises `InvalidInput` with the names that are known.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)
    owned_prefixes: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def variable(cls, field: str) -> str:
        """Return the name of the environment variable that sets `field`."""
        return f"{cls.model_config.get('env_prefix', PREFIX)}{field}".upper()

    @classmethod
    def known_variables(cls) -> set[str]:
        """Return the variables that may be set because of this class."""
        return {cls.variable(name) for name in cls.model_fields}

    @model_validator(mode="after")
    def _reject_unknown_variables(self) -> Self:
        prefixes = _prefixes(type(self))
        known = loaded_variables()
        unknown = [name for name in sorted(os.environ) if name.startswith(prefixes) and name not in known]
        if unknown:
            why = f"is not a setting; known are {', '.join(sorted(n for n in known if n.startswith(prefixes)))}"
            raise InvalidInput([Violation(name, why) for name in unknown])
        return self


class VisavisSettings(EnvironmentSettings):
    """Settings of what keeps something at home; field `database_url` is `VISAVIS_DATABASE_URL`."""

    home: Path = Field(default=Path(".visavis"), description="Folder of everything this installation keeps.")


def loaded_variables() -> set[str]:
    """Return the variables of all settings classes that this process has imported."""
    return {name for settings in _loaded(EnvironmentSettings) for name in settings.known_variables()}


def _prefixes(settings: type[EnvironmentSettings]) -> tuple[str, ...]:
    owned = {prefix for base in settings.__mro__ for prefix in vars(base).get("owned_prefixes", ())}
    return tuple(owned | {settings.variable("")} - {PREFIX})


def _loaded(settings: type[EnvironmentSettings]) -> Iterator[type[EnvironmentSettings]]:
    yield settings
    for derived in settings.__subclasses__():
        yield from _loaded(derived)
