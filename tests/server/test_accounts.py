"""Accounts that several processes use at once, on a file and on a database server."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import func, select, text

from mnemic.errors import Conflict, InvalidInput, StoreUnavailable
from mnemic.server.accounts import Accounts
from mnemic.server.audit import Audit
from mnemic.server.callers import Caller
from mnemic.server.database import Database
from mnemic.server.organizations import Organizations
from mnemic.server.tables import audit, keys, projects


@asynccontextmanager
async def opened(address):
    database = Database(address)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


@pytest.fixture(params=["sqlite", "postgres"])
async def both(request, tmp_path):
    """The database, as two processes have it open."""
    address = str(tmp_path / "a.db") if request.param == "sqlite" else request.getfixturevalue("new_database")()
    async with opened(address) as one, opened(address) as other:
        yield one, other


async def count(database, table):
    async with database.transaction() as db:
        return (await db.execute(select(func.count()).select_from(table))).scalar_one()


async def test_the_first_project_is_made_once_by_whoever_comes_first(both):
    await asyncio.gather(*(Accounts(each).prepare("default") for each in both * 4))
    assert await count(both[0], projects) == 1


async def test_the_first_key_is_made_once_also_by_two_codes_in_two_processes(both):
    accounts = [Accounts(each) for each in both]
    await accounts[0].prepare("default")
    codes = [await each.first_code() for each in accounts]
    tries = [each.claim(code, email="ann@example.com") for code in codes for each in accounts * 2]
    made = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(each, InvalidInput) for each in made) == len(tries) - 1
    assert await count(both[0], keys) == 1
    assert await accounts[0].first_code() is None


async def test_of_two_owners_who_go_at_once_one_stays(both):
    owners = [f"{name}@example.com" for name in ("ann", "bea")]
    every = [Organizations(each) for each in both]
    for _ in range(5):
        organization, _ = await every[0].create("ours", owner=owners[0])
        await every[0].set_member(organization, owners[1], "OWNER")
        gone = await asyncio.gather(
            *(each.remove_member(organization, email) for each, email in zip(every, owners, strict=True)),
            return_exceptions=True,
        )
        assert sum(isinstance(each, Conflict) for each in gone) == 1
        assert len(await every[0].members(organization)) == 1


async def test_settings_that_are_set_at_once_are_all_kept(both):
    every = [Organizations(each) for each in both]
    organization, project = await every[0].create("ours", owner="ann@example.com")
    given = {
        "custom_instructions": "Tea.",
        "agent_custom_instructions": "Tea, too.",
        "decay": False,
        "multilingual": True,
    }
    await asyncio.gather(
        *(
            every[place % 2].set(organization, project.id, {name: value})
            for place, (name, value) in enumerate(given.items())
        )
    )
    assert (await every[0].project(organization, project.id)).settings == given


async def test_a_connection_that_breaks_off_is_told_as_a_database_that_does_not_answer(new_database):
    async with opened(new_database()) as database:
        with pytest.raises(StoreUnavailable):
            async with database.transaction() as db:
                await db.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        assert await count(database, projects) == 0


async def test_a_server_that_refuses_the_connection_is_told_as_one_that_does_not_answer(new_database):
    database = Database(f"{new_database().rpartition('/')[0]}/nowhere")
    with pytest.raises(StoreUnavailable):
        await database.open()
    await database.close()


ANN = Caller(
    key_id="k", email="ann@example.com", organization_id="o", project_id="p", store_project="default",
    scopes=frozenset(("read",)),
)  # fmt: skip


def note(made, number):
    made.note(ANN, action="search", route="POST /x", ids={"number": number}, status=200, request_id="r")


async def test_calls_that_are_noted_while_others_are_written_stand_in_the_audit_once(both):
    made = Audit(both[0])
    for number in range(300):
        note(made, number)
        if number % 50 == 0:
            asyncio.get_running_loop().create_task(made.write())
            await asyncio.sleep(0)  # let it begin
    assert len(await made.rows("p", limit=1000)) == 300


async def test_calls_wait_for_a_database_that_does_not_answer_and_stand_in_the_audit_once(tmp_path):
    async with opened(str(tmp_path / "a.db")) as database:
        made = Audit(database)
        note(made, 1)
        async with database.transaction() as db:
            await db.execute(text("ALTER TABLE audit RENAME TO elsewhere"))
        with pytest.raises(StoreUnavailable):
            await made.write()
        note(made, 2)
        async with database.transaction() as db:
            await db.execute(text("ALTER TABLE elsewhere RENAME TO audit"))
        await asyncio.gather(made.write(), made.write())
        assert sorted(each["ids"]["number"] for each in await made.rows("p", limit=10)) == [1, 2]
        assert await count(database, audit) == 2
