"""Removing every byte: of a scope, or of the whole store.

Rows are deleted, and their places in the packed index are overwritten. What the database still keeps of former pages
is its engine's to remove.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mnemic.protocols import SetState
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.delete import leave_to_other_runs
from mnemic.stores.relational.entities import drop_names, names_used
from mnemic.stores.relational.index import NEXT_DECISION, Index, Owners, a_count, lock_all, mark_time
from mnemic.stores.relational.predicates import episodes_sql, memories_sql, owner_key, scope_sql
from mnemic.stores.relational.queue import set_state
from mnemic.text import says_more
from mnemic.types import DERIVED_KINDS, Scope

Key = tuple[int, str]
"""Partition and id."""


def erase(db: Db, scope: Scope) -> dict[str, int]:
    """Delete what is the scope's, and what rests on nothing else or says what else nobody told. What went: see `Store`."""
    lock_all(db, scope)
    index, owners = Index(db), Owners(db)
    if scope.run_id is not None:
        leave_to_other_runs(db, scope, owners, "any")
    episodes = _episodes(db, scope)
    memories, shared = _memories(db, scope, episodes)
    whose, values = scope_sql(scope)
    unread: list[Key] = []
    if scope.ids:  # of a whole project nothing stays
        changes = {name for (name,) in db.execute(f"SELECT id FROM changes WHERE {whose}", values)}
        worded = _worded(db, changes, shared, episodes)
        memories |= worded | _derived(db, shared)
        unread = _unread(db, memories, worded, episodes)
        _come_back(db, index, memories, changes, {entry >> pack.SEQUENCE_BITS for entry, _ in episodes.values()})
    used = names_used(db, _json(memories))
    gone = {"memories": len(memories), "episodes": len(episodes)}
    places = _delete_memories(db, memories, gone)
    gone["sources"] += _delete(db, "sources", "episode_id", _json(episodes))
    _delete(db, "episodes", "id", _json(episodes))
    places += episodes.values()
    for table in ("tombstones", "changes", *(() if scope.ids else ("usage",))):
        gone[table] = db.execute(f"DELETE FROM {table} WHERE {whose}", values).rowcount
    gone["entities"] = drop_names(db, scope, used)
    for key, lost in shared.items():
        if key not in memories:
            _keep_the_rest(db, index, key, lost)
    for _, episode_id in unread:
        set_state(db, index, SetState(episode_id=episode_id, state="pending", attempts=0))
    if unread:
        gone["pending"] = len(unread)
    vacant = _free(db, index, places)
    index.flush()
    gone["vectors"] = _vacate(db, vacant)
    owners.flush()
    _drop_owners(db, scope, {entry >> pack.SEQUENCE_BITS for entry, _ in places})
    return gone


# What goes.


def _episodes(db: Db, scope: Scope) -> dict[Key, tuple[int, int]]:
    """Entry and span of each episode of the scope."""
    whose, values = episodes_sql(db, scope)
    rows = db.execute(f"SELECT partition, id, entry, span FROM episodes WHERE {whose}", values)
    return {(partition, name): (entry, span) for partition, name, entry, span in rows}


def _memories(db: Db, scope: Scope, episodes: Iterable[Key]) -> tuple[set[Key], dict[Key, int]]:
    """The memories that go: the scope's, and others' without a source elsewhere. Of those that stay, sources lost."""
    whose, values = memories_sql(db, scope, "any")
    going = set(db.execute(f"SELECT DISTINCT partition, id FROM memories WHERE {whose}", values).fetchall())
    lost: dict[Key, int] = {
        (partition, memory_id): count
        for partition, memory_id, count in db.execute(
            f"""
            SELECT s.partition, s.memory_id, count(*) FROM {db.KEYS} AS k
            {db.THEN} sources AS s ON s.partition = k.partition AND s.episode_id = k.id
            GROUP BY s.partition, s.memory_id
            """,
            [_json(episodes)],
        )
        if (partition, memory_id) not in going
    }
    every = db.execute(
        f"""
        SELECT s.partition, s.memory_id, count(*) FROM {db.KEYS} AS k
        {db.THEN} sources AS s ON s.partition = k.partition AND s.memory_id = k.id
        GROUP BY s.partition, s.memory_id
        """,
        [_json(lost)],
    ).fetchall()
    alone = {(partition, name) for partition, name, count in every if count == lost[partition, name]}
    return going | alone, {key: count for key, count in lost.items() if key not in alone}


def _worded(db: Db, changes: set[str], shared: Iterable[Key], episodes: Iterable[Key]) -> set[Key]:
    """Of memories that lose some of their sources, those that say what only these told."""
    told = db.execute(
        f"""
        SELECT m.partition, m.id, m.text, m.metadata, (
            SELECT max(h.change_id) FROM history AS h
            WHERE h.partition = m.partition AND h.memory_id = m.id AND h.version = m.version AND h.event <> 'DELETE'
        ) FROM {db.KEYS} AS k
        {db.THEN} memories AS m ON m.partition = k.partition AND m.id = k.id
        """,
        [_json(shared)],
    )
    theirs = [((partition, name), words, more) for partition, name, words, more, by in told if by in changes]
    erased, left = set(episodes), defaultdict[Key, list[str]](list)
    for partition, memory_id, episode_id, content in db.execute(
        f"""
        SELECT DISTINCT s.partition, s.memory_id, e.id, e.content FROM {db.KEYS} AS k
        {db.THEN} sources AS s ON s.partition = k.partition AND s.memory_id = k.id
        {db.THEN} episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
        """,
        [_json({key for key, *_ in theirs})],
    ):
        if (partition, episode_id) not in erased:
            left[partition, memory_id].append(content)
    return {key for key, words, metadata in theirs if metadata != "{}" or says_more(words, left[key])}


def _derived(db: Db, shared: Iterable[Key]) -> set[Key]:
    """Of memories that lose some of their sources, those that repeat what others say."""
    kinds = ", ".join("?" * len(DERIVED_KINDS))
    return set(
        db.execute(
            f"""
            SELECT DISTINCT m.partition, m.id FROM {db.KEYS} AS k
            {db.THEN} memories AS m ON m.partition = k.partition AND m.id = k.id AND m.kind IN ({kinds})
            """,
            [_json(shared), *DERIVED_KINDS],
        )
    )


def _unread(db: Db, memories: set[Key], worded: set[Key], episodes: Iterable[Key]) -> list[Key]:
    """Episodes that stay, and are to be read again: those of worded memories, or of which all memories go."""
    rows = db.execute(
        f"""
        SELECT DISTINCT e.partition, e.id, o.memory_id FROM {db.KEYS} AS k
        {db.THEN} sources AS s ON s.partition = k.partition AND s.memory_id = k.id
        {db.THEN} episodes AS e ON e.partition = s.partition AND e.id = s.episode_id AND e.state = 'done'
        {db.THEN} sources AS o ON o.partition = e.partition AND o.episode_id = e.id
        """,
        [_json(memories)],
    )
    erased = set(episodes)
    citing: dict[Key, set[Key]] = defaultdict(set)
    for partition, episode_id, memory_id in rows:
        citing[partition, episode_id].add((partition, memory_id))
    return [key for key, cited in citing.items() if key not in erased and (cited & worded or cited <= memories)]


def _delete_memories(db: Db, memories: Iterable[Key], gone: dict[str, int]) -> list[tuple[int, int]]:
    """Every version, with all that hangs on it. Returns entries and spans."""
    keys = _json(memories)
    for table in ("sources", "history", "feedback", "relations", "mentions", "runs"):
        gone[table] = _delete(db, table, "memory_id", keys)
    _delete(db, "outbox", "memory_id", keys)
    rows = db.execute(
        f"""
        DELETE FROM memories WHERE (partition, id) IN (SELECT k.partition, k.id FROM {db.KEYS} AS k)
        RETURNING entry, span
        """,
        [keys],
    ).fetchall()
    gone["versions"] = len(rows)
    return rows


def _delete(db: Db, table: str, column: str, keys: str) -> int:
    query = f"DELETE FROM {table} WHERE (partition, {column}) IN (SELECT k.partition, k.id FROM {db.KEYS} AS k)"
    return db.execute(query, [keys]).rowcount


# What stays.


def _come_back(db: Db, index: Index, going: set[Key], changes: set[str], owners: Iterable[int]) -> None:
    """Memories that only what goes ended, or took the place of, are current again.

    Where something else has taken the place of that since, it has now taken theirs.
    """
    named = db.execute(
        f"""
        SELECT DISTINCT m.owner FROM {db.KEYS} AS k
        {db.THEN} memories AS m ON m.partition = k.partition AND m.id = k.id
        """,
        [_json(going)],
    )
    ended: dict[Key, tuple[int, str | None, str | None]] = {}
    for owner in {*owners, *(number for (number,) in named)}:
        here, values = db.between("entry", owner << pack.SEQUENCE_BITS, (owner + 1 << pack.SEQUENCE_BITS) - 1)
        rows = db.execute(
            f"""
            SELECT partition, id, entry, retired_by, (
                SELECT max(h.change_id) FROM history AS h
                WHERE h.partition = m.partition AND h.memory_id = m.id AND h.version = m.version AND h.event = 'DELETE'
            ) FROM memories AS m WHERE retire_reason = 'superseded' AND {here}
            """,
            values,
        )
        ended |= {(partition, name): (entry, by, change_id) for partition, name, entry, by, change_id in rows}

    def is_over(key: Key) -> bool:
        _, by, change_id = ended[key]
        return change_id not in changes if by is None else (key[0], by) not in going

    for key, (entry, by, _) in ended.items():
        if key in going or is_over(key):
            continue
        heir: Key | None = None if by is None else (key[0], by)
        passed = {key}
        while heir in ended and heir not in passed and not is_over(heir):
            passed.add(heir)
            further = ended[heir][1]
            heir = None if further is None else (key[0], further)
        if heir in ended and is_over(heir):
            _pass_on(db, key, heir)
        else:
            _renew(db, index, key, entry)


def _renew(db: Db, index: Index, key: Key, entry: int) -> None:
    """Make a superseded memory current, as though nothing had taken its place."""
    for table in ("outbox", "history"):
        db.execute(
            f"""
            DELETE FROM {table} WHERE partition = ?1 AND memory_id = ?2 AND id IN (
                SELECT h.id FROM history AS h
                JOIN memories AS m ON m.partition = h.partition AND m.id = h.memory_id AND m.version = h.version
                WHERE h.partition = ?1 AND h.memory_id = ?2 AND h.event = 'DELETE' AND m.entry = ?3
            )
            """,
            [*key, entry],
        )
    db.execute(
        """
        UPDATE memories SET current = true, known_to = NULL, updated_at = known_from, valid_to = valid_before,
            valid_before = NULL, retired_by = NULL, retire_reason = NULL, once = CASE WHEN NOT EXISTS (
                SELECT 1 FROM memories AS o WHERE o.current AND o.owner = memories.owner AND o.once = memories.once
            ) THEN once END
        WHERE partition = ? AND entry = ?
        """,
        [key[0], entry],
    )
    index.set(entry, memory=pack.memory_mark(current=True, reason="superseded"))


def _pass_on(db: Db, key: Key, heir: Key) -> None:
    """End a memory when, and by what, another one ended."""
    db.execute(
        """
        UPDATE memories SET known_to = o.known_to, updated_at = o.updated_at, valid_to = o.valid_to,
            retired_by = o.retired_by
        FROM memories AS o
        WHERE memories.partition = ?1 AND memories.id = ?2 AND memories.retire_reason = 'superseded'
            AND o.partition = ?1 AND o.id = ?3 AND o.retire_reason = 'superseded'
        """,
        [*key, heir[1]],
    )
    db.execute(
        """
        UPDATE history SET at = o.at, change_id = o.change_id, reason = o.reason
        FROM history AS o
        WHERE history.partition = ?1 AND history.memory_id = ?2 AND history.event = 'DELETE'
            AND history.version = (SELECT max(version) FROM memories WHERE partition = ?1 AND id = ?2)
            AND o.partition = ?1 AND o.memory_id = ?3 AND o.event = 'DELETE'
            AND o.version = (SELECT max(version) FROM memories WHERE partition = ?1 AND id = ?3)
        """,
        [*key, heir[1]],
    )


def _keep_the_rest(db: Db, index: Index, key: Key, lost: int) -> None:
    """A memory whose evidence partly went rests on what is left, and dates from there."""
    said = [
        datetime.fromisoformat(at)
        for (at,) in db.execute(
            """
            SELECT e.said_at FROM sources AS s
            JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
            WHERE s.partition = ? AND s.memory_id = ?
            """,
            key,
        )
    ]
    rows = db.execute(
        """
        UPDATE memories SET proof_count = CASE WHEN proof_count > ?1 THEN proof_count - ?1 ELSE 1 END, said_at = CASE WHEN said_at IS NOT NULL THEN ?2 END
        WHERE partition = ?3 AND id = ?4
        RETURNING entry, said_at
        """,
        [lost, min(said).isoformat(), *key],
    ).fetchall()
    for entry, at in rows:
        if at is not None:
            index.set(entry, said=mark_time(min(said)))


def _free(db: Db, index: Index, places: Iterable[tuple[int, int]]) -> list[int]:
    """Entries of which nothing is left. A place that a message and a memory shared is kept for the one that stays."""
    every, values = db.at("entry", [entry for entry, _ in places])
    messages = {entry for (entry,) in db.execute(f"SELECT entry FROM episodes WHERE {every}", values)}
    memories = {entry for (entry,) in db.execute(f"SELECT entry FROM memories WHERE {every}", values)}
    for entry in memories - messages:
        index.set(entry, episode=0, before=0)
    for entry in messages - memories:
        index.set(entry, memory=pack.NO_MEMORY, expires=pack.NEVER)
    free = {entry: span for entry, span in places if entry not in messages and entry not in memories}
    return sorted(entry + offset for entry, span in free.items() for offset in range(span))


def _vacate(db: Db, entries: list[int]) -> int:
    """Overwrite these places of the index; how many vectors went."""
    spaces = db.execute("SELECT number, dimensions FROM spaces").fetchall()
    vectors = 0
    here, values = db.at("entry", entries)
    for number, _ in spaces:
        vectors += db.execute(f"DELETE FROM exact_{number:d} WHERE {here}", values).rowcount
    blocks: dict[int, list[int]] = defaultdict(list)
    for entry in entries:
        blocks[entry >> pack.BLOCK_BITS].append(entry & (pack.BLOCK - 1))
    for block, places in blocks.items():
        which, values = db.at("block", [block])
        found = db.execute(f"SELECT marks, terms FROM blocks WHERE {which}", values).fetchone()
        marks = np.frombuffer(found[0], dtype=pack.MARK).copy()
        stays = np.ones(len(marks), dtype=np.bool_)
        stays[places] = False
        terms = np.frombuffer(found[1], dtype=pack.TERM)[np.repeat(stays, marks["terms"])]
        marks[~stays] = np.zeros(1, dtype=pack.MARK)
        if len(marks) == pack.BLOCK and not marks.tobytes().strip(b"\0"):  # one that is not full is still added to
            db.execute(f"DELETE FROM blocks WHERE {which}", values)
        else:
            update = f"UPDATE blocks SET marks = ?, terms = ? WHERE {which}"
            db.execute(update, [marks.tobytes(), terms.tobytes(), *values])
        for number, dimensions in spaces:
            _vacate_codes(db, f"vectors_{number:d}", pack.code_type(dimensions), block, stays)
    return vectors


def _vacate_codes(db: Db, table: str, kind: np.dtype[np.void], block: int, stays: NDArray[np.bool_]) -> None:
    which, values = db.at("block", [block])
    found = db.execute(f"SELECT codes FROM {table} WHERE {which}", values).fetchone()
    if found is None:
        return
    codes = np.frombuffer(found[0], dtype=kind).copy()
    codes[~stays[: len(codes)]] = np.zeros(1, dtype=kind)
    if codes["scale"].any():
        db.execute(f"UPDATE {table} SET codes = ? WHERE {which}", [codes.tobytes(), *values])
    else:
        db.execute(f"DELETE FROM {table} WHERE {which}", values)


def _drop_owners(db: Db, scope: Scope, touched: set[int]) -> None:
    """Owners with nothing left go, with their names; what others hold of the rest's index is no longer true."""
    if scope.ids:
        own = db.execute(f"SELECT {db.OWNER}", owner_key(scope)).fetchall()
    else:
        own = db.execute("SELECT number FROM owners WHERE project = ?", [scope.project]).fetchall()
    spaces = db.execute("SELECT number FROM spaces").fetchall()
    for number in touched | {each for (each,) in own if each is not None}:
        here = db.between("entry", number << 24, (number << 24) + 16777215)
        (left,) = db.execute(
            f"""
            SELECT EXISTS (SELECT 1 FROM episodes WHERE {here[0]}) OR EXISTS (SELECT 1 FROM memories WHERE {here[0]})
                OR EXISTS (SELECT 1 FROM entities WHERE owner = ?) OR EXISTS (SELECT 1 FROM tombstones WHERE owner = ?)
            """,
            [*here[1], *here[1], number, number],
        ).fetchone()
        if left:
            count = f"UPDATE owners SET changes = changes + 1, decisions = {NEXT_DECISION} WHERE number = ?"
            db.execute(count, [a_count(), number])
            continue
        for table in ("blocks", *(f"vectors_{space:d}" for (space,) in spaces)):
            which, values = db.between("block", number << 18, (number << 18) + 262143)
            db.execute(f"DELETE FROM {table} WHERE {which}", values)
        db.execute("DELETE FROM names WHERE owner = ?", [number])
        db.execute("DELETE FROM owners WHERE number = ?", [number])


def _json(keys: Iterable[Key]) -> str:
    return json.dumps(list(keys))


# The whole store.


def reset(db: Db) -> None:
    """Remove every row, and the embedding spaces with their tables."""
    for (number,) in db.execute("SELECT number FROM spaces").fetchall():
        db.drop_space(number)
    for table in _TABLES:
        db.execute(f"DELETE FROM {table}")


_TABLES = (
    "spaces", "blocks", "outbox", "history", "sources", "runs", "memories", "episodes", "changes", "tombstones", "feedback",
    "usage", "mentions", "relations", "moves", "names", "entities", "owners",
)  # fmt: skip
