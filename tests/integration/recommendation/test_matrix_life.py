"""A matrix comes to lists only by check, approval and publication; each step that is not its turn is refused in words."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta

import asyncpg
import pytest
from visavis.recommendation.v1 import matrix_service_pb2 as pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from shared.errors import Conflict, Denied, Failure, InvalidInput, NotFound, WrongState
from shared.lake.refs import to_ref
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.recommendation import base_of, matrix_csv
from tests.integration.recommendation.service import CYCLE, PLANNER, REVIEWER, SAMPLE_MATRICES, Service

Matrix, Step = pb.Matrix, pb.MatrixStep
ROWS = [["> 100", "group-1", "care-60"], ["-", "", ""]]


def retention(name: str, rows: Sequence[Sequence[str]] = ROWS) -> str:
    """Return a matrix of its own name, so that no two versions are alike."""
    text = matrix_csv("retention", "FIRST", ["arpu", "=> policy_group", "=> main_policy"], rows)
    return text.replace("a matrix retention", name)


async def taken_in(service: Service, text: str, *parents: pb.MatrixVersion) -> pb.Matrix:
    with acting_as(PLANNER):
        return (await service.matrices.ImportMatrix(pb.ImportMatrixRequest(csv=text, parents=parents))).matrix


async def approved(service: Service, name: str, *, etag: str = "", by: Caller = REVIEWER) -> pb.Matrix:
    with acting_as(by):
        asked = pb.ApproveMatrixRequest(name=name, etag=etag, reason="looks right")
        return (await service.matrices.ApproveMatrix(asked)).matrix


async def published(
    service: Service, *names: str, cycle: str = CYCLE, etag: str = "", by: Caller = PLANNER
) -> pb.PublishMatrixResponse:
    versions = [pb.MatrixVersion(name=name, etag=etag) for name in names]
    with acting_as(by):
        return await service.matrices.PublishMatrix(
            pb.PublishMatrixRequest(versions=versions, cycle=cycle, reason="the new month")
        )


async def retired(service: Service, name: str, *, etag: str = "") -> pb.Matrix:
    with acting_as(PLANNER):
        asked = pb.RetireMatrixRequest(name=name, etag=etag, reason="no longer wanted")
        return (await service.matrices.RetireMatrix(asked)).matrix


async def rolled_back(service: Service, *, cycle: str = CYCLE, etag: str = "") -> pb.RollbackMatrixResponse:
    asked = pb.RollbackMatrixRequest(
        purpose=pb.MATRIX_PURPOSE_RETENTION, cycle=cycle, etag=etag, reason="bills fell too much"
    )
    with acting_as(PLANNER):
        return await service.matrices.RollbackMatrix(asked)


async def now(service: Service, name: str) -> pb.Matrix:
    return (await service.matrices.GetMatrix(pb.GetMatrixRequest(name=name))).matrix


async def ready(service: Service, text: str) -> str:
    """Take a version in, and bring it to where it may be published."""
    name = (await taken_in(service, text)).name
    await service.checked(name)
    await approved(service, name)
    return name


async def refused(call: Awaitable[object], kind: type[Failure], reason: str, *words: str) -> None:
    with pytest.raises(kind) as told:
        await call
    assert told.value.reason == f"ERROR_REASON_{reason}"
    for word in words:
        assert word in told.value.message


async def test_the_whole_life_of_a_matrix_with_each_refusal(service: Service) -> None:
    draft = await taken_in(service, retention("mid tier"))
    assert (draft.state, draft.author, list(draft.steps)) == (Matrix.STATE_DRAFT, "planner", [])
    await a_draft_goes_nowhere(service, draft)
    checked = await a_checked_one_wants_somebody_else(service, draft)
    await an_approved_one_is_published_once(service, checked)
    await one_that_is_needed_stays_until_another_is_there(service, checked)
    end = await now(service, draft.name)
    assert [(step.kind, step.cycle, step.principal) for step in end.steps] == [
        (Step.KIND_FAULTED, "", "planner"),
        (Step.KIND_CHECKED, "", "planner"),
        (Step.KIND_APPROVED, "", "reviewer"),
        (Step.KIND_PUBLISHED, CYCLE, "planner"),
        (Step.KIND_PUBLISHED, "2026-12", "planner"),
        (Step.KIND_SUPERSEDED, CYCLE, "planner"),
        (Step.KIND_SUPERSEDED, "2026-12", "planner"),
        (Step.KIND_RETIRED, "", "planner"),
    ]
    assert (end.steps[2].reason, end.steps[1].run) == ("looks right", "matrixChecks/c1")
    assert end.csv == draft.csv


async def a_draft_goes_nowhere(service: Service, draft: pb.Matrix) -> None:
    name, checking = draft.name, f"visavis matrix check {draft.name}"
    await refused(approved(service, name), WrongState, "MATRIX_NOT_CHECKED", "was not checked", checking)
    await refused(published(service, name), WrongState, "MATRIX_NOT_CHECKED", checking)
    await service.checked(name, errors="1 gap: nobody below 100 yuan")
    gapped = await now(service, name)
    assert (gapped.state, gapped.etag != draft.etag) == (Matrix.STATE_DRAFT, True)
    await refused(published(service, name), WrongState, "MATRIX_NOT_CHECKED", "1 gap: nobody below 100 yuan", "mend")


async def a_checked_one_wants_somebody_else(service: Service, draft: pb.Matrix) -> pb.Matrix:
    name, approving = draft.name, f"visavis matrix approve {draft.name}"
    await service.checked(name)
    checked = await now(service, name)
    assert checked.state == Matrix.STATE_CHECKED
    await refused(published(service, name), WrongState, "MATRIX_NOT_APPROVED", approving)
    await refused(approved(service, name, by=PLANNER), WrongState, "SELF_APPROVAL", "somebody else", approving)
    await refused(approved(service, name, by=Caller("c", Role.CLERK)), Denied, "PERMISSION_DENIED", "planner")
    await refused(
        approved(service, name, etag=draft.etag), Conflict, "CONCURRENT_CHANGE", f"visavis matrix show {name}"
    )
    with pytest.raises(InvalidInput, match="reason: is missing"):
        await service.matrices.ApproveMatrix(pb.ApproveMatrixRequest(name=name, reason="  "))
    await approved(service, name, etag=checked.etag)
    await refused(approved(service, name), WrongState, "WRONG_STATE", "approved already: reviewer on 2026-11-09")
    return checked


async def an_approved_one_is_published_once(service: Service, checked: pb.Matrix) -> None:
    name = checked.name
    await refused(published(service, name, etag=checked.etag), Conflict, "CONCURRENT_CHANGE")
    await refused(published(service, name, cycle="2026-13"), InvalidInput, "INVALID_ARGUMENT", "cycle")
    await refused(published(service), InvalidInput, "INVALID_ARGUMENT", "versions: is empty")
    await refused(published(service, "matrices/unheard"), NotFound, "RESOURCE_NOT_FOUND")
    done = await published(service, name)
    assert [(each.state, list(each.cycles)) for each in done.matrices] == [(Matrix.STATE_PUBLISHED, [CYCLE])]
    await refused(published(service, name), WrongState, "WRONG_STATE", f"published for {CYCLE} already")
    await published(service, name, cycle="2026-12")


async def one_that_is_needed_stays_until_another_is_there(service: Service, checked: pb.Matrix) -> None:
    name, keep = checked.name, "visavis matrix rollback --purpose retention"
    await refused(retired(service, name), WrongState, "WRONG_STATE", "no list is made without", keep)
    other = await ready(service, retention("another"))
    await published(service, other)
    (superseded,) = (await published(service, other, cycle="2026-12")).superseded
    assert (superseded.name, superseded.state) == (name, Matrix.STATE_APPROVED)
    await refused(retired(service, name, etag=checked.etag), Conflict, "CONCURRENT_CHANGE")
    assert (await retired(service, name)).state == Matrix.STATE_RETIRED
    for call in (approved(service, name), published(service, name), retired(service, name)):
        await refused(call, WrongState, "WRONG_STATE", "was retired: planner on 2026-11-09, no longer wanted")


async def test_several_versions_go_live_together_or_not_at_all(service: Service) -> None:
    names = [(await taken_in(service, text)).name for text in SAMPLE_MATRICES[:3]]
    for name in names[:2]:
        await service.checked(name)
        await approved(service, name)
    await refused(published(service, *names), WrongState, "MATRIX_NOT_CHECKED", names[2])
    assert [(await now(service, name)).state for name in names[:2]] == [Matrix.STATE_APPROVED] * 2
    await refused(published(service, names[0], names[0]), InvalidInput, "INVALID_ARGUMENT", "is there twice")
    twin = await ready(service, SAMPLE_MATRICES[0])
    await refused(published(service, names[0], twin), InvalidInput, "INVALID_ARGUMENT", "2 versions of the province")
    extraction = await taken_in(service, matrix_csv("extraction", "FIRST", ["age", "=> policy"], [["-", "care-60"]]))
    await refused(published(service, extraction.name), InvalidInput, "INVALID_ARGUMENT", "named by a plan")


async def test_of_publishers_at_once_for_one_place_one_wins_and_the_others_are_told(service: Service) -> None:
    names = [await ready(service, retention(f"number {place}")) for place in range(4)]
    told = await asyncio.gather(*(published(service, name) for name in names), return_exceptions=True)
    lost = [each for each in told if isinstance(each, BaseException)]
    assert all(isinstance(each, Conflict) for each in lost)
    live = [name for name in names if (await now(service, name)).cycles]
    assert len(live) == 1
    connection = await asyncpg.connect(service.url)
    try:
        rows = await connection.fetch("SELECT purpose, city, matrix_id FROM recommendation.publications")
        second = f"VALUES ('{CYCLE}', 'retention', '', 'another')"
        with pytest.raises(asyncpg.UniqueViolationError):
            await connection.execute(
                f"INSERT INTO recommendation.publications (cycle, purpose, city, matrix_id) {second}"
            )
    finally:
        await connection.close()
    assert [(row["purpose"], row["city"], f"matrices/{row['matrix_id']}") for row in rows] == [("retention", "", *live)]


async def test_a_roll_back_publishes_what_was_published_before(service: Service) -> None:
    await refused(rolled_back(service), WrongState, "MATRIX_NOT_PUBLISHED", "nothing was ever published")
    first, second, third = [await ready(service, retention(name)) for name in ("first", "second", "third")]
    await published(service, first)
    await refused(rolled_back(service), WrongState, "WRONG_STATE", "there is none to go back to")
    await published(service, second)
    old = (await published(service, third)).matrices[0].etag
    done = await rolled_back(service, etag=old)
    assert (done.matrix.name, list(done.matrix.cycles), done.rolled_back.name) == (second, [CYCLE], third)
    await refused(rolled_back(service, etag=old), Conflict, "CONCURRENT_CHANGE")
    await service.checked(first, errors="2 gaps")
    await refused(rolled_back(service), WrongState, "MATRIX_NOT_CHECKED", "2 gaps")
    await published(service, third)
    assert (await rolled_back(service)).matrix.name == second
    kinds = [(step.kind, step.reason) for step in (await now(service, second)).steps][2:]
    assert kinds == [
        (Step.KIND_PUBLISHED, "the new month"),
        (Step.KIND_SUPERSEDED, "the new month"),
        (Step.KIND_RESTORED, "bills fell too much"),
        (Step.KIND_SUPERSEDED, "the new month"),
        (Step.KIND_RESTORED, "bills fell too much"),
    ]


async def test_of_two_edits_of_one_version_the_second_is_refused_and_nothing_of_it_is_kept(service: Service) -> None:
    base = await taken_in(service, retention("base"))
    parent = pb.MatrixVersion(name=base.name, etag=base.etag)
    edits = [retention("base", [[f"> {limit}", "group-1", "care-60"], ["-", "", ""]]) for limit in range(4)]
    told = await asyncio.gather(*(taken_in(service, text, parent) for text in edits), return_exceptions=True)
    (child,) = [each for each in told if isinstance(each, pb.Matrix)]
    refusals = [each for each in told if isinstance(each, BaseException)]
    for refusal in refusals:
        assert isinstance(refusal, Conflict)
        assert f"planner has taken in {child.name}" in refusal.message
    assert child.parent == base.name
    assert len((await service.matrices.ListMatrices(pb.ListMatricesRequest())).matrices) == 2
    await retired(service, child.name)
    again = await taken_in(service, edits[0], pb.MatrixVersion(name=base.name))
    assert again.parent == base.name
    await service.checked(again.name)
    stale = pb.MatrixVersion(name=again.name, etag=again.etag)
    await refused(taken_in(service, edits[1], stale), Conflict, "CONCURRENT_CHANGE", "no longer what it was")
    stranger = pb.MatrixVersion(name=again.name)
    await refused(taken_in(service, SAMPLE_MATRICES[0], stranger), InvalidInput, "INVALID_ARGUMENT", "parents")


async def test_versions_are_listed_by_purpose_state_and_cycle_newest_first(service: Service) -> None:
    names, _ = await service.rules()
    service.clock.advance(timedelta(hours=1))
    draft = (await taken_in(service, retention("new"))).name

    async def listed(**wanted: object) -> list[str]:
        found = await service.matrices.ListMatrices(pb.ListMatricesRequest(**wanted))  # type: ignore[arg-type]  # fields by name
        return [matrix.name for matrix in found.matrices]

    assert await listed(purpose=pb.MATRIX_PURPOSE_RETENTION) == [draft, names[1]]
    assert await listed(state=Matrix.STATE_DRAFT) == [draft]
    assert sorted(await listed(cycle=CYCLE)) == sorted(await listed(state=Matrix.STATE_PUBLISHED)) == sorted(names)
    assert await listed(state=Matrix.STATE_APPROVED) == await listed(cycle="2026-12") == await listed(city="合肥") == []
    page = await service.matrices.ListMatrices(pb.ListMatricesRequest(page_size=1))
    with pytest.raises(InvalidInput, match="filters changed"):
        await listed(page_token=page.next_page_token, cycle=CYCLE)
    with pytest.raises(InvalidInput, match="expected a month like"):
        await listed(cycle="november")


async def test_two_versions_are_compared_by_row_and_cell(service: Service) -> None:
    old = await taken_in(service, retention("tier"))
    new = await taken_in(service, retention("tier", [["> 120", "group-1", "care-60"], ["-", "", ""]]))
    told = await service.matrices.DiffMatrices(pb.DiffMatricesRequest(old_name=old.name, new_name=new.name))
    (row,), cell = told.rows, told.rows[0].cells[0]
    assert (row.old_row, row.new_row, cell.column, cell.old_text, cell.new_text) == (3, 3, "arpu", "> 100", "> 120")
    assert told.same_count == 1
    other = await taken_in(service, SAMPLE_MATRICES[0])
    with pytest.raises(InvalidInput, match="is a matrix priority, the other one is a matrix retention"):
        await service.matrices.DiffMatrices(pb.DiffMatricesRequest(old_name=old.name, new_name=other.name))


async def test_lists_are_made_of_what_is_published_for_their_cycle(service: Service) -> None:
    matrices, catalogue = await service.rules()
    inputs = base_of(2).publish(service.lake, "two")
    asked = recommendation_pb.CreateAssemblyRunRequest(
        request_id="6a9f1c1e-0000-4000-8000-000000000005",
        cycle=CYCLE,
        views=to_ref(inputs.views),
        scores=to_ref(inputs.scores),
        membership=to_ref(inputs.membership),
        policy_catalogue=catalogue,
    )
    create: Callable[..., Awaitable[recommendation_pb.CreateAssemblyRunResponse]]
    create = service.recommendation.CreateAssemblyRun
    run = await service.finish((await create(asked)).assembly_run)
    assert list(run.matrices) == matrices

    live, _ = await service.rules()
    assert (await create(asked)).assembly_run == run, "it keeps the versions it was made of"
    told = await service.recommendation.ExplainPolicyList(
        recommendation_pb.ExplainPolicyListRequest(customer_id="c00000", assembly_run=run.name)
    )
    assert told.replays
    assert [matrix.matrix for matrix in told.matrices][:2] == matrices[:2]

    asked.request_id, asked.matrices[:] = "", matrices
    await refused(
        create(asked), WrongState, "MATRIX_NOT_PUBLISHED", f"not published for {CYCLE}", "visavis matrix publish"
    )
    asked.matrices[:], asked.cycle = [], "2026-12"
    await refused(create(asked), WrongState, "MATRIX_NOT_PUBLISHED", "no matrix priority or retention or new_service")
    draft = await taken_in(service, retention("draft"))
    asked.matrices[:], asked.cycle = [live[0], draft.name, live[2]], CYCLE
    await refused(create(asked), WrongState, "MATRIX_NOT_PUBLISHED", f"visavis matrix check {draft.name}")
