"""What callers can ask of profile. Nothing here commits: whoever opened the transaction does."""

from collections.abc import Sequence
from dataclasses import dataclass

from services.profile.domain.mapping import MAPPING_INVALID, ReadMapping, heading_violations, read_mapping
from services.profile.domain.proposals import Finding, findings, proposals, rendered
from services.profile.domain.resources import Import, ImportRequest, Snapshot, SnapshotRequest, rejects_uri
from services.profile.ports import ChangeableResources, PublishedRows, Resources, Row, SourceFolder, SourceUnreadable
from shared.clock import Clock
from shared.errors import Denied, InvalidInput, NotFound, Violation, WrongState
from shared.lake.dataset import Dataset
from shared.rpc.identity import Caller
from shared.runs.domain import Run, RunState

SOURCE_UNREADABLE = "ERROR_REASON_SOURCE_UNREADABLE"


@dataclass(frozen=True, slots=True)
class CreateImport:
    """`import_id` is the caller's request id, or a new id."""

    import_id: str
    request: ImportRequest
    principal: str


@dataclass(frozen=True, slots=True)
class CreateSnapshot:
    """`snapshot_id` is the caller's request id, or a new id."""

    snapshot_id: str
    import_id: str
    principal: str


@dataclass(frozen=True, slots=True)
class ByCustomerId:
    customer_id: str


@dataclass(frozen=True, slots=True)
class ByNumber:
    """`msisdn` is canonical: 11 digits."""

    msisdn: str


async def create_import(
    command: CreateImport, *, resources: ChangeableResources, folder: SourceFolder, clock: Clock
) -> Import:
    """Queue an import after a look at mapping and headings. Raises InvalidInput with all that is wrong.

    An import that is there already is returned without a look: its files may be gone by now.
    """
    try:
        await resources.get_import(command.import_id)
    except NotFound:
        await _check_base(command.request, resources=resources)
        await check_mapping(command.request, folder=folder)
    return await resources.create_import(
        command.import_id, command.request, principal=command.principal, now=clock.now()
    )


async def _check_base(request: ImportRequest, *, resources: Resources) -> None:
    """Raise NotFound or WrongState for a base that cannot give any table, InvalidInput for one of another cycle."""
    if not request.base_import_id:
        return
    base = await resources.get_import(request.base_import_id)
    if base.result is None:
        raise _unfinished(base.run)
    if base.request.cycle != request.cycle:
        raise InvalidInput.of("base_import", f"{base.run.name} is of {base.request.cycle}, expected {request.cycle}")


async def check_mapping(request: ImportRequest, *, folder: SourceFolder) -> None:
    """Check the mapping file wholly, and against the headings of each file; no row is read."""
    read = read_mapping(request.mapping, is_partial=bool(request.base_import_id))
    wrong, unreadable = await _compare_headings(request.source, read, folder)
    violations = sorted([*read.violations, *wrong], key=lambda violation: violation.field)
    if violations:
        raise InvalidInput(violations, reason=MAPPING_INVALID)
    if unreadable:
        raise InvalidInput(unreadable, reason=SOURCE_UNREADABLE)


@dataclass(frozen=True, slots=True)
class CheckedSource:
    """A mapping file for a person to correct, and what each file looks like."""

    mapping: str
    findings: Sequence[Finding]


async def check_source(source: str, *, folder: SourceFolder) -> CheckedSource:
    """Look at a file or a folder, and propose a mapping; where one lies there already, say whether it fits.

    Raises InvalidInput where nothing can be read.
    """
    try:
        samples = await folder.samples(source)
        present = await folder.mapping(source)
    except SourceUnreadable as finding:
        raise InvalidInput([Violation("source_uri", finding.why)], reason=SOURCE_UNREADABLE) from None
    proposed = proposals(samples)
    found = list(findings(samples, proposed))
    if present is not None:
        found.insert(0, Finding("mapping.toml", await _fit(source, present, folder)))
    return CheckedSource(rendered(proposed), found)


async def _fit(source: str, mapping: str, folder: SourceFolder) -> str:
    try:
        await check_mapping(ImportRequest("", source, mapping), folder=folder)
    except InvalidInput as wrong:
        return "does not fit: " + "; ".join(f"{v.field}: {v.description}" for v in wrong.violations)
    return "fits these files"


async def _compare_headings(
    source: str, read: ReadMapping, folder: SourceFolder
) -> tuple[list[Violation], list[Violation]]:
    """Return what is wrong with the mapping, and which files cannot be read."""
    wrong: list[Violation] = []
    unreadable: list[Violation] = []
    for mapping in read.tables:
        try:
            files = await folder.files(source, mapping)
        except SourceUnreadable as finding:
            unreadable.append(Violation(f"tables.{mapping.table.name}.file", finding.why))
        else:
            wrong += [fault for file in files for fault in heading_violations(mapping, file.name, file.headings)]
    return wrong, unreadable


async def create_snapshot(command: CreateSnapshot, *, resources: ChangeableResources, clock: Clock) -> Snapshot:
    """Queue a snapshot of an import that has succeeded. Raises NotFound, WrongState."""
    imported = await resources.get_import(command.import_id)
    if imported.result is None:
        raise _unfinished(imported.run)
    request = SnapshotRequest(imported.run.run_id, imported.request.cycle)
    return await resources.create_snapshot(command.snapshot_id, request, principal=command.principal, now=clock.now())


async def find_rejects(import_id: str, *, resources: Resources, rows: PublishedRows, caller: Caller) -> Dataset:
    """Return the rejects of an import that has succeeded, or was stopped because of them. Raises NotFound, WrongState;
    Denied for who does not see all cities: a rejected row shows what people's cells hold, and its city may be what is wrong."""
    if caller.cities is not None:
        raise Denied(f"rejected rows are of all cities; {caller.principal} sees only some")
    imported = await resources.get_import(import_id)
    if imported.result is not None:
        return imported.result.rejects
    stopped = await rows.published(rejects_uri(import_id)) if imported.run.state is RunState.FAILED else None
    if stopped is None:
        raise _unfinished(imported.run)
    return stopped


async def find_snapshot(snapshot_id: str | None, *, resources: Resources) -> Snapshot:
    """Return the snapshot named, else the newest that has succeeded. Raises NotFound."""
    if snapshot_id is not None:
        return await resources.get_snapshot(snapshot_id)
    newest = await resources.newest_snapshot()
    if newest is None:
        raise NotFound("a snapshot that has succeeded")
    return newest


async def find_view(snapshot: Snapshot, who: ByCustomerId | ByNumber, *, rows: PublishedRows, caller: Caller) -> Row:
    """Return one customer's view. Raises NotFound; WrongState while the snapshot is being made; Denied when the customer's
    city is outside the caller's."""
    datasets = snapshot.result
    if datasets is None:
        raise _unfinished(snapshot.run)
    if isinstance(who, ByNumber):
        holder = await rows.find(datasets.numbers, "msisdn", who.msisdn)
        if holder is None:
            raise NotFound(f"a customer with this number in {snapshot.run.name}")
        who = ByCustomerId(str(holder["customer_id"]))
    view = await rows.find(datasets.views, "customer_id", who.customer_id)
    if view is None:
        raise NotFound(f"customer {who.customer_id} in {snapshot.run.name}")
    if not caller.sees(str(view["city"])):
        raise Denied(f"this customer is outside the cities of {caller.principal}")
    return view


def _unfinished(run: Run) -> WrongState:
    return WrongState(f"{run.name} is {run.state}; it must have succeeded first", subject=run.name)
