"""Everything the SQLite store writes, each method inside one transaction."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mnemic import text
from mnemic.errors import Conflict, StoreFull
from mnemic.ids import new_id, partition_of
from mnemic.protocols import NewEpisode, NewMemory, Proof, Retire, SetState, Space, Vectors, Write
from mnemic.stores import blocks as pack
from mnemic.stores.sqlite_cache import Cache
from mnemic.stores.sqlite_read import Reader
from mnemic.stores.sqlite_sql import number_of, same_space, scope_sql
from mnemic.times import iso
from mnemic.types import Scope


class Writer:
    """One write transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection

    def use_space(self, space: Space) -> None:
        """Record the space and make its tables."""
        if not same_space(self._db, space):
            self._db.execute("UPDATE spaces SET active = 1 WHERE number = ?", [self._tables_of(space)])

    def _tables_of(self, space: Space) -> int:
        """The space's number; its row and tables are made when it is new, not yet active."""
        known = number_of(self._db, space)
        if known is not None:
            return known
        number = int(self._db.execute("SELECT ifnull(max(number), 0) + 1 FROM spaces").fetchone()[0])
        self._db.execute("INSERT INTO spaces VALUES (?, ?, ?, 0)", [number, space.name, space.dimensions])
        self._db.execute(f"CREATE TABLE vectors_{number:d} (block INTEGER PRIMARY KEY, codes BLOB NOT NULL)")
        self._db.execute(f"CREATE TABLE exact_{number:d} (entry INTEGER PRIMARY KEY, vector BLOB NOT NULL)")
        return number

    def reembed(self, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
        """Keep vectors in a space's own tables, whether it is active or not."""
        number = self._tables_of(space)
        table, kind = f"vectors_{number:d}", pack.code_type(space.dimensions)
        blocks: dict[int, list[tuple[int, Vectors]]] = defaultdict(list)
        for place, windows in vectors:
            for offset, vector in enumerate(windows):
                blocks[(place + offset) >> pack.BLOCK_BITS].append((place + offset, vector))
        for block, rows in blocks.items():
            size = self._db.execute("SELECT length(marks) FROM blocks WHERE block = ?", [block]).fetchone()[0]
            codes = np.zeros(size // pack.MARK.itemsize, dtype=kind)
            known = self._db.execute(f"SELECT codes FROM {table} WHERE block = ?", [block]).fetchone()
            if known is not None:
                before = np.frombuffer(known[0], dtype=kind)
                codes[: len(before)] = before
            codes[[entry & (pack.BLOCK - 1) for entry, _ in rows]] = pack.encode(np.stack([each for _, each in rows]))
            self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES (?, ?)", [block, codes.tobytes()])
            self._db.executemany(
                f"INSERT OR REPLACE INTO exact_{number:d} VALUES (?, ?)",
                [(entry, vector.astype("<f2").tobytes()) for entry, vector in rows],
            )

    def activate(self, space: Space) -> bool:
        """Switch to a space that has every record's vectors, and drop all others."""
        if Reader(self._db, Cache()).missing(space, 1):
            return False
        kept = self._tables_of(space)
        for (number,) in self._db.execute("SELECT number FROM spaces WHERE number <> ?", [kept]).fetchall():
            self._db.execute(f"DROP TABLE vectors_{number:d}")
            self._db.execute(f"DROP TABLE exact_{number:d}")
            self._db.execute("DELETE FROM spaces WHERE number = ?", [number])
        self._db.execute("UPDATE spaces SET active = 1")
        self._db.execute("UPDATE owners SET changes = changes + 1")
        return True

    def commit(self, write: Write) -> None:
        """Rows first, then the index of all of them at once, then history."""
        if write.space is not None:
            self.use_space(write.space)
        index = _Index(self._db)
        owner = self._owner(write.scope)
        verbatim = {new.episode_id: new for new in write.memories if new.episode_id is not None}
        entry_of: dict[str, int] = {}
        for new in write.episodes:
            entry_of[new.episode.id] = self._add_episode(index, owner, new, verbatim.get(new.episode.id), entry_of)
        for memory in write.memories:
            self._add_memory(index, owner, memory, write.at, entry_of)
        for proof in write.proofs:
            self._add_proof(proof, write.at)
        for retire in write.retire:
            self._retire(index, retire, write.at)
        for change in write.states:
            self._set_state(index, change)
        index.flush()
        self._db.execute("UPDATE owners SET next_sequence = ? WHERE number = ?", [owner.next, owner.number])
        self._db.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (
                    write.scope.partition, event.memory_id, event.id, event.version, event.event, event.old_text,
                    event.new_text, iso(event.at), event.change_id, event.actor, event.reason,
                )
                for event in write.history
            ],
        )  # fmt: skip

    def _owner(self, scope: Scope) -> _Owner:
        assert scope.owner is not None  # noqa: S101 - the core requires an id before it writes
        key = [scope.project, *scope.owner]
        row = self._db.execute(
            "SELECT number, next_sequence FROM owners WHERE project = ? AND kind = ? AND name = ?", key
        ).fetchone()
        if row is not None:
            return _Owner(row[0], row[1])
        base = scope.partition << 27
        last = self._db.execute(
            "SELECT max(number) FROM owners WHERE number BETWEEN ? AND ?", [base, base + (1 << 27) - 1]
        ).fetchone()[0]
        number = base if last is None else last + 1
        self._db.execute("INSERT INTO owners (number, project, kind, name) VALUES (?, ?, ?, ?)", [number, *key])
        return _Owner(number, 0)

    def _add_episode(
        self, index: _Index, owner: _Owner, new: NewEpisode, verbatim: NewMemory | None, entry_of: Mapping[str, int]
    ) -> int:
        episode, scope = new.episode, new.episode.scope
        vectors = new.vectors if verbatim is None else verbatim.vectors
        entry, span = owner.take(vectors)
        before = None
        if new.follows is not None:
            before = entry_of[new.follows] if new.follows in entry_of else self._entry("episodes", new.follows)
        self._insert(
            "episodes",
            entry=entry, span=span, owner=owner.number, partition=scope.partition, id=episode.id, **_scope_columns(scope),
            role=episode.role, actor_id=episode.actor, content=episode.content,
            content_hash=text.md5(episode.content), said_at=episode.said_at.isoformat(),
            received_at=iso(episode.received_at), metadata=_json(episode.metadata), state=episode.state,
            reason=episode.reason, attempts=episode.attempts, external_id=episode.external_id,
        )  # fmt: skip
        index.add(
            entry, episode.indexed, vectors,
            episode=pack.EPISODE_STATES.index(episode.state), said=episode.said_at, before=_link(before),
        )  # fmt: skip
        return entry

    def _add_memory(
        self, index: _Index, owner: _Owner, new: NewMemory, at: datetime, entry_of: Mapping[str, int]
    ) -> None:
        memory, scope = new.memory, new.memory.scope
        if new.replaces is not None:
            self._take_down(index, memory.id, new.replaces, at, reason=None)
        if new.episode_id is not None:
            entry = entry_of[new.episode_id]
            span = index.set(entry, memory=pack.CURRENT, expires=_ms(memory.expires_at))
        else:
            entry, span = owner.take(new.vectors)
            turn = None
            if memory.sources:
                cited = memory.sources[0].episode_id
                turn = entry_of[cited] if cited in entry_of else self._entry("episodes", cited)
            index.add(
                entry, memory.indexed, new.vectors,
                memory=pack.CURRENT, said=memory.said_at or memory.created_at, turn=_link(turn),
                expires=_ms(memory.expires_at),
            )  # fmt: skip
        self._insert(
            "memories",
            entry=entry, span=span, owner=owner.number, partition=scope.partition, id=memory.id, version=memory.version, current=1,
            once=new.once, **_scope_columns(scope), kind=memory.kind, text=memory.text, hash=text.md5(memory.text),
            subject=memory.subject, attribute=memory.attribute, categories=_json(memory.categories),
            metadata=_json(memory.metadata), confidence=memory.confidence, origin=memory.origin,
            attributed_to=memory.attributed_to, actor_id=memory.actor, role=memory.role,
            valid_from=_iso(memory.valid_from), valid_to=_iso(memory.valid_to), precision=memory.precision,
            known_from=iso(memory.known_from), known_to=_iso(memory.known_to), retired_by=memory.retired_by,
            retire_reason=memory.retire_reason, expires_at=_iso(memory.expires_at), pinned=int(memory.pinned),
            proof_count=memory.proof_count,
            said_at=memory.said_at.isoformat() if memory.said_at else None,
            created_at=iso(memory.created_at), updated_at=iso(memory.updated_at),
        )  # fmt: skip
        self._cite(scope.partition, memory.id, ((s.episode_id, s.quote) for s in memory.sources))

    def _add_proof(self, proof: Proof, at: datetime) -> None:
        partition = partition_of(proof.memory_id)
        done = self._db.execute(
            """
            UPDATE memories SET proof_count = proof_count + 1, updated_at = ?
            WHERE partition = ? AND id = ? AND version = ? AND current
            """,
            [iso(at), partition, proof.memory_id, proof.version],
        )
        if not done.rowcount:
            raise _moved(proof.memory_id, proof.version)
        self._cite(partition, proof.memory_id, [(proof.source.episode_id, proof.source.quote)])

    def _retire(self, index: _Index, retire: Retire, at: datetime) -> None:
        self._take_down(index, retire.memory_id, retire.version, at, retire.reason)
        if retire.hide_sources:
            cited = self._db.execute(
                "SELECT DISTINCT episode_id FROM sources WHERE partition = ? AND memory_id = ?",
                [partition_of(retire.memory_id), retire.memory_id],
            ).fetchall()
            for (episode_id,) in cited:
                self._set_state(index, SetState(episode_id=episode_id, state="hidden", reason=retire.reason))

    def _take_down(self, index: _Index, memory_id: str, version: int, at: datetime, reason: str | None) -> None:
        row = self._db.execute(
            """
            UPDATE memories SET current = 0, known_to = ?, updated_at = ?, retire_reason = ?
            WHERE partition = ? AND id = ? AND version = ? AND current
            RETURNING entry
            """,
            [iso(at), iso(at), reason, partition_of(memory_id), memory_id, version],
        ).fetchone()
        if row is None:
            raise _moved(memory_id, version)
        index.set(row[0], memory=pack.RETIRED)

    def _set_state(self, index: _Index, change: SetState) -> None:
        row = self._db.execute(
            """
            UPDATE episodes SET state = ?, reason = ?, attempts = ifnull(?, attempts)
            WHERE partition = ? AND id = ?
            RETURNING entry
            """,
            [change.state, change.reason, change.attempts, partition_of(change.episode_id), change.episode_id],
        ).fetchone()
        if row is None:
            raise Conflict(f"episode {change.episode_id} is gone; decide again")
        index.set(row[0], episode=pack.EPISODE_STATES.index(change.state))

    def delete_scope(self, scope: Scope, at: datetime, change_id: str, reason: str) -> tuple[int, int]:
        """Retire every current memory of the scope and hide its episodes."""
        whose, values = scope_sql(scope)
        index = _Index(self._db)
        gone = self._db.execute(
            f"""
            UPDATE memories SET current = 0, known_to = ?, updated_at = ?, retire_reason = ?
            WHERE current AND {whose}
            RETURNING entry, partition, id, version, text
            """,
            [iso(at), iso(at), reason, *values],
        ).fetchall()
        for entry, *_ in gone:
            index.set(entry, memory=pack.RETIRED)
        self._db.executemany(
            "INSERT INTO history VALUES (?, ?, ?, ?, 'DELETE', ?, NULL, ?, ?, 'person', ?)",
            [
                (part, name, new_id(part), version, old, iso(at), change_id, reason)
                for _, part, name, version, old in gone
            ],
        )
        hidden = self._db.execute(
            f"UPDATE episodes SET state = 'hidden', reason = ? WHERE state <> 'hidden' AND {whose} RETURNING entry",
            [reason, *values],
        ).fetchall()
        for (entry,) in hidden:
            index.set(entry, episode=pack.EPISODE_STATES.index("hidden"))
        index.flush()
        return len(gone), len(hidden)

    def reset(self) -> None:
        """Remove every row, and the embedding spaces with their tables."""
        for (number,) in self._db.execute("SELECT number FROM spaces").fetchall():
            self._db.execute(f"DROP TABLE vectors_{number:d}")
            self._db.execute(f"DROP TABLE exact_{number:d}")
        for table in ("spaces", "blocks", "history", "sources", "memories", "episodes", "owners"):
            self._db.execute(f"DELETE FROM {table}")

    def _entry(self, table: str, record_id: str) -> int | None:
        row = self._db.execute(
            f"SELECT entry FROM {table} WHERE partition = ? AND id = ?",
            [partition_of(record_id), record_id],
        ).fetchone()
        return None if row is None else int(row[0])

    def _cite(self, partition: int | None, memory_id: str, cited: Iterable[tuple[str, str]]) -> None:
        self._db.executemany(
            "INSERT OR IGNORE INTO sources VALUES (?, ?, ?, ?)",
            [(partition, memory_id, episode_id, quote) for episode_id, quote in cited],
        )

    def _insert(self, table: str, **columns: Any) -> None:
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        try:
            self._db.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", list(columns.values()))
        except sqlite3.IntegrityError as exc:
            raise Conflict(f"others wrote the same to {table} meanwhile ({exc}); decide again") from exc


@dataclass
class _Owner:
    """Hands out the places of one owner's rows."""

    number: int
    next: int

    def take(self, vectors: Vectors | None) -> tuple[int, int]:
        """The next entry and how many it spans: one for each window."""
        span = max(1, 0 if vectors is None else len(vectors))
        if self.next + span > 1 << pack.SEQUENCE_BITS:
            raise StoreFull("one owner holds at most 16,777,216 entries; spread the memories over more users")
        entry = (self.number << pack.SEQUENCE_BITS) + self.next
        self.next += span
        return entry, span


@dataclass
class _Pending:
    """What is to change in one block."""

    marks: list[NDArray[np.void]] = field(default_factory=list)
    terms: list[NDArray[np.uint32]] = field(default_factory=list)
    vectors: list[Vectors | None] = field(default_factory=list)
    changes: list[tuple[int, dict[str, int]]] = field(default_factory=list)


class _Index:
    """Collects changes to the packed index and writes each touched block once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._blocks: dict[int, _Pending] = defaultdict(_Pending)
        self._spans: dict[int, int] = {}
        self._exact: list[tuple[int, bytes]] = []
        self._space: tuple[int, int] | None = None

    def add(
        self, entry: int, content: str, vectors: Vectors | None, *, said: datetime, memory: int = 0, episode: int = 0,
        before: int = 0, turn: int = 0, expires: int = pack.NEVER,
    ) -> None:  # fmt: skip
        """One record: a mark, terms and a vector for its first entry, further windows after it."""
        words = np.array(text.terms(content), dtype=pack.TERM)
        windows = [None] if vectors is None or not len(vectors) else list(vectors)
        self._spans[entry] = len(windows)
        cjk = text.side(content) == "cjk"
        for offset, vector in enumerate(windows):
            mark = np.zeros(1, dtype=pack.MARK)
            mark["head"] = offset
            mark["cjk"] = cjk
            mark["said"] = _ms(said)
            if offset == 0:
                mark["memory"], mark["episode"], mark["expires"] = memory, episode, expires
                mark["before"], mark["turn"], mark["terms"] = before, turn, len(words)
            block = self._blocks[(entry + offset) >> pack.BLOCK_BITS]
            block.marks.append(mark)
            block.terms.append(words if offset == 0 else words[:0])
            block.vectors.append(vector)
            if vector is not None:
                self._exact.append((entry + offset, vector.astype("<f2").tobytes()))

    def set(self, entry: int, **changes: int) -> int:
        """Change fields of a record's mark. Returns how many entries a record of this write spans (else 1)."""
        self._blocks[entry >> pack.BLOCK_BITS].changes.append((entry & (pack.BLOCK - 1), changes))
        return self._spans.get(entry, 1)

    def flush(self) -> None:
        """Write every touched block."""
        row = self._db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
        for number, pending in sorted(self._blocks.items()):
            self._flush_block(number, pending, row)
        if row is not None:
            self._db.executemany(f"INSERT INTO exact_{row[0]:d} VALUES (?, ?)", self._exact)
        touched = {number >> (pack.SEQUENCE_BITS - pack.BLOCK_BITS) for number in self._blocks}
        self._db.executemany("UPDATE owners SET changes = changes + 1 WHERE number = ?", [(each,) for each in touched])

    def _flush_block(self, number: int, pending: _Pending, space: tuple[int, int] | None) -> None:
        found = self._db.execute("SELECT marks, terms FROM blocks WHERE block = ?", [number]).fetchone() or (b"", b"")
        old = np.frombuffer(found[0], dtype=pack.MARK)
        marks = np.concatenate([old, *pending.marks])
        for place, changes in pending.changes:
            for name, value in changes.items():
                marks[name][place] = value
        terms = found[1] + b"".join(words.tobytes() for words in pending.terms)
        self._db.execute("INSERT OR REPLACE INTO blocks VALUES (?, ?, ?)", [number, marks.tobytes(), terms])
        if space is None or not pending.marks:
            return
        table, kind = f"vectors_{space[0]:d}", pack.code_type(space[1])
        codes = self._db.execute(f"SELECT codes FROM {table} WHERE block = ?", [number]).fetchone()
        before = np.zeros(len(old), dtype=kind)  # rows written while there was no embedder have no vector
        if codes is not None:
            known = np.frombuffer(codes[0], dtype=kind)
            before[: len(known)] = known
        added = np.zeros(len(pending.vectors), dtype=kind)
        have = [place for place, vector in enumerate(pending.vectors) if vector is not None]
        if have:
            added[have] = pack.encode(np.stack([v for v in pending.vectors if v is not None]))
        self._db.execute(
            f"INSERT OR REPLACE INTO {table} VALUES (?, ?)",
            [number, np.concatenate([before, added]).tobytes()],
        )


def _scope_columns(scope: Scope) -> dict[str, str | None]:
    return {
        "project": scope.project,
        "user_id": scope.user_id,
        "agent_id": scope.agent_id,
        "app_id": scope.app_id,
        "run_id": scope.run_id,
    }


def _link(entry: int | None) -> int:
    return 0 if entry is None else (entry & ((1 << pack.SEQUENCE_BITS) - 1)) + 1


def _moved(memory_id: str, version: int) -> Conflict:
    return Conflict(f"memory {memory_id} is no longer at version {version}; decide again")


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _iso(at: datetime | None) -> str | None:
    return None if at is None else iso(at)


def _ms(at: datetime | None) -> int:
    return pack.NEVER if at is None else pack.milliseconds(at)
