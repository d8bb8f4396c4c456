"""Where the lake of an installation lies."""

from pathlib import Path

from shared.settings import VisavisSettings


class LakeSettings(VisavisSettings):
    """Read by every process that touches datasets."""

    @property
    def root(self) -> Path:
        """The folder of all datasets."""
        return self.home / "lake"
