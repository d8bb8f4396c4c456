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

_SEED, _FORMAT, _THIS_FORMAT = b"visavis.sandbox.seed", b"visavis.sandbox.format", b"1"


@dataclass(frozen=True, slots=True)
class Secret:
    """Everybody's number and tastes, row by row."""

    seed: int
    customer_id: Names
    msisdn: Names
    tastes: Tastes


def secret_of(province: Province) -> Secret:
    """Return what is hidden about a province."""
    numbers = msisdns(province.people, seed=province.seed)
    return Secret(province.seed, customer_ids(province.people), numbers, province.tastes)


def write_secret(secret: Secret, path: Path) -> None:
    """Write it whole or not at all, over what was there."""
    columns = {"customer_id": secret.customer_id, "msisdn": secret.msisdn, **taste_columns(secret.tastes)}
    metadata = {_SEED: str(secret.seed).encode(), _FORMAT: _THIS_FORMAT}
    table = pa.table({name: pa.array(values) for name, values in columns.items()}).replace_schema_metadata(metadata)
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.new")
    parquet.write_table(table, aside)
    aside.replace(path)


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
