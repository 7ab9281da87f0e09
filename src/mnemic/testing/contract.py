"""The contract of a store, as tests that its author runs.

A new store passes it by subclassing `StoreContract` and saying how to make one:

    class TestMyStore(StoreContract):
        @pytest.fixture
        def make_store(self, tmp_path):
            numbers = itertools.count()
            return lambda: MyStore(tmp_path / f"{next(numbers)}.db")

Needs pytest, pytest-asyncio and hypothesis. Every call of what `make_store` returns gives a new store,
empty and not yet opened. Semantics are those of `protocols.Store`; answers are compared with those of
`memory_store.InMemoryStore`, filters with `filters.matches`.
"""

from __future__ import annotations

import asyncio
import functools
import itertools
import math
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mnemic import filters, text
from mnemic.errors import Conflict, InvalidInput, WrongEmbedder
from mnemic.ids import new_id, partition_for
from mnemic.protocols import (
    Calibration,
    Candidate,
    Found,
    NewEpisode,
    NewMemory,
    Probe,
    Proof,
    Retire,
    SetState,
    Space,
    Store,
    Vectors,
    Where,
    Write,
)
from mnemic.testing.memory_store import InMemoryStore
from mnemic.types import SEARCHABLE_STATES, Episode, EpisodeState, HistoryEvent, Memory, Record, Scope, Source

MakeStore = Callable[[], Store]

SPACE = Space(name="contract:words", dimensions=32)
_PHASES = (Phase.generate, Phase.shrink)  # explaining takes long where each example makes a store

STATES: tuple[EpisodeState, ...] = ("pending", "done", "empty", "refused", "failed", "hidden")
T0 = datetime(2025, 3, 14, 9, 30, tzinfo=UTC)
LATER = T0 + timedelta(days=1)
EVERYBODY = Scope()
ALICE, BOB = Scope(user_id="alice"), Scope(user_id="bob")


def neighbour_of(scope: Scope) -> Scope:
    """Another user of the same project whose rows lie in the same partition."""
    names = (f"neighbour-{number}" for number in itertools.count())
    return Scope(
        project=scope.project,
        user_id=next(name for name in names if partition_for(scope.project, "user_id", name) == scope.partition),
    )


def vectors(*pieces: str) -> Vectors:
    """One unit vector a piece: the sum of a random direction for each of its words."""
    out = np.zeros((len(pieces), SPACE.dimensions), dtype=np.float32)
    for row, piece in enumerate(pieces):
        for term in text.terms(piece) or [0]:
            out[row] += _direction(term)
    return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True))


def said(scope: Scope, words: str, *, state: EpisodeState = "pending", at: datetime = T0, **fields: Any) -> Episode:
    """A turn of `scope`."""
    return Episode(
        id=new_id(scope.partition), scope=scope, role="user", content=words, said_at=at, received_at=at,
        state=state, **fields,
    )  # fmt: skip


def known(scope: Scope, words: str, *, at: datetime = T0, **fields: Any) -> Memory:
    """The first version of a memory of `scope`."""
    return Memory(
        id=new_id(scope.partition), version=1, scope=scope, kind=fields.pop("kind", "fact"), text=words, created_at=at,
        updated_at=at, known_from=at, **fields,
    )  # fmt: skip


@functools.cache
def _direction(term: int) -> Vectors:
    return np.random.default_rng(term).standard_normal(SPACE.dimensions).astype(np.float32)


def cited(episode: Episode, quote: str | None = None) -> Source:
    """A turn, or some words of it, as evidence."""
    return Source(
        episode_id=episode.id, quote=quote or episode.content, said_at=episode.said_at, role=episode.role,
        actor=episode.actor,
    )  # fmt: skip


def verbatim(episode: Episode, **fields: Any) -> Memory:
    """The memory that is this turn, word for word."""
    return known(
        episode.scope, episode.content, at=episode.received_at, said_at=episode.said_at, actor=episode.actor,
        origin="given", sources=(cited(episode),), **fields,
    )  # fmt: skip


def event(memory: Memory, name: str = "ADD", old: str | None = None, at: datetime = T0) -> HistoryEvent:
    """The line of history that goes with a version."""
    return HistoryEvent(
        id=new_id(memory.scope.partition), memory_id=memory.id, version=memory.version, event=name, old_text=old,  # type: ignore[arg-type]
        new_text=None if name == "DELETE" else memory.text, at=at, change_id=new_id(memory.scope.partition),
        actor="person",
    )  # fmt: skip


def turn(episode: Episode, follows: Episode | None = None) -> NewEpisode:
    """An episode with its vector."""
    return NewEpisode(
        episode=episode, vectors=vectors(episode.indexed), follows=None if follows is None else follows.id
    )


def stored(memory: Memory, **fields: Any) -> NewMemory:
    """A memory with its vector."""
    return NewMemory(memory=memory, vectors=vectors(memory.indexed), **fields)


def adding(*records: Record) -> Write:
    """A write of episodes, and of memories with their history. All of one owner."""
    memories = [record for record in records if isinstance(record, Memory)]
    return Write(
        scope=records[0].scope,
        at=T0,
        episodes=tuple(turn(record) for record in records if isinstance(record, Episode)),
        memories=tuple(stored(memory) for memory in memories),
        history=tuple(event(memory) for memory in memories),
    )


def keeping(episode: Episode, memory: Memory, once: str | None = None) -> Write:
    """A write of a turn and of the memory that shares its place in the index."""
    return Write(
        scope=episode.scope,
        at=T0,
        episodes=(NewEpisode(episode=episode, vectors=None),),
        memories=(stored(memory, episode_id=episode.id, once=once),),
        history=(event(memory),),
    )


def updating(memory: Memory, words: str, at: datetime = LATER) -> tuple[Memory, Write]:
    """The next version of a memory, and the write that makes it so."""
    after = replace(memory, version=memory.version + 1, text=words, updated_at=at, known_from=at)
    change = event(after, "UPDATE", memory.text, at)
    return after, Write(
        scope=memory.scope, at=at, memories=(stored(after, replaces=memory.version),), history=(change,)
    )


def retiring(memory: Memory, *, hide_sources: bool = True, at: datetime = LATER) -> Write:
    """The write that takes a memory away."""
    retire = Retire(memory_id=memory.id, version=memory.version, reason="deleted", hide_sources=hide_sources)
    return Write(scope=memory.scope, at=at, retire=(retire,), history=(event(memory, "DELETE", memory.text, at),))


def where(scope: Scope = EVERYBODY, **fields: Any) -> Where:
    """Records of `scope`, as of the time the contract plays at."""
    return Where(scope=scope, now=fields.pop("now", T0), **fields)


def asking(question: str, of: Where | Scope = EVERYBODY, *, limit: int = 100, arms: str = "both") -> Probe:
    """A question; `arms` is `both`, `vector` or `keyword`."""
    return Probe(
        where=of if isinstance(of, Where) else where(of),
        vectors=None if arms == "keyword" else vectors(question),
        terms=() if arms == "vector" else text.query_terms(question),
        side=text.side(question),
        calibration=Calibration(),
        limit=limit,
    )


@asynccontextmanager
async def opened(make: MakeStore) -> AsyncIterator[Store]:
    """A new store, ready to be written. On leaving, it verifies clean."""
    store = make()
    await store.open()
    try:
        await store.use_space(SPACE)
        yield store
        checked, problems = await store.verify()
        assert (problems, checked >= 0) == ((), True)
    finally:
        await store.close()


async def hits(store: Store, probe: Probe) -> set[str]:
    """Ids of the candidates."""
    found = (await store.find(probe)).candidates
    assert len({candidate.id for candidate in found}) == len(found), "one record twice"
    return {candidate.id for candidate in found}


async def listed(store: Store, of: Where) -> list[str]:
    """Ids of the listing, whole."""
    return [memory.id for memory in (await store.page(of, limit=1_000, cursor=None)).memories]


async def picture(store: Store, ids: Iterable[str], scopes: Iterable[Scope] = (EVERYBODY,)) -> dict[str, Any]:
    """Everything that can be seen of a store, for comparing before with after."""
    every = where(expired=True, episodes=STATES[:-1])
    return {
        "records": await store.load(list(ids)),
        "history": {each: [replace(line, id="") for line in await store.history(each)] for each in ids},
        "listed": await listed(store, every),
        "hits": await hits(store, asking("anything at all", every, limit=1_000)),
        "counts": [replace(await store.counts(scope), bytes=0) for scope in scopes],
        "turns": [await store.last_turns(scope, 100) for scope in scopes if scope.ids],
    }


class StoreContract:
    """What every store promises. Override `make_store`; `examples` sets how hard the random tests try."""

    pytestmark = pytest.mark.asyncio
    examples = 40

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Return a function that makes a new store, empty and not opened."""
        raise NotImplementedError("override make_store: a fixture that returns a function making a new store")

    # Writing and reading back.

    async def test_an_empty_store_holds_nothing(self, make_store: MakeStore) -> None:
        store = make_store()
        await store.open()
        assert await store.space() is None
        assert await store.find(asking("anything")) == Found(candidates=(), asked=0.0, searched=0)
        assert await store.load([new_id(1), "no id", ""]) == {}
        assert await store.standing(ALICE, ["key"]) == {}
        assert await listed(store, where()) == []
        assert await store.history(new_id(1)) == ()
        assert await store.last_turns(ALICE, 5) == ()
        counts = await store.counts(EVERYBODY)
        assert (counts.memories, counts.episodes, counts.pending, counts.failed, counts.owners) == (0, 0, 0, 0, 0)
        assert (await store.verify())[1] == ()
        await store.close()
        await store.close()

    async def test_a_space_is_declared_once_and_another_is_refused(self, make_store: MakeStore) -> None:
        async with opened(make_store) as store:
            await store.use_space(SPACE)
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
            proof = Proof(memory_id=memory.id, version=1, source=cited(late, "I ski"))
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
                proof = Proof(memory_id=first.id, version=1, source=cited(turned, "moved"))
                write = replace(write, proofs=(proof,))
            case "retire" | "gone":
                name = first.id if stale == "retire" else new_id(ALICE.partition)
                write = replace(write, retire=(Retire(memory_id=name, version=1, reason="deleted"),))
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
            for arms in ("both", "vector", "keyword"):
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
            assert await hits(store, asking("llamas", ALICE, arms="keyword")) == {memory.id}
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

    async def test_an_expired_verbatim_memory_does_not_come_back_as_its_episode(self, make_store: MakeStore) -> None:
        episode = said(ALICE, "I keep bees", state="done")
        async with opened(make_store) as store:
            await store.commit(keeping(episode, verbatim(episode, expires_at=T0)))
            asked = where(ALICE, now=LATER, episodes=(*SEARCHABLE_STATES, "done"))
            assert await hits(store, asking("bees", asked)) == set()

    # The arms.

    async def test_each_arm_finds_what_it_alone_can(self, make_store: MakeStore) -> None:
        near, far = known(ALICE, "kayak kayak kayak"), known(ALICE, "zebra")
        async with opened(make_store) as store:
            words = Write(
                scope=ALICE, at=T0, history=(event(near), event(far)),
                memories=(stored(near), NewMemory(memory=far, vectors=vectors("something else entirely"))),
            )  # fmt: skip
            await store.commit(words)
            by_keyword = await store.find(asking("zebra", ALICE, arms="keyword"))
            assert [(each.id, each.similarity) for each in by_keyword.candidates] == [(far.id, None)]
            by_vector = await store.find(asking("kayak", ALICE, arms="vector", limit=1))
            assert [(each.id, each.keyword) for each in by_vector.candidates] == [(near.id, None)]

    async def test_a_record_without_a_vector_is_found_by_keyword(self, make_store: MakeStore) -> None:
        memory, other = known(ALICE, "Keeps bees"), known(ALICE, "Keeps llamas")
        async with opened(make_store) as store:
            bare = NewMemory(memory=memory, vectors=None)
            await store.commit(
                Write(scope=ALICE, at=T0, memories=(bare, stored(other)), history=(event(memory), event(other)))
            )
            assert {
                each.id: each.similarity is None for each in (await store.find(asking("keeps", ALICE))).candidates
            } == {
                memory.id: True,
                other.id: False,
            }

    async def test_a_long_text_is_one_hit_found_by_any_of_its_windows(self, make_store: MakeStore) -> None:
        pieces = [f"filler number {number} " * 20 for number in range(150)] + ["at last the walrus"]
        memory, other = known(ALICE, "".join(pieces)), known(ALICE, "Has a cat")
        async with opened(make_store) as store:
            long = NewMemory(memory=memory, vectors=vectors(*pieces))
            await store.commit(Write(scope=ALICE, at=T0, memories=(long,), history=(event(memory),)))
            await store.commit(adding(other))
            for asked in (ALICE, replace(ALICE, user_id=None), replace(ALICE, project="default")):
                found = {each.id: each for each in (await store.find(asking("at last the walrus", asked))).candidates}
                assert found.keys() == {memory.id, other.id}
                assert (found[memory.id].similarity or 0) > 0.8
                assert (found[memory.id].keyword or 0) > 0
                assert await hits(store, asking("walrus", asked, arms="keyword")) == {memory.id}
            assert await hits(store, asking("cat", ALICE, arms="keyword")) == {other.id}
            await store.commit(retiring(memory))
            assert await hits(store, asking("walrus", ALICE)) == {other.id}

    async def test_words_of_the_turns_beside_count_too(self, make_store: MakeStore) -> None:
        run = Scope(user_id="alice", run_id="r1")
        question, answer, after = (said(run, words) for words in ("Which instrument?", "The cello", "Nice"))
        elsewhere = said(Scope(user_id="alice", run_id="r2"), "The cello")
        async with opened(make_store) as store:
            chained = (turn(question), turn(answer, question), turn(after, answer))
            await store.commit(Write(scope=run, at=T0, episodes=chained))
            await store.commit(adding(elsewhere))
            for asked in (ALICE, EVERYBODY):
                found = (await store.find(asking("instrument", asked, arms="keyword"))).candidates
                scores = {each.id: each.keyword or 0.0 for each in found}
                assert scores.keys() == {question.id, answer.id}
                assert scores[question.id] > scores[answer.id] > 0

    async def test_an_arm_hands_over_its_best_and_no_more(self, make_store: MakeStore) -> None:
        memories = [known(ALICE, f"bees {'and wasps ' * number}") for number in range(20)]
        async with opened(make_store) as store:
            for memory in memories:
                await store.commit(adding(memory))
            every = (await store.find(asking("bees", ALICE))).candidates
            few = (await store.find(asking("bees", ALICE, limit=3))).candidates
            best = {each.id for each in sorted(every, key=lambda each: each.similarity or 0.0)[-3:]}
            best |= {each.id for each in sorted(every, key=lambda each: each.keyword or 0.0)[-3:]}
            assert {each.id for each in few} == best

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

    # Random stores.

    async def test_every_scope_shows_its_own_records_and_no_other(self, make_store: MakeStore) -> None:
        """Listing, search and counts of any combination of ids equal brute force."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
        @given(
            st.lists(st.tuples(scopes(least=1), st.booleans()), max_size=12), st.lists(scopes(), min_size=1, max_size=6)
        )
        def run(rows: list[tuple[Scope, bool]], asked: list[Scope]) -> None:
            async def go() -> None:
                async with opened(make_store) as store:
                    records = [known(s, f"Fact {n}") if m else said(s, f"Fact {n}") for n, (s, m) in enumerate(rows)]
                    for record in records:
                        await store.commit(adding(record))
                    for scope in asked:
                        own = [record for record in records if covers(scope, record.scope)]
                        memories = [record.id for record in own if isinstance(record, Memory)]
                        assert await listed(store, where(scope)) == sorted(memories, reverse=True)
                        for arms in ("both", "keyword"):
                            assert await hits(store, asking("fact", scope, arms=arms)) == {record.id for record in own}
                        counts = await store.counts(scope)
                        owners = {(record.scope.project, record.scope.owner) for record in own}
                        assert (counts.memories, counts.episodes) == (len(memories), len(own) - len(memories))
                        assert counts.owners == len(owners)

            asyncio.run(go())

        await asyncio.to_thread(run)

    async def test_deleting_a_scope_leaves_every_other_record_as_it_was(self, make_store: MakeStore) -> None:
        """The rows outside are equal before and after; those inside are gone."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
        @given(st.lists(st.tuples(scopes(least=1), st.booleans()), max_size=10), scopes(least=1))
        def run(rows: list[tuple[Scope, bool]], target: Scope) -> None:
            async def go() -> None:
                async with opened(make_store) as store:
                    records: list[Record] = []
                    for number, (scope, alone) in enumerate(rows):
                        episode = said(scope, f"Fact {number}", state="pending" if alone else "done")
                        records.append(episode)
                        if alone:
                            await store.commit(adding(episode))
                        else:
                            memory = verbatim(episode)
                            records.append(memory)
                            await store.commit(keeping(episode, memory))
                    inside = [record for record in records if covers(target, record.scope)]
                    outside = [record for record in records if not covers(target, record.scope)]
                    before = {record.id: await store.history(record.id) for record in outside}
                    gone = await store.delete_scope(
                        target, at=LATER, change_id=new_id(target.partition), reason="deleted"
                    )
                    memories = [record for record in inside if isinstance(record, Memory)]
                    assert gone == (len(memories), len(inside) - len(memories))
                    assert await store.load([record.id for record in outside]) == {r.id: r for r in outside}
                    assert {record.id: await store.history(record.id) for record in outside} == before
                    every = where(expired=True, episodes=STATES[:-1])
                    for project in {record.scope.project for record in records}:
                        left = [record for record in outside if record.scope.project == project]
                        shared = {s.episode_id for record in left if isinstance(record, Memory) for s in record.sources}
                        asked = replace(every, scope=Scope(project=project))
                        assert await hits(store, asking("fact", asked)) == {r.id for r in left} - shared
                        assert set(await listed(store, asked)) == {r.id for r in left if isinstance(r, Memory)}
                    for memory in memories:
                        assert [change.event for change in await store.history(memory.id)] == ["ADD", "DELETE"]
                    again = await store.delete_scope(
                        target, at=LATER, change_id=new_id(target.partition), reason="deleted"
                    )
                    assert again == (0, 0)

            asyncio.run(go())

        await asyncio.to_thread(run)

    async def test_each_operator_means_the_same_on_each_kind_of_value(self, make_store: MakeStore) -> None:
        """Every operator with every operand, on a metadata key, a nested one and a field."""
        records: list[Record] = [known(ALICE, "fact", metadata={"k": v, "in": {"k": v}}) for v in VALUES]
        records += [
            known(ALICE, "fact"),
            said(ALICE, "fact", actor="ana"),
            known(ALICE, "Fact", subject="user", actor="Ana"),
        ]
        async with opened(make_store) as store:
            await store.commit(adding(*records))
            wrong = []
            for op, operand in conditions():
                for key in ("k", "metadata.in.k", "actor_id", "subject"):
                    tree = filters.parse({key: {op: operand}})
                    fit = {r.id for r in records if filters.matches(tree, fields_of(r), r.metadata)}
                    asked = where(ALICE, filter=tree)
                    memories = {record.id for record in records if isinstance(record, Memory)}
                    if set(await listed(store, asked)) != fit & memories:
                        wrong.append(("page", key, op, operand))
                    if key in ("k", "actor_id") and await hits(store, asking("fact", asked, arms="keyword")) != fit:
                        wrong.append(("find", key, op, operand))
            assert wrong == []

    async def test_filters_mean_what_the_grammar_says(self, make_store: MakeStore) -> None:
        """Listing and search under random filters equal `filters.matches` over the same records."""

        @settings(max_examples=self.examples, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES)
        @given(st.data())
        def run(data: st.DataObject) -> None:
            records = data.draw(st.lists(records_to_filter(), min_size=1, max_size=8))
            trees = data.draw(st.lists(filter_trees(records), min_size=1, max_size=12))

            async def go() -> None:
                async with opened(make_store) as store:
                    await store.commit(adding(*records))
                    for given_tree in trees:
                        tree = filters.parse(given_tree)
                        fit = {r.id for r in records if filters.matches(tree, fields_of(r), r.metadata)}
                        asked = where(ALICE, filter=tree)
                        memories = {record.id for record in records if isinstance(record, Memory)}
                        assert set(await listed(store, asked)) == fit & memories, given_tree
                        assert await hits(store, asking("fact", asked)) == fit, given_tree

            asyncio.run(go())

        await asyncio.to_thread(run)

    @pytest.mark.parametrize("many", [1_500, 5_000])
    async def test_a_filter_may_name_thousands_of_values(self, make_store: MakeStore, many: int) -> None:
        memories = [known(ALICE, f"Fact {number}", metadata={"n": number}) for number in range(4)]
        async with opened(make_store) as store:
            await store.commit(adding(*memories))
            ids = [new_id(7) for _ in range(many)]
            for tree, expected in (
                ({"id": {"in": [*ids, memories[1].id]}}, {memories[1].id}),
                ({"n": {"in": [*range(10, many), 2]}}, {memories[2].id}),
                ({"n": {"nin": [*range(10, many), 2]}}, {memories[n].id for n in (0, 1, 3)}),
            ):
                assert set(await listed(store, where(ALICE, filter=filters.parse(tree)))) == expected

    async def test_the_answers_are_those_of_the_reference_store(self, make_store: MakeStore) -> None:
        """After the same random writes, every view agrees with `InMemoryStore`; scores to 1e-3."""

        @settings(
            max_examples=self.examples * 2, deadline=None, suppress_health_check=list(HealthCheck), phases=_PHASES
        )
        @given(
            st.lists(steps(), min_size=1, max_size=16),
            st.lists(st.tuples(scopes(), questions(), st.booleans(), st.booleans()), min_size=1, max_size=5),
        )
        def run(script: list[Step], probes: list[tuple[Scope, str, bool, bool]]) -> None:
            async def go() -> None:
                reference = InMemoryStore()
                await reference.use_space(SPACE)
                async with opened(make_store) as store:
                    story = Story([reference, store])
                    for step in script:
                        await story.play(step)
                    ids = [record.id for record in story.records]
                    views = [scope for scope, *_ in probes]
                    assert await picture(store, ids, views) == await picture(reference, ids, views)
                    for scope, question, episodes, expired in probes:
                        asked = where(
                            scope,
                            memories=not (episodes and expired),
                            episodes=STATES[:-1] if episodes else SEARCHABLE_STATES,
                            expired=expired,
                            now=LATER,
                        )
                        for arms in ("both", "vector", "keyword"):
                            probe = asking(question, asked, arms=arms)
                            assert_same(await store.find(probe), await reference.find(probe))

            asyncio.run(go())

        await asyncio.to_thread(run)


# Values that the random tests draw.


def covers(asked: Scope, own: Scope) -> bool:
    """Whether a record of `own` belongs to what `asked` names."""
    return asked.project == own.project and asked.ids.items() <= own.ids.items()


def scopes(least: int = 0) -> st.SearchStrategy[Scope]:
    """Few names, so that scopes overlap; names that look like wildcards and quotes; owners in one partition."""
    users = st.sampled_from([None, "alice", "bob", "%", "a_ice", neighbour_of(ALICE).user_id])
    agents = st.sampled_from([None, None, "alice", "*", "o'brien"])
    others = st.sampled_from([None, None, "alice", "r1", '"; DROP TABLE memories; --'])
    projects = st.sampled_from(["default", "default", "default", "other"])
    drawn = st.builds(Scope, project=projects, user_id=users, agent_id=agents, app_id=others, run_id=others)
    return drawn.filter(lambda scope: len(scope.ids) >= least)


VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 1.0, 2.5, -0.0, 0.1 + 0.2, 1e308, 5e-324, 123456789.123456789, 2**53 + 1, 2**63 - 1,
    -(2**63), "", "a", "A", "ab", "É", "é", "ß", "SS", "1", "10", "9", "true", "null", "%", "_", "*", "🙂", "a\nb",
    [], [None], [True], [False], [0], [1], [1.0], ["a"], ["1", 1, True], ["A", None], [["a"]], [{"a": 1}], {}, {"k": 1},
    "2025-03-14", "2025-03-14T09:30:00+00:00",
)  # fmt: skip
"""One of everything that metadata can hold."""


def conditions() -> Iterator[tuple[str, Any]]:
    """Every operator with every operand that it takes."""
    scalars = [value for value in VALUES if not isinstance(value, list | dict)]
    for op in filters.OPERATORS:
        match op:
            case "exists":
                yield from ((op, True), (op, False))
            case "in" | "nin":
                yield from ((op, [one]) for one in scalars)
                yield from ((op, []), (op, [None, "a"]), (op, [True, 0, "ab"]))
            case "icontains":
                yield from ((op, one) for one in scalars if isinstance(one, str))
            case "gt" | "gte" | "lt" | "lte":
                yield from ((op, one) for one in scalars if one is not None and not isinstance(one, bool))
            case _:
                yield from ((op, one) for one in scalars)


_KEYS = st.sampled_from(["a", "b", "a.b", "text", "ключ", "k k", "%", "a'b", "$", "0", "#"])
_FLOATS = st.floats(allow_nan=False, allow_infinity=False)
_WORDS = st.sampled_from(
    ["", "a", "A", "b", "ab", "é", "É", "ß", "10", "9", "true", "null", "🙂", "%", "_", "*", "a\nb"]
)
_SCALARS = (
    st.none() | st.booleans() | st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1)
    | st.sampled_from([0.0, -0.0, 1.0, 2.5, 0.1 + 0.2, 1e308, 5e-324, 123456789.123456789]) | _FLOATS | _WORDS | st.text("aB é", max_size=3)
)  # fmt: skip
_VALUES = st.recursive(
    _SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=5,
)
_FIELDS = (
    "kind",
    "actor_id",
    "role",
    "subject",
    "attribute",
    "attributed_to",
    "origin",
    "text",
    "memory",
    "user_id",
    "run_id",
)


@st.composite
def records_to_filter(draw: st.DrawFn) -> Record:
    """A memory or an episode of Alice with metadata of any shape."""
    run = draw(st.sampled_from([None, "r1"]))
    scope, metadata = Scope(user_id="alice", run_id=run), draw(st.dictionaries(_KEYS, _VALUES, max_size=4))
    words, actor = draw(st.sampled_from(["fact a", "Fact É", "fact %"])), draw(st.sampled_from([None, "Ana", "ana"]))
    at = draw(st.sampled_from([T0, LATER, T0 + timedelta(microseconds=1)]))
    if draw(st.booleans()):
        return said(scope, words, actor=actor, at=at, metadata=metadata)
    return known(
        scope, words, actor=actor, at=at, metadata=metadata, kind=draw(st.sampled_from(["fact", "event"])),
        role=draw(st.sampled_from([None, "user"])), subject=draw(st.sampled_from([None, "user", "Ana"])),
        attributed_to=draw(st.sampled_from([None, "user", "assistant"])),
    )  # fmt: skip


def leaves(value: Any, path: str = "metadata") -> Iterator[tuple[str, Any]]:
    """Paths and scalars inside metadata, those of lists under the list's own path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        yield from ((path, inner) for inner in value if not isinstance(inner, dict | list))
    else:
        yield path, value


@st.composite
def _conditions(draw: st.DrawFn, records: list[Record]) -> dict[str, Any]:  # noqa: C901 - a table of operators
    present = [leaf for record in records for leaf in leaves(record.metadata)]
    if present and draw(st.integers(0, 9)) < 7:
        key, there = draw(st.sampled_from(present))
        values = st.just(there) | st.sampled_from([value for _, value in present]) | _SCALARS
    elif draw(st.booleans()):
        key = draw(st.sampled_from(_FIELDS))
        values = (
            st.sampled_from(["fact", "event", "episode", "Ana", "ana", "user", "r1", "fact a", T0, T0.isoformat()])
            | _SCALARS
        )
    elif draw(st.booleans()):
        bound = draw(st.sampled_from([T0, T0.isoformat(), "2025-03-14T17:30:00+08:00", LATER, "2025-03-15"]))
        return {
            draw(st.sampled_from(["created_at", "updated_at"])): {
                draw(st.sampled_from(["eq", "ne", "gt", "gte", "lt", "lte"])): bound
            }
        }
    else:
        key, values = ".".join(draw(st.lists(_KEYS, min_size=1, max_size=3))), _SCALARS
    one = draw(values)
    op = draw(st.sampled_from([*filters.OPERATORS, "bare", "list", "*"]))
    match op:
        case "bare":
            return {key: one}
        case "list":
            return {key: draw(st.lists(values, max_size=3))}
        case "*":
            return {key: "*"}
        case "in" | "nin":
            return {key: {op: draw(st.lists(values, max_size=3))}}
        case "exists":
            return {key: {op: draw(st.booleans())}}
        case "icontains":
            return {key: {op: draw(st.just(one.swapcase()) if isinstance(one, str) else _WORDS)}}
        case "gt" | "gte" | "lt" | "lte" if one is None or isinstance(one, bool):
            return {key: {op: 1}}
        case _:
            return {key: {op: one}}


def filter_trees(records: list[Record]) -> st.SearchStrategy[dict[str, Any]]:
    """Filters of every operator on what the records hold, with AND, OR and NOT around them."""
    return st.recursive(
        _conditions(records),
        lambda inner: st.one_of(
            st.builds(lambda parts: {"AND": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"OR": parts}, st.lists(inner, max_size=3)),
            st.builds(lambda parts: {"NOT": parts}, st.lists(inner, max_size=2)),
            st.builds(lambda part: {"NOT": part}, inner),
            st.builds(lambda one, other: {**one, **other}, inner, inner),
        ),
        max_leaves=6,
    )


def fields_of(record: Record) -> dict[str, Any]:
    """What each field of the filter grammar means; a field that is missing is null."""
    found: dict[str, Any] = {"id": record.id, "actor_id": record.actor, "role": record.role, **record.scope.ids}
    if isinstance(record, Episode):
        at = record.received_at.isoformat()
        return found | {"kind": "episode", "text": record.content, "created_at": at, "updated_at": at}
    for name in ("kind", "origin", "subject", "attribute", "attributed_to", "text"):
        found[name] = getattr(record, name)
    return found | {"created_at": record.created_at.isoformat(), "updated_at": record.updated_at.isoformat()}


_VOCABULARY = "bees wasp cello kayak walrus Taipei 台北 網球 пчёлы and the".split()


def questions() -> st.SearchStrategy[str]:
    """A few words that the random records share."""
    return st.lists(st.sampled_from(_VOCABULARY), min_size=1, max_size=4).map(" ".join)


Step = tuple[str, Scope, str, int, EpisodeState, bool]


def steps() -> st.SearchStrategy[Step]:
    """One thing that happens to a store; the number picks a record, modulo how many there are."""
    kinds = st.sampled_from(
        ["turn", "turn", "note", "note", "fact", "fact", "long", "update", "proof", "retire", "state", "clear"]
    )
    return st.tuples(kinds, scopes(least=1), questions(), st.integers(0, 30), st.sampled_from(STATES), st.booleans())


class Story:
    """Plays the same steps to several stores."""

    def __init__(self, stores: Sequence[Store]) -> None:
        self.stores = stores
        self.records: list[Record] = []
        self.clock = T0

    async def play(self, step: Step) -> None:
        """Carry out one step; one that has nothing to act on does nothing."""
        kind, scope, words, number, state, flag = step
        self.clock += timedelta(minutes=1)
        if kind == "clear":
            change = new_id(scope.partition)
            ends = [await s.delete_scope(scope, at=self.clock, change_id=change, reason="deleted") for s in self.stores]
            assert all(end == ends[0] for end in ends)
            return
        write = await self._write(kind, scope, words, number, state, flag)
        if write is not None:
            for store in self.stores:
                await store.commit(write)

    async def _write(
        self, kind: str, scope: Scope, words: str, number: int, state: EpisodeState, flag: bool
    ) -> Write | None:
        now = await self.stores[0].load([record.id for record in self.records])
        episodes = [each for each in now.values() if isinstance(each, Episode)]
        current = [each for each in now.values() if isinstance(each, Memory) and each.known_to is None]
        match kind:
            case "turn":
                state = "empty" if state == "done" else state
                episode = said(scope, words, state=state, at=self.clock, actor="Ana" if flag else None)
                before = [each for each in episodes if each.scope == scope]
                self.records.append(episode)
                return Write(
                    scope=scope, at=self.clock, episodes=(turn(episode, before[-1] if before and flag else None),)
                )
            case "note":
                episode = said(scope, words, state="done", at=self.clock)
                memory = verbatim(episode, expires_at=T0 if flag else None)
                self.records += [episode, memory]
                return keeping(episode, memory)
            case "fact":
                turns = [each for each in episodes if each.scope == scope and each.state != "hidden"]
                sources = (cited(turns[number % len(turns)]),) if turns else ()
                memory = known(scope, words, at=self.clock, sources=sources)
                self.records.append(memory)
                return replace(adding(memory), at=self.clock)
            case "long":
                memory = known(scope, f"{words} kayak {words}", at=self.clock)
                self.records.append(memory)
                windows = NewMemory(memory=memory, vectors=vectors(words, "kayak", words[:5] or "x"))
                return Write(scope=scope, at=self.clock, memories=(windows,), history=(event(memory),))
            case "state" if episodes:
                episode = episodes[number % len(episodes)]
                state = "hidden" if state == "done" else state
                change = SetState(episode_id=episode.id, state=state, reason=words, attempts=number if flag else None)
                return Write(scope=episode.scope, at=self.clock, states=(change,))
            case "update" | "retire" | "proof" if current:
                return self._change(kind, current[number % len(current)], episodes, words, flag)
            case _:
                return None

    def _change(self, kind: str, memory: Memory, episodes: list[Episode], words: str, flag: bool) -> Write | None:
        if kind == "update":
            return updating(memory, words, self.clock)[1]
        if kind == "retire":
            return retiring(memory, hide_sources=flag, at=self.clock)
        others = [e for e in episodes if e.scope == memory.scope and all(s.episode_id != e.id for s in memory.sources)]
        if not others:
            return None
        proof = Proof(memory_id=memory.id, version=memory.version, source=cited(others[0]))
        return Write(scope=memory.scope, at=self.clock, proofs=(proof,))


def assert_same(found: Found, expected: Found) -> None:
    """Equal but for the precision that a store may round vectors to."""
    assert found.searched == expected.searched
    assert math.isclose(found.asked, expected.asked, abs_tol=1e-3)
    theirs = {each.id: each for each in expected.candidates}
    assert {each.id for each in found.candidates} == theirs.keys()
    for each in found.candidates:
        other = theirs[each.id]
        assert abs(each.said_at - other.said_at) < timedelta(milliseconds=1)
        assert _numbers(each) == pytest.approx(_numbers(other), abs=1e-3)


def _numbers(candidate: Candidate) -> list[float]:
    return [-9.0 if each is None else each for each in (candidate.similarity, candidate.keyword, candidate.coverage)]
