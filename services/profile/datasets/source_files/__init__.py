"""The operator's files: found by the names of a mapping, opened whatever they are packed in, read as cells, block by block."""

from services.profile.datasets.source_files.cells import open_cells
from services.profile.datasets.source_files.folder import LocalFolder, look_at

__all__ = ["LocalFolder", "look_at", "open_cells"]
