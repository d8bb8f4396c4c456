"""A database of an earlier release, with what was stored in it, comes to the newest schema and loses nothing."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from services.dispatch.domain.plans import PlanId
from services.dispatch.postgres import reading_opener, work_opener
from services.dispatch.use_cases.incoming import match_receipts
from services.recommendation.postgres import PostgresDesk
from shared.db.engine import open_database
from shared.db.migrate import migrate
from shared.db.roles import provision, service_url
from shared.db.single_reads import open_single_reads
from tests.architecture.tree import ROOT
from tests.databases import ROLE_SECRET
from tests.factories.dispatch import plan_request

FIRST = "20261121_first_tables"
SAID = datetime(2026, 11, 21, 8, tzinfo=UTC)


async def first_release(url: str, service: str, folder: Path) -> str:
    """Make the schema as the first release had it; return the URL of the service's role."""
    await provision(url, service, ROLE_SECRET)
    history = shutil.copytree(ROOT / "services" / service / "migrations", folder / service)
    for later in (history / "versions").glob("*.py"):
        if later.stem != FIRST:
            later.unlink()
    own = service_url(url, service, ROLE_SECRET)
    assert await migrate(own, service=service, script_location=history) == FIRST
    return own


async def upgrade(url: str, service: str) -> None:
    newest = await migrate(url, service=service, script_location=ROOT / "services" / service / "migrations")
    assert newest != FIRST


async def execute(url: str, statement: str, *values: object) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetch(statement, *values)
    finally:
        await connection.close()


@pytest.mark.parametrize(("customer", "number"), [("551001", ""), ("", "13800000001")])
async def test_opt_outs_of_the_first_release_were_said_last_when_they_were_recorded(
    empty_database: str, tmp_path: Path, customer: str, number: str
) -> None:
    url = await first_release(empty_database, "dispatch", tmp_path)
    insert = "INSERT INTO dispatch.opt_outs (customer_id, msisdn, source, create_time) VALUES ($1, $2, 'hotline', $3)"
    await execute(url, insert, customer, number, SAID)
    await upgrade(url, "dispatch")
    (kept,) = await execute(url, "SELECT customer_id, msisdn, create_time, latest_time FROM dispatch.opt_outs")
    assert tuple(kept) == (customer, number, SAID, SAID)


async def test_messages_of_the_first_release_get_their_receipts(empty_database: str, tmp_path: Path) -> None:
    url = await first_release(empty_database, "dispatch", tmp_path)
    contact = """
        INSERT INTO dispatch.contacts (plan, push_id, attempt, customer_id, owner_id, msisdn, city, channel, policy, state,
                                       reserve_time, send_time, account, message_id, traceparent)
        VALUES ('p', $1, 1, $2, 'o', $3, '合肥', 'sms', 'care-60', $4, $5, $5, '901234', $6, '')
    """
    await execute(url, contact, 1, "551001", "13800000001", "sent", SAID, "1001")
    await execute(url, contact, 2, "551002", "13800000002", "reserved", SAID, None)
    receipt = """
        INSERT INTO dispatch.receipts (account, message_id, status, msisdn, receive_time)
        VALUES ('901234', '1001', 'DELIVRD', '13800000001', $1)
    """
    await execute(url, receipt, SAID)
    await upgrade(url, "dispatch")
    async with open_database(url, application_name="test") as database, work_opener(database)() as work:
        assert await match_receipts(work=work, now=SAID + timedelta(minutes=1)) == 1
    kept = await execute(url, "SELECT push_id, delivery, parts FROM dispatch.contacts ORDER BY push_id")
    assert [tuple(row) for row in kept] == [(1, "delivered", 1), (2, None, 1)]


async def test_plans_of_the_first_release_go_on_with_one_message_each(empty_database: str, tmp_path: Path) -> None:
    url = await first_release(empty_database, "dispatch", tmp_path)
    plan_id = PlanId("0b8e29c4-6a05-4b0b-8d2f-1c9f5f9f3a11")
    async with open_database(url, application_name="test") as database:
        async with work_opener(database)() as work:
            await work.plans.create(plan_id, plan_request(), principal="test", now=SAID)
        await execute(url, "UPDATE dispatch.push_plans SET offers = jsonb_set(offers, '{0}', (offers->0) - 'parts')")
        await upgrade(url, "dispatch")
        async with reading_opener(database)() as reading:
            plan = await reading.plans.get(plan_id)
    assert plan.request.offers == plan_request().offers
    assert plan.request.offers[0].parts == 1


async def test_leases_of_the_first_release_last_as_long_as_they_were_given(empty_database: str, tmp_path: Path) -> None:
    url = await first_release(empty_database, "dispatch", tmp_path)
    insert = (
        "INSERT INTO dispatch.leases (request_id, plan, max_calls, seconds, end_time) VALUES ('r', 'p', 5, 600, $1)"
    )
    await execute(url, insert, SAID)
    await upgrade(url, "dispatch")
    (kept,) = await execute(url, "SELECT lease_time, end_time, principal FROM dispatch.leases")
    assert tuple(kept) == (SAID - timedelta(minutes=10), SAID, "")


async def test_lists_of_the_first_release_stay_at_the_desk(empty_database: str, tmp_path: Path) -> None:
    url = await first_release(empty_database, "recommendation", tmp_path)
    await execute(
        url,
        "INSERT INTO recommendation.switches (run_id, cycle, catalogue_id, switch_time) VALUES ('r', '2026-10', 'c', $1)",
        SAID,
    )
    await execute(
        url, "CREATE TABLE recommendation.desk_lists_1 PARTITION OF recommendation.desk_lists FOR VALUES IN (1)"
    )
    body = '[{"z": "retention", "p": "care-60", "n": "", "r": 4, "d": ""}]'
    for number in range(40):
        row = (f"5510{number:02}", f"138000000{number:02}", body)
        insert = "INSERT INTO recommendation.desk_lists VALUES (1, $1, $2, '合肥', 'targeted', '', $3)"
        await execute(url, insert, *row)
    await upgrade(url, "recommendation")
    async with open_single_reads(url, application_name="test") as reads:
        desk = PostgresDesk(reads)
        for number in range(40):
            by_id = await desk.by_customer(f"5510{number:02}")
            assert by_id == await desk.by_msisdn(f"138000000{number:02}")
            assert by_id is not None
            assert [(item.policy, item.matrix, item.rule, item.main) for item in by_id.items] == [
                ("care-60", "retention", 4, True)
            ]
        assert await desk.by_customer("551040") is None
