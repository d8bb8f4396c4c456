"""The hidden world as a file beside the extracts, for the simulated customers alone."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from services.sandbox.world.catalogue import Subject
from services.sandbox.world.draws import Floats
from services.sandbox.world.identity import Names, customer_ids, msisdns
from services.sandbox.world.province import Province
from services.sandbox.world.tastes import Tastes
from shared.errors import InvalidInput

_SEED, _FORMAT, _THIS_FORMAT = b"visavis.sandbox.seed", b"visavis.sandbox.format", b"2"


@dataclass(frozen=True, slots=True)
class Secret:
    """Everybody's number and tastes, row by row."""

    seed: int
    customer_id: Names
    msisdn: Names
    tastes: Tastes


def secret_of(province: Province) -> Secret:
    """Return what is hidden about a province."""
    people = province.people
    return Secret(province.block.seed, customer_ids(people), msisdns(people, province.numbers), province.tastes)


def secret_table(secret: Secret) -> pa.Table:
    """Return it as the columns of its file."""
    columns = {"customer_id": secret.customer_id, "msisdn": secret.msisdn, **taste_columns(secret.tastes)}
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def write_secret(secret: Secret, path: Path) -> None:
    """Write all of it at once."""
    with SecretFile(path, seed=secret.seed) as file:
        file.add(secret_table(secret))


class SecretFile:
    """The file in the making, block by block; it is there when the body has ended well, over what was there."""

    def __init__(self, path: Path, *, seed: int) -> None:
        self._path, self._aside = path, path.with_name(f".{path.name}.new")
        self._metadata = {_SEED: str(seed).encode(), _FORMAT: _THIS_FORMAT}
        self._writer: parquet.ParquetWriter | None = None

    def __enter__(self) -> "SecretFile":
        self._path.parent.mkdir(parents=True, exist_ok=True)
        return self

    def add(self, table: pa.Table) -> None:
        """Write one block's rows."""
        table = table.replace_schema_metadata(self._metadata)
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._aside, table.schema)
        self._writer.write_table(table)

    def __exit__(self, failure: type[BaseException] | None, *_: object) -> None:
        if self._writer is None:
            return
        self._writer.close()
        if failure is None:
            self._aside.replace(self._path)
        else:
            self._aside.unlink(missing_ok=True)


def read_secret(path: Path) -> Secret:
    """Read a file that `write_secret` wrote. Raises InvalidInput."""
    try:
        table = parquet.read_table(path)
    except (OSError, pa.ArrowInvalid) as failure:
        raise InvalidInput.of(
            "world", f"{path} cannot be read as a world of `sandbox extracts`: {failure}"
        ) from failure
    metadata = table.schema.metadata or {}
    if metadata.get(_FORMAT) != _THIS_FORMAT:
        raise InvalidInput.of("world", f"{path} is no world of this version; write it again with `sandbox extracts`")

    def by_subject(kind: str) -> dict[Subject, Floats]:
        return {subject: table[f"{kind}_{subject}"].to_numpy() for subject in Subject}

    return Secret(
        seed=int(metadata[_SEED]),
        customer_id=np.array(table["customer_id"].to_pylist()),
        msisdn=np.array(table["msisdn"].to_pylist()),
        tastes=Tastes(
            leaving=table["leaving"].to_numpy(),
            opts_out=table["opts_out"].to_numpy(),
            yes_by_sms=by_subject("yes_by_sms"),
            yes_by_call=by_subject("yes_by_call"),
            orders_unasked=by_subject("orders_unasked"),
        ),
    )


def taste_columns(tastes: Tastes) -> dict[str, Floats]:
    """Return every taste under the name of its column."""
    by_subject = {
        "yes_by_sms": tastes.yes_by_sms,
        "yes_by_call": tastes.yes_by_call,
        "orders_unasked": tastes.orders_unasked,
    }
    named = {f"{kind}_{subject}": values[subject] for kind, values in by_subject.items() for subject in Subject}
    return {"leaving": tastes.leaving, "opts_out": tastes.opts_out, **named}
