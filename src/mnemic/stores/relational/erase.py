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
from mnemic.types import Scope

Key = tuple[int, str]
"""Partition and id."""


def erase(db: Db, scope: Scope) -> dict[str, int]:
    """Delete what is the scope's, and what rests on nothing else. How many rows of each kind went."""
    lock_all(db, scope)
    index, owners = Index(db), Owners(db)
    if scope.run_id is not None:
        leave_to_other_runs(db, scope, owners, "any")
    episodes = _episodes(db, scope)
    memories, shared = _memories(db, scope, episodes)
    bereft = _bereft(db, memories, episodes)
    used = names_used(db, _json(memories))
    gone = {"memories": len(memories), "episodes": len(episodes)}
    places = _delete_memories(db, memories, gone)
    gone["sources"] += _delete(db, "sources", "episode_id", _json(episodes))
    _delete(db, "episodes", "id", _json(episodes))
    places += episodes.values()
    whose, values = scope_sql(scope)
    for table in ("tombstones", "changes", *(() if scope.ids else ("usage",))):
        gone[table] = db.execute(f"DELETE FROM {table} WHERE {whose}", values).rowcount
    gone["entities"] = drop_names(db, scope, used)
    for key, lost in shared.items():
        _keep_the_rest(db, index, key, lost)
    for _, episode_id in bereft:
        set_state(db, index, SetState(episode_id=episode_id, state="empty"))
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


def _bereft(db: Db, memories: Iterable[Key], episodes: Iterable[Key]) -> list[Key]:
    """Episodes that stay, and are represented by memories that all go."""
    rows = db.execute(
        f"""
        SELECT DISTINCT e.partition, e.id, o.memory_id FROM {db.KEYS} AS k
        {db.THEN} sources AS s ON s.partition = k.partition AND s.memory_id = k.id
        {db.THEN} episodes AS e ON e.partition = s.partition AND e.id = s.episode_id AND e.state = 'done'
        {db.THEN} sources AS o ON o.partition = e.partition AND o.episode_id = e.id
        """,
        [_json(memories)],
    )
    going, erased = set(memories), set(episodes)
    citing: dict[Key, set[Key]] = defaultdict(set)
    for partition, episode_id, memory_id in rows:
        citing[partition, episode_id].add((partition, memory_id))
    return [key for key, cited in citing.items() if key not in erased and cited <= going]


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
