"""Where episodes stand: the queue of those that wait for extraction, and their states.

A conversation is the episodes of exactly one scope. One worker at a time has it, oldest first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from itertools import islice, takewhile
from typing import Any

from mnemic.errors import Conflict
from mnemic.ids import partition_of
from mnemic.protocols import SetState
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db, partition_at
from mnemic.stores.relational.index import Index
from mnemic.stores.relational.predicates import owner_key, scope_sql
from mnemic.stores.relational.rows import EPISODE_COLUMNS, episode_of, utc
from mnemic.types import Episode, Scope

Talk = tuple[int, str]
"""A conversation: its owner's number, and its agent, app and run as `Db.conversation` writes them."""

# As many of the oldest are looked at one by one. Where all belong to conversations that somebody works on,
# there are long ones among these, and conversations are gone through instead of messages.
_OLDEST = 2_000

# Of so many free conversations the one that waited longest is taken, where looking at all would take long.
_FREE = 500


def lease(db: Db, now: datetime, until: datetime, limit: int, scope: Scope | None) -> tuple[Episode, ...]:
    """The oldest due episodes of the conversation that has waited longest and that nobody works on."""
    passed: set[Talk] = set()
    while (chosen := _waiting_longest(db, now, scope, passed)) is not None:
        if entries := _taken(db, chosen, now, limit):
            return tuple(_begin(db, entry, until) for entry in entries)
        passed.add(chosen)
    return ()


def _taken(db: Db, talk: Talk, now: datetime, limit: int) -> list[int]:
    """The first entries of a conversation with the same task, locked; none when somebody else is taking it.

    Others may commit between any two statements: leases, and what ends them.
    """
    waiting = f"""
        SELECT entry, task FROM episodes {db.by("episodes_by_conversation")}
        WHERE state = 'pending' AND owner = ? AND conversation = ? AND (due_at IS NULL OR due_at <= ?)
        ORDER BY entry
        LIMIT ?
    """
    which = [*talk, utc(now)]
    first = db.execute(waiting, [*which, 1]).fetchone()
    # Whoever locks the first one has the conversation. It alone is locked, by its key: to skip to the first that is
    # free would lock others from under whoever has the first.
    if first is None or not _locked(db, first[0], now) or _is_held(db, talk, now):
        return []
    locked = db.execute(f"{waiting} {db.SKIP_LOCKED}", [*which, limit]).fetchall()
    all_of_it = db.execute(waiting, [*which, limit]).fetchall()
    # Up to the first that a writer has locked; and nobody had and leased earlier ones since they were looked at.
    rows = [mine for mine, each in takewhile(lambda pair: pair[0] == pair[1], zip(locked, all_of_it, strict=False))]
    if not rows or rows[0] != first or _is_held(db, talk, now):
        return []
    return [entry for entry, _ in takewhile(lambda row: row[1] == rows[0][1], rows)]


def _locked(db: Db, entry: int, now: datetime) -> bool:
    """Lock it, if nobody has and it is due."""
    query = f"""
        SELECT 1 FROM episodes
        WHERE partition = ? AND entry = ? AND state = 'pending' AND (due_at IS NULL OR due_at <= ?)
        {db.SKIP_LOCKED}
    """
    return db.execute(query, [partition_at("entry", entry), entry, utc(now)]).fetchone() is not None


def _begin(db: Db, entry: int, until: datetime) -> Episode:
    row = db.execute(
        f"""
        UPDATE episodes SET leased = true, due_at = ?, attempts = attempts + 1 WHERE partition = ? AND entry = ?
        RETURNING {EPISODE_COLUMNS}
        """,
        [utc(until), partition_at("entry", entry), entry],
    ).fetchone()
    return episode_of(row)


def renew(db: Db, held: Mapping[str, int], until: datetime) -> None:
    """Lengthen the leases of episodes, each at its attempt."""
    db.executemany(
        """
        UPDATE episodes SET due_at = ?
        WHERE partition = ? AND id = ? AND state = 'pending' AND leased AND attempts = ?
        """,
        [(utc(until), partition_of(name), name, attempts) for name, attempts in held.items()],
    )


def due(db: Db, scope: Scope | None) -> datetime | None:
    """The first moment at which `lease` gives something: now, a later try, or the end of a lease."""
    whose, values = ("true", []) if scope is None else scope_sql(scope)
    ends = f"SELECT max(due_at) FROM episodes WHERE leased AND {whose} GROUP BY owner, conversation"
    known = [end for (end,) in db.execute(ends, values)]
    if scope is None or scope.user_id is None:
        fresh, more_fresh = _oldest(db, scope, "received_at", "due_at IS NULL", [], None)
        later, more_later = _oldest(db, scope, "due_at", "due_at IS NOT NULL AND NOT leased", [], None)
        known += [found[0] for found in (fresh, later) if found is not None]
        by_talk = more_fresh or more_later
    else:
        by_talk = True
    if by_talk:
        free = (talk for talk in _talks(db, scope) if not _is_held(db, talk, None))
        known += islice((_first(db, talk, "due_at IS NULL", []) or _next_try(db, talk) for talk in free), _FREE)
    moments = [datetime.fromisoformat(each) for each in known if each is not None]
    return min(moments, default=None)


def _waiting_longest(db: Db, now: datetime, scope: Scope | None, passed: AbstractSet[Talk]) -> Talk | None:
    """The conversation to take next, but those passed: the scope's own if it is due, else the oldest."""
    is_due, at = "(due_at IS NULL OR due_at <= ?)", [utc(now)]
    own = None if scope is None else _own(db, scope)
    if own is not None and own not in passed and not _is_held(db, own, now) and _first(db, own, is_due, at) is not None:
        return own
    if scope is None or scope.user_id is None:
        fresh, more_fresh = _oldest(db, scope, "received_at", "due_at IS NULL", [], now, passed)
        again, more_again = _oldest(db, scope, "due_at", "due_at <= ?", at, now, passed)
        found = [row for row in (fresh, again) if row is not None]
        if found or not (more_fresh or more_again):
            return min(found, key=_age)[1] if found else None
    free = (
        (since, talk)
        for talk in _talks(db, scope)
        if talk not in passed and not _is_held(db, talk, now) and (since := _first(db, talk, is_due, at)) is not None
    )
    return min(islice(free, _FREE), key=_age, default=(None, None))[1]


def _oldest(
    db: Db,
    scope: Scope | None,
    moment: str,
    which: str,
    bound: list[Any],
    now: datetime | None,
    passed: AbstractSet[Talk] = frozenset(),
) -> tuple[tuple[str, Talk] | None, bool]:
    """The first episode of a free conversation by age, and whether there are more than were looked at."""
    whose, values = ("true", []) if scope is None else scope_sql(scope)
    oldest = f"""
        SELECT {moment}, owner, conversation FROM episodes {db.by("episodes_by_age")}
        WHERE state = 'pending' AND {which} AND {whose}
        ORDER BY {moment}
    """
    looked_at = 0
    held: dict[Talk, bool] = {}
    for since, owner, conversation in db.execute(f"{oldest} LIMIT {_OLDEST}", [*bound, *values]):
        looked_at += 1
        talk = (owner, conversation)
        if talk not in held:
            held[talk] = talk in passed or _is_held(db, talk, now)
        if not held[talk]:
            return (since, talk), False
    return None, looked_at == _OLDEST


def _talks(db: Db, scope: Scope | None) -> Iterator[Talk]:
    """Conversations of the scope with something pending, each found from the one before."""
    owner, talk = -1, ""
    next_talk, next_owner = "owner = ? AND conversation > ?", "owner > ?"
    if scope is not None and scope.user_id is not None:
        (owner,) = db.execute(f"SELECT {db.OWNER}", owner_key(scope)).fetchone()
        next_owner = "false AND owner > ?"
    whose, values = ("true", []) if scope is None else scope_sql(scope)
    while True:
        row = _pending(db, next_talk, [owner, talk]) or _pending(db, next_owner, [owner])
        if row is None:
            return
        owner, talk, entry = row
        which, bound = db.at("entry", [entry])
        if db.execute(f"SELECT 1 FROM episodes WHERE {which} AND {whose}", [*bound, *values]).fetchone():
            yield owner, talk


def _pending(db: Db, after: str, values: list[Any]) -> tuple[int, str, int] | None:
    """The first pending episode after a place in the order of conversations: owner, conversation, entry."""
    row: tuple[int, str, int] | None = db.execute(
        f"""
        SELECT owner, conversation, entry FROM episodes {db.by("episodes_by_conversation")}
        WHERE state = 'pending' AND {after}
        ORDER BY owner, conversation, entry
        LIMIT 1
        """,
        values,
    ).fetchone()
    return row


def _own(db: Db, scope: Scope) -> Talk | None:
    """The conversation of exactly this scope."""
    names = [scope.agent_id, scope.app_id, scope.run_id]
    (owner,) = db.execute(f"SELECT {db.OWNER}", owner_key(scope)).fetchone()
    return None if owner is None else (owner, db.conversation(names))


def _is_held(db: Db, talk: Talk, now: datetime | None) -> bool:
    """Whether somebody works on it (or ever began to, and did not end)."""
    query = (
        "SELECT 1 FROM episodes WHERE leased AND owner = ? AND conversation = ? AND due_at > coalesce(?, '') LIMIT 1"
    )
    return db.execute(query, [*talk, utc(now)]).fetchone() is not None


def _first(db: Db, talk: Talk, which: str, bound: list[Any]) -> str | None:
    """Since when the first of such episodes waits."""
    row = db.execute(
        f"""
        SELECT coalesce(due_at, received_at) FROM episodes {db.by("episodes_by_conversation")}
        WHERE state = 'pending' AND owner = ? AND conversation = ? AND {which}
        ORDER BY entry
        LIMIT 1
        """,
        [*talk, *bound],
    ).fetchone()
    return None if row is None else str(row[0])


def _next_try(db: Db, talk: Talk) -> str | None:
    """When the first of those that wait for a later try may be taken."""
    query = f"""
        SELECT min(due_at) FROM episodes {db.by("episodes_by_conversation")}
        WHERE state = 'pending' AND owner = ? AND conversation = ?
    """
    (found,) = db.execute(query, talk).fetchone()
    return None if found is None else str(found)


def _age(found: tuple[str, Talk]) -> datetime:
    return datetime.fromisoformat(found[0])


def set_state(db: Db, index: Index, change: SetState) -> None:
    """Move an episode, and keep what `undo` needs to move it back."""
    partition = partition_of(change.episode_id)
    row = db.execute(
        """
        SELECT entry, state, reason, attempts, run_id, changed_by, state_before, reason_before FROM episodes
        WHERE partition = ? AND id = ?
        """,
        [partition, change.episode_id],
    ).fetchone()
    if row is None:
        raise Conflict(f"episode {change.episode_id} is gone; decide again")
    entry, state, reason, attempts, run_id, changed_by, *before = row
    if change.held is not None and (state, attempts) != ("pending", change.held):
        raise Conflict(f"somebody else works on episode {change.episode_id} meanwhile, or it is done; leave it")
    if change.state != state and change.change_id is None:
        changed_by, before = None, [None, None]  # where it was is no longer where to go back to
    elif change.state != state and change.change_id != changed_by:
        changed_by, before = change.change_id, [state, reason]
    db.execute(
        """
        UPDATE episodes SET state = ?, reason = ?, attempts = coalesce(?, attempts), due_at = ?, leased = false,
            task = CASE WHEN ? THEN task END, changed_by = ?, state_before = ?, reason_before = ?
        WHERE partition = ? AND entry = ?
        """,
        [
            change.state, change.reason, change.attempts, utc(change.due_at) if change.state == "pending" else None,
            change.state in ("pending", "failed", "hidden"), changed_by, *before, partition, entry,
        ],
    )  # fmt: skip
    index.set(entry, episode=pack.EPISODE_STATES.index(change.state))
    if run_id is not None and state == "hidden" and change.state != "hidden":
        _say_again(db, partition, change.episode_id, run_id)
    elif run_id is not None and change.state == "hidden":
        _unsay(db, partition, change.episode_id, run_id)


def _say_again(db: Db, partition: int | None, episode_id: str, run_id: str) -> None:
    """A message that comes back makes the memories that still cite it its run's again."""
    cited = db.execute(
        """
        SELECT DISTINCT m.id FROM sources AS s
        JOIN memories AS m ON m.partition = s.partition AND m.id = s.memory_id AND m.current
        WHERE s.partition = ? AND s.episode_id = ?
        """,
        [partition, episode_id],
    ).fetchall()
    for (memory_id,) in cited:
        said_in(db, partition, memory_id, run_id)


def _unsay(db: Db, partition: int | None, episode_id: str, run_id: str) -> None:
    """Memories that still cite a message which is hidden are its run's only where another message says so."""
    db.execute(
        """
        DELETE FROM runs WHERE partition = ?1 AND run_id = ?2
            AND memory_id IN (
                SELECT s.memory_id FROM sources AS s
                JOIN memories AS m ON m.partition = s.partition AND m.id = s.memory_id AND m.current
                WHERE s.partition = ?1 AND s.episode_id = ?3
            )
            AND memory_id NOT IN (
                SELECT s.memory_id FROM sources AS s
                JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
                WHERE s.partition = ?1 AND s.memory_id = runs.memory_id AND e.run_id = ?2 AND e.state <> 'hidden'
            )
        """,
        [partition, run_id, episode_id],
    )


def said_in(db: Db, partition: int | None, memory_id: str, run_id: str | None) -> None:
    """Make a memory a run's, too, unless it is already."""
    if run_id is None:
        return
    db.execute(
        """
        INSERT INTO runs (partition, memory_id, run_id, project, place)
        SELECT partition, id, ?2, project,
            (SELECT coalesce(max(place) + 1, 0) FROM runs AS r WHERE r.partition = ?1 AND r.memory_id = ?3)
        FROM memories WHERE partition = ?1 AND id = ?3 AND (run_id IS NULL OR run_id <> ?2)
        ON CONFLICT DO NOTHING
        """,
        [partition, run_id, memory_id],
    )
