"""Questions about the past: which versions and messages they may find, what changed since, what a slot was."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemic.lifetimes import Lifetime, Seen, Superseded, known, standing
from mnemic.protocols import Events, Where
from mnemic.stores.paging import event_place
from mnemic.stores.relational.called import called
from mnemic.stores.relational.db import Db, Predicate
from mnemic.stores.relational.filter import EPISODE_FIELDS, MEMORY_FIELDS, filter_sql
from mnemic.stores.relational.predicates import (
    Status,
    episodes_sql,
    keys_json,
    memories_sql,
    owner_key,
)
from mnemic.stores.relational.rows import (
    HISTORY_COLUMNS,
    MEMORY_COLUMNS,
    event_of,
    moment,
    prefixed,
    utc,
)
from mnemic.types import Memory, Scope

_LIFE_COLUMNS = (
    "id, version, known_from, known_to, valid_from, valid_to, valid_before, retire_reason, retired_by,"
    " superseded_by, superseded_to, superseded_until"
)
_EVERY: tuple[Status, ...] = ("current", "former")


class Past:
    """A scope as it was: of each memory the version that a question may find."""

    def __init__(self, db: Db, where: Where) -> None:
        self._db = db
        self._where = where
        self._filter = called(db, where)
        rows = {(row[2], row[3]): row for row in _scope_lives(db, where.scope)}
        mine = {name for name, _ in rows}
        lives = [row[2:] for row in rows.values()]
        if where.scope.run_id is not None:  # what they took the place of may have been said in other runs
            lives += (row[2:] for row in _lives(db, _replaced(db, mine) - mine))
        found = self._standing(lives)
        seen = {name: each for name, each in found.items() if name in mine}
        places = {name: rows[name, each.version] for name, each in seen.items()}
        self._taken = {row[0] for row in places.values()}
        self._seen = seen if where.memories else {}
        self.names = {places[name][0]: name for name in self._seen}
        """Entry -> id of the memories."""
        self.spans = [places[name][:2] for name in self._seen]
        """Their entries, and how many each takes."""

    def _standing(self, lives: Iterable[tuple[Any, ...]]) -> dict[str, Seen]:
        where = self._where
        return standing(map(_life_of, lives), as_of=where.as_of, known_at=where.known_at, superseded=where.superseded)

    def matching(self) -> Predicate:
        """The rows of memories that may be found."""
        return self._db.at("entry", list(self.names))

    def seen(self, memory: Memory) -> Memory:
        """A memory that was found, as it was known then."""
        return self._seen[memory.id].of(memory)

    def ends(self) -> dict[int, datetime | None]:
        """By entry, until when each memory held, as it was known then."""
        return {entry: self._seen[name].valid_to for entry, name in self.names.items()}

    def eligible(self) -> NDArray[np.int64]:
        """Entries of the memories and the messages that may be hits."""
        memories, values = self.matching()
        where = self._where
        if not where.expired:
            memories += " AND (expires_at IS NULL OR utc(expires_at) > ?)"
            values.append(utc(where.now))
        if self._filter is not None:
            filtering, filter_values = filter_sql(self._db, self._filter, MEMORY_FIELDS)
            memories += f" AND {filtering}"
            values += filter_values
        rows = self._db.execute(f"SELECT entry FROM memories WHERE {memories}", values).fetchall()
        return np.array([*(entry for (entry,) in rows), *self.messages], dtype=np.int64)

    @cached_property
    def messages(self) -> dict[int, str]:
        """Entry and id of the messages that may be hits: see `protocols.Where`."""
        where = self._where
        whose, values = episodes_sql(self._db, where.scope)
        chosen = f"state {self._db.IN}"
        values.append(self._db.listed(where.episodes))
        if where.known_at is not None:
            then = utc(where.known_at)
            chosen = f"""
                received_at <= ? AND ({chosen} OR (state = 'done' AND NOT EXISTS (
                    SELECT 1 FROM sources AS s
                    JOIN memories AS m ON m.partition = s.partition AND m.id = s.memory_id AND m.known_from <= ?
                    WHERE s.partition = episodes.partition AND s.episode_id = episodes.id
                )))"""
            values = [*values[:-1], then, values[-1], then]
        if self._filter is not None:
            filtering, filter_values = filter_sql(self._db, self._filter, EPISODE_FIELDS)
            chosen += f" AND {filtering}"
            values += filter_values
        rows = self._db.execute(
            f"SELECT entry, id, said_at FROM episodes WHERE {whose} AND {chosen}", values
        ).fetchall()
        found = {
            entry: name
            for entry, name, said in rows
            if entry not in self._taken and (where.as_of is None or datetime.fromisoformat(said) <= where.as_of)
        }
        if where.scope.run_id is not None:
            for entry in self._gone_elsewhere(found):
                del found[entry]
        return found

    def _gone_elsewhere(self, entries: Iterable[int]) -> set[int]:
        """Entries of messages whose memory, in the same words, has become another run's."""
        which, values = self._db.at("entry", list(entries))
        shared = self._db.execute(f"SELECT id FROM memories WHERE {which}", values)
        rows = {(row[2], row[3]): row for row in _lives(self._db, {name for (name,) in shared})}
        found = self._standing(row[2:] for row in rows.values())
        return {rows[name, seen.version][0] for name, seen in found.items()}.intersection(entries)


def _scope_lives(db: Db, scope: Scope) -> list[tuple[Any, ...]]:
    """Entry, span and times of every version of the scope's memories."""
    rows: list[tuple[Any, ...]] = []
    for status in _EVERY:
        whose, values = memories_sql(db, scope, status)
        rows += db.execute(f"SELECT entry, span, {_LIFE_COLUMNS} FROM memories WHERE {whose}", values)
    return rows


def _lives(db: Db, ids: Iterable[str]) -> list[tuple[Any, ...]]:
    """The same of memories by their ids."""
    return db.execute(
        f"""
        SELECT m.entry, m.span, {prefixed("m", _LIFE_COLUMNS)} FROM {db.KEYS} AS k
        JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
        """,
        [keys_json(ids)],
    ).fetchall()


def _replaced(db: Db, ids: Iterable[str]) -> set[str]:
    """Memories whose place these take, or took for a while."""
    by = db.listed(ids)
    return {
        name
        for column in ("retired_by", "superseded_by")
        for (name,) in db.execute(f"SELECT id FROM memories WHERE {column} {db.IN} AND {column} IS NOT NULL", [by])
    }


def _life_of(row: tuple[Any, ...]) -> Lifetime:
    (
        name, version, known_from, known_to, valid_from, valid_to, valid_before, reason, by, former_by, former_to, until,
    ) = row  # fmt: skip
    former = None
    if until is not None:
        former = Superseded(by=former_by, valid_to=moment(former_to), until=datetime.fromisoformat(until))
    return Lifetime(
        id=name,
        version=version,
        known_from=datetime.fromisoformat(known_from),
        known_to=moment(known_to),
        valid_from=moment(valid_from),
        valid_to=moment(valid_to),
        valid_before=moment(valid_before),
        reason=reason,
        by=by,
        was=former,
    )


def versions_known(db: Db, ids: Sequence[str], at: datetime) -> tuple[list[tuple[Any, ...]], dict[str, Seen]]:
    """Of each memory the row, from MEMORY_COLUMNS on, of the version that counted at a moment, and how it was seen."""
    rows = db.execute(
        f"""
        SELECT {prefixed("m", MEMORY_COLUMNS)}, {prefixed("m", _LIFE_COLUMNS)} FROM {db.KEYS} AS k
        JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
        """,
        [keys_json(ids)],
    ).fetchall()
    seen = known((_life_of(row[-_LIFE_WIDTH:]) for row in rows), at)
    return [row for row in rows if row[0] in seen and row[1] == seen[row[0]].version], seen


_LIFE_WIDTH = _LIFE_COLUMNS.count(",") + 1


# What changed since.


def changes(db: Db, scope: Scope, since: datetime, until: datetime | None, limit: int, cursor: str | None) -> Events:
    """Events of the scope's memories, oldest first. An owner's are one range by time."""
    after = ("", "") if cursor is None else event_place(cursor)
    owners, narrower, values = _owners(db, scope)
    window = f"h.owner {db.IN} AND h.at >= ? AND h.at < ?"
    bound: list[Any] = [
        db.listed(owners),
        utc(since),
        "A" if until is None else utc(until),
    ]  # digits sort before
    matching = f"FROM history AS h WHERE {window} AND {narrower}"
    total = db.execute(f"SELECT count(*) {matching}", [*bound, *values]).fetchone()[0]
    rows = db.execute(
        f"""
        SELECT {prefixed("h", HISTORY_COLUMNS)}, EXISTS (
            SELECT 1 FROM memories AS f
            WHERE f.partition = h.partition AND f.id = h.memory_id AND f.retire_reason = 'forgotten'
        ) {matching} AND (h.at, h.id) > (?, ?)
        ORDER BY h.at, h.id LIMIT ?
        """,
        [*bound, *values, *after, limit + 1],
    ).fetchall()
    events = tuple(event_of((*row[:4], None, None, *row[6:-1]) if row[-1] else row[:-1]) for row in rows[:limit])
    last = f"{rows[limit - 1][6]} {events[-1].id}" if len(rows) > limit else None
    return Events(events=events, total=total, next_cursor=last)


def _owners(db: Db, scope: Scope) -> tuple[list[int], str, list[Any]]:
    """Whose history to read, and what of it is the scope's."""
    if not scope.ids:
        rows = db.execute("SELECT number FROM owners WHERE project = ?", [scope.project])
        return [number for (number,) in rows], "true", []
    if tuple(scope.ids) == ("user_id",):
        return [each for (each,) in db.execute(f"SELECT {db.OWNER}", owner_key(scope)) if each is not None], "true", []
    mine: set[tuple[int, int, str]] = set()
    for status in _EVERY:
        whose, values = memories_sql(db, scope, status)
        mine.update(db.execute(f"SELECT owner, partition, id FROM memories WHERE {whose}", values))
    narrower = f"(h.partition, h.memory_id) IN (SELECT k.partition, k.id FROM {db.KEYS} AS k)"
    return sorted({owner for owner, *_ in mine}), narrower, [json.dumps([key for _, *key in mine])]


# A slot.


def slot_rows(db: Db, scope: Scope, slot: str) -> Iterable[tuple[Any, ...]]:
    """Rows, from MEMORY_COLUMNS, of every version that had a slot."""
    owner, key = ("", []) if scope.user_id is None else (f" AND owner = {db.OWNER}", owner_key(scope))
    for status in _EVERY:
        whose, values = memories_sql(db, scope, status)
        yield from db.execute(
            f"SELECT {MEMORY_COLUMNS} FROM memories WHERE slot = ? AND {whose}{owner}", [slot, *values, *key]
        )
