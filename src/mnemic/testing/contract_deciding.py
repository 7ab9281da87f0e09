"""What a decision rests on: one snapshot, a basis that goes stale, sources and the runs they bring, annotations."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest

from mnemic.errors import Conflict
from mnemic.ids import new_id
from mnemic.protocols import Annotate, Around, Ask, NewMemory, Reprove, SetState, Unprove, Write
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    HOUR,
    LATER,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    changing,
    cited,
    hits,
    keeping,
    known,
    listed,
    neighbour_of,
    opened,
    proving,
    remembered,
    restoring,
    retiring,
    said,
    stored,
    tombstone,
    updating,
    vectors,
    verbatim,
    where,
)
from mnemic.types import Scope, Usage


class DecidingContract(Contract):
    """Reading before a decision, and what makes it stale."""

    async def test_nothing_is_around_where_nobody_has_been(self, make_store: MakeStore) -> None:
        ask = Ask(scope=ALICE, keys=("k",), slots=("s",), vectors=vectors("a", "b"), limit=3, names=("dana",))
        async with opened(make_store) as store:
            assert await store.around(ask) == Around(basis=0, near=((), ()))
            await store.commit(adding(known(BOB, "Skis", slot="s")))
            assert await store.around(ask) == Around(basis=0, near=((), ()))

    async def test_one_snapshot_holds_what_a_decision_rests_on(self, make_store: MakeStore) -> None:
        episode, hello = said(ALICE, "I ski in 台北", state="done"), said(ALICE, "hello", state="empty")
        keyed, slotted, also = known(ALICE, "Skis"), known(ALICE, "Lives in Rome", slot="home"), known(ALICE, "x")
        cites, near = known(ALICE, "Likes snow", sources=(cited(episode),)), known(ALICE, "the red car is fast")
        former = known(ALICE, "the red car is slow", slot="home")
        ask = Ask(
            scope=ALICE, keys=("k", "none"), slots=("home", "none"), vectors=vectors("the red car"), limit=1,
            episodes=(episode.id, hello.id),
        )  # fmt: skip
        async with opened(make_store) as store:
            await store.commit(adding(episode, hello, slotted, cites, near, former, also))
            await store.commit(replace(adding(keyed), memories=(stored(keyed, once="k"),)))
            await store.commit(retiring(former, reason="superseded"))
            found = await store.around(ask)
            assert (found.keyed, found.slotted) == ({"k": keyed.id}, {"home": (slotted.id,)})
            assert (found.citing, found.near) == ((cites.id,), ((near.id,),))
            assert found.memories == {each.id: each for each in (keyed, slotted, cites, near)}
            assert found.vectors.keys() == found.memories.keys()
            for memory in found.memories.values():
                np.testing.assert_allclose(found.vectors[memory.id], vectors(memory.text)[0], atol=2e-3)

    async def test_the_nearest_come_in_order_each_once_by_its_best_window(self, make_store: MakeStore) -> None:
        memories = [known(ALICE, f"bees{' wasps' * number}") for number in range(12)]
        long, bare = known(ALICE, "a text of two windows"), known(ALICE, "bees without a vector")
        asked = vectors("bees", "nothing of this", "last window")
        async with opened(make_store) as store:
            await store.commit(adding(*memories))
            windows = np.concatenate([vectors("first window here"), vectors("last window")])
            await store.commit(replace(adding(long), memories=(NewMemory(memory=long, vectors=windows),)))
            await store.commit(replace(adding(bare), memories=(NewMemory(memory=bare, vectors=None),)))
            found = await store.around(Ask(scope=ALICE, vectors=asked, limit=5))
            assert found.near[0] == tuple(memory.id for memory in memories[:5])
            assert [len(set(each)) for each in found.near] == [5, 5, 5]
            assert found.near[2][0] == long.id
            np.testing.assert_allclose(found.vectors[long.id], windows[0], atol=2e-3)
            assert (await store.around(Ask(scope=ALICE, vectors=asked, limit=0))).near == ((), (), ())
            every = await store.around(Ask(scope=ALICE, vectors=asked, limit=50))
            assert set(every.near[0]) == {memory.id for memory in (*memories, long)}

    async def test_a_decision_sees_its_own_user_agent_and_app_in_every_run(self, make_store: MakeStore) -> None:
        agent, run = replace(ALICE, agent_id="a"), replace(ALICE, run_id="r1")
        only, twin = Scope(run_id="r1"), neighbour_of(ALICE)
        mine = {scope: known(scope, "Skis", slot="s") for scope in (ALICE, agent, run, only, twin, BOB)}
        async with opened(make_store) as store:
            for memory in mine.values():
                await store.commit(adding(memory))
            for scope, seen in (
                (ALICE, {ALICE, run}),
                (replace(ALICE, run_id="r2"), {ALICE, run}),
                (agent, {agent}),
                (replace(agent, run_id="r1"), {agent}),
                (only, {only}),
                (Scope(run_id="r2"), set()),
                (twin, {twin}),
            ):
                found = await store.around(Ask(scope=scope, slots=("s",), vectors=vectors("skis"), limit=9))
                ids = {mine[each].id for each in seen}
                assert (set(found.memories), set(found.slotted.get("s", ())), set(found.near[0])) == (ids, ids, ids)

    async def test_a_decision_holds_while_its_owners_memories_are_as_they_were(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        async with opened(make_store) as store:
            await store.commit(replace(adding(said(ALICE, "hello")), basis=0))
            first, late = known(ALICE, "Skis"), known(run, "Snowboards")
            await store.commit(replace(adding(first), basis=0))
            basis = (await store.around(Ask(scope=run))).basis
            assert basis != 0
            await store.commit(adding(known(BOB, "Skis")))
            await store.commit(adding(said(ALICE, "more")))
            with pytest.raises(Conflict):
                await store.commit(replace(adding(late), basis=0))
            assert await store.load([late.id]) == {}
            await store.commit(replace(adding(late), basis=basis))

    async def test_every_change_to_memories_ends_the_decisions_made_before(self, make_store: MakeStore) -> None:
        episode, more = said(ALICE, "I ski", state="done"), said(ALICE, "Yes, I ski", state="empty")
        memory = known(ALICE, "Skis", sources=(cited(episode),))
        after, update = updating(memory, "Skis well")
        proof, grave = proving(after, more), tombstone(ALICE)
        quiet = Write(scope=BOB, at=LATER)  # whoever writes, it is Alice's memories that change
        async with opened(make_store) as store:
            seen = [(await store.around(Ask(scope=ALICE))).basis]
            for write in (
                adding(episode, more, memory),
                update,
                replace(quiet, proofs=proof.proofs),
                replace(quiet, unprove=(Unprove(memory_id=memory.id, by=new_id(1), change_id=proof.changes[0].id),)),
                replace(quiet, retire=retiring(after, reason="superseded").retire),
                replace(quiet, retire=retiring(after, reason="forgotten").retire),
                replace(quiet, restore=restoring(after, 2).restore),
                replace(quiet, tombstones=(grave,)),
                replace(quiet, lifted=(grave.id,)),
            ):
                basis = (await store.around(Ask(scope=ALICE))).basis
                await store.commit(write)
                with pytest.raises(Conflict):
                    await store.commit(replace(adding(said(ALICE, "late")), basis=basis))
                seen.append((await store.around(Ask(scope=ALICE))).basis)
            await store.delete_scope(ALICE, changing("delete_all"), reason="deleted")
            seen.append((await store.around(Ask(scope=ALICE))).basis)
            assert len(set(seen)) == len(seen)

    async def test_tombstones_hold_for_every_narrower_scope(self, make_store: MakeStore) -> None:
        user, agent = ALICE, replace(ALICE, agent_id="a")
        run, shared = replace(ALICE, run_id="r1"), Scope(agent_id="a")
        graves = {scope: tombstone(scope) for scope in (user, agent, run, shared, BOB)}
        async with opened(make_store) as store:
            for scope, grave in graves.items():
                await store.commit(Write(scope=scope, at=T0, tombstones=(grave,)))
            for asked, holding in (
                (BOB, [BOB]),
                (user, [user, run]),
                (replace(user, run_id="r2"), [user, run]),
                (agent, [user, agent, run, shared]),
                (shared, [shared]),
                (replace(user, project="other"), []),
            ):
                found = (await store.around(Ask(scope=asked))).tombstones
                assert sorted(found, key=lambda each: each.id) == sorted(
                    (graves[scope] for scope in holding), key=lambda each: each.id
                )
            await store.commit(Write(scope=user, at=T0, lifted=(graves[user].id, graves[run].id, new_id(1))))
            assert (await store.around(Ask(scope=user))).tombstones == ()

    # Sources.

    async def test_a_source_of_another_run_makes_the_memory_that_runs_too(self, make_store: MakeStore) -> None:
        one, two, three = (replace(ALICE, run_id=run) for run in ("r1", "r2", "r3"))
        first, again = said(one, "I ski", state="done"), said(two, "Yes, I ski", state="done")
        memory = known(one, "Skis", sources=(cited(first),))
        async with opened(make_store) as store:
            await store.commit(adding(first, memory))
            await store.commit(adding(replace(again, state="pending")))
            proof = proving(memory, again)
            await store.commit(replace(proof, states=(SetState(episode_id=again.id, state="done"),)))
            await store.commit(proving(memory, again))  # the same words of the same turn prove nothing more
            await store.commit(proving(memory, first, quote="ski"))
            proved = replace(
                memory, runs=("r2",), proof_count=3, updated_at=LATER,
                sources=(cited(first), cited(first, "ski"), cited(again)),
            )  # fmt: skip
            found = await remembered(store, memory)
            assert set(found.sources) == set(proved.sources)
            assert replace(found, sources=proved.sources) == proved
            for scope, count in ((one, 1), (two, 1), (Scope(run_id="r2"), 1), (three, 0), (ALICE, 1)):
                assert await listed(store, where(scope)) == [memory.id] * count
                assert await hits(store, asking("skis", where(scope, episodes=()))) == set([memory.id] * count)
                assert (await store.counts(scope)).memories == count
            undo = Unprove(memory_id=memory.id, by=new_id(1), change_id=proof.changes[0].id)
            gone = SetState(episode_id=again.id, state="hidden")
            await store.commit(Write(scope=two, at=LATER + HOUR, unprove=(undo,), states=(gone,)))
            left = await remembered(store, memory)
            assert (left.runs, left.proof_count, left.updated_at) == ((), 2, LATER + HOUR)
            assert set(left.sources) == {cited(first), cited(first, "ski")}
            assert await listed(store, where(two)) == []

    async def test_a_message_that_is_erased_meanwhile_proves_nothing(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        first, again = said(ALICE, "I ski", state="done"), said(run, "Yes, I ski", state="done")
        memory = known(ALICE, "Skis", sources=(cited(first),))
        async with opened(make_store) as store:
            await store.commit(adding(first, again, memory))
            await store.erase(run)
            await store.commit(proving(memory, again))
            assert await store.load([memory.id]) == {memory.id: memory}
            assert await listed(store, where(run)) == []

    async def test_sources_in_some_episodes_can_be_taken_back(self, make_store: MakeStore) -> None:
        first, again = said(ALICE, "I ski", state="empty"), said(ALICE, "Yes, I ski", state="done")
        memory = known(ALICE, "Skis", sources=(cited(first), cited(first, "ski"), cited(again)), proof_count=2)
        async with opened(make_store) as store:
            await store.commit(adding(first, again, memory))
            nothing = (
                Unprove(memory_id=memory.id, by=new_id(1)),
                Unprove(memory_id=memory.id, by=new_id(1), change_id=new_id(1)),
            )
            await store.commit(Write(scope=ALICE, at=LATER, unprove=nothing))
            assert await store.load([memory.id]) == {memory.id: memory}
            gone = Unprove(memory_id=memory.id, by=new_id(1), episode_ids=(first.id,))
            await store.commit(Write(scope=ALICE, at=LATER, unprove=(gone,)))
            (left,) = (await store.load([memory.id])).values()
            assert left == replace(memory, sources=(cited(again),), proof_count=1, updated_at=LATER)
            back = Reprove(memory_id=memory.id, change_id=gone.by, by=new_id(1))
            await store.commit(Write(scope=ALICE, at=LATER, reprove=(back, back)))
            assert await store.load([memory.id]) == {memory.id: replace(memory, updated_at=LATER)}

    async def test_a_run_is_kept_by_no_message_that_is_hidden(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        first, *more = (
            said(ALICE, "I ski", state="done"),
            said(run, "Yes", state="empty"),
            said(run, "I do", state="empty"),
        )
        memory = known(ALICE, "Skis", sources=(cited(first),))
        async with opened(make_store) as store:
            await store.commit(adding(first, *more, memory))
            for each in more:
                await store.commit(proving(memory, each))
            assert await listed(store, where(run)) == [memory.id]
            heard, unheard = more
            await store.commit(Write(scope=run, at=LATER, states=(SetState(episode_id=unheard.id, state="hidden"),)))
            assert await listed(store, where(run)) == [memory.id]
            gone = Unprove(memory_id=memory.id, by=new_id(1), episode_ids=(heard.id,))
            await store.commit(Write(scope=run, at=LATER, unprove=(gone,)))
            assert await listed(store, where(run)) == []

    async def test_a_source_goes_and_comes_back_as_often_as_its_change_is_undone(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        first, again = said(ALICE, "I ski", state="done"), said(run, "Yes, I ski", state="empty")
        memory = known(ALICE, "Skis", sources=(cited(first),))
        async with opened(make_store) as store:
            await store.commit(adding(first, again, memory))
            proof = proving(memory, again)
            await store.commit(proof)
            change_id, there = proof.changes[0].id, True
            proved = await remembered(store, memory)
            assert proved.proof_count == 2
            for _ in range(4):
                did = await store.change(change_id)
                assert did is not None
                assert (did.proven, did.unproven) == (((memory.id,), ()) if there else ((), (memory.id,)))
                undo = changing("undo")
                write = Write(scope=ALICE, at=LATER, changes=(undo,))
                if there:
                    gone = Unprove(memory_id=memory.id, by=undo.id, change_id=change_id)
                    await store.commit(replace(write, unprove=(gone,)))
                else:
                    back = Reprove(memory_id=memory.id, by=undo.id, change_id=change_id)
                    await store.commit(replace(write, reprove=(back,)))
                change_id, there = undo.id, not there
                found = await remembered(store, memory)
                assert found == replace(proved if there else memory, updated_at=LATER)
                assert await listed(store, where(run)) == [memory.id] * there
            first_again = Unprove(memory_id=memory.id, by=new_id(1), change_id=proof.changes[0].id)
            await store.commit(Write(scope=ALICE, at=LATER, unprove=(first_again,)))
            assert await remembered(store, memory) == replace(memory, updated_at=LATER)

    async def test_a_source_in_an_erased_message_does_not_come_back(self, make_store: MakeStore) -> None:
        run = replace(ALICE, run_id="r1")
        first, again = said(ALICE, "I ski", state="done"), said(run, "Yes, I ski", state="done")
        memory = known(ALICE, "Skis", sources=(cited(first), cited(again)), proof_count=2)
        undo = changing("undo")
        async with opened(make_store) as store:
            await store.commit(adding(first, again, memory))
            gone = Unprove(memory_id=memory.id, by=undo.id, episode_ids=(again.id,))
            await store.commit(Write(scope=ALICE, at=LATER, changes=(undo,), unprove=(gone,)))
            await store.erase(run)
            did = await store.change(undo.id)
            assert did is not None
            assert did.unproven == ()
            back = Reprove(memory_id=memory.id, change_id=undo.id, by=new_id(1))
            await store.commit(Write(scope=ALICE, at=LATER, reprove=(back,)))
            assert (await remembered(store, memory)).sources == (cited(first),)
            assert (await store.verify())[1] == ()

    async def test_memories_are_found_by_what_they_cite(self, make_store: MakeStore) -> None:
        one, two = said(ALICE, "I ski", state="done"), said(BOB, "I ski", state="done")
        mine, theirs = (known(each.scope, "Skis", sources=(cited(each),)) for each in (one, two))
        former = known(ALICE, "Skied", sources=(cited(one),))
        async with opened(make_store) as store:
            await store.commit(adding(one, mine, former))
            await store.commit(adding(two, theirs))
            await store.commit(retiring(former, hide_sources=False))
            assert await store.citing([one.id]) == (mine,)
            both = await store.citing([one.id, two.id, new_id(1), "no id"])
            assert {each.id: each for each in both} == {mine.id: mine, theirs.id: theirs}
            assert await store.citing([]) == ()

    async def test_vectors_are_those_of_current_memories(self, make_store: MakeStore) -> None:
        note = said(ALICE, "I ski", state="done")
        kept, long, bare, gone = verbatim(note), known(ALICE, "long"), known(ALICE, "bare"), known(ALICE, "gone")
        after, update = updating(kept, "I swim")
        windows = vectors("first", "second", "third")
        async with opened(make_store) as store:
            await store.commit(keeping(note, kept))
            for memory in (NewMemory(memory=long, vectors=windows), NewMemory(memory=bare, vectors=None), stored(gone)):
                await store.commit(replace(adding(memory.memory), memories=(memory,)))
            await store.commit(update)
            await store.commit(retiring(gone, reason="superseded"))
            found = await store.vectors([kept.id, long.id, bare.id, gone.id, note.id, new_id(1)])
            assert found.keys() == {kept.id, long.id}
            np.testing.assert_allclose(found[kept.id], vectors(after.text), atol=2e-3)
            np.testing.assert_allclose(found[long.id], windows, atol=2e-3)

    # Annotations and spending.

    async def test_a_memory_is_pinned_and_rated_without_a_new_version(self, make_store: MakeStore) -> None:
        memory = known(ALICE, "Skis")
        pin = Annotate(memory_id=memory.id, version=1, pinned=True)
        rate = Annotate(memory_id=memory.id, version=1, rating=-2, feedback="VERY_NEGATIVE", reason="wrong")
        async with opened(make_store) as store:
            await store.commit(adding(memory))
            before = await store.history(memory.id)
            await store.commit(Write(scope=ALICE, at=LATER, annotate=(pin, rate)))
            await store.commit(Write(scope=ALICE, at=LATER, annotate=(replace(rate, rating=1, feedback=None),)))
            pinned = replace(memory, pinned=True, rating=-1)
            assert await store.load([memory.id]) == {memory.id: pinned}
            assert await store.history(memory.id) == before
            await store.commit(Write(scope=ALICE, at=LATER, annotate=(replace(pin, pinned=False),)))
            assert await store.load([memory.id]) == {memory.id: replace(pinned, pinned=False)}
            for _ in range(2):  # two at once who take all back take it back once
                none = replace(rate, rating=0, feedback="NONE")
                await store.commit(Write(scope=ALICE, at=LATER, annotate=(none,)))
                assert (await remembered(store, memory)).rating == 0
            await store.commit(Write(scope=ALICE, at=LATER, annotate=(replace(rate, rating=-1),)))
            for wrong in (replace(pin, version=2), replace(pin, memory_id=new_id(1))):
                with pytest.raises(Conflict):
                    await store.commit(Write(scope=ALICE, at=LATER, annotate=(rate, wrong)))
            assert await store.load([memory.id]) == {memory.id: replace(pinned, pinned=False)}

    async def test_what_a_project_spends_is_summed_by_the_day_of_utc(self, make_store: MakeStore) -> None:
        one = Usage(model_calls=1, input_tokens=20, output_tokens=3, embeddings=4)
        taipei = datetime.fromisoformat("2025-03-15T07:59:00+08:00")
        async with opened(make_store) as store:
            for at in (datetime(2025, 3, 14, tzinfo=UTC), taipei, taipei + timedelta(minutes=1)):
                await store.commit(Write(scope=ALICE, at=at, spent=one))
            await store.commit(Write(scope=BOB, at=T0, spent=one))
            await store.commit(Write(scope=replace(ALICE, project="other"), at=T0, spent=one))
            assert await store.spent("default", date(2025, 3, 14)) == one + one + one
            assert await store.spent("default", date(2025, 3, 15)) == one
            assert await store.spent("other", date(2025, 3, 14)) == one
            assert await store.spent("nobody", date(2025, 3, 14)) == Usage()
