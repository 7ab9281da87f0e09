"""Everything the SQLite store reads, each method inside one snapshot."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.errors import InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.protocols import Candidate, Counts, Found, Log, Order, Page, Probe, Record, Space, Vectors, Where
from mnemic.stores import blocks as pack
from mnemic.stores.paging import cursor_after, place
from mnemic.stores.relational.arms import linked, places_of, timely
from mnemic.stores.relational.cache import Cache, Index, index_of
from mnemic.stores.relational.called import called
from mnemic.stores.relational.db import OWNER_BITS, Db, Predicate
from mnemic.stores.relational.filter import EPISODE_FIELDS, MEMORY_FIELDS, filter_sql
from mnemic.stores.relational.graph import Graph
from mnemic.stores.relational.past import Past, slot_rows, versions_known
from mnemic.stores.relational.predicates import (
    Status,
    check_space,
    episodes_sql,
    exactly,
    keys_json,
    memories_sql,
    owner_key,
)
from mnemic.stores.relational.rows import (
    EPISODE_COLUMNS,
    HISTORY_COLUMNS,
    MEMORY_COLUMNS,
    MEMORY_WIDTH,
    episode_of,
    event_of,
    memory_of,
    prefixed,
    utc,
)
from mnemic.stores.relational.vectors import Active, codes_of, similarities, stored
from mnemic.times import milliseconds
from mnemic.types import Episode, EpisodeState, HistoryEvent, Memory, Scope, Source, Usage


class Reader:
    """One read transaction."""

    def __init__(self, db: Db, cache: Cache) -> None:
        self.db = db
        self.cache = cache
        self._looked: tuple[Where, Past] | None = None
        self._active: tuple[Active | None] | None = None

    def space(self) -> Space | None:
        """The active embedding space."""
        row = self.db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone()
        return None if row is None else Space(name=row[0], dimensions=row[1])

    # Search.

    def find(self, probe: Probe) -> Found:
        """Read the scope's blocks, score their rows, name the best."""
        index = self._index(probe)
        blocks = index.blocks
        if not len(blocks.entries):
            return Found(candidates=(), searched=0)
        eligible = self._eligible(blocks, probe.where)
        rows = ranking.Rows(
            eligible=eligible,
            neighbours=index.neighbours,
            speakers=pack.speakers(blocks.marks),
            asks=pack.asks(blocks.marks),
            said=blocks.marks["said"],
            terms=blocks.terms,
            starts=blocks.starts,
        )
        links = {} if probe.link is None else probe.link(Graph(self.db, probe.where.scope))
        memories = self._memories_among(blocks, eligible, probe.where) if links or probe.times else eligible
        asked = ranking.Asked(
            words=probe.words,
            speakers=probe.people,
            entities=linked(self.db, blocks.entries, memories, links),
            times=self._timely(blocks, memories, probe),
        )
        watched = places_of(self.db, blocks.entries, probe.watched)
        scored, lift = self.score(probe, index, rows, asked, watched)
        scored = [each for each in scored if eligible[each.row]]
        chosen = np.array([hit.row for hit in scored], dtype=np.int64)
        entries = blocks.entries[chosen].tolist()
        names = self._names(index, entries, probe.where)
        found = [
            Candidate._make((names[entry], *hit[1:], said_at))  # all that it is scored by, in the same order
            for hit, entry, said_at in zip(scored, entries, pack.moments(rows.said[chosen]), strict=True)
        ]
        answer = Found(candidates=tuple(found), searched=int(eligible.sum()), lift=lift)
        if probe.choose is None:
            return answer
        return replace(answer, records=self.load(probe.choose(answer), probe.where.known_at))

    def score(
        self, probe: Probe, index: Index, rows: ranking.Rows, asked: ranking.Asked, watched: Sequence[int]
    ) -> tuple[list[ranking.Scored], float | None]:
        """The best rows, by the nearness of every one and what else is asked for; and the question's lift."""
        similarity, lift = similarities(self.db, self.active, index, rows.eligible, probe)
        spread = probe.calibration.spread
        best = ranking.rank(rows, similarity, asked, probe.limit, spread=spread, arms=probe.arms, watched=watched)
        return best, lift

    @property
    def active(self) -> Active | None:
        """The embedding space, with what its tables are called by."""
        if self._active is None:
            row = self.db.execute("SELECT number, name, dimensions FROM spaces WHERE active").fetchone()
            self._active = (None if row is None else Active(*row),)
        return self._active[0]

    def _index(self, probe: Probe) -> Index:
        """A user's or the project's range of blocks; for other scopes the rows an id's own index names.

        Raises:
            WrongEmbedder: the question's vectors are of another space.
        """
        scope = probe.where.scope
        owner = self._owner(scope) if tuple(scope.ids) == ("user_id",) else None
        space = self.active
        check_space(None if space is None else space[1:], probe.space)
        if not scope.ids:
            owners = self.db.execute("SELECT number FROM owners WHERE project = ? ORDER BY number", [scope.project])
            return index_of(self._range([number for (number,) in owners]))
        if tuple(scope.ids) != ("user_id",):
            return index_of(self._picked_blocks(probe.where))
        if owner is None:
            return index_of(pack.flatten(()))
        number, changes = owner
        found = self.cache.get(number, changes)
        if found is None:
            wanted = None if probe.vectors is None else space
            blocks, codes = self._of_owner(number, wanted)
            kept = {} if wanted is None else {wanted.number: codes_of(codes, wanted.dimensions)}
            found = index_of(blocks, codes=kept)
            self.cache.put(number, changes, found)
        return found

    def _owner(self, scope: Scope) -> tuple[int, int] | None:
        """A user's number and how often it was changed; the active space comes with it."""
        row = self.db.execute(
            f"""
            SELECT s.number, s.name, s.dimensions, o.number, o.changes FROM (SELECT 1) AS one
            LEFT JOIN spaces AS s ON s.active
            LEFT JOIN (SELECT number, changes FROM owners WHERE {self.db.OWNED_BY}) AS o ON true
            """,
            owner_key(scope),
        ).fetchone()
        self._active = (None if row[0] is None else Active(*row[:3]),)
        return None if row[3] is None else row[3:]

    def _of_owner(self, owner: int, space: Active | None) -> tuple[pack.Blocks, list[tuple[int, bytes]]]:
        """All blocks of an owner, and by block their codes in a space, if one is given."""
        which, values = self.db.between("block", owner << 18, (owner << 18) + 262143)
        sql = f"SELECT block, marks, terms FROM blocks WHERE {which}"
        if space is not None:  # in one statement, as each is a journey to the server
            sql += f" UNION ALL SELECT block, codes, NULL FROM vectors_{space.number:d} WHERE {which}"
            values = values * 2
        rows = sorted(self.db.execute(sql, values).fetchall(), key=itemgetter(0))
        codes = [(block, codes) for block, codes, terms in rows if terms is None]
        return pack.flatten(row for row in rows if row[2] is not None), codes

    def _range(self, owners: Sequence[int]) -> pack.Blocks:
        """All blocks of some owners, which ascend."""
        ranges = [[number >> OWNER_BITS, number << 18, (number << 18) + 262143] for number in owners]
        return pack.flatten(
            self.db.execute(
                f"""
                SELECT b.block, b.marks, b.terms FROM {self.db.RANGES} AS r
                {self.db.THEN} blocks AS b ON {self.db.lies("b", "r.partition")} AND b.block BETWEEN r.first AND r.last
                ORDER BY b.block
                """,
                [json.dumps(ranges)],
            )
        )

    def marks_of(self, owner: int) -> pack.Blocks:
        """All of an owner's entries without their words."""
        which, values = self.db.between("block", owner << 18, (owner << 18) + 262143)
        rows = self.db.execute(f"SELECT block, marks FROM blocks WHERE {which} ORDER BY block", values)
        return pack.flatten((block, marks, b"") for block, marks in rows)

    def _past(self, where: Where) -> Past | None:
        """The scope as it was; None when the question is about the present."""
        if where.as_of is None and where.known_at is None:
            return None
        if self._looked is None or self._looked[0] is not where:
            self._looked = where, Past(self.db, where)
        return self._looked[1]

    def _matching(self, where: Where) -> list[Predicate]:
        """Which rows of memories a question is about: several conditions, as each has an index."""
        past = self._past(where)
        return (
            [memories_sql(self.db, where.scope, each) for each in _statuses(where)]
            if past is None
            else [past.matching()]
        )

    def _picked_blocks(self, where: Where) -> pack.Blocks:
        parts = self._matching(where)
        memories = self.db.execute(
            " UNION ".join(f"SELECT entry, span FROM memories WHERE {matching}" for matching, _ in parts),
            [value for _, values in parts for value in values],
        ).fetchall()
        matching, values = episodes_sql(self.db, where.scope)
        episodes = self.db.execute(f"SELECT entry, span FROM episodes WHERE {matching}", values).fetchall()
        if not memories and not episodes:
            return pack.flatten(())
        spans = np.array([*memories, *episodes], dtype=np.int64)
        entries = np.unique(np.concatenate([spans[:, 0], *_further(spans)]))
        which, values = self.db.at("block", np.unique(entries >> pack.BLOCK_BITS).tolist())
        blocks = pack.flatten(
            self.db.execute(f"SELECT block, marks, terms FROM blocks WHERE {which} ORDER BY block", values)
        )
        picked = pack.subset(blocks, np.isin(blocks.entries, entries))
        if self._past(where) is not None:
            return picked
        # A message of the scope whose memory has gone to another run is no hit here, but still somebody's neighbour.
        elsewhere = _wanted(picked.marks, where) & ~np.isin(picked.entries, spans[: len(memories), 0])
        picked.marks["memory"][elsewhere], picked.marks["episode"][elsewhere] = pack.RETIRED, 0
        return picked

    def _eligible(self, blocks: pack.Blocks, where: Where) -> ranking.Mask:
        past = self._past(where)
        if past is not None:
            return np.asarray(np.isin(blocks.entries, past.eligible()))
        marks = blocks.marks
        wanted = _wanted(marks, where)
        states = np.zeros(len(pack.EPISODE_STATES), dtype=np.bool_)
        states[[pack.EPISODE_STATES.index(state) for state in where.episodes]] = True
        eligible = states[marks["episode"]] & ~wanted
        if where.memories:
            alive = marks["expires"] > milliseconds(where.now)
            eligible |= wanted & (alive | where.expired)
        eligible &= marks["head"] == 0
        if where.filter is not None:
            eligible &= np.isin(blocks.entries, self._filtered(where))
        return np.asarray(eligible)

    def _memories_among(self, blocks: pack.Blocks, eligible: ranking.Mask, where: Where) -> ranking.Mask:
        """Which rows are hits as memories; of a message whose memory is gone, the place is the message's again."""
        past = self._past(where)
        if past is None:
            return np.asarray(eligible & _wanted(blocks.marks, where))
        return np.asarray(eligible & np.isin(blocks.entries, list(past.names)))

    def _timely(self, blocks: pack.Blocks, memories: ranking.Mask, probe: Probe) -> ranking.Floats | None:
        if not probe.times:
            return None
        past = self._past(probe.where)
        return timely(self.db, blocks, memories, probe.times, None if past is None else past.ends())

    def _filtered(self, where: Where) -> NDArray[np.int64]:
        """Entries whose record passes the filter; the record of a shared one is its memory."""
        tree = called(self.db, where)
        assert tree is not None  # noqa: S101 - the caller asked
        memories, memory_values = filter_sql(self.db, tree, MEMORY_FIELDS)
        episodes, episode_values = filter_sql(self.db, tree, EPISODE_FIELDS)
        queries, values = [], []
        for status in _statuses(where):
            whose, bound = memories_sql(self.db, where.scope, status)
            queries.append(f"SELECT entry FROM memories WHERE {whose} AND {memories}")
            values += [*bound, *memory_values]
        whose, bound = episodes_sql(self.db, where.scope)
        shared = "m.current" + (" OR m.retire_reason = 'superseded'" if len(_statuses(where)) > 1 else "")
        queries.append(
            f"""
            SELECT e.entry FROM episodes AS e WHERE {whose} AND {episodes}
            AND NOT EXISTS (
                SELECT 1 FROM memories AS m
                WHERE {self.db.lies("m", "e.partition")} AND m.entry = e.entry AND ({shared})
            )
            """
        )
        rows = self.db.execute(" UNION ALL ".join(queries), [*values, *bound, *episode_values])
        return np.array([row[0] for row in rows], dtype=np.int64)

    def _names(self, index: Index, entries: list[int], where: Where) -> dict[int, str]:
        past = self._past(where)
        if past is not None:
            return past.messages | past.names
        superseded = len(_statuses(where)) > 1
        names = index.names.setdefault(superseded, {})
        unknown = [entry for entry in entries if entry not in names]
        if unknown:
            names.update(self._names_of(unknown, superseded=superseded))
        return names

    def _names_of(self, entries: list[int], *, superseded: bool) -> dict[int, str]:
        current = "current OR retire_reason = 'superseded'" if superseded else "current"
        episodes, values = self.db.looked_up("episodes", "entry, id, 0", entries)
        memories, further = self.db.looked_up("memories", "entry, id, 1", entries, current)
        rows = self.db.execute(f"{episodes} UNION ALL {memories}", [*values, *further]).fetchall()
        # A memory replaces the episode it shares an entry with.
        return {entry: name for entry, name, memory in rows if not memory} | {
            entry: name for entry, name, memory in rows if memory
        }

    # Records.

    def load(self, ids: Sequence[str], known_at: datetime | None = None) -> dict[str, Record]:
        """Current or last versions of memories, or those that counted at a moment; and episodes."""
        found = self._last(ids) if known_at is None else self._known(ids, known_at)
        others = [each for each in ids if each not in found]
        if others:
            episodes = self.db.execute(
                f"""
                SELECT {prefixed("e", EPISODE_COLUMNS)} FROM {self.db.KEYS} AS k
                JOIN episodes AS e ON e.partition = k.partition AND e.id = k.id
                """,
                [keys_json(others)],
            )
            found.update((row[0], episode_of(row)) for row in episodes)
        return found

    def _known(self, ids: Sequence[str], at: datetime) -> dict[str, Record]:
        rows, seen = versions_known(self.db, ids, at)
        return {memory.id: seen[memory.id].of(memory) for memory in self.memories(rows)}

    def slot(self, scope: Scope, slot: str) -> tuple[Memory, ...]:
        """Every version with a slot."""
        rows = sorted(slot_rows(self.db, scope, slot), key=lambda row: (row[0], row[1]))
        return tuple(self.memories(rows))

    def _last(self, ids: Sequence[str]) -> dict[str, Record]:
        keys = keys_json(ids)
        memories = self.db.execute(
            f"""
            SELECT {prefixed("m", MEMORY_COLUMNS)} FROM {self.db.KEYS} AS k
            JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
            """,
            [keys],
        )
        last: dict[str, tuple[Any, ...]] = {}
        for row in memories:
            if row[0] not in last or row[1] > last[row[0]][1]:  # the highest version
                last[row[0]] = row
        return {memory.id: memory for memory in self.memories(list(last.values()), keys)}

    def memories(self, rows: list[tuple[Any, ...]], keys: str | None = None) -> list[Memory]:
        """Memories from rows that start with MEMORY_COLUMNS, with their sources, in the order of the rows.

        `keys`: of all ids that these rows have, where they were written down before; there may be others among them.
        """
        if not rows:
            return []
        if keys is None:
            keys = keys_json(dict.fromkeys(row[0] for row in rows))
        sources: dict[str, list[Source]] = {}
        runs: dict[str, list[str]] = {}
        rows_of_either = self.db.execute(  # in one statement, as each is a journey to the server
            f"""
            SELECT s.memory_id, s.episode_id, s.quote, e.said_at, e.role, e.actor_id, e.entry AS place
            FROM {self.db.KEYS} AS k
            JOIN sources AS s ON s.partition = k.partition AND s.memory_id = k.id
            JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
            UNION ALL
            SELECT r.memory_id, r.run_id, NULL, NULL, NULL, NULL, r.place FROM {self.db.KEYS} AS k
            JOIN runs AS r ON r.partition = k.partition AND r.memory_id = k.id
            ORDER BY place, quote
            """,
            [keys, keys],
        )
        for memory_id, other_id, quote, said_at, role, actor, _ in rows_of_either:
            if said_at is None:
                runs.setdefault(memory_id, []).append(other_id)
                continue
            source = Source(
                episode_id=other_id, quote=quote, said_at=datetime.fromisoformat(said_at), role=role, actor=actor
            )
            sources.setdefault(memory_id, []).append(source)
        return [
            memory_of(row[:MEMORY_WIDTH], tuple(sources.get(row[0], ())), tuple(runs.get(row[0], ()))) for row in rows
        ]

    def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories of the owner by their `once` key."""
        rows = self.db.execute(
            f"""
            SELECT {MEMORY_COLUMNS}, once FROM memories
            WHERE current AND {self.db.PARTITION} = ? AND owner = {self.db.OWNER} AND once {self.db.IN}
            """,
            [owner_key(scope)[0], *owner_key(scope), self.db.listed(keys)],
        ).fetchall()
        return dict(zip((row[-1] for row in rows), self.memories(rows), strict=True))

    def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes of the owner by the caller's ids."""
        rows = self.db.execute(
            f"""
            SELECT {EPISODE_COLUMNS} FROM episodes
            WHERE {self.db.PARTITION} = ? AND owner = {self.db.OWNER} AND external_id {self.db.IN}
            """,
            [owner_key(scope)[0], *owner_key(scope), self.db.listed(external_ids)],
        )
        episodes = (episode_of(row) for row in rows)
        return {episode.external_id: episode for episode in episodes if episode.external_id is not None}

    def page(self, where: Where, limit: int, cursor: str | None, order: Order) -> Page:
        """Memories in an order. By creation an index has them in it; the others sort the scope."""
        after = place(cursor, where, order)
        key, direction = _SORTED_BY[order]
        passing, values = "true", []
        if not where.expired:
            passing += " AND (expires_at IS NULL OR utc(expires_at) > ?)"
            values.append(utc(where.now))
        tree = called(self.db, where)
        if tree is not None:
            filtering, filter_values = filter_sql(self.db, tree, MEMORY_FIELDS)
            passing += f" AND {filtering}"
            values += filter_values
        beyond, reached = "", []
        if after is not None:
            sign = "<" if direction == "DESC" else ">"
            beyond = f" AND id {sign} ?" if key == "id" else f" AND ({key}, id) {sign} (?, ?)"
            reached = [after[1]] if key == "id" else [*after]
        total, pages, bound = 0, [], []
        for whose, mine in self._matching(where):
            matching = f"FROM memories WHERE {whose} AND {passing}"
            total += self.db.execute(f"SELECT count(*) {matching}", [*mine, *values]).fetchone()[0]
            pages.append(f"SELECT {MEMORY_COLUMNS}, {key} AS place {matching}{beyond}")
            bound += [*mine, *values, *reached]
        sorting = f"id {direction}" if key == "id" else f"place {direction}, id {direction}"
        rows = self.db.execute(f"{' UNION ALL '.join(pages)} ORDER BY {sorting} LIMIT ?", [*bound, limit + 1])
        found = rows.fetchall()
        memories, past = tuple(self.memories(found[:limit])), self._past(where)
        return Page(
            memories=memories if past is None else tuple(map(past.seen, memories)),
            total=total,
            next_cursor=cursor_after(memories[-1], where, order) if len(found) > limit else None,
        )

    def log(self, scope: Scope, states: Sequence[EpisodeState], limit: int, cursor: str | None) -> Log:
        """Episodes, newest first."""
        _check(cursor)
        whose, values = episodes_sql(self.db, scope)
        matching = f"FROM episodes WHERE {whose} AND state {self.db.IN}"
        values.append(self.db.listed(states))
        total = self.db.execute(f"SELECT count(*) {matching}", values).fetchone()[0]
        newest = self.db.execute(
            f"SELECT entry {matching} AND id < ? ORDER BY id DESC LIMIT ?", [*values, cursor or "g", limit + 1]
        ).fetchall()
        which, bound = self.db.at("entry", [entry for (entry,) in newest[:limit]])
        rows = self.db.execute(f"SELECT {EPISODE_COLUMNS} FROM episodes WHERE {which} ORDER BY id DESC", bound)
        episodes = tuple(episode_of(row) for row in rows)
        return Log(episodes=episodes, total=total, next_cursor=episodes[-1].id if len(newest) > limit else None)

    def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Oldest first."""
        rows = self.db.execute(
            f"SELECT {HISTORY_COLUMNS} FROM history WHERE partition = ? AND memory_id = ? ORDER BY version, id",
            [partition_of(memory_id), memory_id],
        )
        return tuple(event_of(row) for row in rows)

    def citing(self, episode_ids: Sequence[str], *, superseded: bool) -> tuple[Memory, ...]:
        """Current memories with one of these as a source, or superseded ones."""
        standing = "NOT m.current AND m.retire_reason = 'superseded'" if superseded else "m.current"
        rows = self.db.execute(
            f"""
            SELECT DISTINCT {prefixed("m", MEMORY_COLUMNS)} FROM {self.db.KEYS} AS k
            JOIN sources AS s ON s.partition = k.partition AND s.episode_id = k.id
            JOIN memories AS m ON m.partition = s.partition AND m.id = s.memory_id AND {standing}
            ORDER BY m.id
            """,
            [keys_json(episode_ids)],
        ).fetchall()
        return tuple(self.memories(rows))

    def vectors(self, ids: Sequence[str]) -> dict[str, Vectors]:
        """All windows of current memories."""
        rows = self.db.execute(
            f"""
            SELECT m.id, m.entry, m.span FROM {self.db.KEYS} AS k
            JOIN memories AS m ON m.partition = k.partition AND m.id = k.id AND m.current
            """,
            [keys_json(ids)],
        ).fetchall()
        found = stored(self.db, [(entry, span) for _, entry, span in rows])
        return {memory_id: found[entry] for memory_id, entry, _ in rows if entry in found}

    def spent(self, project: str, day: date) -> Usage:
        """The sum of a day."""
        row = self.db.execute(
            "SELECT model_calls, input_tokens, output_tokens, embeddings FROM usage WHERE project = ? AND day = ?",
            [project, day.isoformat()],
        ).fetchone()
        calls, read, written, embeddings = row or (0, 0, 0, 0)
        return Usage(model_calls=calls, input_tokens=read, output_tokens=written, embeddings=embeddings)

    def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest turns of exactly this scope, oldest first."""
        same, values = exactly({"agent_id": scope.agent_id, "app_id": scope.app_id, "run_id": scope.run_id})
        rows = self.db.execute(
            f"""
            SELECT {EPISODE_COLUMNS} FROM episodes
            WHERE {self.db.PARTITION} = ? AND entry BETWEEN {self.db.OWNER} << 24 AND ({self.db.OWNER} << 24) + 16777215
                AND {same} AND state <> 'hidden'
            ORDER BY entry DESC
            LIMIT ?
            """,
            [scope.partition, *owner_key(scope), *owner_key(scope), *values, limit],
        ).fetchall()
        return tuple(episode_of(row) for row in reversed(rows))

    def counts(self, scope: Scope, size: int) -> Counts:
        """Counts of what is current and not hidden."""
        current, memory_values = memories_sql(self.db, scope)
        whose, values = episodes_sql(self.db, scope)
        (memories,) = self.db.execute(f"SELECT count(*) FROM memories WHERE {current}", memory_values).fetchone()
        episodes, pending, failed = self.db.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'failed')
            FROM episodes WHERE state <> 'hidden' AND {whose}
            """,
            values,
        ).fetchone()
        (owners,) = self.db.execute(
            f"""
            SELECT count(*) FROM (
                SELECT owner FROM memories WHERE {current}
                UNION
                SELECT owner FROM episodes WHERE state <> 'hidden' AND {whose}
            )
            """,
            [*memory_values, *values],
        ).fetchone()
        return Counts(
            memories=memories,
            episodes=episodes,
            pending=pending,
            failed=failed,
            owners=owners,
            bytes=size,
        )


# What a listing is ordered by before the id, as `paging.sort_key` says it.
_SORTED_BY: dict[Order, tuple[str, str]] = {
    "newest": ("id", "DESC"),
    "oldest": ("id", "ASC"),
    "said": ("utc(coalesce(said_at, created_at))", "DESC"),
    "updated": ("utc(updated_at)", "DESC"),
}


def is_by_keys(probe: Probe) -> bool:
    """Whether `Reader.find` looks up everything by keys: what a user has now, without conditions or times."""
    where = probe.where
    now = where.as_of is None and where.known_at is None
    return tuple(where.scope.ids) == ("user_id",) and now and where.filter is None and not probe.times


def _further(spans: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Entries of the second and later windows of long texts."""
    for entry, span in spans[spans[:, 1] > 1].tolist():
        yield np.arange(entry + 1, entry + span, dtype=np.int64)


def _statuses(where: Where) -> tuple[Status, ...]:
    return ("current", "superseded") if where.superseded and where.memories else ("current",)


def _wanted(marks: NDArray[np.void], where: Where) -> ranking.Mask:
    """Which entries are memories that may be hits."""
    current = marks["memory"] == pack.CURRENT
    return np.asarray(current | (marks["memory"] == pack.SUPERSEDED) if len(_statuses(where)) > 1 else current)


def _check(cursor: str | None) -> None:
    if cursor is not None and partition_of(cursor) is None:
        raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
