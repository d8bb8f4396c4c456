"""Where the lake of an installation lies."""

from pathlib import Path

from pydantic import Field

from shared.settings import VisavisSettings


class LakeSettings(VisavisSettings):
    """Read by every process that touches datasets."""

    lake_root: Path | None = Field(default=None, description="Folder of all datasets; absent: lake in VISAVIS_HOME.")

    @property
    def root(self) -> Path:
        return self.lake_root or self.home / "lake"
