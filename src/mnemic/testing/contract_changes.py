"""Changes to memories and how they are taken back: retiring, bringing back, deleting a scope, erasing one."""

from __future__ import annotations

import itertools
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from mnemic.errors import Conflict
from mnemic.ids import new_id
from mnemic.protocols import (
    Annotate,
    Ask,
    MergeEntity,
    NewEntity,
    NewMemory,
    SetState,
    Write,
)
from mnemic.testing.contract_values import (
    ALICE,
    BOB,
    EVERYBODY,
    HOUR,
    LATER,
    SPACE,
    STATES,
    T0,
    Contract,
    MakeStore,
    adding,
    asking,
    changing,
    cited,
    entity,
    event,
    found_by,
    hits,
    keeping,
    known,
    listed,
    opened,
    picture,
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

CITIES = ("Oslo", "Bergen", "Rome", "Paris")
REASONS = ("superseded", "deleted", "forgotten", "undone", "merged")


class ChangesContract(Contract):
    """Retiring and undoing."""

    @pytest.mark.parametrize("reason", REASONS)
    async def test_only_superseded_memories_are_found_in_the_past(self, make_store: MakeStore, reason: str) -> None:
        first, second = known(ALICE, "Works at Siemens", metadata={"a": 1}), known(ALICE, "Works at Bosch")
        past = where(ALICE, superseded=True)
        async with opened(make_store) as store:
            await store.commit(adding(first, second))
            await store.commit(retiring(first, reason=reason, retired_by=second.id, valid_to=T0))
            gone = replace(
                first, known_to=LATER, updated_at=LATER, valid_to=T0, retired_by=second.id, retire_reason=reason
            )  # fmt: skip
            assert await remembered(store, first) == gone
            both = {first.id, second.id} if reason == "superseded" else {second.id}
            for asked, found in ((where(ALICE), {second.id}), (past, both), (where(superseded=True), both)):
                assert set(await listed(store, asked)) == found
                assert await hits(store, asking("works", asked)) == found
                assert (await store.page(asked, limit=1, cursor=None)).total == len(found)
            assert await hits(store, asking("works", replace(past, memories=False))) == set()
            assert (await store.counts(ALICE)).memories == 1
            assert (await store.around(Ask(scope=ALICE, vectors=vectors("Siemens"), limit=5))).near == ((second.id,),)

    async def test_a_superseded_memory_can_leave_the_past_too(self, make_store: MakeStore) -> None:
        first = known(ALICE, "Works at Siemens", valid_to=T0)
        async with opened(make_store) as store:
            await store.commit(adding(first))
            await store.commit(retiring(first, reason="superseded", retired_by="another"))
            await store.commit(retiring(first, reason="forgotten", at=LATER + HOUR))
            assert await remembered(store, first) == replace(
                first, known_to=LATER, updated_at=LATER + HOUR, retire_reason="forgotten", retired_by="another"
            )
            assert await hits(store, asking("Siemens", where(superseded=True))) == set()
            for late in (retiring(first), retiring(first, reason="superseded"), updating(first, "x")[1]):
                with pytest.raises(Conflict):
                    await store.commit(late)

    async def test_a_memory_that_was_out_of_date_when_it_came_is_retired(self, make_store: MakeStore) -> None:
        late = known(
            ALICE, "Worked at Siemens", known_to=T0, retire_reason="superseded", retired_by=new_id(1), valid_to=T0,
            runs=("r2",),
        )  # fmt: skip
        async with opened(make_store) as store:
            await store.commit(replace(adding(late), memories=(stored(late, once="k"),)))
            assert await remembered(store, late) == late
            assert (await listed(store, where()), await store.standing(ALICE, ["k"])) == ([], {})
            assert await hits(store, asking("worked", where(ALICE, superseded=True))) == {late.id}
            await store.commit(restoring(late, 1))
            assert await listed(store, where()) == [late.id]

    async def test_a_message_is_hidden_with_the_last_memory_that_cites_it(self, make_store: MakeStore) -> None:
        episode = said(ALICE, "I ski and swim", state="done")
        skis, swims = (known(ALICE, words, sources=(cited(episode),)) for words in ("Skis", "Swims"))
        async with opened(make_store) as store:
            await store.commit(adding(episode, skis, swims))
            await store.commit(retiring(skis, reason="forgotten"))
            assert await store.load([episode.id]) == {episode.id: episode}
            gone = retiring(swims, reason="forgotten")
            await store.commit(gone)
            assert await store.load([episode.id]) == {episode.id: replace(episode, state="hidden", reason="forgotten")}
            did = await store.change(gone.changes[0].id)
            assert did is not None
            assert did.states == ((episode.id, "done", None),)
            await store.commit(Write(scope=ALICE, at=LATER, states=(SetState(episode_id=episode.id, state="empty"),)))
            did = await store.change(gone.changes[0].id)
            assert did is not None
            assert did.states == ()  # it moved on: where it was is no place to go back to

    # Bringing back.

    @pytest.mark.parametrize("reason", REASONS)
    async def test_a_retired_memory_comes_back_as_it_was(self, make_store: MakeStore, reason: str) -> None:
        first, second = known(ALICE, "Works at Siemens", valid_to=LATER, rating=1), known(ALICE, "Works at Bosch")
        async with opened(make_store) as store:
            await store.commit(replace(adding(first), memories=(stored(first, once="k"),)))
            await store.commit(adding(second))
            await store.commit(retiring(first, reason=reason, retired_by=second.id, valid_to=T0))
            await store.commit(restoring(first, 1, at=LATER + HOUR))
            back = replace(first, version=2, known_from=LATER + HOUR, updated_at=LATER + HOUR)
            assert await remembered(store, first) == back
            assert await store.standing(ALICE, ["k"]) == {"k": back}
            assert await found_by(store, "keyword", asking("Siemens")) == [first.id]
            assert await hits(store, asking("works", where(superseded=True))) == {first.id, second.id}
            np.testing.assert_allclose((await store.vectors([first.id]))[first.id], vectors(first.text), atol=2e-3)
            with pytest.raises(Conflict):
                await store.commit(restoring(first, 1))

    async def test_an_earlier_version_comes_back_over_the_current_one(self, make_store: MakeStore) -> None:
        first, more = known(ALICE, "Lives in Rome", valid_to=LATER), said(ALICE, "Yes, Milan", state="done")
        long = np.concatenate([vectors("Lives in Rome"), vectors("second window")])
        second, update = updating(first, "Lives in Milan")
        note = Annotate(memory_id=first.id, version=2, pinned=True, rating=2)
        async with opened(make_store) as store:
            await store.commit(replace(adding(first), memories=(NewMemory(memory=first, vectors=long, once="rome"),)))
            await store.commit(replace(update, memories=(stored(second, replaces=1, once="milan"),)))
            await store.commit(replace(adding(more), proofs=proving(second, more).proofs, annotate=(note,)))
            await store.commit(restoring(first, 2, of=1, at=LATER + HOUR))
            back = replace(
                first, version=3, known_from=LATER + HOUR, updated_at=LATER + HOUR, proof_count=2,
                sources=(cited(more),), pinned=True, rating=2,
            )  # fmt: skip
            assert await remembered(store, first) == back
            assert await store.standing(ALICE, ["rome", "milan"]) == {"rome": back}
            for of in (where(episodes=()), where(episodes=(), superseded=True)):
                assert await found_by(store, "keyword", asking("Milan", of)) == []
                assert await found_by(store, "keyword", asking("Rome", of)) == [first.id]
            np.testing.assert_allclose((await store.vectors([first.id]))[first.id], long, atol=2e-3)
            before = await picture(store, [first.id])
            for wrong in (restoring(first, 2), restoring(first, 3, of=9), restoring(known(ALICE, "x"), 1)):
                with pytest.raises(Conflict):
                    await store.commit(wrong)
            assert await picture(store, [first.id]) == before

    async def test_an_earlier_version_of_a_retired_memory_comes_back(self, make_store: MakeStore) -> None:
        first = known(ALICE, "Lives in Rome", valid_to=T0)
        second, update = updating(first, "Lives in Milan")
        async with opened(make_store) as store:
            await store.commit(adding(first))
            await store.commit(update)
            await store.commit(retiring(second, reason="superseded", valid_to=LATER))
            await store.commit(restoring(first, 2, of=1))
            assert await remembered(store, first) == replace(first, version=3, known_from=LATER, updated_at=LATER)
            assert await hits(store, asking("lives", where(superseded=True))) == {first.id}
            await store.commit(restoring(first, 3, of=2))
            assert (await remembered(store, first)).text == "Lives in Milan"

    @pytest.mark.parametrize("reason", ["superseded", "merged"])
    async def test_what_came_back_goes_again_as_it_had_gone(self, make_store: MakeStore, reason: str) -> None:
        former, other = known(ALICE, "Lives in Rome"), known(ALICE, "Lives in Milan")
        ended = LATER if reason == "superseded" else None
        gone = retiring(former, reason=reason, retired_by=other.id, valid_to=ended, hide_sources=False)
        async with opened(make_store) as store:
            await store.commit(adding(former, other))
            await store.commit(gone)
            before = await remembered(store, former)
            assert (before.retired_by, before.valid_to) == (other.id, ended)
            for version in (1, 2):
                await store.commit(restoring(former, version))
                assert (await remembered(store, former)).retired_by is None
                back = replace(former, version=version + 1)
                await store.commit(retiring(back, reason=reason, again=version, hide_sources=False))
                assert await remembered(store, former) == replace(before, version=version + 1, known_from=LATER)

    async def test_a_superseded_memory_that_was_deleted_is_superseded_again(self, make_store: MakeStore) -> None:
        former, other = known(ALICE, "Lives in Rome"), known(ALICE, "Lives in Milan")
        gone = retiring(former, reason="superseded", retired_by=other.id, valid_to=LATER, hide_sources=False)
        async with opened(make_store) as store:
            await store.commit(adding(former, other))
            await store.commit(gone)
            was = await remembered(store, former)
            past = where(superseded=True, as_of=T0)
            seen = await listed(store, past)
            for version in (1, 2):
                await store.commit(retiring(replace(former, version=version), at=LATER + HOUR))
                deleted = await remembered(store, former)
                assert (deleted.retire_reason, deleted.retired_by) == ("deleted", other.id)
                assert former.id not in await listed(store, past)
                back = restoring(former, version, at=LATER + 2 * HOUR)
                (restore,) = back.restore
                await store.commit(replace(back, restore=(replace(restore, superseded=True),)))
                at = LATER + 2 * HOUR
                assert await remembered(store, former) == replace(
                    was, version=version + 1, known_from=at, known_to=at, updated_at=at
                )
                assert await listed(store, past) == seen
                assert await listed(store, where()) == [other.id]
                assert former.id in await hits(store, asking("lives", where(superseded=True)))

    async def test_the_key_of_a_memory_that_comes_back_may_be_taken(self, make_store: MakeStore) -> None:
        first, second = known(ALICE, "Skis"), known(ALICE, "Skis")
        async with opened(make_store) as store:
            await store.commit(replace(adding(first), memories=(stored(first, once="k"),)))
            await store.commit(retiring(first))
            await store.commit(replace(adding(second), memories=(stored(second, once="k"),)))
            await store.commit(restoring(first, 1))
            assert await store.standing(ALICE, ["k"]) == {"k": second}
            assert set(await listed(store, where())) == {first.id, second.id}

    async def test_a_verbatim_memory_that_comes_back_stands_for_its_message_again(self, make_store: MakeStore) -> None:
        note = said(ALICE, "I ski", state="done")
        kept = verbatim(note)
        asked = asking("I ski", where(episodes=("done",)))
        async with opened(make_store) as store:
            await store.commit(keeping(note, kept))
            await store.commit(retiring(kept, hide_sources=False))
            assert await hits(store, asked) == {note.id}
            await store.commit(restoring(kept, 1))
            assert await hits(store, asked) == {kept.id}
            await store.commit(retiring(replace(kept, version=2), hide_sources=False))
            assert await hits(store, asked) == {note.id}

    # Changes.

    async def test_a_change_tells_what_it_did(self, make_store: MakeStore) -> None:
        change = changing("forget")
        brought = said(ALICE, "I ski", state="done", change_id=change.id)
        more, moved = said(ALICE, "Yes, I ski", state="empty"), said(ALICE, "hm", state="failed", reason="no answer")
        fact, proved = known(ALICE, "Skis", sources=(cited(brought),)), known(ALICE, "Snow")
        gone, grave = known(ALICE, "Works"), tombstone(ALICE, change.id)
        one, two = entity("Dana"), entity("my wife")
        retire = retiring(gone, hide_sources=False)
        events = tuple(replace(line, change_id=change.id) for line in (*adding(fact).history, *retire.history))
        async with opened(make_store) as store:
            assert (await store.change(change.id), await store.change("no id")) == (None, None)
            people = (NewEntity(entity=one, keys={}), NewEntity(entity=two, keys={}))
            await store.commit(replace(adding(more, moved, proved, gone), entities=people))
            await store.commit(
                replace(
                    adding(brought, fact),
                    changes=(change,),
                    proofs=tuple(replace(each, change_id=change.id) for each in proving(proved, more).proofs),
                    retire=tuple(replace(each, change_id=change.id) for each in retire.retire),
                    states=(SetState(episode_id=moved.id, state="hidden", change_id=change.id),),
                    tombstones=(grave,),
                    entities=(MergeEntity(entity_id=two.id, into=one.id, change_id=change.id),),
                    history=events,
                )
            )
            await store.commit(Write(scope=ALICE, at=LATER, changes=(replace(change, kind="add"),)))  # it is known
            did = await store.change(change.id)
            assert did is not None
            assert (did.change, did.proven, did.episodes) == (change, (proved.id,), (brought.id,))
            assert (set(did.events), did.versions) == (set(events), {fact.id: (1, True), gone.id: (1, False)})
            assert did.states == ((moved.id, "failed", "no answer"),)
            assert (did.tombstones, did.merged, did.moved) == ((grave.id,), (two.id,), ())

    async def test_a_change_is_taken_back_once(self, make_store: MakeStore) -> None:
        change, undo = changing(), changing("undo")
        late = known(ALICE, "late")
        async with opened(make_store) as store:
            await store.commit(Write(scope=ALICE, at=T0, changes=(change,)))
            await store.commit(Write(scope=ALICE, at=T0, changes=(undo,), undone={change.id: undo.id}))
            did = await store.change(change.id)
            assert did is not None
            assert did.change == replace(change, undone_by=undo.id)
            for gone in (change.id, new_id(1)):
                with pytest.raises(Conflict):
                    await store.commit(replace(adding(late), undone={gone: undo.id}))
            assert await store.load([late.id]) == {}

    async def test_a_message_goes_back_to_where_a_change_found_it(self, make_store: MakeStore) -> None:
        episode, change = said(ALICE, "I ski", state="failed", reason="no answer"), changing("delete")
        async with opened(make_store) as store:
            await store.commit(adding(episode))
            for state in ("hidden", "empty"):  # twice by one change: where it was before the first
                move = SetState(episode_id=episode.id, state=state, change_id=change.id)
                await store.commit(Write(scope=ALICE, at=T0, changes=(change,), states=(move,)))
            did = await store.change(change.id)
            assert did is not None
            assert did.states == ((episode.id, "failed", "no answer"),)

    # Deleting and erasing a scope.

    async def test_deleting_a_run_leaves_what_was_said_elsewhere(self, make_store: MakeStore) -> None:
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        turns = {scope: said(scope, "I ski and swim", state="done") for scope in (ALICE, one, two)}
        note = said(one, "I dance", state="done")
        noted = verbatim(note)
        only, moved, guest, free = (
            known(scope, words, sources=(cited(turns[scope]),))
            for scope, words in ((one, "Only here"), (one, "Here first"), (two, "Here later"), (one, "Also in no run"))
        )
        memories = (only, moved, guest, free, noted)
        async with opened(make_store) as store:
            for scope, each in turns.items():
                await store.commit(adding(each, *(m for m in memories[:4] if m.scope == scope)))
            await store.commit(keeping(note, noted))
            for memory, scope in ((moved, two), (guest, one), (free, ALICE), (noted, two)):
                await store.commit(proving(memory, turns[scope]))
            gone = changing("delete_all", one, LATER)
            assert await store.delete_scope(one, gone, reason="deleted") == (1, 2)
            left = {memory.id: await remembered(store, memory) for memory in memories}
            assert [(left[each.id].scope, left[each.id].runs) for each in (moved, guest, free, noted)] == [
                (two, ()), (two, ()), (ALICE, ()), (two, ()),
            ]  # fmt: skip
            assert (left[only.id].retire_reason, left[only.id].known_to) == ("deleted", LATER)
            everything = where(one, episodes=STATES[:-1], superseded=True)
            assert (await listed(store, everything), await hits(store, asking("I here", everything))) == ([], set())
            assert set(await listed(store, where(two))) == {moved.id, guest.id, noted.id}
            assert await hits(store, asking("here dance", where(two, episodes=()))) == {moved.id, guest.id, noted.id}
            counts = await store.counts(one)
            assert (counts.memories, counts.episodes) == (0, 0)

            did = await store.change(gone.id)
            assert did is not None
            assert (did.change, did.versions) == (gone, {only.id: (1, False)})
            assert set(did.states) == {(turns[one].id, "done", None), (note.id, "done", None)}
            assert [(line.event, line.actor, line.reason) for line in did.events] == [("DELETE", "person", "deleted")]
            back = tuple(SetState(episode_id=name, state=state, reason=reason) for name, state, reason in did.states)
            await store.commit(replace(restoring(only, 1), states=back))
            assert set(await listed(store, where(one))) == {memory.id for memory in memories}

    async def test_erasing_a_scope_leaves_no_trace_of_it_and_all_of_the_rest(self, make_store: MakeStore) -> None:
        for erased, stays in (
            (ALICE, BOB),
            (replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")),
            (replace(ALICE, agent_id="a"), replace(ALICE, agent_id="b")),
            (Scope(run_id="r1"), Scope(run_id="r2")),
            (Scope(project="p", user_id="alice"), ALICE),
        ):
            async with opened(make_store) as store:
                change = changing("forget", erased)
                turned, note = (
                    said(erased, "I ski", state="done", change_id=change.id),
                    said(erased, "Hm", state="done"),
                )
                former, gone = known(erased, "Lives in Rome"), known(erased, "Works")
                kept = verbatim(note)
                fact = known(erased, "Skis", sources=(cited(turned),), slot="s")
                grave = tombstone(erased, change.id)
                others = [said(stays, "I ski", state="done"), said(stays, "pending")]
                theirs = known(stays, "Skis", sources=(cited(others[0]),))
                await store.commit(adding(*others, theirs))
                ids = [each.id for each in (turned, note, former, gone, kept, fact)]
                before = await picture(store, [*ids, theirs.id, *(each.id for each in others)], [EVERYBODY, stays])
                log = await store.log(stays, STATES, limit=9, cursor=None)
                await store.commit(replace(adding(turned, former, gone, fact), changes=(change,), tombstones=(grave,)))
                await store.commit(keeping(note, kept, once="k"))
                await store.commit(updating(former, "Lives in Milan")[1])
                await store.commit(retiring(gone, reason="superseded"))
                counted = await store.erase(erased)
                shown = {kind: counted[kind] for kind in ("memories", "versions", "episodes", "tombstones")}
                assert shown == {"memories": 4, "versions": 5, "episodes": 2, "tombstones": 1}
                assert await store.load(ids) == {}
                assert await store.change(change.id) is None
                around = await store.around(
                    Ask(scope=erased, keys=("k",), slots=("s",), vectors=vectors("I ski"), limit=9)
                )
                assert (around.keyed, around.slotted, around.tombstones) == ({}, {}, ())
                assert set(around.memories) <= {theirs.id}
                rest = [*ids, theirs.id, *(each.id for each in others)]
                assert await picture(store, rest, [EVERYBODY, stays]) == before
                assert await store.log(stays, STATES, limit=9, cursor=None) == log
                assert (await store.erase(erased))["memories"] == 0
                await store.commit(adding(known(erased, "Something new")))
                assert len(await listed(store, where(erased))) == 1

    async def test_what_was_also_said_elsewhere_keeps_what_was_said_there(self, make_store: MakeStore) -> None:
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        early, late = said(one, "I ski", state="done"), said(two, "Yes I ski", state="done", at=LATER)
        note = said(one, "I swim", state="done")
        memory, kept = known(one, "Skis", sources=(cited(early),), said_at=T0), verbatim(note)
        pattern = known(ALICE, "Often skis", sources=(cited(early),))
        told = said(ALICE, "As I said", state="done")
        rests = known(one, "Said so", sources=(cited(early), cited(told)))
        async with opened(make_store) as store:
            await store.commit(adding(early, memory, pattern))
            await store.commit(keeping(note, kept))
            await store.commit(adding(told, rests))
            await store.commit(adding(late, known(two, "y", sources=(cited(late),))))
            await store.commit(proving(memory, late))
            await store.commit(proving(kept, late))
            counted = await store.erase(one)
            assert (counted["memories"], counted["episodes"]) == (1, 2)
            rest, swims = await remembered(store, memory), await remembered(store, kept)
            assert (rest.scope, rest.runs, rest.sources, rest.proof_count, rest.said_at) == (
                two, (), (cited(late),), 1, LATER,
            )  # fmt: skip
            assert (swims.scope, swims.sources) == (two, (cited(late),))
            assert (await remembered(store, rests)).sources == (cited(told),)
            assert (await remembered(store, rests)).scope == ALICE
            everything = where(ALICE, episodes=("done",))
            assert await found_by(store, "keyword", asking("swim", everything)) == [kept.id]
            assert pattern.id not in await store.load([pattern.id])

    async def test_a_message_whose_memories_are_erased_is_read_again(self, make_store: MakeStore) -> None:
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        episode, other = (said(two, words, state="done") for words in ("I ski", "I swim"))
        skis, swims = (known(one, each.content, sources=(cited(each),)) for each in (episode, other))
        too = known(two, "Swims well", sources=(cited(other),))
        async with opened(make_store) as store:
            await store.commit(adding(episode, other, skis, swims, too))
            assert (await store.erase(one))["memories"] == 2
            assert await store.load([episode.id, other.id]) == {
                episode.id: replace(episode, state="pending"),
                other.id: other,
            }
            assert set(await found_by(store, "keyword", asking("ski swim", two))) == {episode.id, too.id}
            assert [each.id for each in await store.lease(now=LATER, until=LATER + HOUR, limit=9)] == [episode.id]

    async def test_no_memory_that_stays_says_what_only_an_erased_message_told(self, make_store: MakeStore) -> None:
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        plain, erased = said(one, "I have a dog, 狗", state="done"), said(two, "I have a brown dog, 棕狗", state="done")
        tried: tuple[tuple[str, dict[str, Any], Scope, bool], ...] = (
            ("I have a brown dog", {}, two, False),
            ("Has 棕狗", {}, two, False),
            ("I have dogs, a 狗", {}, two, True),
            ("I have a dog", {"metadata": {"ticket": 7}}, two, False),
            ("Has a brown dog", {}, one, True),
            ("I have a dog", {"kind": "pattern"}, one, False),
        )
        for words, rest, by, stays in tried:
            change = changing("add", by)
            memory = known(one, words, sources=(cited(plain), cited(erased)), **rest)
            other = known(one, "Has", sources=(cited(plain),))
            async with opened(make_store) as store:
                await store.commit(replace(adding(plain), scope=ALICE))
                await store.commit(replace(adding(erased), scope=ALICE))
                line = replace(event(memory), change_id=change.id)
                await store.commit(replace(adding(memory), changes=(change,), history=(line,)))
                await store.commit(adding(other))
                assert (await store.erase(two))["memories"] == (not stays), words
                assert (memory.id in await store.load([memory.id])) == stays, words
                (left,) = (await store.load([plain.id])).values()
                assert left == replace(plain, state="done" if stays or rest.get("kind") else "pending"), words
                assert (await remembered(store, other)).sources == (cited(plain),)

    async def test_what_an_erased_memory_took_the_place_of_is_current_again(self, make_store: MakeStore) -> None:
        runs = [replace(ALICE, run_id=f"r{number}") for number in range(4)]
        turns = [said(run, f"I live in {city}", state="done") for run, city in zip(runs, CITIES, strict=True)]
        homes = [known(turn.scope, turn.content, sources=(cited(turn),), slot="home") for turn in turns]
        for gone, left in (
            ((3,), {0: 1, 1: 2}),
            ((2,), {0: 1, 1: 3}),
            ((1,), {0: 2, 2: 3}),
            ((1, 2), {0: 3}),
            ((2, 1), {0: 3}),
            ((3, 2), {0: 1}),
            ((2, 3, 1), {}),
            ((0,), {1: 2, 2: 3}),
        ):
            async with opened(make_store) as store:
                for turn, home in zip(turns, homes, strict=True):
                    await store.commit(adding(turn, home))
                closed = [
                    retiring(
                        home, reason="superseded", hide_sources=False, at=LATER + place * HOUR, retired_by=after.id,
                        valid_to=after.known_from + place * HOUR,
                    )
                    for place, (home, after) in enumerate(itertools.pairwise(homes))
                ]  # fmt: skip
                for write in closed:
                    await store.commit(write)
                for run in gone:
                    assert (await store.erase(runs[run]))["memories"] == 1
                kept = [place for place in range(4) if place not in gone]
                for place in kept:
                    found = await remembered(store, homes[place])
                    lines = [each for each in await store.history(found.id) if each.event == "DELETE"]
                    if place in left:
                        last = left[place] - 1  # the one after which it would have stood, had nothing been erased
                        assert (found.retired_by, found.retire_reason) == (homes[left[place]].id, "superseded")
                        assert (found.known_to, found.valid_to) == (LATER + last * HOUR, T0 + last * HOUR)
                        assert [(each.at, each.change_id) for each in lines] == [
                            (LATER + last * HOUR, closed[last].changes[0].id)
                        ]
                    else:
                        assert found == homes[place]
                        assert lines == []
                current = [homes[place].id for place in kept if place not in left]
                assert set(await found_by(store, "keyword", asking("live", ALICE))) == set(current)
                around = await store.around(Ask(scope=ALICE, slots=("home",), limit=9))
                assert set(around.memories) == set(current)

    async def test_what_an_erased_message_ended_is_current_again(self, make_store: MakeStore) -> None:
        one, two = replace(ALICE, run_id="r1"), replace(ALICE, run_id="r2")
        turn, over = said(one, "I work at Acme", state="done"), said(two, "I quit", state="empty")
        job = known(one, turn.content, sources=(cited(turn),), slot="job")
        quit_ = retiring(job, reason="superseded", hide_sources=False, valid_to=LATER)
        quit_ = replace(quit_, scope=two, changes=(replace(quit_.changes[0], scope=two),))
        async with opened(make_store) as store:
            await store.commit(adding(turn, job))
            await store.commit(adding(over))
            await store.commit(quit_)
            await store.erase(replace(ALICE, run_id="r3"))
            assert (await remembered(store, job)).retire_reason == "superseded"
            await store.erase(two)
            assert await remembered(store, job) == job
            assert await found_by(store, "keyword", asking("work", ALICE)) == [job.id]

    async def test_a_decision_about_what_was_erased_is_made_again(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "Skis")))
            basis = (await store.around(Ask(scope=ALICE))).basis
            await store.erase(ALICE)
            await store.commit(adding(known(ALICE, "Swims")))
            with pytest.raises(Conflict):
                await store.commit(replace(adding(known(ALICE, "Dances")), basis=basis))

    async def test_erasing_a_project_forgets_what_it_spent(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            for scope in (ALICE, replace(ALICE, project="other")):
                await store.commit(Write(scope=scope, at=T0, spent=Usage(model_calls=1)))
            await store.erase(ALICE)
            assert (await store.spent("default", T0.date())).model_calls == 1
            await store.erase(EVERYBODY)
            assert (await store.spent("default", T0.date())).model_calls == 0
            assert (await store.spent("other", T0.date())).model_calls == 1

    async def test_records_without_vectors_are_gone_through_in_the_order_of_their_places(
        self, make_store: MakeStore
    ) -> None:
        other = replace(SPACE, name="contract:other")
        async with opened(make_store) as store:
            for scope in (ALICE, BOB, ALICE, BOB):
                episode = said(scope, "Skis")
                await store.commit(keeping(episode, verbatim(episode)))
                await store.commit(adding(known(scope, "Skates")))
            every = await store.missing(other, 9)
            assert len(every) == 8
            assert [each.place for each in every] == sorted(each.place for each in every)
            found, after = [], -1
            while pieces := await store.missing(other, 1, after=after):
                found += pieces
                after = pieces[-1].place
            assert found == every
            await store.reembed(other, [(each.place, vectors(each.text)) for each in every[:2]])
            assert await store.missing(other, 9) == every[2:]

    async def test_vectors_of_erased_records_are_not_written_later(self, make_store: MakeStore) -> None:
        gone, stays = known(ALICE, "Skis"), known(BOB, "Skis")
        other = replace(SPACE, name="contract:other")
        async with opened(make_store) as store:
            await store.commit(adding(gone))
            await store.commit(adding(stays))
            pieces = await store.missing(other, 9)
            await store.erase(ALICE)
            await store.reembed(other, [(each.place, vectors(each.text)) for each in pieces])
            assert await store.activate(other)
            assert (await store.vectors([gone.id, stays.id])).keys() == {stays.id}
