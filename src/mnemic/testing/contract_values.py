"""What the tests of the contract are made of: records and writes of Alice's and Bob's, questions, and pictures of a store."""

from __future__ import annotations

import functools
import itertools
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from mnemic import text
from mnemic.ids import new_id, partition_for
from mnemic.protocols import (
    ARMS,
    Calibration,
    NewEpisode,
    NewMemory,
    Probe,
    Proof,
    Restore,
    Retire,
    Space,
    Store,
    Vectors,
    Where,
    Write,
)
from mnemic.types import (
    Change,
    ChangeKind,
    Entity,
    Episode,
    EpisodeState,
    HistoryEvent,
    Memory,
    Record,
    Scope,
    Source,
    Tombstone,
)

MakeStore = Callable[[], Store]

SPACE = Space(name="contract:words", dimensions=32)

KNOWN = Calibration(spread=0.3)
"""Of the space: its similarities are taken as they are."""

STATES: tuple[EpisodeState, ...] = ("pending", "done", "empty", "refused", "failed", "hidden")
T0 = datetime(2025, 3, 14, 9, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = T0 + timedelta(days=1)
EVERYBODY = Scope()
ALICE, BOB = Scope(user_id="alice"), Scope(user_id="bob")


class Contract:
    """A part of the contract. `examples` sets how hard the random tests try."""

    pytestmark = pytest.mark.asyncio
    examples = 40

    @pytest.fixture
    def make_store(self) -> MakeStore:
        """Return a function that makes a new store, empty and not opened."""
        raise NotImplementedError("override make_store: a fixture that returns a function making a new store")


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


def changing(kind: ChangeKind = "add", scope: Scope = ALICE, at: datetime = T0) -> Change:
    """A change to make."""
    return Change(id=new_id(scope.partition), scope=scope, kind=kind, at=at)


def retiring(
    memory: Memory, *, reason: str = "deleted", hide_sources: bool = True, at: datetime = LATER, **fields: Any
) -> Write:
    """The write that takes a memory away, with its change."""
    change = changing("delete", memory.scope, at)
    retire = Retire(
        memory_id=memory.id, version=memory.version, reason=reason, change_id=change.id, hide_sources=hide_sources,
        **fields,
    )  # fmt: skip
    line = replace(event(memory, "DELETE", memory.text, at), change_id=change.id, reason=reason)
    return Write(scope=memory.scope, at=at, changes=(change,), retire=(retire,), history=(line,))


def restoring(memory: Memory, version: int, *, of: int | None = None, at: datetime = LATER) -> Write:
    """The write that brings a memory back, as it was in version `of`."""
    change = changing("undo", memory.scope, at)
    back = Restore(memory_id=memory.id, version=version, of=of, change_id=change.id)
    return Write(scope=memory.scope, at=at, changes=(change,), restore=(back,))


def proving(memory: Memory, *episodes: Episode, quote: str | None = None, at: datetime = LATER) -> Write:
    """The write that gives a memory more sources, as one change."""
    change = changing("add", memory.scope, at)
    proofs = tuple(
        Proof(memory_id=memory.id, version=memory.version, source=cited(each, quote), change_id=change.id)
        for each in episodes
    )
    return Write(scope=memory.scope, at=at, changes=(change,), proofs=proofs)


def tombstone(scope: Scope, change_id: str | None = None) -> Tombstone:
    """Something that a person asked to forget."""
    return Tombstone(
        id=new_id(scope.partition), scope=scope, at=T0, change_id=change_id or new_id(scope.partition),
        slot="user/home", print=_PRINT,
    )  # fmt: skip


# Of a statement: what is compared, and what a later release may keep beside.
_PRINT = {
    "terms": [1, 2], "order": [2, -1, 1], "names": [], "candidates": [1], "parts": [], "numbers": ["3"], "negated": False,
    "ended": False, "person": ["first"], "subject": "用户", "attribute": None, "value": [1], "spelt": [1], "rest": [1],
    "shingles": [], "vector": "ADwAAA==", "名": "x",
}  # fmt: skip


def entity(name: str, scope: Scope = ALICE, **fields: Any) -> Entity:
    """Somebody."""
    kind = fields.pop("kind", "person")
    return Entity(id=new_id(scope.partition), scope=scope, kind=kind, name=name, created_at=T0, **fields)


def where(scope: Scope = EVERYBODY, **fields: Any) -> Where:
    """Records of `scope`, as of the time the contract plays at."""
    return Where(scope=scope, now=fields.pop("now", T0), **fields)


def asking(
    question: str,
    of: Where | Scope = EVERYBODY,
    *,
    limit: int = 100,
    arms: Sequence[str] = ARMS,
    linked: Mapping[str, float] | None = None,
    **fields: Any,
) -> Probe:
    """A question to these arms; `linked`: what its names turn out to be linked with. The rest as in `Probe`."""
    return Probe(
        where=of if isinstance(of, Where) else where(of),
        vectors=vectors(question),
        words=text.question_words(question),
        side=text.side(question),
        calibration=KNOWN,
        limit=limit,
        arms=tuple(arms),
        link=None if linked is None else lambda _: linked,
        **fields,
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


async def found_by(store: Store, arm: str, probe: Probe) -> list[str]:
    """Ids of what one arm finds when it is asked alone, its best first."""
    found = (await store.find(replace(probe, arms=(arm,)))).candidates
    ranks = {each.ranks[arm]: each.id for each in found if each.ranks.keys() == {arm}}
    assert sorted(ranks) == list(range(1, len(ranks) + 1)), "a place twice, or none"
    return [ranks[place] for place in sorted(ranks)]


async def listed(store: Store, of: Where) -> list[str]:
    """Ids of the listing, whole."""
    return [memory.id for memory in (await store.page(of, limit=1_000, cursor=None)).memories]


async def remembered(store: Store, memory: Memory) -> Memory:
    """What a memory is now."""
    found = (await store.load([memory.id]))[memory.id]
    assert isinstance(found, Memory)
    return found


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
