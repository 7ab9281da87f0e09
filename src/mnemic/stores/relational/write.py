"""One decision, carried out in one transaction: rows in the order of `Write`, then the index of all of them at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mnemic import text
from mnemic.errors import Conflict
from mnemic.ids import new_id, partition_of
from mnemic.protocols import Annotate, NewEntity, NewEpisode, NewMemory, Proof, Retire, SetState, Write
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db, Insert, Taken
from mnemic.stores.relational.entities import write_entity
from mnemic.stores.relational.index import Index, Owners, link, mark_time
from mnemic.stores.relational.predicates import keys_json, owner_key
from mnemic.stores.relational.queue import said_in, set_state
from mnemic.stores.relational.rows import scope_columns, stamp, task_json, to_json, utc
from mnemic.stores.relational.spaces import use_space
from mnemic.stores.relational.undo import (
    CITE,
    HAD_BEEN,
    change_columns,
    count_proofs,
    record,
    reprove,
    restore,
    unprove,
)
from mnemic.times import iso
from mnemic.types import Tombstone, Usage


def commit(db: Db, write: Write) -> None:
    """All of `write`, or nothing: what raises here is rolled back."""
    owner = lock(db, write)
    if write.basis is not None and write.basis != (0 if owner is None else owner.decisions):
        raise Conflict("others changed memories of the same owner meanwhile; decide again")
    _Commit(db, write, owner, _space(db, write, owner)).run()


@dataclass(frozen=True)
class _Owner:
    """The owner of a write, whose row is locked."""

    number: int
    next: int
    """The next sequence."""
    decisions: int
    space: tuple[int, int, str] | None
    """Number, dimensions and name of the active space."""


def lock(db: Db, write: Write) -> _Owner | None:
    """Other writers of the same owners come before or after, never between what is read here and what is written.

    The owner of the write's scope, or None while there is none.
    """
    memories = [
        *(each.memory.id for each in write.memories if each.replaces is not None),
        *(each.memory_id for each in write.retire),
        *(each.memory_id for each in write.restore),
        *(each.memory_id for each in write.proofs),
        *(each.memory_id for each in write.unprove),
        *(each.memory_id for each in write.reprove),
        *(each.memory_id for each in write.annotate),
    ]
    episodes = [each.episode_id for each in write.states]
    if memories or episodes:
        db.lock_owners(
            f"""
            SELECT {db.OWNER}
            UNION ALL
            SELECT m.owner FROM {db.KEYS} AS k JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
            UNION ALL
            SELECT e.owner FROM {db.KEYS} AS k JOIN episodes AS e ON e.partition = k.partition AND e.id = k.id
            """,
            [*owner_key(write.scope), keys_json(memories), keys_json(episodes)],
        )
    row = db.execute(
        f"""
        SELECT number, next_sequence, decisions, (SELECT number FROM spaces WHERE active),
            (SELECT dimensions FROM spaces WHERE active), (SELECT name FROM spaces WHERE active)
        FROM owners WHERE {db.OWNED_BY} {db.FOR_UPDATE}
        """,
        owner_key(write.scope),
    ).fetchone()
    if row is None:
        return None
    number, sequence, decisions, *space = row
    return _Owner(number, sequence, decisions, None if space[0] is None else (space[0], space[1], space[2]))


def _space(db: Db, write: Write, owner: _Owner | None) -> tuple[int, int] | None:
    """Number and dimensions of the active space, which is that of the write if it has one."""
    if write.space is None:
        return None
    query = "SELECT number, dimensions, name FROM spaces WHERE active"
    row = db.execute(query).fetchone() if owner is None else owner.space
    if row is None or (row[2], row[1]) != (write.space.name, write.space.dimensions):
        use_space(db, write.space)
        row = db.execute(query).fetchone()
    return int(row[0]), int(row[1])


class _Commit:
    """What one commit knows: places given out, changes to the index, owners it decided about."""

    def __init__(self, db: Db, write: Write, owner: _Owner | None, space: tuple[int, int] | None) -> None:
        self._db = db
        self._write = write
        self._owner = None if owner is None else owner.number
        self._index = Index(db, space)
        self._owners = Owners(db)
        if owner is not None:
            self._owners.met(owner.number, owner.next)
        self._entry_of: dict[str, int] = {}
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._cited: list[tuple[int, str, str, str, str | None]] = []
        """What stands behind memories, once these are there."""

    def run(self) -> None:
        """The parts of a write, in their order."""
        db, write = self._db, self._write
        self._record()
        # An owner is made by what they own, not by a change to what is there.
        owns = write.episodes or write.memories or any(isinstance(each, NewEntity) for each in write.entities)
        owner = -1 if not owns else self._owners.of(write.scope) if self._owner is None else self._owner
        self._add_rows(owner)
        if write.restore or write.proofs or write.unprove or write.reprove or write.states:  # they look at sources
            db.write([self._citations()])
        self._change_memories()
        for state in write.states:
            set_state(db, self._index, state)
        self._change_tombstones()
        for entity in write.entities:
            write_entity(db, owner, write.at, entity)
        if write.spent is not None:
            _spend(db, write.scope.project, write.at, write.spent)
        inserts = [self._citations(), *self._history(owner), *self._index.inserts(self._owners.locked)]
        db.write(inserts, self._owners.updates(self._index.touched))

    def _record(self) -> None:
        for change in self._write.changes:
            self._row("changes", **change_columns(change))
        if self._write.undone:
            self._insert()
            record(self._db, (), self._write.undone)

    def _add_rows(self, owner: int) -> None:
        write = self._write
        verbatim = {each.episode_id: each for each in write.memories if each.episode_id is not None}
        for episode in write.episodes:
            self._add_episode(owner, episode, verbatim.get(episode.episode.id))
        if write.retire:
            self._insert()
        for retire in write.retire:
            self._retire(retire)
        for memory in write.memories:
            self._add_memory(owner, memory)
        self._insert(look=True)
        for memory in write.memories:
            for run_id in memory.memory.runs:
                said_in(self._db, memory.memory.scope.partition, memory.memory.id, run_id)

    def _change_memories(self) -> None:
        at = self._write.at
        for former in self._write.restore:
            restore(self._db, self._index, self._owners, former, at)
        for proof in self._write.proofs:
            self._add_proof(proof)
        for gone in self._write.unprove:
            unprove(self._db, self._owners, gone, at)
        for back in self._write.reprove:
            reprove(self._db, self._owners, back, at)
        for note in self._write.annotate:
            _annotate(self._db, note, at)

    def _change_tombstones(self) -> None:
        for tombstone in self._write.tombstones:
            self._bury(tombstone)
        for tombstone_id in self._write.lifted:
            self._lift(tombstone_id)

    def _add_episode(self, owner: int, new: NewEpisode, verbatim: NewMemory | None) -> None:
        episode, scope = new.episode, new.episode.scope
        vectors = new.vectors if verbatim is None else verbatim.vectors
        entry, span = self._owners.take(owner, 0 if vectors is None else len(vectors))
        before = None if new.follows is None else self._entry(new.follows)
        self._row(
            "episodes",
            entry=entry, span=span, owner=owner, partition=scope.partition, id=episode.id, **scope_columns(scope),
            role=episode.role, actor_id=episode.actor, content=episode.content,
            content_hash=text.md5(episode.content), said_at=episode.said_at.isoformat(),
            received_at=iso(episode.received_at), metadata=to_json(episode.metadata), state=episode.state,
            reason=episode.reason, attempts=episode.attempts, due_at=utc(episode.due_at), leased=episode.leased,
            task=task_json(episode.task), change_id=episode.change_id, external_id=episode.external_id,
            seen=episode.seen,
        )  # fmt: skip
        self._index.add(
            entry, episode.indexed, vectors,
            episode=pack.EPISODE_STATES.index(episode.state), said=episode.said_at, before=link(before),
            person=episode.person,
        )  # fmt: skip
        self._entry_of[episode.id] = entry

    def _retire(self, retire: Retire) -> None:
        """Close a current version, or give a superseded one another reason."""
        partition, reason = partition_of(retire.memory_id), retire.reason
        row = self._db.execute(
            """
            SELECT entry, owner, current FROM memories
            WHERE partition = ? AND id = ? AND version = ?
                AND (current OR retire_reason = 'superseded')
            """,
            [partition, retire.memory_id, retire.version],
        ).fetchone()
        if row is None:
            raise _moved(retire.memory_id, retire.version)
        entry, owner, current = row
        by, ended = retire.retired_by, stamp(retire.valid_to)
        if retire.again is not None:
            by, ended = self._db.execute(
                "SELECT superseded_by, superseded_to FROM memories WHERE partition = ? AND id = ? AND version = ?",
                [partition, retire.memory_id, retire.again],
            ).fetchone() or (by, ended)
        if current:
            closing = "known_to = ?1, valid_before = valid_to,"
        else:  # it had been superseded until now
            closing = "" if reason == "superseded" else f"{HAD_BEEN},"
        self._db.execute(
            f"""
            UPDATE memories SET {closing} current = false, updated_at = ?1, retired_by = coalesce(?2, retired_by),
                retire_reason = ?3, valid_to = coalesce(?4, valid_to)
            WHERE partition = ?5 AND entry = ?6
            """,
            [iso(self._write.at), by, reason, ended, partition, entry],
        )
        self._index.set(entry, memory=pack.memory_mark(current=False, reason=reason))
        self._owners.decided(owner)
        if retire.hide_sources:
            self._hide_sources(partition, retire)

    def _hide_sources(self, partition: int | None, retire: Retire) -> None:
        cited = self._db.execute(
            """
            SELECT DISTINCT s.episode_id FROM sources AS s
            JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id AND e.state <> 'hidden'
            WHERE s.partition = ? AND s.memory_id = ? AND NOT EXISTS (
                SELECT 1 FROM sources AS o
                JOIN memories AS m ON m.partition = o.partition AND m.id = o.memory_id AND m.current
                WHERE o.partition = s.partition AND o.episode_id = s.episode_id
            )
            """,
            [partition, retire.memory_id],
        ).fetchall()
        for (episode_id,) in cited:
            hide = SetState(episode_id=episode_id, state="hidden", reason=retire.reason, change_id=retire.change_id)
            set_state(self._db, self._index, hide)

    def _add_memory(self, owner: int, new: NewMemory) -> None:
        memory, scope = new.memory, new.memory.scope
        pinned, rating = memory.pinned, memory.rating
        if new.replaces is not None:
            self._insert()
            pinned, rating = self._close(memory.id, new.replaces)
        current = memory.known_to is None
        mark = pack.memory_mark(current=current, reason=memory.retire_reason)
        if new.episode_id is not None:
            entry = self._entry_of[new.episode_id]
            span = self._index.set(entry, memory=mark, expires=mark_time(memory.expires_at))
        else:
            entry, span = self._owners.take(owner, 0 if new.vectors is None else len(new.vectors))
            turn = self._entry(memory.sources[0].episode_id) if memory.sources else None
            self._index.add(
                entry, memory.indexed, new.vectors, memory=mark, said=memory.said_at or memory.created_at,
                turn=link(turn), expires=mark_time(memory.expires_at), attribute=memory.attribute, person=memory.person,
            )  # fmt: skip
        self._row(
            "memories",
            entry=entry, span=span, owner=owner, partition=scope.partition, id=memory.id, version=memory.version,
            current=current, once=new.once, **scope_columns(scope), kind=memory.kind, text=memory.text,
            hash=text.md5(memory.text), subject=memory.subject, attribute=memory.attribute, object=memory.object,
            slot=memory.slot, categories=to_json(memory.categories), metadata=to_json(memory.metadata),
            confidence=memory.confidence, origin=memory.origin, attributed_to=memory.attributed_to,
            actor_id=memory.actor, role=memory.role, valid_from=stamp(memory.valid_from),
            valid_to=stamp(memory.valid_to), valid_before=stamp(memory.valid_to), precision=memory.precision,
            known_from=iso(memory.known_from), known_to=stamp(memory.known_to), retired_by=memory.retired_by,
            retire_reason=memory.retire_reason, expires_at=stamp(memory.expires_at), pinned=pinned,
            rating=rating, proof_count=memory.proof_count,
            said_at=memory.said_at.isoformat() if memory.said_at else None,
            created_at=iso(memory.created_at), updated_at=iso(memory.updated_at), seen=memory.seen,
        )  # fmt: skip
        self._cited += [
            (scope.partition, memory.id, source.episode_id, source.quote, None) for source in memory.sources
        ]
        self._owners.decided(owner)

    def _close(self, memory_id: str, version: int) -> tuple[bool, int]:
        """Make way for the next version, which is pinned and rated as this one."""
        row = self._db.execute(
            """
            UPDATE memories SET current = false, known_to = ?1, updated_at = ?1, valid_before = valid_to
            WHERE partition = ?2 AND id = ?3 AND version = ?4 AND current
            RETURNING entry, pinned, rating
            """,
            [iso(self._write.at), partition_of(memory_id), memory_id, version],
        ).fetchone()
        if row is None:
            raise _moved(memory_id, version)
        self._index.set(row[0], memory=pack.RETIRED)
        return bool(row[1]), int(row[2])

    def _add_proof(self, proof: Proof) -> None:
        partition, episode_id = partition_of(proof.memory_id), proof.source.episode_id
        key = [partition, proof.memory_id, proof.version]
        row = self._db.execute(
            "SELECT entry, owner FROM memories WHERE partition = ? AND id = ? AND version = ? AND current", key
        ).fetchone()
        if row is None:
            raise _moved(proof.memory_id, proof.version)
        run = self._db.execute(
            "SELECT run_id FROM episodes WHERE partition = ? AND id = ?", [partition, episode_id]
        ).fetchone()
        if run is None:
            return  # erased meanwhile, and so proves nothing
        source = (partition, proof.memory_id, episode_id, proof.source.quote, proof.change_id)
        if self._db.execute(CITE, source).rowcount:
            count_proofs(self._db, partition, row[0], 1, self._write.at)
        said_in(self._db, partition, proof.memory_id, run[0])
        self._owners.decided(row[1])

    def _bury(self, tombstone: Tombstone) -> None:
        owner = self._owners.of(tombstone.scope)
        self._row(
            "tombstones",
            partition=partition_of(tombstone.id), id=tombstone.id, owner=owner, **scope_columns(tombstone.scope),
            at=iso(tombstone.at), change_id=tombstone.change_id, slot=tombstone.slot,
            print=to_json(dict(tombstone.print)),
        )  # fmt: skip
        self._insert()
        self._owners.decided(owner)

    def _lift(self, tombstone_id: str) -> None:
        gone = self._db.execute(
            "DELETE FROM tombstones WHERE partition = ? AND id = ? RETURNING owner",
            [partition_of(tombstone_id), tombstone_id],
        ).fetchone()
        if gone is not None:
            self._owners.decided(gone[0])

    def _entry(self, episode_id: str) -> int | None:
        if episode_id in self._entry_of:
            return self._entry_of[episode_id]
        row = self._db.execute(
            "SELECT entry FROM episodes WHERE partition = ? AND id = ?", [partition_of(episode_id), episode_id]
        ).fetchone()
        return None if row is None else int(row[0])

    def _there(self, episode_ids: Iterable[str]) -> set[str]:
        """Which of these messages are in the store."""
        rows = self._db.execute(
            f"""
            SELECT e.id FROM {self._db.KEYS} AS k
            {self._db.THEN} episodes AS e ON e.partition = k.partition AND e.id = k.id
            """,
            [keys_json(episode_ids)],
        )
        return {episode_id for (episode_id,) in rows}

    def _row(self, table: str, **columns: Any) -> None:
        """A row to be inserted: all of a kind go in one statement."""
        self._rows.setdefault(table, []).append(columns)

    def _insert(self, *, look: bool = False) -> None:
        """Insert the rows so far. With `look`, the blocks that are to change are read on the same way."""
        inserts = [
            Insert(
                table=table, columns=tuple(rows[0]), rows=[tuple(row.values()) for row in rows],
                kept=table == "changes",  # a message's change is recorded with it, its memories come later
            )
            for table, rows in self._rows.items()
        ]  # fmt: skip
        beside = self._index.former(self._owners.locked) if look else None
        try:
            found = self._db.write(inserts, beside=beside)
        except Taken as exc:
            raise Conflict(f"others wrote the same meanwhile ({exc}); decide again") from exc
        if beside is not None:
            self._index.met(found)
        self._rows = {}

    def _citations(self) -> Insert:
        """What memories that are inserted cite, of what is there: others may have erased some of it meanwhile."""
        cited, self._cited = self._cited, []
        beside = {row[2] for row in cited} - self._entry_of.keys() - {each.episode_id for each in self._write.states}
        if beside:
            gone = beside - self._there(beside)
            cited = [row for row in cited if row[2] not in gone]
        columns = ("partition", "memory_id", "episode_id", "quote", "change_id")
        return Insert(table="sources", columns=columns, rows=cited, kept=True)

    def _history(self, owner: int) -> list[Insert]:
        """Events, each with the owner of its memory, so that they can be found by time."""
        events = self._write.history
        if not events:
            return []
        owners: dict[str, int | None] = {
            each.memory.id: owner for each in self._write.memories if each.replaces is None
        }
        others = [event.memory_id for event in events if event.memory_id not in owners]
        if others:
            found = self._db.execute(
                f"""
                SELECT m.id, m.owner FROM {self._db.KEYS} AS k
                JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
                """,
                [keys_json(others)],
            )
            owners |= dict(found.fetchall())
        rows = [
            (
                partition_of(event.memory_id), event.memory_id, event.id, event.version, event.event, event.old_text,
                event.new_text, utc(event.at), event.change_id, event.actor, event.reason, owners.get(event.memory_id),
            )
            for event in events
        ]  # fmt: skip
        columns = (
            "partition", "memory_id", "id", "version", "event", "old_text", "new_text", "at", "change_id", "actor",
            "reason", "owner",
        )  # fmt: skip
        return [Insert(table="history", columns=columns, rows=rows)]


def _annotate(db: Db, note: Annotate, at: datetime) -> None:
    partition = partition_of(note.memory_id)
    done = db.execute(
        """
        UPDATE memories SET pinned = coalesce(?, pinned), rating = CASE WHEN ? THEN 0 ELSE rating END + ?
        WHERE partition = ? AND id = ? AND version = ? AND current
        """,
        [note.pinned, note.feedback == "NONE", note.rating, partition, note.memory_id, note.version],
    )
    if not done.rowcount:
        raise _moved(note.memory_id, note.version)
    if note.feedback is not None:
        assert partition is not None  # noqa: S101 - a row was found by it
        db.execute(
            "INSERT INTO feedback (partition, memory_id, id, version, word, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [partition, note.memory_id, new_id(partition), note.version, note.feedback, note.reason, iso(at)],
        )


def _spend(db: Db, project: str, at: datetime, spent: Usage) -> None:
    db.execute(
        """
        INSERT INTO usage (project, day, model_calls, input_tokens, output_tokens, embeddings)
        VALUES (?, ?, ?, ?, ?, ?)
        ON CONFLICT (project, day) DO UPDATE SET
            model_calls = usage.model_calls + excluded.model_calls,
            input_tokens = usage.input_tokens + excluded.input_tokens,
            output_tokens = usage.output_tokens + excluded.output_tokens,
            embeddings = usage.embeddings + excluded.embeddings
        """,
        [
            project, at.astimezone(UTC).date().isoformat(), spent.model_calls, spent.input_tokens, spent.output_tokens,
            spent.embeddings,
        ],
    )  # fmt: skip


def _moved(memory_id: str, version: int) -> Conflict:
    return Conflict(f"memory {memory_id} is no longer at version {version}; decide again")
