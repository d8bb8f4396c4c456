"""Matrices and catalogues come in checked, once each, and stay as they are."""

import csv
from datetime import timedelta

import pytest
from visavis.recommendation.v1 import file_format_pb2 as file_format_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb

from services.recommendation.engine.matrix.csv_layout import all_rows
from services.recommendation.ports import VersionFilter
from shared.errors import AlreadyExists, InvalidInput, NotFound
from shared.rpc.pages import encode_token
from tests.factories.recommendation import catalogue_csv, matrix_csv, policy_row, product_row, products_csv, sample
from tests.factories.workbooks import Cell, workbook
from tests.integration.recommendation.service import SAMPLE_MATRICES, Service

REQUEST_ID = "6A9F1C1E-0000-4000-8000-000000000002"


async def test_the_same_request_is_one_version_and_another_text_is_refused(service: Service) -> None:
    asked = matrix_pb.ImportMatrixRequest(request_id=REQUEST_ID, csv=SAMPLE_MATRICES[1])
    first = (await service.matrices.ImportMatrix(asked)).matrix
    assert (await service.matrices.ImportMatrix(asked)).matrix == first
    assert (first.purpose, first.hit_policy, first.rule_count) == (matrix_pb.MATRIX_PURPOSE_RETENTION, "FIRST", 15)
    assert (first.display_name, first.author, first.csv) == ("存量保有政策", "test", SAMPLE_MATRICES[1])
    assert (await service.matrices.GetMatrix(matrix_pb.GetMatrixRequest(name=first.name))).matrix == first
    with pytest.raises(AlreadyExists):
        await service.matrices.ImportMatrix(
            matrix_pb.ImportMatrixRequest(request_id=REQUEST_ID, csv=SAMPLE_MATRICES[0])
        )
    with pytest.raises(InvalidInput, match="request_id"):
        await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(request_id="x", csv=SAMPLE_MATRICES[0]))


async def test_a_wrong_matrix_is_refused_with_every_fault_and_nothing_is_kept(service: Service) -> None:
    headers = ["arpu", "brandd", "=> first", "=> second"]
    text = matrix_csv("priority", "FIRST", headers, [["> x", "-", "retention", "new_servise"]])
    with pytest.raises(InvalidInput) as refused:
        await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(csv=text))
    assert refused.value.reason == "ERROR_REASON_MATRIX_INVALID"
    assert [violation.field for violation in refused.value.violations] == [
        "row 2, column brandd",
        "row 3, column arpu",
        "row 3, column => second",
    ]
    assert not (await service.matrices.ListMatrices(matrix_pb.ListMatricesRequest())).matrices


async def test_versions_are_listed_newest_first_page_by_page(service: Service) -> None:
    names, _ = await service.rules()
    seen, token = [], ""
    while True:
        page = await service.matrices.ListMatrices(matrix_pb.ListMatricesRequest(page_size=2, page_token=token))
        seen += [matrix.name for matrix in page.matrices]
        if not (token := page.next_page_token):
            break
    assert sorted(seen) == sorted(names)
    with pytest.raises(InvalidInput) as refused:
        await service.matrices.ListMatrices(matrix_pb.ListMatricesRequest(page_token="?"))  # noqa: S106 - no password
    assert refused.value.reason == "ERROR_REASON_PAGE_TOKEN_INVALID"
    for forged in ([], ["yesterday", "x"], ["2026-11-09T10:00:00", "x"], [1, 2]):
        token = encode_token(forged, f"matrices {VersionFilter()}")
        with pytest.raises(InvalidInput, match="page_token"):
            await service.matrices.ListMatrices(matrix_pb.ListMatricesRequest(page_token=token))
        token = encode_token(forged[:1], "policies of ")
        with pytest.raises(InvalidInput, match="page_token"):
            await service.policies.ListPolicies(policy_pb.ListPoliciesRequest(page_token=token))


async def test_policies_are_listed_by_code_and_the_newest_catalogue_stays_the_one_listed(service: Service) -> None:
    asked = policy_pb.ImportPoliciesRequest(csv=sample("policies"), products_content=sample("products").encode())
    imported = await service.policies.ImportPolicies(asked)
    assert (imported.policy_count, imported.product_count) == (50, 4)
    first = await service.policies.ListPolicies(policy_pb.ListPoliciesRequest(page_size=25))
    newer = policy_pb.ImportPoliciesRequest(csv=catalogue_csv([policy_row("zz")]))
    service.clock.advance(timedelta(hours=1))
    await service.policies.ImportPolicies(newer)
    token = first.next_page_token
    second = await service.policies.ListPolicies(policy_pb.ListPoliciesRequest(page_size=25, page_token=token))
    codes = [policy.policy for policy in (*first.policies, *second.policies)]
    assert codes == sorted(codes)
    assert (len(codes), second.next_page_token) == (50, "")
    newest = await service.policies.ListPolicies(policy_pb.ListPoliciesRequest())
    assert [policy.policy for policy in newest.policies] == ["zz"]
    named = policy_pb.ListPoliciesRequest(parent=imported.policy_catalogue, page_size=1)
    (shown,) = (await service.policies.ListPolicies(named)).policies
    assert (shown.policy, shown.zone, shown.margin_fen) == ("care-60", policy_pb.ZONE_RETENTION, 6000)


async def test_a_workbook_of_several_matrices_and_a_catalogue_comes_in_and_goes_out_as_the_same(
    service: Service,
) -> None:
    catalogue = list(csv.reader(sample("policies").splitlines()))
    content = workbook({**{f"m{n}": _rows(text) for n, text in enumerate(SAMPLE_MATRICES)}, "policies": catalogue})
    asked = matrix_pb.ImportMatrixRequest(request_id=REQUEST_ID, content=content, file_name="plan.xlsx")
    taken = await service.matrices.ImportMatrix(asked)
    assert await service.matrices.ImportMatrix(asked) == taken
    assert (len(taken.matrices), taken.matrix) == (len(SAMPLE_MATRICES), taken.matrices[0])
    names = [matrix.name for matrix in taken.matrices]
    export = matrix_pb.ExportMatricesRequest(names=names, format=file_format_pb.FILE_FORMAT_XLSX)
    exported = (await service.matrices.ExportMatrices(export)).content
    again = await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(content=exported))
    assert [matrix.csv for matrix in again.matrices] == [matrix.csv for matrix in taken.matrices]
    policies = await service.policies.ImportPolicies(policy_pb.ImportPoliciesRequest(content=content))
    assert policies.policy_count == 50
    out = policy_pb.ExportPoliciesRequest(format=file_format_pb.FILE_FORMAT_CSV)
    text = (await service.policies.ExportPolicies(out)).content
    assert text.startswith(b"\xef\xbb\xbf")
    assert (await service.policies.ImportPolicies(policy_pb.ImportPoliciesRequest(content=text))).policy_count == 50


async def test_matrices_go_out_as_dmn_and_come_in_again_as_the_same_tables(service: Service) -> None:
    names, _ = await service.rules()
    export = matrix_pb.ExportMatricesRequest(names=names, format=file_format_pb.FILE_FORMAT_DMN)
    content = (await service.matrices.ExportMatrices(export)).content
    asked = matrix_pb.ImportMatrixRequest(request_id=REQUEST_ID, content=content, file_name="plan.dmn")
    again = await service.matrices.ImportMatrix(asked)
    assert await service.matrices.ImportMatrix(asked) == again
    before = [(await service.matrices.GetMatrix(matrix_pb.GetMatrixRequest(name=name))).matrix for name in names]
    assert [(matrix.purpose, matrix.display_name, matrix.rule_count) for matrix in again.matrices] == [
        (matrix.purpose, matrix.display_name, matrix.rule_count) for matrix in before
    ]
    exported = matrix_pb.ExportMatricesRequest(names=[each.name for each in again.matrices], format=export.format)
    assert (await service.matrices.ExportMatrices(exported)).content == content
    wrong = asked.content.replace(b">arpu<", b">apru<")
    with pytest.raises(
        InvalidInput, match=r'plan\.dmn, decision "存量保有政策", column apru: no field is called "apru"'
    ):
        await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(content=wrong, file_name="plan.dmn"))
    with pytest.raises(InvalidInput, match="a catalogue is no decision table: ask for CSV or XLSX"):
        await service.policies.ExportPolicies(policy_pb.ExportPoliciesRequest(format=export.format))


async def test_a_file_in_gbk_comes_in_and_what_is_wrong_in_it_is_told_with_its_name(service: Service) -> None:
    content = SAMPLE_MATRICES[1].encode("gbk")
    taken = await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(content=content))
    assert taken.matrix.display_name == "存量保有政策"
    wrong = matrix_pb.ImportMatrixRequest(content=content.replace(b"arpu", b"apru"), file_name="保有.csv")
    with pytest.raises(
        InvalidInput, match=r'保有\.csv, row 3, column apru: no field is called "apru": did you mean "arpu"'
    ):
        await service.matrices.ImportMatrix(wrong)


async def test_requests_for_files_that_make_no_sense_are_refused(service: Service) -> None:
    both = matrix_pb.ImportMatrixRequest(csv=SAMPLE_MATRICES[0], content=b"x")
    with pytest.raises(InvalidInput, match="expected csv or content, not both"):
        await service.matrices.ImportMatrix(both)
    names, _ = await service.rules()
    csv_format = file_format_pb.FILE_FORMAT_CSV
    for asked, why in (
        (matrix_pb.ExportMatricesRequest(names=names, format=csv_format), "do not fit into one CSV file"),
        (matrix_pb.ExportMatricesRequest(format=csv_format), "names: is empty"),
        (matrix_pb.ExportMatricesRequest(names=names), "format: expected one of csv, xlsx, dmn"),
    ):
        with pytest.raises(InvalidInput, match=why):
            await service.matrices.ExportMatrices(asked)
    with pytest.raises(NotFound):
        await service.matrices.ExportMatrices(matrix_pb.ExportMatricesRequest(names=["matrices/x"], format=csv_format))


async def test_a_policy_about_a_product_that_is_not_sold_is_refused_and_another_sheet_is_another_version(
    service: Service,
) -> None:
    policies = catalogue_csv([policy_row("fax", product="fax")])
    products = products_csv([product_row("mobile_newspaper")]).encode()
    with pytest.raises(InvalidInput) as refused:
        await service.policies.ImportPolicies(
            policy_pb.ImportPoliciesRequest(csv=policies, products_content=products, products_file_name="products.csv")
        )
    assert refused.value.reason == "ERROR_REASON_POLICY_INVALID"
    assert [v.description for v in refused.value.violations] == ['product "fax" is not in the catalogue']
    asked = policy_pb.ImportPoliciesRequest(request_id=REQUEST_ID, csv=policies)
    first = await service.policies.ImportPolicies(asked)
    assert await service.policies.ImportPolicies(asked) == first
    asked.products_content = products_csv([product_row("fax")]).encode()
    with pytest.raises(AlreadyExists):
        await service.policies.ImportPolicies(asked)


async def test_what_is_not_there_is_not_found(service: Service) -> None:
    with pytest.raises(NotFound):
        await service.policies.ListPolicies(policy_pb.ListPoliciesRequest())
    with pytest.raises(NotFound):
        await service.matrices.GetMatrix(matrix_pb.GetMatrixRequest(name="matrices/x"))
    with pytest.raises(InvalidInput):
        await service.matrices.GetMatrix(matrix_pb.GetMatrixRequest(name="policies/x"))


def _rows(text: str) -> list[list[Cell]]:
    return [list(cells) for _, cells in all_rows(text)]


async def test_the_template_of_a_purpose_comes_in_as_it_stands(service: Service) -> None:
    asked = matrix_pb.GetMatrixTemplateRequest(purpose=matrix_pb.MATRIX_PURPOSE_RETENTION)
    content = (await service.matrices.GetMatrixTemplate(asked)).content
    taken = await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(content=content, file_name="t.xlsx"))
    assert [matrix.purpose for matrix in taken.matrices] == [matrix_pb.MATRIX_PURPOSE_RETENTION]
    with pytest.raises(InvalidInput, match="purpose: is not given: expected one of priority, retention"):
        await service.matrices.GetMatrixTemplate(matrix_pb.GetMatrixTemplateRequest())
