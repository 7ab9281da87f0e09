"""Everything the SQLite store reads, each method inside one snapshot."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.errors import InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.protocols import Candidate, Counts, Found, Page, Piece, Probe, Record, Space, Where
from mnemic.stores import blocks as pack
from mnemic.stores.sqlite_cache import KEEP_FROM, Cache, Index, index_of
from mnemic.stores.sqlite_sql import (
    EPISODE_COLUMNS,
    EPISODE_FIELDS,
    MEMORY_COLUMNS,
    MEMORY_FIELDS,
    episode_of,
    filter_sql,
    memory_of,
    number_of,
    same_space,
    scope_sql,
)
from mnemic.stores.sqlite_vectors import similarities
from mnemic.times import iso
from mnemic.types import Episode, HistoryEvent, Memory, Scope, Source


class Reader:
    """One read transaction."""

    def __init__(self, connection: sqlite3.Connection, cache: Cache) -> None:
        self._db = connection
        self._cache = cache

    def space(self) -> Space | None:
        """The active embedding space."""
        row = self._db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone()
        return None if row is None else Space(name=row[0], dimensions=row[1])

    def missing(self, space: Space, limit: int) -> list[Piece]:
        """Records without vectors in a space, in the order they lie."""
        number = number_of(self._db, space)
        without = (
            "" if number is None else f"AND NOT EXISTS (SELECT 1 FROM exact_{number:d} AS x WHERE x.entry = r.entry)"
        )
        episodes = self._db.execute(
            f"SELECT {EPISODE_COLUMNS}, entry, span FROM episodes AS r WHERE true {without} ORDER BY entry LIMIT ?",
            [limit],
        )
        found = [Piece(place=row[-2], text=episode_of(row[:-2]).indexed, span=row[-1]) for row in episodes]
        memories = self._db.execute(
            f"""
            SELECT {MEMORY_COLUMNS}, entry, span FROM memories AS r
            WHERE NOT EXISTS (SELECT 1 FROM episodes AS e WHERE e.entry = r.entry) {without}
            ORDER BY entry
            LIMIT ?
            """,
            [limit],
        )
        found += [Piece(place=row[-2], text=memory_of(row[:-2], ()).indexed, span=row[-1]) for row in memories]
        return found[:limit]

    # Search.

    def find(self, probe: Probe) -> Found:
        """Read the scope's blocks, score their rows, name the best."""
        same_space(self._db, probe.space)
        index = self._index(probe.where.scope)
        blocks = index.blocks
        if not len(blocks.entries):
            return Found(candidates=(), asked=0.0, searched=0)
        eligible = self._eligible(blocks, probe.where)
        rows = ranking.Rows(eligible=eligible, neighbours=index.neighbours, terms=blocks.terms, starts=blocks.starts)
        similarity = similarities(self._db, blocks, eligible, probe, index.codes)
        scored, asked = ranking.arms(rows, similarity, probe.terms, probe.limit)
        chosen = [hit.row for hit in scored]
        entries, said = blocks.entries[chosen].tolist(), blocks.marks["said"][chosen].tolist()
        names = self._names(entries)
        found = [
            Candidate(
                id=names[entry],
                similarity=hit.similarity,
                keyword=hit.keyword,
                coverage=hit.coverage,
                said_at=pack.moment(at),
            )
            for hit, entry, at in zip(scored, entries, said, strict=True)
        ]
        return Found(candidates=tuple(found), asked=asked, searched=int(eligible.sum()))

    def _index(self, scope: Scope) -> Index:
        """A user's or the project's range of blocks; for other scopes the rows an id's own index names."""
        if not scope.ids:
            return index_of(self._range("o.project = ?", [scope.project]))
        if tuple(scope.ids) != ("user_id",):
            return index_of(self._picked_blocks(scope))
        owner = self._db.execute(
            "SELECT number, next_sequence, changes FROM owners WHERE project = ? AND kind = 'user_id' AND name = ?",
            [scope.project, scope.user_id],
        ).fetchone()
        if owner is None:
            return index_of(pack.flatten(()))
        number, entries, changes = owner
        if entries < KEEP_FROM:
            return index_of(self._range("o.number = ?", [number]))
        found = self._cache.get(number, changes)
        if found is None:
            found = index_of(self._range("o.number = ?", [number]), keep=True)
            self._cache.put(number, changes, found)
        return found

    def _range(self, whose: str, values: list[Any]) -> pack.Blocks:
        return pack.flatten(
            self._db.execute(
                f"""
                SELECT b.block, b.marks, b.terms
                FROM owners AS o
                JOIN blocks AS b ON b.block BETWEEN o.number << 18 AND (o.number << 18) + 262143
                WHERE {whose}
                ORDER BY b.block
                """,
                values,
            )
        )

    def _picked_blocks(self, scope: Scope) -> pack.Blocks:
        whose, values = scope_sql(scope)
        rows = self._db.execute(
            f"""
            SELECT entry, span FROM memories WHERE current AND {whose}
            UNION
            SELECT entry, span FROM episodes WHERE {whose}
            """,
            [*values, *values],
        ).fetchall()
        if not rows:
            return pack.flatten(())
        spans = np.array(rows, dtype=np.int64)
        entries = np.unique(np.concatenate([spans[:, 0], *_further(spans)]))
        wanted = np.unique(entries >> pack.BLOCK_BITS)
        blocks = pack.flatten(
            self._db.execute(
                "SELECT block, marks, terms FROM blocks WHERE block IN (SELECT value FROM json_each(?)) ORDER BY block",
                [json.dumps(wanted.tolist())],
            )
        )
        return pack.subset(blocks, np.isin(blocks.entries, entries))

    def _eligible(self, blocks: pack.Blocks, where: Where) -> ranking.Mask:
        marks = blocks.marks
        current = marks["memory"] == pack.CURRENT
        states = np.zeros(len(pack.EPISODE_STATES), dtype=np.bool_)
        states[[pack.EPISODE_STATES.index(state) for state in where.episodes]] = True
        eligible = states[marks["episode"]] & ~current
        if where.memories:
            alive = marks["expires"] > pack.milliseconds(where.now)
            eligible |= current & (alive | where.expired)
        eligible &= marks["head"] == 0
        if where.filter is not None:
            eligible &= np.isin(blocks.entries, self._filtered(where))
        return np.asarray(eligible)

    def _filtered(self, where: Where) -> NDArray[np.int64]:
        whose, values = scope_sql(where.scope)
        assert where.filter is not None  # noqa: S101 - the caller asked
        memories, memory_values = filter_sql(where.filter, MEMORY_FIELDS)
        episodes, episode_values = filter_sql(where.filter, EPISODE_FIELDS)
        rows = self._db.execute(
            f"""
            SELECT entry FROM memories WHERE current AND {whose} AND {memories}
            UNION ALL
            SELECT e.entry FROM episodes AS e WHERE {whose} AND {episodes}
            AND NOT EXISTS (SELECT 1 FROM memories AS m WHERE m.entry = e.entry AND m.current)
            """,
            [*values, *memory_values, *values, *episode_values],
        )
        return np.array([row[0] for row in rows], dtype=np.int64)

    def _names(self, entries: list[int]) -> dict[int, str]:
        wanted = json.dumps(entries)
        rows = self._db.execute(
            """
            SELECT entry, id FROM episodes WHERE entry IN (SELECT value FROM json_each(?))
            UNION ALL
            SELECT entry, id FROM memories WHERE current AND entry IN (SELECT value FROM json_each(?))
            """,
            [wanted, wanted],
        )
        return dict(rows.fetchall())  # a current memory comes after, and replaces, the episode it shares an entry with

    # Records.

    def load(self, ids: Sequence[str]) -> dict[str, Record]:
        """Current or last versions of memories, and episodes."""
        keys = _keys(ids)
        memories = self._db.execute(
            f"""
            SELECT {_prefixed("m", MEMORY_COLUMNS)} FROM json_each(?) AS k
            JOIN memories AS m ON m.partition = k.value ->> 0 AND m.id = k.value ->> 1
            """,
            [keys],
        )
        last: dict[str, tuple[Any, ...]] = {}
        for row in memories:
            if row[0] not in last or row[1] > last[row[0]][1]:  # the highest version
                last[row[0]] = row
        found: dict[str, Record] = {memory.id: memory for memory in self._memories(list(last.values()))}
        others = [each for each in ids if each not in found]
        if others:
            episodes = self._db.execute(
                f"""
                SELECT {_prefixed("e", EPISODE_COLUMNS)} FROM json_each(?) AS k
                JOIN episodes AS e ON e.partition = k.value ->> 0 AND e.id = k.value ->> 1
                """,
                [_keys(others)],
            )
            found.update((row[0], episode_of(row)) for row in episodes)
        return found

    def _memories(self, rows: list[tuple[Any, ...]]) -> list[Memory]:
        """Memories from rows that start with MEMORY_COLUMNS, with their sources, in the order of the rows."""
        sources: dict[str, list[Source]] = {}
        cited = self._db.execute(
            """
            SELECT s.memory_id, s.episode_id, s.quote, e.said_at, e.role, e.actor_id FROM json_each(?) AS k
            JOIN sources AS s ON s.partition = k.value ->> 0 AND s.memory_id = k.value ->> 1
            JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
            ORDER BY e.entry
            """,
            [_keys(row[0] for row in rows)],
        )
        for memory_id, episode_id, quote, said_at, role, actor in cited:
            source = Source(
                episode_id=episode_id, quote=quote, said_at=datetime.fromisoformat(said_at), role=role, actor=actor
            )
            sources.setdefault(memory_id, []).append(source)
        return [memory_of(row[:_MEMORY_WIDTH], tuple(sources.get(row[0], ()))) for row in rows]

    def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories of the owner by their `once` key."""
        rows = self._db.execute(
            f"""
            SELECT {MEMORY_COLUMNS}, once FROM memories
            WHERE current AND owner = {_OWNER} AND once IN (SELECT value FROM json_each(?))
            """,
            [*_owner_key(scope), json.dumps(list(keys))],
        ).fetchall()
        return dict(zip((row[-1] for row in rows), self._memories(rows), strict=True))

    def taken(self, scope: Scope, external_ids: Sequence[str]) -> dict[str, Episode]:
        """Episodes of the owner by the caller's ids."""
        rows = self._db.execute(
            f"""
            SELECT {EPISODE_COLUMNS} FROM episodes
            WHERE owner = {_OWNER} AND external_id IN (SELECT value FROM json_each(?))
            """,
            [*_owner_key(scope), json.dumps(list(external_ids))],
        )
        episodes = (episode_of(row) for row in rows)
        return {episode.external_id: episode for episode in episodes if episode.external_id is not None}

    def page(self, where: Where, limit: int, cursor: str | None) -> Page:
        """Memories, newest first."""
        if cursor is not None and partition_of(cursor) is None:
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {describe(cursor)}")
        matching, values = scope_sql(where.scope)
        if not where.expired:
            matching += " AND (expires_at IS NULL OR expires_at > ?)"
            values.append(iso(where.now))
        if where.filter is not None:
            filtering, filter_values = filter_sql(where.filter, MEMORY_FIELDS)
            matching += f" AND {filtering}"
            values += filter_values
        total = self._db.execute(f"SELECT count(*) FROM memories WHERE current AND {matching}", values).fetchone()[0]
        rows = self._db.execute(
            f"""
            SELECT {MEMORY_COLUMNS} FROM memories
            WHERE current AND {matching} AND id < ?
            ORDER BY id DESC
            LIMIT ?
            """,
            [*values, cursor or "g", limit + 1],  # ids are hexadecimal: all sort before "g"
        ).fetchall()
        memories = tuple(self._memories(rows[:limit]))
        return Page(memories=memories, total=total, next_cursor=memories[-1].id if len(rows) > limit else None)

    def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Oldest first."""
        rows = self._db.execute(
            """
            SELECT id, memory_id, version, event, old_text, new_text, at, change_id, actor, reason FROM history
            WHERE partition = ? AND memory_id = ?
            ORDER BY version, id
            """,
            [partition_of(memory_id), memory_id],
        )
        return tuple(
            HistoryEvent(
                id=event_id, memory_id=memory_id, version=version, event=event, old_text=old_text, new_text=new_text,
                at=datetime.fromisoformat(at), change_id=change_id, actor=actor, reason=reason,
            )
            for event_id, memory_id, version, event, old_text, new_text, at, change_id, actor, reason in rows
        )  # fmt: skip

    def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest turns of exactly this scope, oldest first."""
        rows = self._db.execute(
            f"""
            SELECT {EPISODE_COLUMNS} FROM episodes
            WHERE entry BETWEEN {_OWNER} << 24 AND ({_OWNER} << 24) + 16777215
                AND agent_id IS ? AND app_id IS ? AND run_id IS ? AND state <> 'hidden'
            ORDER BY entry DESC
            LIMIT ?
            """,
            [*_owner_key(scope), *_owner_key(scope), scope.agent_id, scope.app_id, scope.run_id, limit],
        ).fetchall()
        return tuple(episode_of(row) for row in reversed(rows))

    def counts(self, scope: Scope, size: int) -> Counts:
        """Counts of what is current and not hidden."""
        whose, values = scope_sql(scope)
        (memories,) = self._db.execute(f"SELECT count(*) FROM memories WHERE current AND {whose}", values).fetchone()
        episodes, pending, failed = self._db.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'failed')
            FROM episodes WHERE state <> 'hidden' AND {whose}
            """,
            values,
        ).fetchone()
        (owners,) = self._db.execute(
            f"""
            SELECT count(*) FROM (
                SELECT owner FROM memories WHERE current AND {whose}
                UNION
                SELECT owner FROM episodes WHERE state <> 'hidden' AND {whose}
            )
            """,
            [*values, *values],
        ).fetchone()
        return Counts(
            memories=memories,
            episodes=episodes,
            pending=pending,
            failed=failed,
            owners=owners,
            bytes=size,
        )


_MEMORY_WIDTH = MEMORY_COLUMNS.count(",") + 1

# The number of a scope's owner; takes the three values of `_owner_key`. Null, hence no row, where there is none.
_OWNER = "(SELECT number FROM owners WHERE project = ? AND kind = ? AND name = ?)"


def _owner_key(scope: Scope) -> list[str]:
    return [scope.project, *(scope.owner or ("", ""))]


def _further(spans: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Entries of the second and later windows of long texts."""
    for entry, span in spans[spans[:, 1] > 1].tolist():
        yield np.arange(entry + 1, entry + span, dtype=np.int64)


def _keys(ids: Iterable[str]) -> str:
    return json.dumps([[partition_of(record_id), record_id] for record_id in ids])


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{name.strip()}" for name in columns.split(","))
