"""A store in plain dictionaries: the reference that every store's answers are compared with.

Simple and obviously right rather than fast. What it holds is in `memory_state`, how it is written in
`memory_commit`, `memory_entities` and `memory_erase`, its queue in `memory_queue`.
"""

from __future__ import annotations

import asyncio
import itertools
import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Self

import numpy as np

from mnemic import filters, present, ranking, text
from mnemic.errors import InvalidInput, NotAStore, WrongEmbedder, describe
from mnemic.ids import partition_of
from mnemic.protocols import (
    MADE,
    Around,
    Ask,
    Candidate,
    Changed,
    Counts,
    Events,
    Found,
    Held,
    Log,
    Named,
    Order,
    Page,
    Piece,
    Probe,
    Receipts,
    Record,
    Space,
    Untold,
    Vectors,
    Where,
    Write,
)
from mnemic.records import Line
from mnemic.stores.paging import cursor_after, place, sort_key
from mnemic.testing import memory_entities, memory_erase, memory_moving, memory_past, memory_queue
from mnemic.testing.memory_commit import commit
from mnemic.testing.memory_state import Entry, State, covers, owner_of, same
from mnemic.times import iso, milliseconds
from mnemic.types import SCOPE_IDS, Change, Entity, Episode, EpisodeState, HistoryEvent, Memory, Scope, Usage

_PICKLED = b"mnemic reference store, pickled\n"


class InMemoryStore:
    """Implements `protocols.Store` with nothing kept on disk. One process, one event loop."""

    address = ":in-memory:"

    def __init__(self) -> None:
        self._state = State()

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    @contextmanager
    def _writing(self) -> Iterator[State]:
        """A copy to change, kept when nothing raises."""
        state = self._state.copy()
        yield state
        self._state = state

    # Embedding spaces.

    def within(self, project: str | None) -> Self:  # noqa: ARG002
        """The same store."""
        return self

    async def space(self) -> Space | None:
        """The declared space, if any."""
        return self._state.space

    async def use_space(self, space: Space) -> None:
        """Declare the space of the vectors to come."""
        self._same_space(space)
        self._state.space = space

    def _same_space(self, space: Space | None) -> None:
        here = self._state.space
        if space is not None and here is not None and here != space:
            raise WrongEmbedder(f"this store holds vectors of {here!r}, not of {space!r}")

    async def missing(self, space: Space, limit: int, *, after: int = -1) -> list[Piece]:
        """Entries without vectors in a space."""
        have = self._state.spaces.get(space, {})
        pieces = (
            Piece(place=place, text=entry.text, span=entry.span)
            for place, entry in sorted(self._state.entries.items())
            if place > after and place not in have and (space != self._state.space or not len(entry.vectors))
        )
        return list(itertools.islice(pieces, limit))

    async def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """Keep them aside until the space is activated."""
        with self._writing() as state:
            kept = {place: each for place, each in vectors if place in state.entries}  # others were erased meanwhile
            state.spaces[space] = state.spaces.get(space, {}) | kept
        if space == self._state.space:
            await self.activate(space)

    async def activate(self, space: Space, *, leaving: int = 0) -> bool:
        """Switch."""
        if len(await self.missing(space, leaving + 1)) > leaving:
            return False
        with self._writing() as state:
            for place, vectors in state.spaces.get(space, {}).items():
                state.entries[place] = replace(state.entries[place], vectors=vectors)
            state.space, state.spaces = space, {}
        return True

    # Writing.

    async def commit(self, write: Write) -> None:
        """Change a copy, and keep it when all went through."""
        self._same_space(write.space)
        with self._writing() as state:
            state.space = write.space or state.space
            commit(state, write)

    async def lease(
        self, *, now: datetime, until: datetime, limit: int, scope: Scope | None = None
    ) -> tuple[Episode, ...]:
        """The next of one conversation."""
        with self._writing() as state:
            return memory_queue.lease(state, now=now, until=until, limit=limit, scope=scope)

    async def renew(self, held: Mapping[str, int], *, until: datetime) -> None:
        """Those that are still held."""
        with self._writing() as state:
            memory_queue.renew(state, held, until)

    async def delete_scope(self, scope: Scope, change: Change, *, reason: str) -> tuple[int, int]:
        """Retire and hide."""
        with self._writing() as state:
            return memory_erase.delete_scope(state, scope, change, reason)

    async def erase(self, scope: Scope) -> dict[str, int]:
        """Remove."""
        with self._writing() as state:
            return memory_erase.erase(state, scope)

    async def reset(self) -> dict[str, int]:
        """Forget everything, the space too."""
        self._state = State(count=self._state.count)
        return {}

    async def backup(self, path: str, *, overwrite: bool = False) -> None:
        """Everything, pickled."""
        _keep(self._state, Path(path), overwrite=overwrite)

    async def restore(self, path: str) -> str | None:
        """Nothing here outlives the process, nor does what was here before."""
        state = _kept(Path(path))
        last = max(self._state.count, state.count) + 1  # a decision made on what was here rests on nothing now
        decisions = dict.fromkeys(state.decisions, last)
        self._state = replace(state, count=last, decisions=decisions, listeners=self._state.listeners, outbox=())
        return None

    async def export(self, scope: Scope, take: memory_moving.Take, *, vectors: bool = True) -> None:
        """All at once."""
        memory_moving.dump(self._state, scope, take, vectors=vectors)

    async def lacks(self, lines: Sequence[Line], project: str) -> list[Line]:
        """By their ids."""
        return memory_moving.lacks(self._state, lines, project)

    async def import_(self, lines: Sequence[Line], project: str, space: Space | None) -> int:
        """Into a copy."""
        self._same_space(space)
        with self._writing() as state:
            count = memory_moving.take_in(state, lines, project, space)
            memory_moving.fill_sources(state)
            return count

    # Deciding.

    async def around(self, ask: Ask) -> Around:
        """Look at every current memory of the scope."""
        state = self._state
        mine = {each.id: each for each in state.current() if same(ask.scope, each.scope)}
        once = {state.last(each).once: each for each in mine}
        keyed = {key: once[key] for key in ask.keys if key in once}
        slotted = {
            slot: tuple(sorted(each.id for each in mine.values() if each.slot == slot))
            for slot in ask.slots
            if any(each.slot == slot for each in mine.values())
        }
        citing = tuple(sorted(each.id for each in mine.values() if _cites(each, ask.episodes)))
        near = tuple(
            self._nearest(question, mine, ask.limit) for question in ([] if ask.vectors is None else ask.vectors)
        )
        shown = {*keyed.values(), *itertools.chain(*slotted.values()), *citing, *itertools.chain(*near)}
        return Around(
            basis=state.decisions.get(owner_of(ask.scope), 0),
            memories={each: mine[each] for each in shown},
            vectors={each: windows[0] for each, windows in (await self.vectors(list(shown))).items()},
            keyed=keyed,
            slotted=slotted,
            near=near,
            citing=citing,
            tombstones=tuple(each for _, each in sorted(state.tombstones.items()) if _holds(each.scope, ask.scope)),
            entities=memory_entities.meant(state, ask.scope, ask.names),
        )

    def _nearest(self, question: Vectors, mine: dict[str, Memory], limit: int) -> tuple[str, ...]:
        cosines = {}
        for each in mine:
            windows = self._state.entries[self._state.last(each).place].vectors
            if len(windows) and windows.shape[1] == len(question):
                cosines[each] = float((windows @ question).max())
        return tuple(sorted(cosines, key=lambda each: (-cosines[each], each))[:limit])

    async def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """Those of current memories that have any."""
        state = self._state
        found = {each: state.entries[state.last(each).place].vectors for each in ids if state.is_current(each)}
        return {each: vectors for each, vectors in found.items() if len(vectors)}

    async def citing(self, episode_ids: Sequence[str], *, superseded: bool = False) -> tuple[Memory, ...]:
        """Memories by source."""
        standing = self._state.superseded() if superseded else self._state.current()
        return tuple(each for each in standing if _cites(each, episode_ids))

    async def due(self, scope: Scope | None = None) -> datetime | None:
        """When to lease."""
        return memory_queue.due(self._state, scope)

    async def wait_for_pending(self, seconds: float) -> None:
        """A short pause: there is no other process."""
        await asyncio.sleep(min(seconds, 0.1))

    def turn(self, scope: Scope) -> AbstractAsyncContextManager[None]:  # noqa: ARG002 - nobody is waited for
        """Nobody waits."""
        return nullcontext()

    async def spent(self, project: str, day: date) -> Usage:
        """The sum of a day."""
        return self._state.usage.get((project, day), Usage())

    async def people(self, project: str) -> list[Held]:
        """Look at every current memory and every message."""
        state = self._state
        there: list[tuple[Scope, int, datetime, datetime]] = [
            *((each.scope, 1, each.created_at, each.updated_at) for each in state.current()),
            *(
                (each.scope, 0, each.received_at, each.received_at)
                for each in state.episodes.values()
                if each.state != "hidden"
            ),
        ]
        found = []
        for field in SCOPE_IDS:
            names = {scope.ids[field] for scope, *_ in there if scope.project == project and field in scope.ids}
            for name in sorted(names):
                own = [row for row in there if row[0].project == project and row[0].ids.get(field) == name]
                _, counts, since, until = zip(*own, strict=True)
                found.append(Held(field=field, name=name, memories=sum(counts), since=min(since), until=max(until)))
        return found

    async def receipts(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Receipts:
        """Sort all changes by id."""
        return memory_past.receipts(self._state, scope, limit, cursor)

    async def listen(self, project: str, *, wanted: bool = True) -> None:
        """Add a project, or take it out with what is kept for it."""
        with self._writing() as state:
            state.listeners = state.listeners | {project} if wanted else state.listeners - {project}
            state.outbox = tuple(
                each for each in state.outbox if state.last(each[0]).memory.scope.project in state.listeners
            )

    async def untold(self, limit: int) -> tuple[Untold, ...]:
        """What is kept."""
        return memory_past.untold(self._state)[:limit]

    async def told(self, events: Sequence[tuple[str, str]]) -> None:
        """Drop these."""
        with self._writing() as state:
            state.outbox = tuple(each for each in state.outbox if each not in set(events))

    async def change(self, change_id: str) -> Changed | None:
        """A change and what it left behind."""
        state = self._state
        if change_id not in state.changes:
            return None
        events = tuple(each for each in state.history if each.change_id == change_id)
        touched = dict.fromkeys(each.memory_id for each in events)
        return Changed(
            change=state.changes[change_id],
            events=events,
            versions={
                each: (state.last(each).memory.version, state.is_current(each))
                for each in touched
                if each in state.versions
            },
            proven=tuple(
                memory_id
                for memory_id, cited in state.sources.items()
                if any(each.change_id == change_id for each in cited)
                or {(each.source.episode_id, each.source.quote) for each in cited}
                & {each.words for each in state.unproven.get(memory_id, ()) if each.given_by == change_id}
            ),
            unproven=tuple(
                memory_id
                for memory_id, taken in state.unproven.items()
                if any(each.by == change_id and each.given_by is None for each in taken)
            ),
            states=tuple(
                (episode_id, moved.state, moved.reason)
                for episode_id, moved in state.moved.items()
                if moved.change_id == change_id
            ),
            episodes=tuple(each.id for each in state.episodes.values() if each.change_id == change_id),
            tombstones=tuple(each.id for each in state.tombstones.values() if each.change_id == change_id),
            merged=tuple(entity_id for entity_id, by in state.merged_by.items() if by == change_id),
            parted=tuple((entity_id, was) for (by, entity_id), was in state.parted.items() if by == change_id),
            moved=tuple((key, source, target) for (by, key, source), target in state.moves.items() if by == change_id),
        )

    # Entities.

    async def entities(self, scope: Scope, *, limit: int, cursor: str | None = None) -> Named:
        """Most named first."""
        return memory_entities.entities(self._state, scope, limit, cursor)

    async def naming(self, scope: Scope, entity_ids: Sequence[str]) -> Named:
        """What is said of some entities."""
        return memory_entities.naming(self._state, scope, entity_ids)

    async def resolve(self, scope: Scope, keys: Sequence[str]) -> dict[str, Entity]:
        """By name or id."""
        return memory_entities.resolve(self._state, scope, keys)

    # Search.

    async def find(self, probe: Probe) -> Found:
        """Compare the question with every entry of the scope."""
        self._same_space(probe.space)
        entries = [each for each in self._state.entries.values() if self._in_scope(each, probe.where.scope)]
        row_of = {entry.episode: row for row, entry in enumerate(entries) if entry.episode is not None}
        past = memory_past.memories(self._state, probe.where) if memory_past.asks(probe.where) else None
        records = [self._record(entry, probe.where, past) for entry in entries]
        rows = ranking.Rows(
            eligible=np.array([record is not None for record in records], dtype=np.bool_),
            neighbours=ranking.neighbours(
                np.array([row_of.get(entry.before or "", -1) for entry in entries], dtype=np.int64),
                np.array([row_of.get(entry.turn or "", row) for row, entry in enumerate(entries)], dtype=np.int64),
            ),
            speakers=np.array([text.speaker(entry.person) for entry in entries], dtype=np.int64),
            asks=np.array([text.asks(entry.text) for entry in entries], dtype=np.bool_),
            said=np.array([milliseconds(entry.said) for entry in entries], dtype=np.int64),
            terms=np.array([term for entry in entries for term in entry.terms], dtype=np.uint32),
            starts=np.cumsum([0, *(len(entry.terms) for entry in entries)], dtype=np.int64),
        )
        similarity, lift = self._similarity(probe, entries, rows.eligible)
        asked = ranking.Asked(
            words=probe.words,
            speakers=probe.people,
            entities=self._linked(records, probe),
            times=_timely(entries, records, probe) if probe.times else None,
        )
        watched = [row for row, record in enumerate(records) if record is not None and record.id in probe.watched]
        found = []
        for scored in ranking.rank(
            rows, similarity, asked, probe.limit, spread=probe.calibration.spread, arms=probe.arms, watched=watched
        ):
            record = records[scored.row]
            if record is not None:
                found.append(
                    Candidate(
                        id=record.id,
                        evidence=scored.evidence,
                        similarity=scored.similarity,
                        keyword=scored.keyword,
                        coverage=scored.coverage,
                        entity=scored.entity,
                        time=scored.time,
                        beside=scored.beside,
                        ranks=scored.ranks,
                        said_at=_said(record),
                    )
                )
        return Found(candidates=tuple(found), searched=int(rows.eligible.sum()), lift=lift)

    def _linked(self, records: Sequence[Record | None], probe: Probe) -> ranking.Floats | None:
        links = {} if probe.link is None else probe.link(memory_entities.Graph(self._state, probe.where.scope))
        if not links:
            return None
        return np.array([0.0 if each is None else links.get(each.id, 0.0) for each in records], dtype=np.float32)

    def _similarity(
        self, probe: Probe, entries: list[Entry], eligible: ranking.Mask
    ) -> tuple[ranking.Floats | None, float | None]:
        if probe.vectors is None:
            return None, None
        sums = {}
        for name in ranking.SIDES:
            stack = [each.vectors for each, use in zip(entries, eligible, strict=True) if use and each.side == name]
            if stack:
                together = np.concatenate(stack)
                sums[name] = (together.sum(axis=0), len(together))
        means = {name: ranking.centre(probe.calibration.means, sums, name) for name in ranking.SIDES}
        question = ranking.Centred(probe.vectors, probe.side, means, probe.calibration.typical.get(probe.side))
        out = np.full(len(entries), -np.inf, dtype=np.float32)
        for row, entry in enumerate(entries):
            if len(entry.vectors):
                cjk = np.full(len(entry.vectors), entry.side == "cjk")
                out[row] = question.cosine(entry.vectors @ question.probes, cjk).max()
        used = [e for e, use in zip(entries, eligible, strict=True) if use and len(e.vectors)]
        if not used:
            return out, None
        products = np.concatenate([each.vectors for each in used]) @ question.probes
        cjk = np.repeat([each.side == "cjk" for each in used], [len(each.vectors) for each in used])
        return out, question.lift(products, cjk, probe.calibration.gates)

    def _in_scope(self, entry: Entry, scope: Scope) -> bool:
        mine = entry.episode is not None and covers(scope, self._state.episodes[entry.episode].scope)
        return mine or (entry.memory is not None and self._belongs(entry.memory[0], scope))

    def _belongs(self, memory_id: str, scope: Scope) -> bool:
        return covers(scope, self._state.last(memory_id).memory.scope, self._state.runs.get(memory_id, ()))

    def _record(self, entry: Entry, where: Where, past_ones: dict[str, Memory] | None) -> Record | None:
        """What an entry is a hit for: its memory, or the episode whose text no memory carries."""
        state = self._state
        if past_ones is not None:
            return self._past_record(entry, where, past_ones)
        if entry.memory is not None:
            memory = state.whole(state.last(entry.memory[0]).memory)
            past = where.superseded and where.memories and memory.retire_reason == "superseded"
            if memory.version == entry.memory[1] and (memory.known_to is None or past):
                mine = where.memories and covers(where.scope, memory.scope, memory.runs)
                return memory if mine and _passes(self._state, where, memory) else None
        if entry.episode is None:
            return None
        episode = state.episodes[entry.episode]
        mine = covers(where.scope, episode.scope) and episode.state in where.episodes
        return episode if mine and _passes(self._state, where, episode) else None

    def _past_record(self, entry: Entry, where: Where, past: dict[str, Memory]) -> Record | None:
        name, version = entry.memory or ("", 0)
        memory = past.get(name)
        if memory is not None and memory.version == version:
            mine = where.memories and covers(where.scope, memory.scope, memory.runs)
            kept = memory_past.stored(self._state, memory)
            return memory if mine and _passes(self._state, where, kept) else None
        if entry.episode is None:
            return None
        episode = self._state.episodes[entry.episode]
        mine = covers(where.scope, episode.scope) and memory_past.counted(self._state, where, episode)
        return episode if mine and _passes(self._state, where, episode) else None

    # Records.

    async def load(self, ids: Sequence[str], *, known_at: datetime | None = None) -> dict[str, Record]:
        """Records by id."""
        state = self._state
        if known_at is not None:
            return memory_past.load(state, list(ids), known_at)
        found: dict[str, Record] = {}
        for record_id in ids:
            if record_id in state.versions:
                found[record_id] = state.whole(state.last(record_id).memory)
            elif record_id in state.episodes:
                found[record_id] = state.episodes[record_id]
        return found

    async def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories by their key."""
        held = {key: self._state.holder(owner_of(scope), key) for key in keys}
        return {key: self._state.whole(self._state.last(each).memory) for key, each in held.items() if each is not None}

    async def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes of the owner by the caller's ids."""
        mine = (each for each in self._state.episodes.values() if owner_of(each.scope) == owner_of(scope))
        return {each.external_id: each for each in mine if each.external_id in external_ids and each.external_id}

    async def page(self, where: Where, *, limit: int, cursor: str | None, order: Order = "newest") -> Page:
        """Sort all, then cut."""
        after = place(cursor, where, order)
        state = self._state
        known = [*state.current(), *(state.superseded() if where.superseded else ())]
        past = memory_past.memories(state, where) if memory_past.asks(where) else None
        if past is not None:
            known = [memory_past.stored(state, each) for each in past.values() if where.memories]
        every = [each for each in known if covers(where.scope, each.scope, each.runs) and _passes(state, where, each)]
        rising = order == "oldest"

        def spot(memory: Memory) -> tuple[str, str]:
            return sort_key(memory, order), memory.id

        every.sort(key=spot, reverse=not rising)
        rest = [m for m in every if after is None or (spot(m) > after if rising else spot(m) < after)]
        return Page(
            memories=tuple(each if past is None else past[each.id] for each in rest[:limit]),
            total=len(every),
            next_cursor=cursor_after(rest[limit - 1], where, order) if len(rest) > limit else None,
        )

    async def foremost(self, where: Where, *, attributes: Sequence[str], limit: int | None) -> Page:
        """Sort all, then cut."""
        state, now = self._state, replace(where, expired=False)
        every = [
            each
            for each in state.current()
            if covers(where.scope, each.scope, each.runs)
            and _passes(state, now, each)
            and each.kind not in MADE
            and (each.subject == "user" or each.pinned)
        ]
        order = [*attributes]

        def place(memory: Memory) -> int:
            return order.index(memory.attribute) if memory.attribute in order else len(order)

        every.sort(key=lambda memory: (not memory.pinned, place(memory), memory.id))
        return Page(memories=tuple(every[:limit]), total=len(every), next_cursor=None)

    async def log(self, scope: Scope, states: Sequence[EpisodeState], *, limit: int, cursor: str | None) -> Log:
        """Newest first."""
        _check(cursor)
        every = [e for e in self._state.episodes.values() if covers(scope, e.scope) and e.state in states]
        every.sort(key=lambda episode: episode.id, reverse=True)
        rest = [episode for episode in every if cursor is None or episode.id < cursor]
        more = len(rest) > limit
        return Log(episodes=tuple(rest[:limit]), total=len(every), next_cursor=rest[limit - 1].id if more else None)

    async def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Events in the order they happened."""
        return tuple(event for event in self._state.history if event.memory_id == memory_id)

    async def changes(
        self, scope: Scope, *, since: datetime, until: datetime | None = None, limit: int, cursor: str | None = None
    ) -> Events:
        """Events by time."""
        return memory_past.changes(self._state, scope, since, until, limit, cursor)

    async def slot(self, scope: Scope, slot: str) -> tuple[Memory, ...]:
        """Versions by slot."""
        return memory_past.slot(self._state, scope, slot)

    async def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest turns of exactly this scope that are not hidden."""
        turns = [e for e in self._state.episodes.values() if e.scope == scope and e.state != "hidden"]
        return tuple(turns[-limit:]) if limit else ()

    async def counts(self, scope: Scope) -> Counts:
        """Count."""
        episodes = [e for e in self._state.episodes.values() if covers(scope, e.scope) and e.state != "hidden"]
        memories = [m for m in self._state.current() if covers(scope, m.scope, m.runs)]
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
        return len(self._state.entries), ()


def _check(cursor: str | None) -> None:
    if cursor is not None and partition_of(cursor) is None:
        raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")


def _timely(entries: Sequence[Entry], records: Sequence[Record | None], probe: Probe) -> ranking.Floats:
    spans = []
    for entry, record in zip(entries, records, strict=True):
        said = milliseconds(entry.said)
        spans.append((said, said + 1))
        if isinstance(record, Memory):
            happened = record.kind == "event"
            held = entry.said if record.slot is not None and not happened else None
            since = record.valid_from or held
            if since is not None:
                spans[-1] = ranking.lasting(since, record.valid_to, record.precision, happened=happened)
    start, end = np.array(spans, dtype=np.int64).reshape(-1, 2).T
    return ranking.meets(start, end, probe.times)


def _said(record: Record) -> datetime:
    return record.said_at if isinstance(record, Episode) else record.said_at or record.created_at


def _cites(memory: Memory, episode_ids: Sequence[str]) -> bool:
    return any(source.episode_id in episode_ids for source in memory.sources)


def _holds(buried: Scope, asked: Scope) -> bool:
    """Whether a tombstone is of the asked scope: of an id it has, and not another user's, agent's or app's."""
    narrower = replace(buried, run_id=None).ids.items() <= asked.ids.items()
    return buried.project == asked.project and narrower and buried.owner in list(asked.ids.items())


def _passes(state: State, where: Where, record: Record) -> bool:
    expires = record.expires_at if isinstance(record, Memory) and not where.expired else None
    if expires is not None and expires <= where.now:
        return False
    return where.filter is None or filters.matches(where.filter, _fields(state, record), record.metadata)


def _fields(state: State, record: Record) -> dict[str, Any]:
    """What each field of a filter means: what users see in results."""
    shown = present.item(record)
    found: dict[str, Any] = {name: shown.get(name) for name in filters.FIELDS}
    for name, kind in filters.FIELDS.items():
        if kind == "time" and found[name] is not None:
            found[name] = iso(datetime.fromisoformat(found[name]).astimezone(UTC))
    return found | {
        "text": record.words,
        "slot": record.slot if isinstance(record, Memory) else None,
        "episode_id": [source["episode_id"] for source in shown["sources"]],
        "entity": memory_entities.called(state, record.id),
    }


def _keep(state: State, file: Path, *, overwrite: bool) -> None:
    if not overwrite and file.exists():
        raise InvalidInput(f"{str(file)!r} is there already; name another file, or allow to overwrite it")
    file.write_bytes(_PICKLED + pickle.dumps(state))


def _kept(file: Path) -> State:
    """Only what `backup` wrote may be given: unpickling runs what a file says."""
    if not file.is_file():
        raise InvalidInput(f"there is no file {str(file)!r}; name the file of a backup")
    content = file.read_bytes()
    if not content.startswith(_PICKLED):
        raise NotAStore(f"{str(file)!r} is no backup of this store")
    state = pickle.loads(content.removeprefix(_PICKLED))  # noqa: S301 - as said above
    assert isinstance(state, State)
    return state
