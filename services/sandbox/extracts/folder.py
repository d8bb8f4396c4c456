"""Puts extracts and the hidden world on disk: each whole or not at all, and never over somebody else's files."""

import multiprocessing
import os
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from services.sandbox.extracts.blocks import BlockOrder, BlockWritten, Part, write_block
from services.sandbox.extracts.dirt.kinds import Dirt, Shares
from services.sandbox.extracts.dirt.ledger import Fault, write_ledger
from services.sandbox.extracts.form import Form
from services.sandbox.extracts.mapping import MAPPING_FILE, mapping_toml
from services.sandbox.extracts.sources import SOURCES
from services.sandbox.world.block import Block
from services.sandbox.world.draws import stream
from services.sandbox.world.secret import SecretFile
from shared.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Destination:
    """Where the extracts go; and where, anywhere but into the same folder, the hidden world and the ledger of planted
    faults go. Files that are late lie in a folder of their own beside the extracts."""

    extracts: Path
    world: Path
    ledger: Path

    @classmethod
    def of(cls, extracts: Path, world: Path | None = None, ledger: Path | None = None) -> "Destination":
        """Check before any work is done. Raises InvalidInput."""
        beside = extracts.resolve().parent
        destination = cls(
            extracts.resolve(),
            (world or beside / "tastes.parquet").resolve(),
            (ledger or beside / "faults.jsonl").resolve(),
        )
        for name, path in (("world", destination.world), ("ledger", destination.ledger)):
            if path.is_relative_to(destination.extracts):
                raise InvalidInput.of(name, f"{path} lies in the extracts folder; the product must never see it")
            if path.is_dir():
                raise InvalidInput.of(name, f"{path} is a folder; expected a file to write")
        _refuse_foreign(destination.extracts)
        _refuse_foreign(destination.late)
        return destination

    @property
    def late(self) -> Path:
        return self.extracts.with_name(f"{self.extracts.name}-late")


@dataclass(frozen=True, slots=True)
class Request:
    """Which province to write, in which form, with how much dirt."""

    blocks: tuple[Block, ...]
    form: Form = field(default_factory=Form)
    shares: Shares = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Written:
    """Rows by table, and planted faults by kind."""

    rows: dict[str, int]
    faults: dict[str, int]


def write_extracts(request: Request, destination: Destination, *, processes: int | None = None) -> Written:
    """Write everything aside, then put it in its place. A reader finds the old folder, the new one, or for an instant
    none, never a mixture; a kill leaves nothing half-written under the final names.

    Blocks are made by as many processes as there are cores, or as said; the bytes are the same for any number.
    """
    folder, late = (_Aside.of(place) for place in (destination.extracts, destination.late))
    in_parts = request.form.is_parquet and len(request.blocks) > 1
    orders = [BlockOrder(block, request.form, request.shares, folder.new, in_parts) for block in request.blocks]
    gathered = _Gathered(folder.new, heading_lines=0 if request.form.is_parquet else 1)
    with SecretFile(destination.world, seed=request.blocks[0].seed) as secret, _made(orders, processes) as made:
        for block in made:
            gathered.add(block)
            secret.add(block.secret)
        gathered.faults += _hold_back(gathered, folder.new, late.new, request)
        (folder.new / MAPPING_FILE).write_text(mapping_toml(request.form, in_parts=in_parts), encoding="utf-8")
    if request.shares:
        write_ledger(gathered.faults, destination.ledger)
    else:
        destination.ledger.unlink(missing_ok=True)
    folder.put_in_place()
    late.put_in_place()
    return Written(dict(gathered.rows), dict(Counter(fault.kind.value for fault in gathered.faults)))


class _Gathered:
    """Files that grow block by block."""

    def __init__(self, folder: Path, *, heading_lines: int) -> None:
        self._folder = folder
        self._heading_lines = heading_lines
        self.rows: Counter[str] = Counter({source.table: 0 for source in SOURCES})
        self.files: Counter[str] = Counter()
        self.faults: list[Fault] = []

    def add(self, block: BlockWritten) -> None:
        """Put a block's rows behind those that are there, and its faults with the lines they come to."""
        self.faults += [
            fault if fault.line is None else replace(fault, line=fault.line + self._lines_before(fault.file))
            for fault in block.faults
        ]
        for part in block.parts:
            self._append(part)
            self.rows[part.table] += part.rows
            self.files[part.file] += part.rows

    def _lines_before(self, file: str) -> int:
        return self._heading_lines + self.files[file]

    def _append(self, part: Part) -> None:
        path = self._folder / part.file
        if part.file not in self.files:
            part.written.rename(path)
            return
        with part.written.open("rb") as more, path.open("ab") as file:
            shutil.copyfileobj(more, file, 1 << 22)
        part.written.unlink()


@dataclass(frozen=True, slots=True)
class _Aside:
    """A folder in the making, and where it belongs; one that stays empty is not put there."""

    place: Path
    new: Path
    old: Path

    @classmethod
    def of(cls, place: Path) -> "_Aside":
        aside = cls(place, place.with_name(f".{place.name}.new"), place.with_name(f".{place.name}.old"))
        for leftover in (aside.new, aside.old):
            shutil.rmtree(leftover, ignore_errors=True)
        aside.new.mkdir(parents=True)
        return aside

    def put_in_place(self) -> None:
        if self.place.exists():
            self.place.rename(self.old)
        if any(self.new.iterdir()):
            self.new.rename(self.place)
        else:
            self.new.rmdir()
        shutil.rmtree(self.old, ignore_errors=True)


@contextmanager
def _made(orders: Sequence[BlockOrder], processes: int | None) -> Iterator[Iterator[BlockWritten]]:
    """Have the blocks made, in their order."""
    workers = min(len(orders), processes or len(os.sched_getaffinity(0)))
    if workers == 1:
        yield map(write_block, orders)
        return
    with ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool.map(write_block, orders)


def _hold_back(gathered: _Gathered, folder: Path, late: Path, request: Request) -> list[Fault]:
    """Move late files away, each with the mapping that reads them."""
    share = request.shares.get(Dirt.LATE_FILE)
    if share is None:
        return []
    monthly = [source.table for source in SOURCES if request.form.is_split(source)]
    files = sorted(file for file in gathered.files if file.partition("_20")[0] in monthly)
    chance = stream(request.blocks[0].seed, "late files")
    held = sorted(chance.permutation(files)[: max(1, round(share * len(files)))].tolist())
    for file in held:
        (folder / file).rename(late / file)
    (late / MAPPING_FILE).write_text(mapping_toml(request.form, in_parts=False), encoding="utf-8")
    return [
        Fault(file.partition("_20")[0], file, None, "", Dirt.LATE_FILE, month=f"20{file.partition('_20')[2][:4]}")
        for file in held
    ]


def _refuse_foreign(folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise InvalidInput.of("out", f"{folder} is no folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / MAPPING_FILE).is_file():
        raise InvalidInput.of(
            "out", f"{folder} is not empty and holds no {MAPPING_FILE} of ours; choose another folder"
        )
