"""Rows of one table of a block, on their way into a file."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from services.sandbox.extracts import cells
from services.sandbox.extracts.sources import Source
from services.sandbox.world.calendar import HISTORY_MONTHS
from services.sandbox.world.draws import Ints
from services.sandbox.world.identity import customer_ids
from services.sandbox.world.province import Province


@dataclass(frozen=True, slots=True)
class Rows:
    """Typed columns under our names, in the order of the source's; rows of monthly tables are ordered by month.

    Month i's rows are those from `month_starts[i]` up to the next start; other tables have one start only.
    """

    source: Source
    table: pa.Table
    month_starts: tuple[int, ...] = (0,)

    @classmethod
    def of(cls, source: Source, columns: cells.Columns) -> "Rows":
        """Put a table together that is not monthly."""
        return cls(source, pa.table({name: columns[name] for name in source.columns}))

    @classmethod
    def of_months(cls, source: Source, columns: cells.Columns, month: Ints) -> "Rows":
        """Put a monthly table together; `month` is each row's, in order."""
        starts = np.searchsorted(month, np.arange(HISTORY_MONTHS))
        return cls(source, cls.of(source, columns).table, tuple(int(start) for start in starts))

    def parts(self) -> list[pa.Table]:
        """Return the rows month by month; all at once where the table is not monthly."""
        ends = (*self.month_starts[1:], self.table.num_rows)
        return [self.table.slice(start, end - start) for start, end in zip(self.month_starts, ends, strict=True)]


class Ids:
    """The customers' ids of a block, looked up by line; made once, since every table has them."""

    def __init__(self, province: Province) -> None:
        self._names = pa.array(customer_ids(province.people), pa.string())

    def of(self, line: Ints) -> cells.Column:
        """Return the id of each line."""
        return pa.DictionaryArray.from_arrays(pa.array(line.astype(np.int32), pa.int32()), self._names)
