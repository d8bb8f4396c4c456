"""One set of matrices gives cities different lists, each the right one: by the cities' thresholds, and by their overrides."""

from dataclasses import dataclass

import pytest
from visavis.recommendation.v1 import matrix_service_pb2 as matrix_pb
from visavis.recommendation.v1 import policy_service_pb2 as policy_pb
from visavis.recommendation.v1 import recommendation_service_pb2 as pb

from shared.errors import Denied, InvalidInput, WrongState
from shared.rpc.identity import Caller, Role, acting_as
from tests.factories.recommendation import (
    Base,
    catalogue_csv,
    matrix_csv,
    member,
    policy_row,
    retention_row,
    scores,
    view,
)
from tests.integration.recommendation.service import CYCLE, PLANNER, Service
from tests.integration.recommendation.test_matrix_life import published, ready, refused, retired

PRIORITY = matrix_csv("priority", "FIRST", ["arpu", "=> first", "=> second"], [["-", "retention", "new_service"]])
RETENTION = """matrix,retention,FIRST,Retention
parameter,least,100,wuhu=150
arpu,=> policy_group,=> main_policy,note
>= least,group-a,keep-a,who pays enough
>= 50,group-b,keep-b,
-,,,
"""
RETENTION_OF_HEFEI = """matrix,retention,FIRST,Retention in Hefei
city,hefei
parameter,least,80
arpu,tenure_months,=> policy_group,=> main_policy,replaces
>= 200,-,group-c,keep-c,
>= least,>= 12,group-d,keep-d,4
"""
NEW_SERVICE = """matrix,new_service,FIRST,New services
default,policy,paper
tenure_months,=> policy
< 0,paper
"""
NEW_SERVICE_OF_WUHU = """matrix,new_service,FIRST,New services in Wuhu
city,wuhu
product,tenure_months,=> policy
-,> 24,gift
"""
CATALOGUE = catalogue_csv(
    [*(retention_row(f"keep-{name}", f"group-{name}") for name in "abcd"), policy_row("paper"), policy_row("gift")]
)


@dataclass(frozen=True)
class Person:
    """A customer, and what the list must say of them: main policy and new service, each with the row that gave it."""

    city: str
    arpu: int
    tenure: int
    main: tuple[str, str] | None
    new: tuple[str, str]


PAPER = ("paper", "new_service by default")
GIFT = ("gift", "new_service row 4 of wuhu's override")
PEOPLE = {
    "c00001": Person("hefei", 250, 30, ("keep-c", "retention row 5 of hefei's override"), PAPER),
    "c00002": Person("hefei", 120, 30, ("keep-d", "retention row 6 of hefei's override"), PAPER),
    "c00003": Person("hefei", 120, 6, ("keep-b", "retention row 5"), PAPER),
    "c00004": Person("hefei", 80, 12, ("keep-d", "retention row 6 of hefei's override"), PAPER),
    "c00005": Person("wuhu", 120, 30, ("keep-b", "retention row 5"), GIFT),
    "c00006": Person("wuhu", 150, 24, ("keep-a", "retention row 4"), PAPER),
    "c00007": Person("wuhu", 20, 30, None, GIFT),
    "c00008": Person("bengbu", 120, 30, ("keep-a", "retention row 4"), PAPER),
    "c00009": Person("bengbu", 60, 30, ("keep-b", "retention row 5"), PAPER),
}


def base() -> Base:
    views = [
        view(customer, city=person.city, arpu_fen=person.arpu * 100, tenure_months=person.tenure)
        for customer, person in PEOPLE.items()
    ]
    return Base(views, [scores(customer) for customer in PEOPLE], [member(customer) for customer in PEOPLE])


@pytest.fixture
async def matrices(service: Service) -> dict[str, str]:
    """Publish the set, and return the versions by name."""
    texts = {
        "priority": PRIORITY,
        "retention": RETENTION,
        "hefei": RETENTION_OF_HEFEI,
        "new_service": NEW_SERVICE,
        "wuhu": NEW_SERVICE_OF_WUHU,
    }
    names = {name: await ready(service, text) for name, text in texts.items()}
    await published(service, *names.values())
    return names


async def assembled(service: Service) -> pb.AssemblyRun:
    """Make lists of what is published, whatever that is."""
    inputs = base().publish(service.lake, f"people/{len(service.asked)}")
    catalogue = await service.policies.ImportPolicies(policy_pb.ImportPoliciesRequest(csv=CATALOGUE))
    return await service.assemble_published(inputs, catalogue.policy_catalogue)


async def shown(service: Service, customer: str) -> dict[int, tuple[str, str]]:
    """Return the first policy of each zone of a customer's list, with the row that gave it."""
    zones = (await service.list_of(customer)).zones
    return {zone.zone: (zone.policies[0].policy.policy, zone.policies[0].fired_rule) for zone in zones}


async def replays(service: Service, customer: str, run: str) -> bool:
    asked = pb.ExplainPolicyListRequest(customer_id=customer, assembly_run=run)
    return (await service.recommendation.ExplainPolicyList(asked)).replays


async def test_each_city_gets_its_own_lists_from_one_set(service: Service, matrices: dict[str, str]) -> None:
    run = await assembled(service)
    assert set(run.matrices) == set(matrices.values())
    for customer, person in PEOPLE.items():
        found = await shown(service, customer)
        assert found.get(policy_pb.ZONE_RETENTION) == person.main, customer
        assert found[policy_pb.ZONE_NEW_SERVICE] == person.new, customer
        assert await replays(service, customer, run.name), (
            "one customer assembled by closures is what SQL gave everybody"
        )

    await retired(service, matrices["hefei"])
    again = await assembled(service)
    assert matrices["hefei"] not in again.matrices
    assert (await shown(service, "c00001"))[policy_pb.ZONE_RETENTION] == ("keep-a", "retention row 4")
    assert (await shown(service, "c00005"))[policy_pb.ZONE_NEW_SERVICE] == GIFT
    for customer in PEOPLE:
        assert await replays(service, customer, run.name), "the old lists are explained by what they were made of"
        assert await replays(service, customer, again.name)


async def test_what_holds_is_shown_for_a_city_with_where_each_row_comes_from(
    service: Service, matrices: dict[str, str]
) -> None:
    async def effective(city: str) -> matrix_pb.GetEffectiveMatrixResponse:
        retention = matrix_pb.MATRIX_PURPOSE_RETENTION
        asked = matrix_pb.GetEffectiveMatrixRequest(purpose=retention, cycle=CYCLE, city=city)
        return await service.matrices.GetEffectiveMatrix(asked)

    hefei, wuhu, everywhere = [await effective(city) for city in ("hefei", "wuhu", "")]
    own, whole = matrices["hefei"], matrices["retention"]
    assert [(row.matrix, row.matrix_row, row.city, row.replaces) for row in hefei.rows] == [
        (own, 5, "hefei", 0),
        (own, 6, "hefei", 4),
        (whole, 5, "", 0),
        (whole, 6, "", 0),
    ]
    assert [(row.matrix, row.matrix_row) for row in wuhu.rows] == [(whole, 4), (whole, 5), (whole, 6)]
    assert [matrix.name for matrix in wuhu.matrices] == [whole]
    assert len(everywhere.rows) == 5
    assert len({row.row for row in everywhere.rows}) == 5
    assert dict(everywhere.parameters[0].by_city) == {"hefei": "80", "wuhu": "150"}
    assert [found.parameters[0].value for found in (hefei, wuhu, everywhere)] == ["80", "150", "100"]
    assert wuhu.rows[0].note == "who pays enough"
    alone = await service.matrices.GetEffectiveMatrix(matrix_pb.GetEffectiveMatrixRequest(name=own))
    assert [(row.row, row.matrix_row, row.replaces) for row in alone.rows] == [(5, 5, 0), (6, 6, 4)]


async def test_an_override_stands_on_the_provinces_matrix(service: Service, matrices: dict[str, str]) -> None:
    override = await ready(service, RETENTION_OF_HEFEI.replace("Retention in Hefei", "next"))
    await refused(
        published(service, override, cycle="2026-12"),
        WrongState,
        "MATRIX_NOT_PUBLISHED",
        "no matrix retention of the province is published for 2026-12",
    )
    shorter = await ready(service, RETENTION.replace(">= least,group-a,keep-a,who pays enough\n", ""))
    await published(service, shorter, override)  # row 4 is another one there, but it is there
    gone = await ready(service, RETENTION_OF_HEFEI.replace("keep-d,4", "keep-d,40"))
    await refused(published(service, gone), InvalidInput, "MATRIX_INVALID", "column replaces")
    await refused(retired(service, shorter), WrongState, "WRONG_STATE", "the override of hefei stands on it")


async def test_a_planner_of_one_city_decides_about_its_overrides_only(service: Service) -> None:
    of_hefei = Caller("planner of hefei", Role.PLANNER, frozenset({"hefei"}))
    for text, allowed in ((RETENTION_OF_HEFEI, True), (NEW_SERVICE_OF_WUHU, False), (RETENTION, False)):
        with acting_as(PLANNER):
            taken = await service.matrices.ImportMatrix(matrix_pb.ImportMatrixRequest(csv=text))
        await service.checked(taken.matrix.name)
        with acting_as(of_hefei):
            asked = matrix_pb.ApproveMatrixRequest(name=taken.matrix.name, reason="ours")
            if allowed:
                await service.matrices.ApproveMatrix(asked)
                continue
            with pytest.raises(Denied, match="outside the cities of planner of hefei"):
                await service.matrices.ApproveMatrix(asked)
