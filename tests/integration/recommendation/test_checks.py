"""Checks of matrices end with findings counted on the base, and make drafts without errors checked ones."""

import asyncio

import pytest
from visavis.common.v1 import run_pb2
from visavis.recommendation.v1 import matrix_check_pb2 as check_pb
from visavis.recommendation.v1 import matrix_service_pb2 as pb

from shared.errors import InvalidInput, NotFound
from shared.lake.refs import to_ref
from tests.factories.recommendation import Base, holding, matrix_csv, member, scores, view
from tests.integration.recommendation.service import Service

_RUNNING = {run_pb2.RUN_STATE_PENDING, run_pb2.RUN_STATE_RUNNING}
HEADERS = ["arpu", "brand", "=> policy_group", "=> main_policy"]
PRODUCT_HEADERS = ["product", "product_state", "=> policy"]
ERROR, WARNING = check_pb.MATRIX_FINDING_SEVERITY_ERROR, check_pb.MATRIX_FINDING_SEVERITY_WARNING


async def check(service: Service, *texts: str, **asked: object) -> check_pb.MatrixCheck:
    """Take matrices in, check them together and wait for the end."""
    names = [(await service.matrices.ImportMatrix(pb.ImportMatrixRequest(csv=text))).matrix.name for text in texts]
    return await check_named(service, names, **asked)


async def check_named(service: Service, names: list[str], **asked: object) -> check_pb.MatrixCheck:
    request = check_pb.CheckMatrixRequest(matrices=names, **asked)  # type: ignore[arg-type]  # the request's own fields
    found = (await service.matrices.CheckMatrix(request)).matrix_check
    async with asyncio.timeout(30):
        while found.status.state in _RUNNING:
            await asyncio.sleep(0.02)
            read = await service.matrices.GetMatrixCheck(check_pb.GetMatrixCheckRequest(name=found.name))
            found = read.matrix_check
    assert found.status.state == run_pb2.RUN_STATE_SUCCEEDED, found.status.failure
    return found


async def state_of(service: Service, name: str) -> "pb.Matrix.State.ValueType":
    return (await service.matrices.GetMatrix(pb.GetMatrixRequest(name=name))).matrix.state


async def test_a_gap_is_counted_on_the_base_with_a_masked_example_and_keeps_the_matrix_a_draft(
    service: Service,
) -> None:
    bills = {"c00000": 5_000, "c00001": 12_000, "c00002": 12_001, "c00003": 20_000}
    views = [view(customer_id, arpu_fen=fen) for customer_id, fen in bills.items()]
    views.append(view("c00004", arpu_fen=None))
    base = Base(views, [scores(row.customer_id) for row in views], [member(row.customer_id) for row in views])
    inputs = base.publish(service.lake, "gaps")
    text = matrix_csv("retention", "UNIQUE", HEADERS, [["< 120", "-", "", ""], ["> 120.01", "-", "", ""]])
    found = await check(service, text, views=to_ref(inputs.views), scores=to_ref(inputs.scores))
    (gap,) = [finding for finding in found.findings if finding.kind == check_pb.MATRIX_FINDING_KIND_GAP]
    assert (gap.severity, gap.customer_count, found.customer_count, found.error_count) == (ERROR, 3, 5, 1)
    assert [(cell.input, cell.test) for cell in gap.witness] == [("arpu", "null,[120..120.01]")]
    assert (gap.example.customer, gap.example.msisdn) == ("c00…01", "138****0001")
    assert {cell.input: cell.test for cell in gap.example.values} == {"arpu": "120.00", "brand": '"GoTone"'}
    assert await state_of(service, found.matrices[0]) == pb.Matrix.STATE_DRAFT


async def test_a_check_without_errors_makes_the_matrix_checked_and_counts_by_product(service: Service) -> None:
    await service.rules()
    ids = ["c00000", "c00001", "c00002"]
    views = [view(c, products=[holding("trial")] if c != "c00002" else []) for c in ids]
    base = Base(views, [scores(c) for c in ids], [member(c) for c in ids])
    inputs = base.publish(service.lake, "pairs")
    rules = [
        ['"mobile_newspaper"', '"trial","active"', "newspaper-convert"],
        ['"mobile_newspaper"', "-", "newspaper-monthly"],
        ['"ring_back_tone"', "-", "newspaper-monthly"],
        ["-", "-", ""],
    ]
    text = matrix_csv("new_service", "FIRST", PRODUCT_HEADERS, rules[:2] + rules[3:])
    found = await check(service, text, views=to_ref(inputs.views), scores=to_ref(inputs.scores))
    assert found.error_count == 0
    (exception,) = [finding for finding in found.findings if finding.kind == check_pb.MATRIX_FINDING_KIND_OVERLAP]
    assert [row.row for row in exception.rows] == [3, 4]
    assert (exception.customer_count, exception.example.customer) == (2, "c00…00")
    assert await state_of(service, found.matrices[0]) == pb.Matrix.STATE_CHECKED
    wrong = await check(
        service,
        matrix_csv("new_service", "FIRST", PRODUCT_HEADERS, rules),
        views=to_ref(inputs.views),
        scores=to_ref(inputs.scores),
    )
    (misplaced,) = [finding for finding in wrong.findings if finding.severity == ERROR]
    assert misplaced.kind == check_pb.MATRIX_FINDING_KIND_POLICY_MISPLACED
    assert (misplaced.rows[0].row, misplaced.customer_count) == (5, 3)
    assert "it is about mobile_newspaper" in misplaced.text


async def test_without_a_base_and_a_catalogue_the_check_says_what_it_has_not_looked_at(service: Service) -> None:
    text = matrix_csv("retention", "FIRST", HEADERS, [["-", "-", "", ""]])
    found = await check(service, text)
    assert [finding.kind for finding in found.findings] == [check_pb.MATRIX_FINDING_KIND_NOT_CHECKED] * 2
    assert (found.customer_count, found.findings[0].matrix) == (0, "")
    assert await state_of(service, found.matrices[0]) == pb.Matrix.STATE_CHECKED


async def test_the_lists_that_are_switched_in_say_whom_to_count(service: Service) -> None:
    ids = ["c00000", "c00001"]
    base = Base([view(c) for c in ids], [scores(c) for c in ids], [member(c) for c in ids])
    await service.assemble(base.publish(service.lake, "switched"))
    text = matrix_csv("retention", "FIRST", HEADERS, [["< 50", "-", "", ""]])
    found = await check(service, text)
    assert (found.customer_count, found.findings[0].customer_count) == (2, 2)
    assert found.policy_catalogue.startswith("policyCatalogues/")


async def test_a_request_is_looked_at_whole(service: Service) -> None:
    with pytest.raises(InvalidInput) as refused:
        await service.matrices.CheckMatrix(check_pb.CheckMatrixRequest(day="tomorrow"))
    assert [violation.field for violation in refused.value.violations] == ["matrices", "day"]
    with pytest.raises(NotFound):
        await service.matrices.CheckMatrix(check_pb.CheckMatrixRequest(matrices=["matrices/nothing"]))


async def test_an_override_is_checked_as_one_table_with_the_province_and_called_by_its_own_rows(
    service: Service,
) -> None:
    province = matrix_csv("retention", "FIRST", HEADERS, [["< floor", "-", "", ""], [">= 50", "-", "", ""]])
    province = province.replace("\n", "\nparameter,floor,50,芜湖=40\n", 1)
    override = matrix_csv("retention", "FIRST", HEADERS, [["null", "-", "", ""], ["null", '"GoTone"', "", ""]])
    override = override.replace("\n", "\ncity,合肥\n", 1)
    found = await check(service, province, override)
    told = {finding.text: finding for finding in found.findings if finding.matrix}
    dead = next(finding for text, finding in told.items() if "row 5 of 合肥's override never fires" in text)
    assert [(row.row, row.city, row.matrix) for row in dead.rows] == [
        (5, "合肥", found.matrices[1]),
        (4, "合肥", found.matrices[1]),
    ]
    gaps = [finding for finding in told.values() if finding.kind == check_pb.MATRIX_FINDING_KIND_GAP]
    assert {tuple((cell.input, cell.test) for cell in gap.witness) for gap in gaps} == {
        (("city", '"芜湖"'), ("arpu", "null,[40..50)")),
        (("city", 'not("芜湖")'), ("arpu", "null"), ("city", 'not("合肥")')),
    }
    assert not [finding for finding in told.values() if "no value lies" in finding.text]
    only = await check_named(service, list(found.matrices), city="合肥")
    assert only.error_count == 0
    assert await state_of(service, found.matrices[1]) == pb.Matrix.STATE_DRAFT
    with pytest.raises(InvalidInput, match="expected one matrix retention of the province"):
        await check_named(service, [found.matrices[1]])
