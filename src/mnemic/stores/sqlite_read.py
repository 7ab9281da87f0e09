"""Everything the SQLite store reads, each method inside one snapshot."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.errors import InvalidInput
from mnemic.ids import partition_of
from mnemic.protocols import Candidate, Counts, Found, Page, Probe, Record, Space, Where
from mnemic.stores import blocks as pack
from mnemic.stores.sqlite_sql import (
    EPISODE_COLUMNS,
    EPISODE_FIELDS,
    MEMORY_COLUMNS,
    MEMORY_FIELDS,
    episode_of,
    filter_sql,
    memory_of,
    scope_sql,
)
from mnemic.times import iso
from mnemic.types import Episode, HistoryEvent, Memory, Scope, Source

# The mean of a scope is taken over at most this many of its vectors, evenly spread: enough to know a
# mean of a few hundred dimensions to a few per cent of the spread, and one pass less over large stores.
_MEAN_SAMPLE = 4096

# Codes are turned into floats this many at a time: 16,384 rows of 384 are 25 MB.
_CHUNK = 16_384

# The eight-bit scan keeps this many times the wanted rows for exact rescoring; its error on a cosine
# is below 0.001, so a row further down cannot belong among the best.
_RESCORE = 2


class Reader:
    """One read transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def space(self) -> Space | None:
        """The active embedding space."""
        row = self._db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone()
        return None if row is None else Space(name=row[0], dimensions=row[1])

    # Search.

    def find(self, probe: Probe) -> Found:
        """Read the scope's blocks, score their rows, name the best."""
        blocks = self._blocks(probe.where.scope)
        if not len(blocks.entries):
            return Found(candidates=(), asked=0.0, searched=0)
        eligible = self._eligible(blocks, probe.where)
        rows = ranking.Rows(
            eligible=eligible,
            before=pack.places(blocks, blocks.marks["before"]),
            turn=_own_if_none(pack.places(blocks, blocks.marks["turn"])),
            terms=blocks.terms,
            starts=blocks.starts,
        )
        similarity = self._similarity(blocks, eligible, probe)
        scored, asked = ranking.arms(rows, similarity, probe.terms, probe.limit)
        names = self._names([int(blocks.entries[hit.row]) for hit in scored])
        found = [
            Candidate(
                id=names[int(blocks.entries[hit.row])],
                similarity=hit.similarity,
                keyword=hit.keyword,
                coverage=hit.coverage,
                said_at=datetime.fromtimestamp(int(blocks.marks["said"][hit.row]) / 1000, UTC),
            )
            for hit in scored
        ]
        return Found(candidates=tuple(found), asked=asked, searched=int(eligible.sum()))

    def _blocks(self, scope: Scope) -> pack.Blocks:
        """The index of a scope: one range for a user, the rows an id's own index names for others."""
        owner = scope.owner
        if owner is not None and (owner[0] != "user_id" or len(scope.ids) > 1):
            return self._picked_blocks(scope)
        whose, values = "o.project = ?", [scope.project]
        if owner is not None:
            whose, values = "o.project = ? AND o.kind = ? AND o.name = ?", [scope.project, *owner]
        return pack.flatten(
            self._db.execute(
                f"""
                SELECT b.block, b.marks, b.terms
                FROM owners AS o
                JOIN blocks AS b ON b.block BETWEEN o.number << 18 AND (o.number << 18) + 262143
                WHERE {whose}
                ORDER BY b.block
                """,  # noqa: S608 - fixed text, bound values
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
            """,  # noqa: S608
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
            alive = (marks["expires"] == 0) | (marks["expires"] > _ms(where.now))
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
            """,  # noqa: S608
            [*values, *memory_values, *values, *episode_values],
        )
        return np.array([row[0] for row in rows], dtype=np.int64)

    def _similarity(self, blocks: pack.Blocks, eligible: ranking.Mask, probe: Probe) -> ranking.Floats | None:
        """Centred cosine of each row, -inf where a row has no vector; exact for the best rows."""
        space = self._db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
        if probe.vectors is None or space is None:
            return None
        heads = np.arange(len(blocks.entries)) - blocks.marks["head"].astype(np.int64)
        heads = np.where(heads >= 0, heads, 0)
        wanted = np.flatnonzero(eligible[heads])
        codes = self._codes(space[0], space[1], blocks, wanted)
        kept = codes["scale"] > 0
        codes, wanted = codes[kept], wanted[kept]
        if not len(wanted):
            return None
        cjk = blocks.marks["cjk"][wanted].astype(np.bool_)
        question = ranking.Centred(probe.vectors, probe.side, _means(codes, cjk, probe))
        approximate = np.concatenate(
            [
                question.cosine(
                    (part["codes"].astype(np.float32) @ question.probes) * part["scale"][:, None], cjk[at : at + _CHUNK]
                )
                for at in range(0, len(codes), _CHUNK)
                for part in [codes[at : at + _CHUNK]]
            ]
        )
        best = ranking.top(approximate, np.ones(len(wanted), np.bool_), probe.limit * _RESCORE)
        exact = self._exact(space[0], space[1], blocks.entries[wanted[best]])
        approximate[best] = question.cosine(exact @ question.probes, cjk[best])
        out = np.full(len(blocks.entries), -np.inf, dtype=np.float32)
        np.maximum.at(out, heads[wanted], approximate)
        return out

    def _codes(self, space: int, dimensions: int, blocks: pack.Blocks, wanted: NDArray[np.int64]) -> NDArray[np.void]:
        """Codes of the wanted rows, in their order."""
        numbers = blocks.entries >> pack.BLOCK_BITS
        needed = np.unique(numbers[wanted])
        if not len(needed):
            return np.zeros(0, dtype=pack.code_type(dimensions))
        rows = self._db.execute(
            f"""
            SELECT block, codes FROM vectors_{space:d}
            WHERE block IN (SELECT value FROM json_each(?)) ORDER BY block
            """,  # noqa: S608
            [json.dumps(needed.tolist())],
        ).fetchall()
        flat = np.frombuffer(b"".join(row[1] for row in rows), dtype=pack.code_type(dimensions))
        sizes = np.array([len(row[1]) for row in rows], dtype=np.int64) // max(flat.dtype.itemsize, 1)
        first = np.cumsum(sizes) - sizes
        at = np.searchsorted(needed, numbers[wanted])
        return flat[first[at] + (blocks.entries[wanted] & (pack.BLOCK - 1))]

    def _exact(self, space: int, dimensions: int, entries: NDArray[np.int64]) -> ranking.Floats:
        rows = dict(
            self._db.execute(
                f"SELECT entry, vector FROM exact_{space:d} WHERE entry IN (SELECT value FROM json_each(?))",  # noqa: S608
                [json.dumps(entries.tolist())],
            ).fetchall()
        )
        flat = np.frombuffer(b"".join(rows[int(entry)] for entry in entries), dtype="<f2")
        return flat.reshape(-1, dimensions).astype(np.float32)

    def _names(self, entries: list[int]) -> dict[int, str]:
        wanted = json.dumps(entries)
        rows = self._db.execute(
            """
            SELECT entry, id FROM episodes WHERE entry IN (SELECT value FROM json_each(?1))
            UNION ALL
            SELECT entry, id FROM memories WHERE current AND entry IN (SELECT value FROM json_each(?1))
            """,
            [wanted],
        )
        return dict(rows.fetchall())  # a current memory comes after, and replaces, the episode it shares an entry with

    # Records.

    def load(self, ids: Sequence[str]) -> dict[str, Record]:
        """Current or last versions of memories, and episodes."""
        found: dict[str, Record] = {}
        keys = _keys(ids)
        for row in self._rows(
            f"""
            SELECT {_prefixed("e", EPISODE_COLUMNS)} FROM json_each(?) AS k
            JOIN episodes AS e ON e.partition = k.value ->> 0 AND e.id = k.value ->> 1
            """,  # noqa: S608
            [keys],
        ):
            found[row["id"]] = episode_of(row)
        rows = self._rows(
            f"""
            SELECT {_prefixed("m", MEMORY_COLUMNS)} FROM json_each(?) AS k
            JOIN memories AS m ON m.partition = k.value ->> 0 AND m.id = k.value ->> 1
            ORDER BY m.version
            """,  # noqa: S608
            [keys],
        )
        last = {row["id"]: row for row in rows}
        found.update((memory.id, memory) for memory in self._memories(last.values()))
        return found

    def _memories(self, rows: Iterable[sqlite3.Row]) -> list[Memory]:
        """Memories with their sources, in the order of the rows."""
        rows = list(rows)
        sources: dict[str, list[tuple[Source, str]]] = {}
        for row in self._rows(
            """
            SELECT s.memory_id, s.episode_id, s.quote, e.said_at FROM json_each(?) AS k
            JOIN sources AS s ON s.partition = k.value ->> 0 AND s.memory_id = k.value ->> 1
            JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
            ORDER BY e.entry
            """,
            [_keys(row["id"] for row in rows)],
        ):
            source = Source(episode_id=row["episode_id"], quote=row["quote"])
            sources.setdefault(row["memory_id"], []).append((source, row["said_at"]))
        memories = []
        for row in rows:
            cited = sources.get(row["id"], [])
            memories.append(memory_of(row, tuple(source for source, _ in cited), cited[0][1] if cited else None))
        return memories

    def standing(self, scope: Scope, keys: Sequence[str]) -> dict[str, Memory]:
        """Current memories by their `once` key."""
        rows = self._rows(
            f"""
            SELECT {MEMORY_COLUMNS}, once FROM memories
            WHERE partition = ? AND current AND once IN (SELECT value FROM json_each(?))
            """,  # noqa: S608
            [scope.partition, json.dumps(list(keys))],
        )
        return dict(zip((row["once"] for row in rows), self._memories(rows), strict=True))

    def page(self, where: Where, limit: int, cursor: str | None) -> Page:
        """Memories, newest first."""
        if cursor is not None and partition_of(cursor) is None:
            raise InvalidInput(f"cursor must be a next_cursor of an earlier page, not {cursor!r}")
        matching, values = scope_sql(where.scope)
        if not where.expired:
            matching += " AND (expires_at IS NULL OR expires_at > ?)"
            values.append(iso(where.now))
        if where.filter is not None:
            filtering, filter_values = filter_sql(where.filter, MEMORY_FIELDS)
            matching += f" AND {filtering}"
            values += filter_values
        total = self._db.execute(f"SELECT count(*) FROM memories WHERE current AND {matching}", values).fetchone()[0]  # noqa: S608
        rows = self._rows(
            f"""
            SELECT {MEMORY_COLUMNS} FROM memories
            WHERE current AND {matching} AND id < ?
            ORDER BY id DESC
            LIMIT ?
            """,  # noqa: S608
            [*values, cursor or "g", limit + 1],  # ids are hexadecimal: all sort before "g"
        )
        memories = tuple(self._memories(rows[:limit]))
        return Page(memories=memories, total=total, next_cursor=memories[-1].id if len(rows) > limit else None)

    def history(self, memory_id: str) -> tuple[HistoryEvent, ...]:
        """Oldest first."""
        rows = self._rows(
            "SELECT * FROM history WHERE partition = ? AND memory_id = ? ORDER BY id",
            [partition_of(memory_id), memory_id],
        )
        return tuple(
            HistoryEvent(
                id=row["id"],
                memory_id=row["memory_id"],
                version=row["version"],
                event=row["event"],
                old_text=row["old_text"],
                new_text=row["new_text"],
                at=datetime.fromisoformat(row["at"]),
                change_id=row["change_id"],
                actor=row["actor"],
                reason=row["reason"],
            )
            for row in rows
        )

    def last_turns(self, scope: Scope, limit: int) -> tuple[Episode, ...]:
        """The newest turns of exactly this scope, oldest first."""
        rows = self._rows(
            f"""
            SELECT {EPISODE_COLUMNS} FROM episodes
            WHERE entry IN (
                SELECT entry FROM episodes
                WHERE entry BETWEEN (SELECT number FROM owners WHERE project = ?1 AND kind = ?2 AND name = ?3) << 24
                    AND ((SELECT number FROM owners WHERE project = ?1 AND kind = ?2 AND name = ?3) << 24) + 16777215
                AND agent_id IS ?4 AND app_id IS ?5 AND run_id IS ?6 AND state <> 'hidden'
                ORDER BY entry DESC
                LIMIT ?7
            )
            ORDER BY entry
            """,  # noqa: S608
            [scope.project, *(scope.owner or ("", "")), scope.agent_id, scope.app_id, scope.run_id, limit],
        )
        return tuple(episode_of(row) for row in rows)

    def counts(self, scope: Scope, size: int) -> Counts:
        """Counts of what is current and not hidden."""
        whose, values = scope_sql(scope)
        memories, owners = self._db.execute(
            f"SELECT count(*), count(DISTINCT entry >> 24) FROM memories WHERE current AND {whose}",  # noqa: S608
            values,
        ).fetchone()
        episodes, pending, failed, episode_owners = self._db.execute(
            f"""
            SELECT count(*), count(*) FILTER (WHERE state = 'pending'), count(*) FILTER (WHERE state = 'failed'),
                count(DISTINCT entry >> 24)
            FROM episodes WHERE state <> 'hidden' AND {whose}
            """,  # noqa: S608
            values,
        ).fetchone()
        return Counts(
            memories=memories,
            episodes=episodes,
            pending=pending,
            failed=failed,
            owners=max(owners, episode_owners),
            bytes=size,
        )

    def _rows(self, query: str, values: Sequence[Any]) -> list[sqlite3.Row]:
        cursor = self._db.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(query, values).fetchall()


def _means(codes: NDArray[np.void], cjk: NDArray[np.bool_], probe: Probe) -> dict[str, ranking.Floats | None]:
    sums: dict[str, tuple[ranking.Floats, int]] = {}
    for name, mine in (("other", ~cjk), ("cjk", cjk)):
        index = np.flatnonzero(mine)
        if len(index):
            sample = codes[index[:: -(-len(index) // _MEAN_SAMPLE)]]
            mean = np.asarray(sample["scale"] @ sample["codes"].astype(np.float32) / len(sample), np.float32)
            sums[name] = (mean * len(index), len(index))
    return {name: ranking.centre(probe.calibration.means, sums, name) for name in ranking.SIDES}


def _own_if_none(places: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.where(places >= 0, places, np.arange(len(places)))


def _further(spans: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Entries of the second and later windows of long texts."""
    for entry, span in spans[spans[:, 1] > 1].tolist():
        yield np.arange(entry + 1, entry + span, dtype=np.int64)


def _keys(ids: Iterable[str]) -> str:
    return json.dumps([[partition_of(record_id), record_id] for record_id in ids])


def _prefixed(alias: str, columns: str) -> str:
    return ", ".join(f"{alias}.{name.strip()}" for name in columns.split(","))


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)
