"""In which form the operator hands its tables over: format, encoding, compression, and which files make up a table."""

from dataclasses import dataclass
from enum import StrEnum

from services.sandbox.extracts.sources import Source
from shared.errors import InvalidInput


class FileFormat(StrEnum):
    """CSV as BOSS writes it, or typed Parquet of the analysis warehouse."""

    CSV = "csv"
    PARQUET = "parquet"


class Encoding(StrEnum):
    """Of CSV files."""

    UTF_8 = "utf-8"
    GB18030 = "gb18030"


class Compression(StrEnum):
    """Of CSV files; Parquet is compressed by itself."""

    NONE = "none"
    GZ = "gz"


class Split(StrEnum):
    """Whether a monthly table is one file, or a file a month."""

    ONE = "one"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class Form:
    """The form of a whole folder of extracts."""

    format: FileFormat = FileFormat.CSV
    encoding: Encoding = Encoding.GB18030
    compression: Compression = Compression.NONE
    split: Split = Split.ONE

    def __post_init__(self) -> None:
        """Raises InvalidInput."""
        if self.is_parquet and self.compression is not Compression.NONE:
            raise InvalidInput.of("compress", "Parquet is compressed by itself; leave it out, or choose --format csv")

    @property
    def is_parquet(self) -> bool:
        return self.format is FileFormat.PARQUET

    @property
    def suffix(self) -> str:
        return f".{self.format}" + (f".{self.compression}" if self.compression is not Compression.NONE else "")

    def is_split(self, source: Source) -> bool:
        """Whether the table comes in a file a month."""
        return source.monthly and self.split is Split.MONTHLY

    def file(self, source: Source, month: str, block: int | None) -> str:
        """Name a table's file. `month`, like 202609, counts where tables are split; `block`, the place of a part, where a
        table comes in several. Examples: billing.csv, billing_202609.csv.gz, billing-03.parquet."""
        of_month = f"_{month}" if self.is_split(source) else ""
        of_block = "" if block is None else f"-{block:02d}"
        return f"{source.table}{of_month}{of_block}{self.suffix}"

    def pattern(self, source: Source, *, in_parts: bool) -> str:
        """Name all files of a table, as the mapping does."""
        if self.is_split(source):
            return f"{source.table}_*{self.suffix}"
        return f"{source.table}-*{self.suffix}" if in_parts else f"{source.table}{self.suffix}"
