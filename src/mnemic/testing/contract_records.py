"""What every store promises of records: writing and reading back, all or nothing, hits, the arms, listing."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from mnemic import filters
from mnemic.errors import Conflict, InvalidInput, WrongEmbedder
from mnemic.ids import new_id
from mnemic.protocols import ARMS, Annotate, Found, Proof, Retire, SetState, Space, Write
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
    cited,
    event,
    found_by,
    hits,
    keeping,
    known,
    listed,
    neighbour_of,
    opened,
    picture,
    retiring,
    said,
    stored,
    updating,
    verbatim,
    where,
)
from mnemic.testing.memory_store import InMemoryStore
from mnemic.types import SEARCHABLE_STATES, Episode, EpisodeState, Memory, Scope


class RecordsContract(Contract):
    """Episodes and memories as they are written, found and listed."""

    # Writing and reading back.

    async def test_a_new_version_is_pinned_and_rated_as_the_one_it_takes_the_place_of(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store) as store:
            memory = known(ALICE, "Lives in Oslo")
            await store.commit(adding(memory))
            _, correction = updating(memory, "Lives in Bergen")  # decided before the memory was pinned
            note = Annotate(memory_id=memory.id, version=1, pinned=True, rating=2, feedback="POSITIVE")
            await store.commit(Write(scope=ALICE, at=T0, annotate=(note,)))
            await store.commit(correction)
            found = (await store.load([memory.id]))[memory.id]
            assert isinstance(found, Memory)
            assert (found.text, found.pinned, found.rating) == ("Lives in Bergen", True, 2)

    async def test_an_empty_store_holds_nothing(self, make_store: MakeStore) -> None:
        store = make_store()
        await store.open()
        try:
            assert await store.space() is None
            assert await store.find(asking("anything")) == Found(candidates=(), searched=0)
            assert await store.load([new_id(1), "no id", ""]) == {}
            assert await store.standing(ALICE, ["key"]) == {}
            assert await listed(store, where()) == []
            assert await store.history(new_id(1)) == ()
            assert await store.last_turns(ALICE, 5) == ()
            counts = await store.counts(EVERYBODY)
            assert (counts.memories, counts.episodes, counts.pending, counts.failed, counts.owners) == (0, 0, 0, 0, 0)
            assert (await store.verify())[1] == ()
        finally:
            await store.close()
        await store.close()  # once more does no harm

    async def test_a_space_is_declared_once_and_another_is_refused(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            for other in (replace(SPACE, name="contract:other"), replace(SPACE, dimensions=33)):
                with pytest.raises(WrongEmbedder):
                    await store.use_space(other)
            assert await store.space() == SPACE

    async def test_what_was_written_is_read_back_whole(self, make_store: MakeStore) -> None:
        scope = Scope(project="p", user_id="alice", agent_id="helper", app_id="phone", run_id="r1")
        taipei = T0.astimezone(tz=datetime.fromisoformat("2025-01-01T00:00:00+08:00").tzinfo)
        episode = said(
            scope, "我住在台北 — O'Brien's \"café\" 😀\r\n\tend ", at=taipei, actor="王小明", state="failed", reason="no answer",
            attempts=3, metadata={"a": {"b": [1, 2.5, None, True, "x"]}, "ü": ""},
        )  # fmt: skip
        episode = replace(episode, received_at=LATER)
        full = known(
            scope, "Lives in 台北", kind="preference", valid_from=T0, valid_to=LATER, precision="day", subject="user",
            attribute="home", origin="inferred", attributed_to="assistant", actor="王小明", role="assistant",
            confidence=0.25, proof_count=2, pinned=True, expires_at=LATER, metadata={"k": [{"n": 1}]},
            categories=("home", "travel"), said_at=T0, sources=(cited(episode, "我住在台北"),),
        )  # fmt: skip
        bare = known(scope, "Nothing but text")
        async with opened(make_store) as store:
            await store.commit(adding(episode, full, bare))
            assert await store.load([full.id, episode.id, bare.id, "x"]) == {
                full.id: full,
                episode.id: episode,
                bare.id: bare,
            }
            assert (await store.page(where(scope, now=T0), limit=5, cursor=None)).memories == (bare, full)
            assert await store.last_turns(scope, 5) == (episode,)

    async def test_history_keeps_every_version_oldest_first(self, make_store: MakeStore) -> None:
        first = known(ALICE, "Lives in Taipei")
        add = adding(first)
        second, update = updating(first, "Lives in Tainan")
        third, correct = updating(second, "Lives in Tokyo", LATER + timedelta(days=1))
        delete = retiring(third, at=LATER + timedelta(days=2))
        async with opened(make_store) as store:
            for write in (add, update, correct, delete):
                await store.commit(write)
            events = tuple(change for write in (add, update, correct, delete) for change in write.history)
            assert await store.history(first.id) == events
            last = replace(third, known_to=delete.at, updated_at=delete.at, retire_reason="deleted")
            assert await store.load([first.id]) == {first.id: last}
            assert await listed(store, where()) == []

    async def test_history_is_in_order_where_the_clocks_of_two_processes_differ(self, make_store: MakeStore) -> None:
        first = known(ALICE, "Lives in Taipei")
        update = updating(first, "Lives in Tainan")[1]  # its ids are drawn before those of the add
        add = adding(first)
        async with opened(make_store) as store:
            await store.commit(add)
            await store.commit(update)
            assert await store.history(first.id) == (*add.history, *update.history)

    async def test_a_proof_adds_a_source_and_nothing_else(self, make_store: MakeStore) -> None:
        early, late = said(ALICE, "I ski", state="done"), said(ALICE, "Yes, I ski", state="done", at=LATER)
        memory = known(ALICE, "I ski", at=LATER, sources=(cited(early, "I ski"),))
        async with opened(make_store) as store:
            await store.commit(adding(early, memory))
            await store.commit(adding(late))
            proof = Proof(memory_id=memory.id, version=1, source=cited(late, "I ski"), change_id=new_id(1))
            await store.commit(Write(scope=ALICE, at=LATER, proofs=(proof,)))
            sources = (cited(early), cited(late, "I ski"))
            proved = replace(memory, sources=sources, proof_count=2, updated_at=LATER)
            assert await store.load([memory.id]) == {memory.id: proved}

    # All or nothing.

    @pytest.mark.parametrize("stale", ["update", "proof", "retire", "key", "key twice", "gone"])
    async def test_a_write_that_conflicts_changes_nothing(self, make_store: MakeStore, stale: str) -> None:
        first = known(ALICE, "Lives in Taipei")
        second, update = updating(first, "Lives in Tainan")
        turned = said(ALICE, "I moved again", state="done")
        bystander = known(ALICE, "Plays tennis")
        held, rival, rival_too = (known(ALICE, words) for words in ("Has a cat", "Has a cat!", "Has a cat?"))
        write = adding(turned, bystander)
        match stale:
            case "update":
                late = updating(first, "Lives in Tokyo")[1]
                write = replace(
                    write, memories=(*write.memories, *late.memories), history=(*write.history, *late.history)
                )
            case "proof":
                proof = Proof(memory_id=first.id, version=1, source=cited(turned, "moved"), change_id=new_id(1))
                write = replace(write, proofs=(proof,))
            case "retire" | "gone":
                name = first.id if stale == "retire" else new_id(ALICE.partition)
                write = replace(
                    write, retire=(Retire(memory_id=name, version=1, reason="deleted", change_id=new_id(1)),)
                )
            case "key":
                write = replace(write, memories=(*write.memories, stored(rival, once="cat")))
            case _:
                pair = (stored(rival, once="dog"), stored(rival_too, once="dog"))
                write = replace(write, memories=(*write.memories, *pair))
        ids = [record.id for record in (first, second, turned, bystander, held, rival, rival_too)]
        async with opened(make_store) as store:
            await store.commit(adding(first))
            await store.commit(update)
            await store.commit(Write(scope=ALICE, at=T0, memories=(stored(held, once="cat"),), history=(event(held),)))
            before = await picture(store, ids, [EVERYBODY, ALICE])
            with pytest.raises(Conflict):
                await store.commit(write)
            assert await picture(store, ids, [EVERYBODY, ALICE]) == before

    async def test_of_two_writes_decided_on_the_same_version_one_wins(self, make_store: MakeStore) -> None:
        first = known(ALICE, "Lives in Taipei")
        async with opened(make_store) as store:
            await store.commit(adding(first))
            rivals = [updating(first, f"Lives in city {number}")[1] for number in range(8)]
            ended = await asyncio.gather(*(store.commit(each) for each in rivals), return_exceptions=True)
            assert [end is None for end in ended].count(True) == 1
            assert {type(end) for end in ended if end is not None} == {Conflict}
            assert len(await store.history(first.id)) == 2

    async def test_a_key_is_held_by_one_current_memory_of_an_owner(self, make_store: MakeStore) -> None:
        first, second = known(ALICE, "Has a cat"), known(ALICE, "Has a cat")
        write = Write(scope=ALICE, at=T0, memories=(stored(first, once="cat"),), history=(event(first),))
        async with opened(make_store) as store:
            await store.commit(write)
            assert await store.standing(ALICE, ["cat", "dog"]) == {"cat": first}
            assert await store.standing(replace(ALICE, run_id="r1"), ["cat"]) == {"cat": first}
            assert await store.standing(BOB, ["cat"]) == {}
            await store.commit(retiring(first))
            assert await store.standing(ALICE, ["cat"]) == {}
            await store.commit(replace(write, memories=(stored(second, once="cat"),), history=(event(second),)))
            assert await store.standing(ALICE, ["cat"]) == {"cat": second}

    @pytest.mark.parametrize("other", ["user", "project"])
    async def test_owners_that_share_a_partition_do_not_share_keys(self, make_store: MakeStore, other: str) -> None:
        names = (Scope(project=f"p{number}", user_id="alice") for number in itertools.count())
        twin = neighbour_of(ALICE) if other == "user" else next(s for s in names if s.partition == ALICE.partition)
        async with opened(make_store) as store:
            mine, theirs = known(ALICE, "Has a cat"), known(twin, "Has a cat")
            for memory in (mine, theirs):
                kept = (stored(memory, once="cat"),)
                await store.commit(Write(scope=memory.scope, at=T0, memories=kept, history=(event(memory),)))
            assert await store.standing(ALICE, ["cat"]) == {"cat": mine}
            assert await store.standing(twin, ["cat"]) == {"cat": theirs}

    # What is a hit.

    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("wanted", [SEARCHABLE_STATES, (*SEARCHABLE_STATES, "done"), ()])
    async def test_an_episode_is_a_hit_in_the_states_asked_for(
        self, make_store: MakeStore, state: EpisodeState, wanted: tuple[EpisodeState, ...]
    ) -> None:
        episode = said(ALICE, "I keep bees", state=state)
        async with opened(make_store) as store:
            write = adding(episode)
            if state == "done":
                write = adding(episode, known(BOB, "x"))
                memory = known(ALICE, "Bees", sources=(cited(episode, "bees"),))
                write = adding(episode, memory)
            await store.commit(write)
            probe = asking("I keep bees", where(ALICE, memories=False, episodes=wanted))
            assert await hits(store, probe) == ({episode.id} if state in wanted else set())

    async def test_a_state_moves_with_its_reason_and_attempts(self, make_store: MakeStore) -> None:
        episode = said(ALICE, "I keep bees")
        async with opened(make_store) as store:
            await store.commit(adding(episode))
            for change in (
                SetState(episode_id=episode.id, state="failed", reason="no answer", attempts=2),
                SetState(episode_id=episode.id, state="empty"),
                SetState(episode_id=episode.id, state="hidden", reason="deleted"),
            ):
                await store.commit(Write(scope=ALICE, at=LATER, states=(change,)))
                after = (await store.load([episode.id]))[episode.id]
                assert after == replace(episode, state=change.state, reason=change.reason, attempts=2)
                found = await hits(store, asking("bees", ALICE))
                assert found == ({episode.id} if change.state in SEARCHABLE_STATES else set())

    async def test_a_verbatim_memory_and_its_episode_are_one_hit(self, make_store: MakeStore) -> None:
        episode = said(ALICE, "I keep bees", state="done")
        memory = verbatim(episode)
        both = where(ALICE, episodes=(*SEARCHABLE_STATES, "done"))
        async with opened(make_store) as store:
            await store.commit(keeping(episode, memory))
            for arms in (ARMS, *((arm,) for arm in ARMS)):
                assert await hits(store, asking("I keep bees", both, arms=arms)) == {memory.id}
            assert (await store.find(asking("bees", both))).searched == 1
            assert await hits(store, asking("bees", replace(both, memories=False))) == set()
            await store.commit(retiring(memory))
            assert await hits(store, asking("bees", both)) == set()

    async def test_an_updated_memory_is_found_by_its_new_words_alone(self, make_store: MakeStore) -> None:
        episode = said(ALICE, "I keep bees", state="done")
        memory = verbatim(episode)
        after, update = updating(memory, "I breed llamas")
        async with opened(make_store) as store:
            await store.commit(keeping(episode, memory))
            await store.commit(update)
            assert await found_by(store, "keyword", asking("llamas", ALICE)) == [memory.id]
            (found,) = (await store.find(asking("bees", ALICE))).candidates
            assert found.id == memory.id
            assert found.similarity is not None
            assert found.similarity < 0.9
            assert await store.load([memory.id]) == {memory.id: after}

    async def test_retiring_hides_the_sources_when_asked(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            for hide in (True, False):
                episode = said(ALICE, "I keep bees", state="done")
                memory = known(ALICE, "Keeps bees", sources=(cited(episode, "bees"),))
                await store.commit(adding(episode, memory))
                await store.commit(retiring(memory, hide_sources=hide))
                after = (await store.load([episode.id]))[episode.id]
                assert isinstance(after, Episode)
                assert (after.state, after.reason) == (("hidden", "deleted") if hide else ("done", None))

    async def test_an_expired_memory_is_no_hit_and_not_listed_unless_asked_for(self, make_store: MakeStore) -> None:
        never, later = known(ALICE, "Has bees"), known(ALICE, "Has bees today", expires_at=LATER)
        past = known(ALICE, "Had bees", expires_at=datetime(1970, 1, 1, tzinfo=UTC))
        moment = timedelta(milliseconds=1)
        async with opened(make_store) as store:
            await store.commit(adding(never, later, past))
            for now, alive in (
                (LATER - moment, {never.id, later.id}),
                (LATER, {never.id}),
                (LATER + moment, {never.id}),
            ):
                asked = where(ALICE, now=now)
                assert await hits(store, asking("bees", asked)) == alive
                assert set(await listed(store, asked)) == alive
            asked = where(ALICE, now=LATER, expired=True)
            assert await hits(store, asking("bees", asked)) == {never.id, later.id, past.id}
            assert set(await listed(store, asked)) == {never.id, later.id, past.id}

    @pytest.mark.parametrize("hours", [-8, 8])
    async def test_what_has_expired_is_the_same_in_every_zone(self, make_store: MakeStore, hours: int) -> None:
        """As text, the moment in another zone would come before or after what expires within these hours."""
        zone = timezone(timedelta(hours=hours))
        over = known(ALICE, "over bees", expires_at=T0, subject="user")
        due = known(ALICE, "due bees", expires_at=T0 + HOUR, subject="user")
        there = known(ALICE, "over bees there", expires_at=T0.astimezone(zone), subject="user")
        async with opened(make_store) as store:
            await store.commit(adding(over, due, there))
            plain = where(ALICE, now=T0.astimezone(zone))
            for asked in (plain, replace(plain, known_at=T0.astimezone(zone)), replace(plain, as_of=T0)):
                assert await hits(store, asking("bees", asked)) == {due.id}
                assert await listed(store, asked) == [due.id]
            assert (await store.foremost(plain, attributes=(), limit=9)).memories == (due,)

    async def test_an_expired_verbatim_memory_does_not_come_back_as_its_episode(self, make_store: MakeStore) -> None:
        episode = said(ALICE, "I keep bees", state="done")
        async with opened(make_store) as store:
            await store.commit(keeping(episode, verbatim(episode, expires_at=T0)))
            asked = where(ALICE, now=LATER, episodes=(*SEARCHABLE_STATES, "done"))
            assert await hits(store, asking("bees", asked)) == set()

    # Listing and counting.

    async def test_pages_are_complete_newest_first_and_end(self, make_store: MakeStore) -> None:
        mine = [known(ALICE, f"Fact {number}", metadata={"even": number % 2 == 0}) for number in range(23)]
        theirs = [known(BOB, f"Fact {number}") for number in range(5)]
        async with opened(make_store) as store:
            for memory in [*mine, *theirs]:
                await store.commit(adding(memory))
            even = filters.parse({"even": True})
            for asked, expected in (
                (where(ALICE), mine),
                (where(ALICE, filter=even), mine[::2]),
                (where(), [*mine, *theirs]),
            ):
                for limit in (1, 2, 7, len(expected), 100):
                    seen: list[Memory] = []
                    cursor = None
                    for _ in range(len(expected) + 1):
                        page = await store.page(asked, limit=limit, cursor=cursor)
                        assert page.total == len(expected)
                        assert len(page.memories) == min(limit, len(expected) - len(seen))
                        seen += page.memories
                        cursor = page.next_cursor
                        if cursor is None:
                            break
                    assert seen == sorted(expected, key=lambda memory: memory.id, reverse=True)

    @pytest.mark.parametrize("cursor", ["", "x", "0", "g", "00000000-0000-0000-0000-000000000000", "' OR 1=1 --"])
    async def test_a_cursor_that_is_not_ours_is_refused(self, make_store: MakeStore, cursor: str) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "Has a cat")))
            with pytest.raises(InvalidInput, match="cursor"):
                await store.page(where(), limit=5, cursor=cursor)

    @pytest.mark.parametrize("at", ["soon", "\ud800", "\x00", "2025-01-01\ud80010:00:00+00:00"])
    async def test_a_cursor_with_another_time_than_ours_is_refused(self, make_store: MakeStore, at: str) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "Has a cat"), known(ALICE, "Has a dog")))
            cursor = (await store.page(where(ALICE), limit=1, cursor=None, order="said")).next_cursor or ""
            order, mark, _, memory_id = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            changed = base64.urlsafe_b64encode(json.dumps([order, mark, at, memory_id]).encode()).decode().rstrip("=")
            with pytest.raises(InvalidInput, match="cursor"):
                await store.page(where(ALICE), limit=1, cursor=changed, order="said")

    async def test_the_last_turns_are_those_of_exactly_the_scope(self, make_store: MakeStore) -> None:
        run, other = Scope(user_id="alice", run_id="r1"), Scope(user_id="alice", run_id="r2")
        turns = [said(run, f"Turn {number}", state="done" if number % 2 else "pending") for number in range(6)]
        async with opened(make_store) as store:
            for episode in turns:
                await store.commit(adding(episode, *([verbatim(episode)] if episode.state == "done" else [])))
                await store.commit(adding(said(other, "Elsewhere")))
                await store.commit(adding(said(Scope(run_id="r1"), "Elsewhere")))
            gone = SetState(episode_id=turns[4].id, state="hidden")
            await store.commit(Write(scope=run, at=LATER, states=(gone,)))
            rest = (*turns[:4], turns[5])
            for limit in (1, 3, 5, 50):
                assert await store.last_turns(run, limit) == rest[-limit:]
            assert await store.last_turns(run, 0) == ()
            assert await store.last_turns(ALICE, 9) == ()
            assert await store.last_turns(replace(run, project="other"), 9) == ()

    async def test_counts_follow_the_scope(self, make_store: MakeStore) -> None:
        run = Scope(user_id="alice", run_id="r1")
        memory = known(run, "Has a cat")
        async with opened(make_store) as store:
            await store.commit(
                adding(memory, said(run, "One"), said(run, "Two", state="failed"), said(run, "3", state="hidden"))
            )
            await store.commit(adding(said(BOB, "Three")))
            await store.commit(adding(said(replace(BOB, project="other"), "Four")))
            shown = {
                scope: replace(await store.counts(scope), bytes=0)
                for scope in (EVERYBODY, ALICE, run, BOB, Scope(run_id="r1"), Scope(user_id="nobody"))
            }
            told = {scope: (c.memories, c.episodes, c.pending, c.failed, c.owners) for scope, c in shown.items()}
            assert told == {
                EVERYBODY: (1, 3, 2, 1, 2),
                ALICE: (1, 2, 1, 1, 1),
                run: (1, 2, 1, 1, 1),
                BOB: (0, 1, 1, 0, 1),
                Scope(run_id="r1"): (1, 2, 1, 1, 1),
                Scope(user_id="nobody"): (0, 0, 0, 0, 0),
            }

    async def test_owners_with_memories_and_owners_with_episodes_are_counted_together(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store) as store:
            await store.commit(adding(known(ALICE, "Has a cat")))
            await store.commit(adding(said(BOB, "I have a dog")))
            assert (await store.counts(EVERYBODY)).owners == 2

    async def test_reset_leaves_an_empty_store_that_takes_any_space(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            episode = said(ALICE, "I keep bees", state="done")
            memory = verbatim(episode)
            await store.commit(keeping(episode, memory, once="key"))
            await store.reset()
            ids = [memory.id, episode.id]
            assert await picture(store, ids) == await picture(InMemoryStore(), ids)
            assert await store.space() is None
            assert await store.standing(ALICE, ["key"]) == {}
            await store.use_space(Space(name="contract:other", dimensions=4))
            await store.reset()
            await store.use_space(SPACE)
            await store.commit(keeping(episode, memory, once="key"))
            assert await hits(store, asking("bees", ALICE)) == {memory.id}

    # What is foremost about a user.

    async def test_pinned_memories_come_first_then_the_attributes_in_their_order_then_the_older(
        self, make_store: MakeStore
    ) -> None:
        async with opened(make_store) as store:
            colour, name, older, newer = (
                known(ALICE, words, attribute=attribute, subject="user")
                for words, attribute in (
                    ("colour", "colour"),
                    ("name", "name"),
                    ("older", None),
                    ("newer", "unheard of"),
                )
            )
            pinned = known(ALICE, "a rule", pinned=True)
            others = [
                known(ALICE, "of nobody"),
                known(ALICE, "of Dana", subject="Dana"),
                known(ALICE, "made", kind="pattern", subject="user"),
                known(ALICE, "over", expires_at=T0, subject="user"),
            ]
            await store.commit(adding(colour, name, older, newer, pinned, *others))
            await store.commit(adding(known(BOB, "of Bob", subject="user")))
            order = ("name", "colour")
            page = await store.foremost(where(ALICE), attributes=order, limit=None)
            assert page.memories == (pinned, name, colour, older, newer)
            assert (page.total, page.next_cursor) == (5, None)
            cut = await store.foremost(where(ALICE), attributes=order, limit=2)
            assert (cut.memories, cut.total) == ((pinned, name), 5)
            only = await store.foremost(
                where(ALICE, filter=filters.parse({"attribute": "colour"})), attributes=order, limit=None
            )
            assert only.memories == (colour,)

    async def test_what_is_retired_is_not_foremost(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            memory = known(ALICE, "I live in Oslo", subject="user")
            await store.commit(adding(memory))
            await store.commit(retiring(memory))
            assert (await store.foremost(where(ALICE), attributes=(), limit=5)).total == 0
