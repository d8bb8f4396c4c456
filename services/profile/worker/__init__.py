"""The runs of profile: imports and snapshots, in stages that a kill may interrupt anywhere."""

from collections.abc import Mapping, Sequence

from services.profile.domain.resources import IMPORTS, SNAPSHOTS
from services.profile.worker.imports import ImportStages
from services.profile.worker.snapshots import SnapshotStages
from shared.runs.stages import Stage


def handlers(imports: ImportStages, snapshots: SnapshotStages) -> Mapping[str, Sequence[Stage]]:
    """Return what the run worker does, by kind of run."""
    return {IMPORTS: imports.stages(), SNAPSHOTS: snapshots.stages()}
