"""What was changed, as a list, and what happened in projects that somebody listens to."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mnemic.errors import InvalidInput
from mnemic.ids import new_id
from mnemic.protocols import Write
from mnemic.records import Line
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    LATER,
    SPACE,
    T0,
    Contract,
    MakeStore,
    adding,
    known,
    opened,
    retiring,
    updating,
)
from mnemic.types import Change, Scope

OTHERS = Scope(project="others", user_id="alice")


def changed(scope: Scope) -> Change:
    """A change in a scope."""
    return Change(id=new_id(scope.partition), scope=scope, kind="add", at=T0)


class ToldContract(Contract):
    """What every store tells of changes."""

    async def test_changes_are_listed_newest_first_page_by_page(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            made = [changed(ALICE) for _ in range(5)]
            for change in (*made, changed(BOB), changed(OTHERS)):
                await store.commit(Write(scope=change.scope, at=T0, changes=(change,)))
            first = await store.receipts(ALICE, limit=3)
            assert (first.changes, first.total) == (tuple(reversed(made))[:3], 5)
            second = await store.receipts(ALICE, limit=3, cursor=first.next_cursor)
            assert (second.changes, second.next_cursor) == (tuple(reversed(made))[3:], None)
            assert (await store.receipts(Scope(project=ALICE.project), limit=10)).total == 6
            with pytest.raises(InvalidInput):
                await store.receipts(ALICE, limit=3, cursor="nowhere")

    async def test_what_happens_is_kept_from_when_somebody_listens_until_it_is_told(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "Plays chess")))
            await store.listen(ALICE.project)
            memory = known(ALICE, "Lives in Oslo")
            await store.commit(adding(memory))
            after, write = updating(memory, "Lives in Bergen")
            await store.commit(write)
            await store.commit(adding(known(OTHERS, "Lives in Rome")))
            kept = await store.untold(10)
            assert [(each.event.event, each.event.new_text) for each in kept] == [
                ("ADD", "Lives in Oslo"),
                ("UPDATE", "Lives in Bergen"),
            ]
            assert {each.scope for each in kept} == {after.scope}
            assert len(await store.untold(1)) == 1
            await store.told([(kept[0].event.memory_id, kept[0].event.id)])
            assert await store.untold(10) == kept[1:]
            await store.listen(ALICE.project, wanted=False)
            await store.commit(retiring(after))
            assert await store.untold(10) == ()

    async def test_what_is_deleted_with_its_scope_is_told_and_what_is_erased_is_not(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store) as store:
            await store.listen(ALICE.project)
            for scope in (ALICE, BOB):
                await store.commit(adding(known(scope, "Lives in Oslo")))
            await store.delete_scope(ALICE, replace(changed(ALICE), kind="delete", at=LATER), reason="deleted")
            assert [each.event.event for each in await store.untold(10)] == ["ADD", "ADD", "DELETE"]
            await store.erase(ALICE)
            assert [each.scope for each in await store.untold(10)] == [BOB]

    async def test_who_listens_goes_on_to_after_a_restore_and_is_told_of_nothing_before(
        self, make_store: MakeStore, tmp_path: Path
    ) -> None:
        async with opened(make_store) as store:
            await store.listen(BOB.project)
            await store.commit(adding(known(BOB, "Lives in Rome")))
            await store.listen(BOB.project, wanted=False)
            await store.backup(str(tmp_path / "copy"))
            await store.listen(ALICE.project)
            await store.commit(adding(known(ALICE, "Lives in Oslo")))
            await store.restore(str(tmp_path / "copy"))
            assert await store.untold(10) == ()
            await store.commit(adding(known(ALICE, "Lives in Bergen")))
            assert [each.event.new_text for each in await store.untold(1)] == ["Lives in Bergen"]

    async def test_of_an_import_nothing_is_told_and_what_was_to_be_told_stays(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "Lives in Oslo")
        second, write = updating(memory, "Lives in Bergen")
        lines: list[Line] = []
        async with opened(make_store) as elsewhere:
            await elsewhere.commit(adding(memory))
            await elsewhere.commit(write)
            await elsewhere.export(Scope(project=ALICE.project), lines.extend)
        first, last = (line for line in lines if line[0] == "memory")
        async with opened(make_store) as store:
            await store.listen(ALICE.project)
            assert await store.import_([last], ALICE.project, SPACE) == 1
            assert await store.untold(10) == ()
            await store.commit(updating(second, "Lives in Tartu")[1])
            assert await store.import_([first], ALICE.project, SPACE) == 1
            assert [each.event.new_text for each in await store.untold(10)] == ["Lives in Tartu"]

    async def test_of_forgotten_memories_the_words_are_not_told(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await store.listen(ALICE.project)
            memory = known(ALICE, "Lives in Oslo")
            await store.commit(adding(memory))
            await store.commit(retiring(memory, reason="forgotten"))
            assert {(each.event.old_text, each.event.new_text) for each in await store.untold(10)} == {(None, None)}
