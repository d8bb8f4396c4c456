"""ProfileService over gRPC: parse, call, render."""

from dataclasses import asdict
from pathlib import Path
from uuid import UUID, uuid4

from visavis.profile.v1 import customer_view_pb2 as view_pb
from visavis.profile.v1 import profile_service_pb2 as pb
from visavis.profile.v1 import profile_service_pb2_grpc as rpc

from services.profile import use_cases
from services.profile.domain.months import Month
from services.profile.domain.msisdn import canonical_msisdn
from services.profile.domain.resources import (
    IMPORTS,
    SNAPSHOTS,
    Import,
    ImportRequest,
    QualityFigure,
    Snapshot,
    TakenTable,
)
from services.profile.ports import PublishedRows, Row, SourceFolder, Store
from services.profile.use_cases import ByCustomerId, ByNumber, CreateImport, CreateSnapshot
from shared.clock import Clock
from shared.errors import InvalidInput, Violation
from shared.lake.messages import row_to_message
from shared.lake.refs import to_ref
from shared.rpc import pages
from shared.rpc.calls import Context
from shared.rpc.identity import current_caller
from shared.rpc.names import resource_id
from shared.runs.messages import to_status
from shared.runs.pages import place_of, token_of

SERVICE_NAME = pb.DESCRIPTOR.services_by_name["ProfileService"].full_name
_PAGE = {"default": 50, "maximum": 1000}


class ProfileServicer(rpc.ProfileServiceServicer):
    """Takes the operator's extracts in and answers who a customer is."""

    def __init__(self, *, store: Store, folder: SourceFolder, rows: PublishedRows, clock: Clock) -> None:
        self._store = store
        self._folder = folder
        self._rows = rows
        self._clock = clock

    async def CreateImport(self, request: pb.CreateImportRequest, context: Context) -> pb.CreateImportResponse:
        command = _create_import(request)
        async with self._store.writing() as resources:
            created = await use_cases.create_import(
                command, resources=resources, folder=self._folder, clock=self._clock
            )
        return pb.CreateImportResponse(import_run=_import(created))

    async def GetImport(self, request: pb.GetImportRequest, context: Context) -> pb.GetImportResponse:
        import_id = resource_id(IMPORTS, request.name)
        async with self._store.reading() as resources:
            found = await resources.get_import(import_id)
        return pb.GetImportResponse(import_run=_import(found))

    async def ListImports(self, request: pb.ListImportsRequest, context: Context) -> pb.ListImportsResponse:
        limit, after = pages.page_size(request.page_size, **_PAGE), place_of(request.page_token, IMPORTS)
        async with self._store.reading() as resources:
            imports, place = await resources.list_imports(after, limit)
        return pb.ListImportsResponse(
            imports=[_import(each) for each in imports], next_page_token=token_of(place, IMPORTS)
        )

    async def ListImportRejects(
        self, request: pb.ListImportRejectsRequest, context: Context
    ) -> pb.ListImportRejectsResponse:
        import_id = resource_id(IMPORTS, request.parent, field="parent")
        limit = pages.page_size(request.page_size, **_PAGE)
        first = 1 + (pages.place_in(request.page_token, request.parent, pages.number_key) or 0)
        async with self._store.reading() as resources:
            rejects = await use_cases.find_rejects(
                import_id, resources=resources, rows=self._rows, caller=current_caller()
            )
        last = min(first + limit - 1, rejects.row_count)
        found = await self._rows.between(rejects, "number", first, last)
        return pb.ListImportRejectsResponse(
            rejects=[row_to_message(row, pb.ImportReject) for row in found],
            next_page_token=pages.encode_token([last], request.parent) if last < rejects.row_count else "",
        )

    async def CheckSource(self, request: pb.CheckSourceRequest, context: Context) -> pb.CheckSourceResponse:
        if not Path(request.source_uri).is_absolute():
            raise InvalidInput.of(
                "source_uri", f"expected the absolute path of a file or folder, found '{request.source_uri}'"
            )
        checked = await use_cases.check_source(request.source_uri, folder=self._folder)
        return pb.CheckSourceResponse(
            mapping=checked.mapping, findings=[pb.SourceFinding(**asdict(each)) for each in checked.findings]
        )

    async def CreateSnapshot(self, request: pb.CreateSnapshotRequest, context: Context) -> pb.CreateSnapshotResponse:
        command = _create_snapshot(request)
        async with self._store.writing() as resources:
            created = await use_cases.create_snapshot(command, resources=resources, clock=self._clock)
        return pb.CreateSnapshotResponse(snapshot=_snapshot(created))

    async def GetSnapshot(self, request: pb.GetSnapshotRequest, context: Context) -> pb.GetSnapshotResponse:
        snapshot_id = resource_id(SNAPSHOTS, request.name)
        async with self._store.reading() as resources:
            found = await resources.get_snapshot(snapshot_id)
        return pb.GetSnapshotResponse(snapshot=_snapshot(found))

    async def ListSnapshots(self, request: pb.ListSnapshotsRequest, context: Context) -> pb.ListSnapshotsResponse:
        limit, after = pages.page_size(request.page_size, **_PAGE), place_of(request.page_token, SNAPSHOTS)
        async with self._store.reading() as resources:
            snapshots, place = await resources.list_snapshots(after, limit)
        return pb.ListSnapshotsResponse(
            snapshots=[_snapshot(each) for each in snapshots], next_page_token=token_of(place, SNAPSHOTS)
        )

    async def GetCustomerView(self, request: pb.GetCustomerViewRequest, context: Context) -> pb.GetCustomerViewResponse:
        who = _who(request)
        snapshot_id = resource_id(SNAPSHOTS, request.snapshot, field="snapshot") if request.snapshot else None
        async with self._store.reading() as resources:
            snapshot = await use_cases.find_snapshot(snapshot_id, resources=resources)
        row = await use_cases.find_view(snapshot, who, rows=self._rows, caller=current_caller())
        return _view_response(row, snapshot)


def _create_import(request: pb.CreateImportRequest) -> CreateImport:
    violations = _request_id_violations(request.request_id)
    try:
        Month.parse(request.cycle)
    except ValueError as error:
        violations.append(Violation("cycle", str(error)))
    if not Path(request.source_uri).is_absolute():
        violations.append(
            Violation("source_uri", f"expected the absolute path of a folder, found '{request.source_uri}'")
        )
    base_import_id = ""
    try:
        if request.base_import:
            base_import_id = resource_id(IMPORTS, request.base_import, field="base_import")
    except InvalidInput as error:
        violations += error.violations
    if violations:
        raise InvalidInput(violations)
    asked = ImportRequest(request.cycle, request.source_uri, request.mapping, base_import_id)
    return CreateImport(_run_id(request.request_id), asked, current_caller().principal)


def _create_snapshot(request: pb.CreateSnapshotRequest) -> CreateSnapshot:
    violations = _request_id_violations(request.request_id)
    import_id = ""
    try:
        import_id = resource_id(IMPORTS, request.import_run, field="import_run")
    except InvalidInput as error:
        violations += error.violations
    if violations:
        raise InvalidInput(violations)
    return CreateSnapshot(_run_id(request.request_id), import_id, current_caller().principal)


def _request_id_violations(request_id: str) -> list[Violation]:
    try:
        _run_id(request_id)
    except ValueError:
        return [Violation("request_id", f"expected a UUID, found '{request_id}'")]
    return []


def _run_id(request_id: str) -> str:
    return str(UUID(request_id) if request_id else uuid4())


def _who(request: pb.GetCustomerViewRequest) -> ByCustomerId | ByNumber:
    if request.customer_id:
        return ByCustomerId(request.customer_id)
    try:
        return ByNumber(canonical_msisdn(request.msisdn))
    except ValueError as error:
        raise InvalidInput.of("msisdn" if request.msisdn else "customer", str(error)) from error


def _import(found: Import) -> pb.Import:
    return pb.Import(
        name=found.run.name,
        cycle=found.request.cycle,
        source_uri=found.request.source,
        status=to_status(found.run),
        tables=[_table(table) for table in found.result.tables] if found.result else [],
        base_import=f"{IMPORTS}/{found.request.base_import_id}" if found.request.base_import_id else "",
    )


def _table(taken: TakenTable) -> pb.TableImport:
    return pb.TableImport(
        table=taken.table,
        row_count=taken.row_count,
        accepted_count=taken.accepted.row_count,
        reject_count=taken.rejected_rows,
        dataset=to_ref(taken.accepted),
        rules=[pb.RuleCount(column=rule.column, reason=rule.reason, count=rule.count) for rule in taken.rules],
    )


def _snapshot(found: Snapshot) -> pb.Snapshot:
    message = pb.Snapshot(
        name=found.run.name,
        cycle=found.request.cycle,
        import_run=f"{IMPORTS}/{found.request.import_id}",
        status=to_status(found.run),
    )
    if found.result is not None:
        message.views.CopyFrom(to_ref(found.result.views))
        message.rejects.CopyFrom(to_ref(found.result.rejects))
        message.history_views.CopyFrom(to_ref(found.result.history_views))
        message.history_labels.CopyFrom(to_ref(found.result.history_labels))
        if found.result.enterprise_views is not None:
            message.enterprise_views.CopyFrom(to_ref(found.result.enterprise_views))
        message.quality.extend(_figure(figure) for figure in found.result.quality)
    return message


def _figure(figure: QualityFigure) -> pb.QualityFigure:
    return pb.QualityFigure(
        subject=figure.subject, figure=figure.figure, count=figure.count, count_before=figure.count_before
    )


def _view_response(row: Row, snapshot: Snapshot) -> pb.GetCustomerViewResponse:
    return pb.GetCustomerViewResponse(view=row_to_message(row, view_pb.CustomerView), snapshot=snapshot.run.name)
