"""What became of a write, asked by its change_id."""

import pytest

from mnemic import AsyncMemory, NotFound
from mnemic.protocols import Extraction
from mnemic.testing.fakes import FakeExtractor


async def test_an_add_is_pending_until_memories_were_made_of_it(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db"), background=False) as m:
        receipt = (await m.add("I live in Taipei.", user_id="ann", wait="stored"))["receipt"]
        waiting = await m.event(receipt["change_id"])
        assert (waiting["status"], waiting["results"]) == ("PENDING", [])
        await m.process_pending()
        done = await m.event(receipt["change_id"])
        assert done["status"] == "SUCCEEDED"
        assert [(each["event"], each["memory"]) for each in done["results"]] == [("ADD", "I live in Taipei.")]
        assert done["messages"][0]["memories"] == [done["results"][0]["id"]]


async def test_what_took_a_place_and_what_was_known_stand_in_it(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        await m.add("I live in Taipei.", user_id="ann")
        moved = (await m.add("I live in Tokyo now.", user_id="ann"))["receipt"]["change_id"]
        again = (await m.add("I live in Tokyo now.", user_id="ann"))["receipt"]["change_id"]
        added, ended = (await m.event(moved))["results"]
        assert (added["event"], ended["event"], ended["replaced_by"]) == ("ADD", "DELETE", added["id"])
        assert [(each["event"], each["id"]) for each in (await m.event(again))["results"]] == [("NONE", added["id"])]


@pytest.mark.parametrize(
    "how", [{}, {"infer": False}, {"memory_type": "procedural_memory"}, {"wait": "stored"}], ids=str
)
async def test_an_add_of_what_was_stored_before_has_an_event_with_nothing_in_it(tmp_path, how):
    async with AsyncMemory(str(tmp_path / "m.db"), background=False) as m:
        said = [{"role": "user", "content": "I live in Taipei.", "external_id": "one"}]
        await m.add(said, user_id="ann", **how)
        await m.process_pending()
        before = (await m.get_all(user_id="ann"))["results"]
        receipt = (await m.add(said, user_id="ann", **how))["receipt"]
        assert [each["state"] for each in receipt["messages"]] == ["duplicate"]
        told = await m.event(receipt["change_id"])
        assert (told["status"], told["results"], told["messages"]) == ("SUCCEEDED", [], [])
        assert (await m.undo(receipt["change_id"]))["memories"] == []
        assert [each["memory"] for each in (await m.get_all(user_id="ann"))["results"]] == [
            each["memory"] for each in before
        ]


async def test_a_message_that_was_given_up_makes_it_failed(tmp_path, monkeypatch):
    class Poisoned(FakeExtractor):
        async def extract(self, request) -> Extraction:
            raise ValueError("no")

    async with AsyncMemory(str(tmp_path / "m.db"), extractor=Poisoned(), background=False) as m:
        change = (await m.add("I live in Taipei.", user_id="ann"))["receipt"]["change_id"]
        assert (await m.event(change))["status"] == "PENDING"
        monkeypatch.setattr("mnemic.write.MOST_ATTEMPTS", 0)
        await m.retry(user_id="ann")
        for message in (await m.messages(user_id="ann"))["results"]:
            await m.retry(message["id"])
        await m.process_pending()
        assert (await m.event(change))["status"] == "FAILED"


async def test_nobody_is_told_of_another_project_or_of_ids_beside_the_bound_ones(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        change = (await m.remember("Plays chess", user_id="ann"))["receipt"]["change_id"]
        for other in (m.within("other"), m.scope(user_id="bob")):
            with pytest.raises(NotFound):
                await other.event(change)
        assert (await m.scope(user_id="ann").event(change))["results"][0]["memory"] == "Plays chess"


async def test_forgotten_words_are_not_told_again(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        kept = await m.remember("Plays chess", user_id="ann")
        gone = await m.forget(kept["results"][0]["id"])
        assert [each["memory"] for each in (await m.event(kept["receipt"]["change_id"]))["results"]] == [""]
        assert (await m.event(gone["change_id"]))["results"][0]["event"] == "DELETE"


async def test_writes_are_listed_newest_first_whoever_made_them(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        made = [(await m.remember(f"Note {n}", user_id="ann"))["receipt"]["change_id"] for n in range(3)]
        await m.remember("Not hers", user_id="bob")
        first = await m.events(user_id="ann", limit=2)
        assert ([each["id"] for each in first["results"]], first["total"]) == (made[:0:-1], 3)
        rest = await m.events(user_id="ann", limit=2, cursor=first["next_cursor"])
        assert ([each["id"] for each in rest["results"]], rest["next_cursor"]) == (made[:1], None)


async def test_what_happens_is_kept_for_who_listens_until_they_were_told(tmp_path):
    async with AsyncMemory(str(tmp_path / "m.db")) as m:
        await m.remember("Before", user_id="ann")
        await m.listen()
        kept = (await m.remember("Plays chess", user_id="ann"))["results"][0]["id"]
        await m.update(kept, "Plays go")
        await m.within("other").remember("Not listened to", user_id="ann")
        added, updated = await m.untold()
        assert (added["event"], added["new_memory"], added["user_id"]) == ("ADD", "Plays chess", "ann")
        assert (updated["event"], updated["old_memory"], updated["new_memory"]) == ("UPDATE", "Plays chess", "Plays go")
        await m.told([added])
        assert await m.untold() == [updated]
        await m.erase(user_id="ann")
        assert await m.untold() == []
