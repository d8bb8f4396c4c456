"""Planners' files go in and out by commands, and a plan may be made of an extraction matrix."""

from datetime import UTC, datetime
from pathlib import Path

from visavis.dispatch.v1 import push_plan_service_pb2 as plan_pb
from visavis.recommendation.v1 import file_format_pb2 as format_pb
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as recommendation_pb

from shared.errors import InvalidInput
from tests.factories.runs import SUCCEEDED
from tests.fakes.services import FakeServices
from tests.integration.console.conftest import Visavis

RETENTION, EXTRACTION = matrix_pb.MATRIX_PURPOSE_RETENTION, matrix_pb.MATRIX_PURPOSE_EXTRACTION


def matrix(
    number: int, name: str = "Keep", purpose: "matrix_pb.MatrixPurpose.ValueType" = RETENTION
) -> matrix_pb.Matrix:
    made = matrix_pb.Matrix(
        name=f"matrices/{number}", display_name=name, purpose=purpose, hit_policy="FIRST", rule_count=7, author="li"
    )
    made.create_time.FromDatetime(datetime(2026, 11, 9, 1, 30, tzinfo=UTC))
    return made


def test_files_are_taken_in_as_they_are_and_the_same_content_is_the_same_request(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    first, second = tmp_path / "plan.xlsx", tmp_path / "保有.csv"
    first.write_bytes(b"PK...")
    second.write_bytes("保有".encode("gbk"))
    services.will("ImportMatrix", matrix_pb.ImportMatrixResponse(matrix=matrix(1), matrices=[matrix(1), matrix(2)]))
    page = visavis("matrix", "import", str(first), str(second)).page
    assert page.count("matrices/1") == 2
    assert "retention" in page
    assert "2026-11-09 09:30" in page
    visavis("matrix", "import", str(first))
    asked = services.requests("ImportMatrix")
    assert [(each.content, each.file_name) for each in asked if isinstance(each, matrix_pb.ImportMatrixRequest)][
        :2
    ] == [
        (b"PK...", "plan.xlsx"),
        ("保有".encode("gbk"), "保有.csv"),
    ]
    assert asked[0] == asked[2] != asked[1]


def test_all_that_is_wrong_in_any_file_is_told(visavis: Visavis, services: FakeServices, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.csv"):
        (tmp_path / name).write_bytes(name.encode())
    services.will(
        "ImportMatrix",
        InvalidInput.of("a.csv, row 1", "wrong"),
        matrix_pb.ImportMatrixResponse(matrices=[matrix(1)]),
        InvalidInput.of("c.csv, row 2", "wrong, too"),
    )
    said = visavis("matrix", "import", *(str(tmp_path / name) for name in ("a.csv", "b.csv", "c.csv")))
    assert said.code == 1
    assert [line for line in said.errors.splitlines() if "csv" in line] == [
        "✗ a.csv, row 1: wrong",
        "✗ c.csv, row 2: wrong, too",
    ]


def test_matrices_are_listed_and_the_newest_of_a_name_is_written_once(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    listed = matrix_pb.ListMatricesResponse(matrices=[matrix(3), matrix(2, "Other"), matrix(1)])
    services.will("ListMatrices", listed)
    services.will("ExportMatrices", matrix_pb.ExportMatricesResponse(content=b"file"))
    value = visavis("matrix", "list", "--json").value
    assert isinstance(value, dict)
    assert [shown["name"] for shown in value["matrices"]] == ["matrices/3", "matrices/2", "matrices/1"]
    out = tmp_path / "out.xlsx"
    assert visavis("matrix", "export", "Keep", "2", "--out", str(out)).code == 0
    assert out.read_bytes() == b"file"
    (asked,) = services.requests("ExportMatrices")
    assert asked == matrix_pb.ExportMatricesRequest(
        names=["matrices/3", "matrices/2"], format=format_pb.FILE_FORMAT_XLSX
    )
    out.write_bytes(b"mine")
    again = visavis("matrix", "export", "Keep", "--out", str(out))
    assert (again.code, out.read_bytes()) == (1, b"mine")
    assert "out.xlsx: File exists" in again.errors.replace("\n", "")
    assert "Errno" not in again.errors
    absent = visavis("matrix", "export", "Kep", "--out", str(tmp_path / "x.csv"))
    assert "matrix Kep (matrices: Keep, Other) does not exist" in absent.errors
    wrong = visavis("matrix", "export", "Keep", "--out", str(tmp_path / "x.pdf"))
    assert 'out: "x.pdf": expected a name that ends in .xlsx, .csv or, for matrices, .dmn' in wrong.errors.replace(
        "\n", ""
    )
    assert visavis("matrix", "export", "Keep", "--out", str(tmp_path / "x.DMN")).code == 0
    assert services.requests("ExportMatrices")[-1] == matrix_pb.ExportMatricesRequest(
        names=["matrices/3"], format=format_pb.FILE_FORMAT_DMN
    )


def test_catalogues_go_in_and_out(visavis: Visavis, services: FakeServices, tmp_path: Path) -> None:
    file = tmp_path / "policies.xlsx"
    file.write_bytes(b"PK")
    services.will(
        "ImportPolicies",
        policy_pb.ImportPoliciesResponse(policy_catalogue="policyCatalogues/1", policy_count=21, product_count=4),
    )
    services.will("ExportPolicies", policy_pb.ExportPoliciesResponse(content=b"file"))
    products = tmp_path / "products.csv"
    products.write_bytes(b"product")
    said = visavis("policy", "import", str(file), "--products", str(products))
    assert "21 policies about 4 products are policyCatalogues/1." in said.page
    (asked,) = services.requests("ImportPolicies")
    assert isinstance(asked, policy_pb.ImportPoliciesRequest)
    assert (asked.content, asked.products_content, asked.products_file_name) == (b"PK", b"product", "products.csv")
    out = tmp_path / "out.csv"
    visavis("policy", "export", "--out", str(out))
    assert out.read_bytes() == b"file"
    assert services.requests("ExportPolicies") == [policy_pb.ExportPoliciesRequest(format=format_pb.FILE_FORMAT_CSV)]


def test_catalogues_are_listed_and_a_policy_is_shown_with_its_weight(visavis: Visavis, services: FakeServices) -> None:
    catalogue = policy_pb.PolicyCatalogue(name="policyCatalogues/2", policy_count=21, product_count=4, author="li")
    services.will("ListPolicyCatalogues", policy_pb.ListPolicyCataloguesResponse(policy_catalogues=[catalogue]))
    listed = visavis("policy", "list").page
    assert "policyCatalogues/2" in listed
    assert "li" in listed
    policy = policy_pb.Policy(
        policy="paper", display_name="手机报", zone=policy_pb.ZONE_NEW_SERVICE, weight="1.25", margin_fen=1_500
    )
    product = policy_pb.Product(product="mobile_newspaper", tier="handset_bound", associated_products=["ring"])
    services.will("GetPolicy", policy_pb.GetPolicyResponse(policy=policy, product=product))
    page = visavis("policy", "show", "paper", "--catalogue", "policyCatalogues/2").page
    for fact in ("paper: 手机报", "weight           1.25", "margin           15.00 yuan", "who has it: ring"):
        assert fact in page
    assert services.requests("GetPolicy") == [policy_pb.GetPolicyRequest(parent="policyCatalogues/2", policy="paper")]


def will_make_a_plan(services: FakeServices) -> None:
    run = recommendation_pb.AssemblyRun(
        name="assemblyRuns/1", cycle="2026-11", status=SUCCEEDED, policy_catalogue="policyCatalogues/1"
    )
    services.will("ListAssemblyRuns", recommendation_pb.ListAssemblyRunsResponse(assembly_runs=[run]))
    offers = [
        policy_pb.Policy(
            policy="paper", zone=policy_pb.ZONE_NEW_SERVICE, sms_text="回复{keyword}", order_keyword="DZB"
        ),
        policy_pb.Policy(policy="gift", zone=policy_pb.ZONE_RETENTION, sms_text="送"),
    ]
    services.will("ListPolicies", policy_pb.ListPoliciesResponse(policies=offers))
    selection = recommendation_pb.TargetSelection(name="targetSelections/1", status=SUCCEEDED)
    services.will("SelectTargets", recommendation_pb.SelectTargetsResponse(target_selection=selection))
    services.will("GetTargetSelection", recommendation_pb.GetTargetSelectionResponse(target_selection=selection))
    made = plan_pb.PushPlan(
        name="pushPlans/1", display_name="Young", load_status=SUCCEEDED, state=plan_pb.PushPlan.STATE_READY
    )
    services.will("CreatePushPlan", plan_pb.CreatePushPlanResponse(push_plan=made))
    services.will("GetPushPlan", plan_pb.GetPushPlanResponse(push_plan=made))


def test_a_plan_is_made_of_an_extraction_matrix_by_file_or_by_name(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    will_make_a_plan(services)
    file = tmp_path / "extraction.csv"
    file.write_bytes(b"matrix,extraction")
    taken = [matrix(1), matrix(2, "Young", EXTRACTION)]
    services.will("ImportMatrix", matrix_pb.ImportMatrixResponse(matrices=taken))
    services.will("ListMatrices", matrix_pb.ListMatricesResponse(matrices=[matrix(4, "Young"), *taken]))
    for given in (str(file), "Young"):
        assert visavis("plan", "create", "Young", "--channel", "sms", "--extract", given).code == 0
    for asked in services.requests("SelectTargets"):
        assert isinstance(asked, recommendation_pb.SelectTargetsRequest)
        assert (asked.matrix, asked.zone, asked.assembly_run) == (
            "matrices/2",
            policy_pb.ZONE_UNSPECIFIED,
            "assemblyRuns/1",
        )
    created = services.requests("CreatePushPlan")[0]
    assert isinstance(created, plan_pb.CreatePushPlanRequest)
    assert [offer.policy for offer in created.offers] == ["paper", "gift"]


def test_a_plan_needs_a_zone_or_an_extraction_and_not_both(
    visavis: Visavis, services: FakeServices, tmp_path: Path
) -> None:
    will_make_a_plan(services)
    for options in ((), ("--zone", "retention", "--extract", "Young")):
        said = visavis("plan", "create", "X", "--channel", "sms", *options)
        assert (said.code, "zone: expected one of --zone and --extract" in said.errors) == (1, True)
    file = tmp_path / "retention.csv"
    file.write_bytes(b"matrix,retention")
    services.will("ImportMatrix", matrix_pb.ImportMatrixResponse(matrices=[matrix(1)]))
    said = visavis("plan", "create", "X", "--channel", "sms", "--extract", str(file))
    assert "retention.csv: expected one matrix of purpose extraction, found 0" in said.errors
    assert services.requests("SelectTargets") == []


def test_a_template_is_written_once_as_a_workbook(visavis: Visavis, services: FakeServices, tmp_path: Path) -> None:
    services.will("GetMatrixTemplate", matrix_pb.GetMatrixTemplateResponse(content=b"template"))
    out = tmp_path / "new.xlsx"
    assert visavis("matrix", "template", "new_service", "--out", str(out)).code == 0
    assert out.read_bytes() == b"template"
    (asked,) = services.requests("GetMatrixTemplate")
    assert asked == matrix_pb.GetMatrixTemplateRequest(purpose=matrix_pb.MATRIX_PURPOSE_NEW_SERVICE)
    wrong = visavis("matrix", "template", "vpmn", "--out", str(tmp_path / "new.csv"))
    assert 'out: "new.csv": expected a name that ends in .xlsx' in wrong.errors.replace("\n", "")
    assert visavis("matrix", "template", "vpm", "--out", str(out)).code == 2
