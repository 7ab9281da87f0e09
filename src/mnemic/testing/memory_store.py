"""A store in plain dictionaries: the reference that every store's answers are compared with."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np

from mnemic import filters, ranking, text
from mnemic.errors import Conflict, InvalidInput, WrongEmbedder, describe
from mnemic.ids import new_id, partition_of
from mnemic.protocols import (
    Candidate,
    Counts,
    Found,
    NewEpisode,
    NewMemory,
    Page,
    Piece,
    Probe,
    Record,
    Space,
    Vectors,
    Where,
    Write,
)
from mnemic.types import Episode, HistoryEvent, Memory, Scope


@dataclass
class _Entry:
    """One place in the index: an episode, a memory version, or a memory that is its episode verbatim."""

    vectors: Vectors
    terms: list[int]
    side: str
    episode: str | None = None
    memory: tuple[str, int] | None = None
    before: int = -1
    turn: int = -1
    text: str = ""
    span: int = 1


class InMemoryStore:
    """Implements `protocols.Store` with nothing kept on disk. One process, one event loop."""

    address = ":in-memory:"

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self._space: Space | None = None
        self._episodes: dict[str, Episode] = {}
        self._versions: dict[str, list[Memory]] = {}
        self._current: dict[str, int] = {}
        self._once: dict[tuple[str, str, object], str] = {}
        self._history: list[HistoryEvent] = []
        self._spaces: dict[Space, dict[int, Vectors]] = {}
        self._entries: list[_Entry] = []
        self._entry_of: dict[str, int] = {}

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def space(self) -> Space | None:
        """The declared space, if any."""
        return self._space

    async def use_space(self, space: Space) -> None:
        """Declare the space of the vectors to come."""
        self._same_space(space)
        self._space = space

    async def missing(self, space: Space, limit: int) -> list[Piece]:
        """Entries without vectors in a space."""
        have = self._spaces.get(space, {})
        pieces = (
            Piece(place=place, text=entry.text, span=entry.span)
            for place, entry in enumerate(self._entries)
            if place not in have and (space != self._space or not len(entry.vectors))
        )
        return list(itertools.islice(pieces, limit))

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """Keep them aside until the space is activated."""
        self._spaces.setdefault(space, {}).update(vectors)
        if space == self._space:
            await self.activate(space)

    async def activate(self, space: Space) -> bool:
        """Switch."""
        if await self.missing(space, 1):
            return False
        for place, vectors in self._spaces.pop(space, {}).items():
            self._entries[place].vectors = vectors
        self._space, self._spaces = space, {}
        return True

    def _same_space(self, space: Space | None) -> None:
        if space is not None and self._space is not None and self._space != space:
            raise WrongEmbedder(f"this store holds vectors of {self._space!r}, not of {space!r}")

    async def commit(self, write: Write) -> None:
        """Check everything, then apply everything."""
        self._same_space(write.space)
        self._space = write.space or self._space
        self._check(write)
        shared = {new.episode_id: new for new in write.memories if new.episode_id is not None}
        for new in write.episodes:
            self._add_episode(new, shared.get(new.episode.id))
        for new_memory in write.memories:
            self._add_memory(new_memory, write)
        for proof in write.proofs:
            memory = self._now(proof.memory_id)
            self._put(
                replace(
                    memory,
                    sources=(*memory.sources, proof.source),
                    proof_count=memory.proof_count + 1,
                    updated_at=write.at,
                )
            )
        for retire in write.retire:
            memory = self._now(retire.memory_id)
            self._put(replace(memory, known_to=write.at, retire_reason=retire.reason, updated_at=write.at))
            self._take_down(memory.id)
            if retire.hide_sources:
                for source in memory.sources:
                    episode = self._episodes[source.episode_id]
                    self._episodes[episode.id] = replace(episode, state="hidden", reason=retire.reason)
        for change in write.states:
            episode = self._episodes[change.episode_id]
            attempts = episode.attempts if change.attempts is None else change.attempts
            self._episodes[episode.id] = replace(episode, state=change.state, reason=change.reason, attempts=attempts)
        self._history.extend(write.history)

    def _check(self, write: Write) -> None:
        for memory_id, version in [
            *((new.memory.id, new.replaces) for new in write.memories if new.replaces is not None),
            *((proof.memory_id, proof.version) for proof in write.proofs),
            *((retire.memory_id, retire.version) for retire in write.retire),
        ]:
            if self._current.get(memory_id) != version:
                raise Conflict(f"memory {memory_id} is no longer at version {version}; decide again")
        keys = [new.once for new in write.memories if new.once is not None]
        known = {
            (episode.scope.project, episode.scope.owner, episode.external_id) for episode in self._episodes.values()
        }
        for new in write.episodes:
            place = (new.episode.scope.project, new.episode.scope.owner, new.episode.external_id)
            if new.episode.external_id is not None and place in known:
                raise Conflict(f"message {new.episode.external_id!r} is here already; decide again")
            known.add(place)
        taken = [key for key in keys if _held(key, write.scope) in self._once]
        if taken or len(set(keys)) < len(keys):
            raise Conflict(f"a current memory already holds {taken or keys}; decide again")

    def _add_episode(self, new: NewEpisode, verbatim: NewMemory | None) -> None:
        vectors = new.vectors if verbatim is None else verbatim.vectors
        self._episodes[new.episode.id] = new.episode
        self._index(new.episode.indexed, vectors, episode=new.episode.id)
        if new.follows is not None:
            self._entries[-1].before = self._entry_of[new.follows]

    def _add_memory(self, new: NewMemory, write: Write) -> None:
        memory = new.memory
        if new.replaces is not None:
            self._put(replace(self._now(memory.id), known_to=write.at))
            self._take_down(memory.id)
        self._versions.setdefault(memory.id, []).append(memory)
        self._current[memory.id] = memory.version
        if new.once is not None:
            self._once[_held(new.once, write.scope)] = memory.id
        if new.episode_id is not None:
            self._entries[self._entry_of[new.episode_id]].memory = (memory.id, memory.version)
            self._entry_of[memory.id] = self._entry_of[new.episode_id]
            return
        self._index(memory.indexed, new.vectors, memory=(memory.id, memory.version))
        if memory.sources:
            self._entries[-1].turn = self._entry_of[memory.sources[0].episode_id]

    def _index(
        self,
        content: str,
        vectors: Vectors | None,
        *,
        episode: str | None = None,
        memory: tuple[str, int] | None = None,
    ) -> None:
        if vectors is None:
            vectors = np.zeros((0, self._space.dimensions if self._space else 1), np.float32)
        self._entry_of[episode or (memory or ("", 0))[0]] = len(self._entries)
        self._entries.append(
            _Entry(
                vectors,
                text.terms(content),
                text.side(content),
                episode,
                memory,
                text=content,
                span=max(1, len(vectors)),
            )
        )

    def _now(self, memory_id: str) -> Memory:
        return self._versions[memory_id][-1]

    def _put(self, memory: Memory) -> None:
        self._versions[memory.id][-1] = memory

    def _take_down(self, memory_id: str) -> None:
        del self._current[memory_id]
        self._once = {key: held for key, held in self._once.items() if held != memory_id}

    async def find(self, probe: Probe) -> Found:
        """Compare the question with every entry of the scope."""
        self._same_space(probe.space)
        entries = [i for i, entry in enumerate(self._entries) if self._in_scope(entry, probe.where.scope)]
        at = {entry: row for row, entry in enumerate(entries)}
        records = [self._record(self._entries[i], probe.where) for i in entries]
        rows = ranking.Rows(
            eligible=np.array([record is not None for record in records], dtype=np.bool_),
            neighbours=ranking.neighbours(
                np.array([at.get(self._entries[i].before, -1) for i in entries], dtype=np.int64),
                np.array([at.get(self._entries[i].turn, row) for row, i in enumerate(entries)], dtype=np.int64),
            ),
            terms=np.array([term for i in entries for term in self._entries[i].terms], dtype=np.uint32),
            starts=np.cumsum([0, *(len(self._entries[i].terms) for i in entries)], dtype=np.int64),
        )
        similarity = self._similarity(probe, entries, rows.eligible)
        found = []
        best, asked = ranking.arms(rows, similarity, probe.terms, probe.limit)
        for scored in best:
            record = records[scored.row]
            if record is not None:
                found.append(
                    Candidate(
                        id=record.id,
                        similarity=scored.similarity,
                        keyword=scored.keyword,
                        coverage=scored.coverage,
                        said_at=self._said(record),
                    )
                )
        return Found(candidates=tuple(found), asked=asked, searched=int(rows.eligible.sum()))

    def _similarity(self, probe: Probe, entries: list[int], eligible: ranking.Mask) -> ranking.Floats | None:
        if probe.vectors is None:
            return None
        sums = {}
        for name in ranking.SIDES:
            stack = [self._entries[i].vectors for i, use in zip(entries, eligible, strict=True) if use]
            stack = [
                v for v, i in zip(stack, np.array(entries)[eligible], strict=True) if self._entries[i].side == name
            ]
            if stack:
                together = np.concatenate(stack)
                sums[name] = (together.sum(axis=0), len(together))
        means = {name: ranking.centre(probe.calibration.means, sums, name) for name in ranking.SIDES}
        question = ranking.Centred(probe.vectors, probe.side, means)
        out = np.full(len(entries), -np.inf, dtype=np.float32)
        for row, i in enumerate(entries):
            vectors = self._entries[i].vectors
            if len(vectors):
                cjk = np.full(len(vectors), self._entries[i].side == "cjk")
                out[row] = question.cosine(vectors @ question.probes, cjk).max()
        return out

    def _in_scope(self, entry: _Entry, scope: Scope) -> bool:
        own = (
            self._episodes[entry.episode].scope
            if entry.episode
            else self._versions[(entry.memory or ("", 0))[0]][0].scope
        )
        return _covers(scope, own)

    def _record(self, entry: _Entry, where: Where) -> Record | None:
        if entry.memory is not None and self._current.get(entry.memory[0]) == entry.memory[1]:
            memory = self._now(entry.memory[0])
            return memory if where.memories and _passes(where, memory) else None
        if entry.episode is not None:
            episode = self._episodes[entry.episode]
            return episode if episode.state in where.episodes and _passes(where, episode) else None
        return None

    def _said(self, record: Record) -> datetime:
        if isinstance(record, Episode):
            return record.said_at
        return record.said_at or record.created_at

    async def load(self, ids: Sequence[str]) -> dict[str, Record]:
        """Records by id."""
        found: dict[str, Record] = {}
        for record_id in ids:
            if record_id in self._versions:
                found[record_id] = self._now(record_id)
            elif record_id in self._episodes:
                found[record_id] = self._episodes[record_id]
        return found

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories by their key."""
        held = {key: self._once.get(_held(key, scope)) for key in keys}
        return {key: self._now(memory_id) for key, memory_id in held.items() if memory_id is not None}

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes of the owner by the caller's ids."""
        mine = (
            each
            for each in self._episodes.values()
            if (each.scope.project, each.scope.owner) == (scope.project, scope.owner)
        )
        return {each.external_id: each for each in mine if each.external_id in external_ids and each.external_id}

    async def page(self, where: Where, *, limit: int, cursor: str | None) -> Page:
        """Newest first."""
        if cursor is not None and partition_of(cursor) is None:
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        every = [
            memory
            for memory in map(self._now, self._current)
            if _covers(where.scope, memory.scope) and _passes(where, memory)
        ]
        every.sort(key=lambda memory: memory.id, reverse=True)
        rest = [memory for memory in every if cursor is None or memory.id < cursor]
        more = len(rest) > limit
        return Page(memories=tuple(rest[:limit]), total=len(every), next_cursor=rest[limit - 1].id if more else None)

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Events in the order they happened."""
        return tuple(event for event in self._history if event.memory_id == memory_id)

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest turns of exactly this scope that are not hidden."""
        turns = [e for e in self._episodes.values() if e.scope == scope and e.state != "hidden"]
        return tuple(turns[-limit:]) if limit else ()

    async def delete_scope(self, scope: Scope, *, at: datetime, change_id: str, reason: str) -> tuple[int, int]:
        """Retire and hide."""
        memories = [m for m in map(self._now, list(self._current)) if _covers(scope, m.scope)]
        for memory in memories:
            self._put(replace(memory, known_to=at, retire_reason=reason, updated_at=at))
            self._take_down(memory.id)
            self._history.append(
                HistoryEvent(
                    id=new_id(memory.scope.partition), memory_id=memory.id, version=memory.version, event="DELETE",
                    old_text=memory.text, new_text=None, at=at, change_id=change_id, actor="person", reason=reason,
                )
            )  # fmt: skip
        episodes = [e for e in self._episodes.values() if _covers(scope, e.scope) and e.state != "hidden"]
        for episode in episodes:
            self._episodes[episode.id] = replace(episode, state="hidden", reason=reason)
        return len(memories), len(episodes)

    async def counts(self, scope: Scope) -> Counts:
        """Count."""
        episodes = [e for e in self._episodes.values() if _covers(scope, e.scope) and e.state != "hidden"]
        memories = [m for m in map(self._now, self._current) if _covers(scope, m.scope)]
        records: list[Record] = [*episodes, *memories]
        return Counts(
            memories=len(memories),
            episodes=len(episodes),
            pending=sum(e.state == "pending" for e in episodes),
            failed=sum(e.state == "failed" for e in episodes),
            owners=len({record.scope.owner for record in records}),
            bytes=0,
        )

    async def verify(self) -> tuple[int, tuple[str, ...]]:
        """Nothing can come apart here."""
        return len(self._entries), ()

    async def reset(self) -> None:
        """Forget everything, the space too."""
        self._clear()


def _held(key: str, scope: Scope) -> tuple[str, str, object]:
    return (key, scope.project, scope.owner)


def _covers(asked: Scope, own: Scope) -> bool:
    return asked.project == own.project and all(own.ids.get(name) == value for name, value in asked.ids.items())


def _passes(where: Where, record: Record) -> bool:
    expires = record.expires_at if isinstance(record, Memory) and not where.expired else None
    if expires is not None and expires <= where.now:
        return False
    return where.filter is None or filters.matches(where.filter, _fields(record), record.metadata)


def _fields(record: Record) -> dict[str, Any]:
    common = {
        "id": record.id, "actor_id": record.actor, "role": record.role,
        "user_id": record.scope.user_id, "agent_id": record.scope.agent_id,
        "app_id": record.scope.app_id, "run_id": record.scope.run_id,
    }  # fmt: skip
    if isinstance(record, Episode):
        at = record.received_at.isoformat()
        return common | {"kind": "episode", "text": record.content, "created_at": at, "updated_at": at}
    return common | {
        "kind": record.kind, "text": record.text, "origin": record.origin, "subject": record.subject,
        "attribute": record.attribute, "attributed_to": record.attributed_to,
        "created_at": record.created_at.isoformat(), "updated_at": record.updated_at.isoformat(),
    }  # fmt: skip


def entries(store: InMemoryStore) -> Iterator[tuple[str | None, str | None]]:
    """(episode id, memory id) of each index entry, for tests."""
    for entry in store._entries:  # noqa: SLF001 - same module
        yield entry.episode, entry.memory[0] if entry.memory else None
