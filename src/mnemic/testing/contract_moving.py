"""What a store holds goes to another one and back: nothing is lost, and nothing is there twice."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mnemic import records
from mnemic.errors import WrongEmbedder
from mnemic.ids import new_id
from mnemic.protocols import Reprove, Space, Store, Unprove, Write
from mnemic.records import Line
from mnemic.testing.contract_scopes import PHASES
from mnemic.testing.contract_story import Step, Story, beginning, places, search, steps
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    EVERYBODY,
    LATER,
    SPACE,
    Contract,
    MakeStore,
    adding,
    changing,
    cited,
    keeping,
    known,
    listed,
    opened,
    proving,
    said,
    updating,
    verbatim,
    where,
)
from mnemic.testing.memory_store import InMemoryStore
from mnemic.types import Scope


class MovingContract(Contract):
    """`export`, `lacks` and `import_`."""

    async def test_what_is_moved_to_another_store_answers_as_before(self, make_store: MakeStore) -> None:
        """Also to one of another kind, from one of another kind, and after more has happened there."""
        await asyncio.to_thread(_tell, make_store, self.examples)

    async def test_lines_come_back_as_they_went(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store, opened(make_store) as other:
            await _furnish(store)
            lines = await exported(store)
            await imported(other, lines)
            assert _comparable(await exported(other)) == _comparable(lines)
            assert all(_checked(line) for line in lines[1:])

    async def test_what_is_there_is_not_taken_twice(self, make_store: MakeStore) -> None:
        """Wherever an import was cut."""
        async with opened(make_store) as store, opened(make_store) as other:
            await _furnish(store)
            lines = (await exported(store))[1:]
            for cut in range(0, len(lines), 5):
                assert await other.import_(lines[cut : cut + 5], "default", SPACE) == len(lines[cut : cut + 5])
                assert await other.import_(lines[: cut + 5], "default", SPACE) == 0
                assert await other.lacks(lines, "default") == lines[cut + 5 :]
            assert _comparable((await exported(other))[1:]) == _comparable(lines)

    async def test_what_was_there_stays_as_it_is(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store, opened(make_store) as other:
            memory = known(ALICE, "bees in May")
            for each in (store, other):
                await each.commit(adding(memory))
            lines = await exported(store)
            newer, write = updating(memory, "bees in June")
            await other.commit(write)
            assert await other.import_(lines[1:], "default", SPACE) == 0
            assert await other.load([memory.id]) == {memory.id: newer}
            mine = known(BOB, "wasps")
            await other.commit(adding(mine))
            back = await exported(other)
            await imported(store, back)
            assert set(await listed(store, where(EVERYBODY))) == {memory.id, mine.id}
            assert (await store.load([memory.id]))[memory.id] == memory

    async def test_a_key_that_another_record_holds_is_given_up(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store, opened(make_store) as other:
            ours, theirs = [said(ALICE, "bees", external_id="m1", state="done") for _ in range(2)]
            first, second = verbatim(ours), verbatim(theirs)
            await store.commit(keeping(ours, first, "bees"))
            await other.commit(keeping(theirs, second, "bees"))
            await imported(other, await exported(store))
            assert (await other.taken(ALICE, ["m1"]))["m1"].id == theirs.id
            assert (await other.standing(ALICE, ["bees"]))["bees"].id == second.id
            assert set(await listed(other, where(ALICE))) == {first.id, second.id}

    async def test_a_part_is_moved_with_its_evidence(self, make_store: MakeStore) -> None:
        """A run's memories with messages of other runs that said them, too; nothing of anybody else."""
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        async with opened(make_store) as store, opened(make_store) as other:
            heard, again, apart = said(one, "bees", state="done"), said(two, "bees", state="done"), said(two, "cello")
            memory = known(one, "bees", sources=(cited(heard),))
            await store.commit(adding(heard, memory))
            await store.commit(adding(again))
            await store.commit(proving(memory, again))
            await store.commit(adding(apart))
            await store.commit(adding(known(BOB, "wasps")))
            lines = await exported(store, one)
            assert {fields["id"] for kind, fields in lines if kind == "episode"} == {heard.id, again.id}
            await imported(other, lines)
            ids = [heard.id, again.id, memory.id]
            assert await other.load([*ids, apart.id]) == await store.load(ids)
            assert await listed(other, where(EVERYBODY)) == [memory.id]
            assert {fields["id"] for kind, fields in await exported(store, BOB) if kind == "memory"} == {
                fields["id"] for kind, fields in await exported(store) if kind == "memory"
            } - {memory.id}

    async def test_sources_that_were_taken_away_come_back_elsewhere_too(self, make_store: MakeStore) -> None:
        """Without the messages of others: of a part, those go that its memories rest on."""
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        heard, again = said(one, "bees", state="done"), said(two, "bees", state="empty")
        memory, undo = known(one, "bees", sources=(cited(heard),)), changing("undo", ALICE)
        async with opened(make_store) as store, opened(make_store) as other:
            await store.commit(adding(heard, memory))
            await store.commit(adding(again))
            proof = proving(memory, again)
            await store.commit(proof)
            gone = Unprove(memory_id=memory.id, by=undo.id, change_id=proof.changes[0].id)
            await store.commit(Write(scope=ALICE, at=LATER, changes=(undo,), unprove=(gone,)))
            part = await exported(store, one)
            assert {fields["id"] for kind, fields in part if kind == "episode"} == {heard.id}
            assert again.id not in str(part)
            await imported(other, await exported(store))
            back = Reprove(memory_id=memory.id, by=new_id(1), change_id=undo.id)
            for each in (store, other):
                did = await each.change(undo.id)
                assert did is not None
                assert did.unproven == (memory.id,)
                await each.commit(Write(scope=ALICE, at=LATER, reprove=(back,)))
            found = await store.load([memory.id])
            assert await other.load([memory.id]) == found
            assert found[memory.id] == replace(
                memory, sources=(cited(heard), cited(again)), runs=("r2",), proof_count=2, updated_at=LATER
            )
            assert _comparable(await exported(other)) == _comparable(await exported(store))

    async def test_vectors_stay_where_they_came_from_when_they_are_not_asked_for(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "bees")))
            lines = await exported(store, vectors=False)
            assert lines[0][1]["space"] is None
            assert all("vectors" not in fields for _, fields in lines)
            with pytest.raises(WrongEmbedder):
                await store.import_([], "default", Space(name="other", dimensions=3))


async def exported(store: Store, scope: Scope = EVERYBODY, *, vectors: bool = True) -> list[Line]:
    """All lines of a scope, from `start` on."""
    lines: list[Line] = []
    await store.export(scope, lines.extend, vectors=vectors)
    return lines


async def imported(store: Store, lines: Sequence[Line], project: str = "default") -> None:
    """Take them in, few at a time."""
    for start in range(1, len(lines), 7):
        await store.import_(lines[start : start + 7], project, SPACE)


def _checked(line: Line) -> bool:
    records.check(line[0], line[1], "default")
    return True


def _comparable(lines: Sequence[Line]) -> list[Any]:
    return [
        (
            kind,
            fields | ({"vectors": np.asarray(fields["vectors"], dtype="<f2").tolist()} if "vectors" in fields else {}),
        )
        for kind, fields in lines
    ]


async def _furnish(store: Store) -> None:
    """Something of everything, and some of it changed."""
    story = Story([store])
    for step in beginning():
        await story.play(step)
    for kind in ("update", "update", "retire", "restore", "state", "bury", "spend", "annotate", "merge", "move"):
        await story.play(Step(kind, ALICE, "kayak 台北", 1, 2, "failed", True))


def _tell(make_store: MakeStore, examples: int) -> None:
    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=PHASES)
    @given(
        st.lists(steps(), max_size=15).map(lambda script: [*beginning(), *script]),
        st.lists(steps(), max_size=6),
        st.lists(places(), min_size=1, max_size=2),
    )
    def run(script: list[Step], after: list[Step], asked: list[Scope]) -> None:
        async def go() -> None:
            reference, second = InMemoryStore(), InMemoryStore()
            async with AsyncExitStack() as stack:
                store, copied, brought = [await stack.enter_async_context(opened(make_store)) for _ in range(3)]
                for each in (reference, second):
                    await each.use_space(SPACE)
                story = Story([reference, store])
                for step in script:
                    await story.play(step)
                for project in ("default", "other"):
                    lines = await exported(store, Scope(project=project))
                    await imported(copied, lines, project)
                    await imported(second, lines, project)
                    await imported(brought, await exported(reference, Scope(project=project)), project)
                story.stores, story.bases = [reference, store, copied, second, brought], []
                await story.compare(asked)
                for scope in asked:
                    await search(story, scope, "bees 台北", True, False)
                for step in after:
                    await story.play(step)
                await story.compare(asked)

        asyncio.run(go())

    run()
