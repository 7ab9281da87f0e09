"""Several projects of one store, in one process."""

import pytest

from mnemic import AsyncMemory, NotFound, StoreError


@pytest.fixture(params=["sqlite", "postgres"])
def path(request, tmp_path, new_database):
    return str(tmp_path / "m.db") if request.param == "sqlite" else new_database()


async def test_projects_of_one_store_see_nothing_of_each_other(path):
    async with AsyncMemory(path, project="one") as one:
        two = one.within("two")
        kept = (await one.remember("Plays tennis", user_id="u"))["results"][0]["id"]
        other = (await two.remember("Plays chess", user_id="u"))["results"][0]["id"]
        assert [each["memory"] for each in (await one.get_all(user_id="u"))["results"]] == ["Plays tennis"]
        assert [each["memory"] for each in (await two.get_all(user_id="u"))["results"]] == ["Plays chess"]
        with pytest.raises(NotFound):
            await two.get(kept)
        with pytest.raises(NotFound):
            await one.delete(other)
        await two.erase(user_id="u")
        assert (await one.get(kept))["memory"] == "Plays tennis"


async def test_who_made_the_views_works_off_the_messages_of_all(path):
    async with AsyncMemory(path, project="one") as one:
        two = one.within("two", instructions="Keep everything")
        await two.add("I live in Taipei.", user_id="u", wait="stored")
        await one._engine.worker
        assert [each["memory"] for each in (await two.get_all(user_id="u"))["results"]] == ["I live in Taipei."]


async def test_a_worker_of_every_project_reaches_the_messages_of_all(path):
    async with AsyncMemory(path, project="one", background=False) as one:
        await one.within("two").add("I live in Taipei.", user_id="u", wait="stored")
        assert (await one.process_pending())["processed"] == 0
        assert (await one.within(None).process_pending())["processed"] == 1


async def test_what_is_about_the_whole_store_is_not_for_one_project_of_it(path, tmp_path):
    async with AsyncMemory(path, project="one") as one:
        await one.remember("Plays tennis", user_id="u")
        for view in (one.within("two"), one.within(None)):
            for call in (view.backup(tmp_path / "copy"), view.restore(tmp_path / "copy"), view.reindex()):
                with pytest.raises(StoreError, match=r"call it on the memory that within\(\) was called on"):
                    await call
        assert not (tmp_path / "copy").exists()
