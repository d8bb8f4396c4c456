"""The base of all settings: environment variables named VISAVIS_…, and no misspelled one goes unnoticed.

Several processes share one environment, so a class can judge only the variables below the prefixes that it owns.
"""

import os
from pathlib import Path
from typing import ClassVar, Self

from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import InvalidInput, Violation

PREFIX = "VISAVIS_"


class VisavisSettings(BaseSettings):
    """Read from the environment; field `database_url` is `VISAVIS_DATABASE_URL`.

    A class names in `owned_prefixes` the prefixes under which it knows every variable (`VISAVIS_DATABASE_`), in addition
    to those of its bases; an unknown variable below one of them raises `InvalidInput` with the names that are known.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, env_ignore_empty=True, extra="forbid", frozen=True)
    owned_prefixes: ClassVar[tuple[str, ...]] = ()

    home: Path = Field(default=Path(".visavis"), description="Folder of everything this installation keeps.")

    @model_validator(mode="after")
    def _reject_unknown_variables(self) -> Self:
        known = {PREFIX + name.upper() for name in type(self).model_fields}
        prefixes = tuple(prefix for base in type(self).__mro__ for prefix in vars(base).get("owned_prefixes", ()))
        unknown = [name for name in sorted(os.environ) if name.startswith(prefixes) and name not in known]
        if unknown:
            why = f"is not a setting; known are {', '.join(sorted(known))}"
            raise InvalidInput([Violation(name, why) for name in unknown])
        return self
