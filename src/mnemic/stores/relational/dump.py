"""Reading a project out of a store as lines, and taking lines in: see `mnemic.records`.

Owners' numbers and entries are a store's own. What is taken in is placed anew, behind what its owner has, in the order
it lay; links between places are carried as ids.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import Any

import numpy as np

from mnemic import records, text
from mnemic.errors import InvalidInput
from mnemic.ids import partition_of
from mnemic.protocols import Space
from mnemic.records import COLUMNS, Fields, Line
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import SHIFTS, Db, Insert, Taken
from mnemic.stores.relational.index import Index, Owners, link, mark_time
from mnemic.stores.relational.predicates import keys_json, memories_sql, owner_key, scope_sql
from mnemic.stores.relational.rows import to_json
from mnemic.stores.relational.spaces import use_space
from mnemic.stores.relational.told import not_told
from mnemic.stores.relational.vectors import stored
from mnemic.types import Scope

Take = Callable[[Sequence[Line]], None]

_AT_ONCE = 256
"""Rows read together: of the longest messages there are, some tens of megabytes."""


def counts(db: Db, scope: Scope) -> dict[str, int]:
    """How many lines of each kind an export of the scope has; the messages cited from outside it not among them."""
    whose, values = scope_sql(scope)
    found = {}
    for kind, table in _TABLES.items():
        if kind == "usage" and scope.ids:
            continue
        which = memories_sql(db, scope, "any") if kind == "memory" else (whose, values)
        (found[kind],) = db.execute(f"SELECT count(*) FROM {table} WHERE {which[0]}", which[1]).fetchone()
    return found


def dump(db: Db, scope: Scope, take: Take, *, vectors: bool) -> None:
    """Give every line of a scope to `take`, some at a time. One transaction, so that all are of one moment."""
    space = db.execute("SELECT name, dimensions FROM spaces WHERE active").fetchone() if vectors else None
    told = None if space is None else {"name": space[0], "dimensions": space[1]}
    take([("start", {"space": told, "counts": counts(db, scope)})])
    take(list(_changes(db, scope)))
    if not scope.ids:
        take(list(_usage(db, scope)))
    for partition in _partitions(db, scope):
        for kind in ("tombstone", "entity"):
            for rows in _by_id(db, kind, scope, partition):
                take(_entities(db, rows) if kind == "entity" else _lines(kind, rows))
        _Entries(db, scope, partition, take, vectors=vectors).run()


_TABLES = {
    "change": "changes", "usage": "usage", "tombstone": "tombstones", "entity": "entities", "episode": "episodes",
    "memory": "memories",
}  # fmt: skip
_JSON = {"metadata", "categories", "task", "print"}
_FLAGS = {"current", "pinned", "leased"}


def _partitions(db: Db, scope: Scope) -> list[int]:
    if scope.user_id is not None:
        return [scope.partition]
    rows = db.execute("SELECT DISTINCT number >> 27 FROM owners WHERE project = ?", [scope.project])
    return sorted(partition for (partition,) in rows)


def _fields(kind: str, row: Sequence[Any]) -> Fields:
    """What is set of a row of COLUMNS."""
    found = {}
    for name, value in zip(COLUMNS[kind], row, strict=False):
        if value is None:
            continue
        found[name] = json.loads(value) if name in _JSON else bool(value) if name in _FLAGS else value
    return found


def _lines(kind: str, rows: Iterable[Sequence[Any]]) -> list[Line]:
    return [(kind, _fields(kind, row)) for row in rows]


def _select(kind: str, *more: str) -> str:
    return f"SELECT {', '.join([*COLUMNS[kind], *more])} FROM {_TABLES[kind]}"


def _changes(db: Db, scope: Scope) -> Iterator[Line]:
    """With the names that each moved. There is one a message or a decision, and they are short."""
    whose, values = scope_sql(scope)
    moves: dict[str, list[Fields]] = defaultdict(list)
    query = """
        SELECT m.change_id, m.key, m.source, m.target FROM changes AS c
        JOIN moves AS m ON m.partition = c.partition AND m.change_id = c.id
        WHERE c.project = ? ORDER BY m.change_id, m.key, m.source
    """
    for change_id, key, source, target in db.execute(query, [scope.project]):
        moves[change_id].append({"key": key, "source": source, "target": target})
    for row in db.execute(f"{_select('change')} WHERE {whose} ORDER BY partition, id", values):
        fields = _fields("change", row)
        if fields["id"] in moves:
            fields["moves"] = moves[fields["id"]]
        yield "change", fields


def _usage(db: Db, scope: Scope) -> Iterator[Line]:
    rows = db.execute(f"{_select('usage')} WHERE project = ? ORDER BY day", [scope.project])
    yield from _lines("usage", rows)


def _by_id(db: Db, kind: str, scope: Scope, partition: int) -> Iterator[list[tuple[Any, ...]]]:
    """Rows of a partition, some at a time. Entities are of no run, but where a run owns them."""
    narrow = scope
    if kind == "entity" and tuple(scope.ids) != ("run_id",):
        narrow = replace(scope, run_id=None)
    whose, values = scope_sql(narrow)
    last = ""
    while True:
        rows = db.execute(
            f"{_select(kind)} WHERE partition = ? AND {whose} AND id > ? ORDER BY id LIMIT ?",
            [partition, *values, last, _AT_ONCE],
        ).fetchall()
        if rows:
            yield rows
        if len(rows) < _AT_ONCE:
            return
        last = rows[-1][0]


def _entities(db: Db, rows: Sequence[Sequence[Any]]) -> list[Line]:
    """With their names."""
    lines = _lines("entity", rows)
    query = f"""
        SELECT n.entity_id, n.key, n.text, n.at FROM {db.KEYS} AS k
        {db.THEN} entities AS e ON e.partition = k.partition AND e.id = k.id
        {db.THEN} names AS n ON n.owner = e.owner AND n.entity_id = e.id
        ORDER BY n.entity_id, n.key
    """
    names = _grouped(db, query, [fields["id"] for _, fields in lines], ("key", "text", "at"))
    for _, fields in lines:
        if fields["id"] in names:
            fields["names"] = names[fields["id"]]
    return lines


def _grouped(db: Db, query: str, ids: Iterable[str], names: Sequence[str]) -> dict[str, list[Fields]]:
    """Rows of what belongs to records, by the record's id, which comes first in a row."""
    found: dict[str, list[Fields]] = defaultdict(list)
    for record_id, *row in db.execute(query, [keys_json(ids)]):
        found[record_id].append({name: value for name, value in zip(names, row, strict=True) if value is not None})
    return found


_PARTS = {
    "sources": ("sources", ("episode_id", "quote", "change_id"), "episode_id, t.quote"),
    "history": (
        "history",
        ("id", "version", "event", "old_text", "new_text", "at", "change_id", "actor", "reason"),
        "at, t.id",
    ),
    "feedback": ("feedback", ("id", "version", "word", "reason", "at"), "id"),
    "mentions": ("mentions", ("entity_id", "key"), "entity_id, t.key"),
    "relations": (
        "relations",
        ("subject_id", "subject_key", "predicate", "object_id", "object_key"),
        "subject_id, t.predicate, t.object_id",
    ),
    "runs": ("runs", ("run_id",), "place"),
    "unproven": (
        "unproven",
        ("episode_id", "quote", "change_id", "taken_by", "given_by", "counted"),
        "episode_id, t.quote, t.taken_by",
    ),
}
"""What belongs to a memory: table, columns and order."""


class _Entries:
    """Messages and memories of a scope in a partition, in the order they lie in the index."""

    def __init__(self, db: Db, scope: Scope, partition: int, take: Take, *, vectors: bool) -> None:
        self._db = db
        self._scope = scope
        self._partition = partition
        self._take = take
        self._vectors = vectors
        self._beside: set[str] = set()
        """Messages from outside the scope that were given already."""
        self._named: set[str] = set()
        """Entities that memories name: of a narrow scope, some may be told outside it."""

    def run(self) -> None:
        """All of them."""
        shift = SHIFTS["entry"]
        first, last = self._partition << shift, ((self._partition + 1) << shift) - 1
        if self._scope.user_id is not None:
            found = self._db.execute(f"SELECT {self._db.OWNER}", owner_key(self._scope)).fetchone()
            if found[0] is None:
                return
            first, last = found[0] << pack.SEQUENCE_BITS, ((found[0] + 1) << pack.SEQUENCE_BITS) - 1
        while first <= last:
            episodes = self._page("episode", first, last)
            memories = self._page("memory", first, last)
            reached = [rows[-1][-2] for rows in (episodes, memories) if len(rows) == _AT_ONCE]
            until = min(reached, default=last)
            self._give(
                [row for row in episodes if row[-2] <= until], [row for row in memories if row[-2] <= until]
            )  # fmt: skip
            first = until + 1
        if self._narrow:
            self._give_entities()

    @property
    def _narrow(self) -> bool:
        """Whether there may be anything outside the scope that belongs to it."""
        return bool(self._scope.ids) and tuple(self._scope.ids) != ("user_id",)

    def _page(self, kind: str, first: int, last: int) -> list[tuple[Any, ...]]:
        here, numbers = self._db.between("entry", first, last)
        if kind == "memory":
            whose, values = memories_sql(self._db, self._scope, "any")
        else:
            whose, values = scope_sql(self._scope)
        return self._db.execute(
            f"{_select(kind, 'entry', 'span')} WHERE {here} AND {whose} ORDER BY entry LIMIT ?",
            [*numbers, *values, _AT_ONCE],
        ).fetchall()

    def _give(self, episodes: list[tuple[Any, ...]], memories: list[tuple[Any, ...]]) -> None:
        bearers = self._oldest(memories)
        parts = self._parts([row[0] for row in bearers])
        if self._narrow:
            episodes = self._with_cited(episodes, memories, parts)
        shared = self._shared(memories)
        rows = [("episode", row) for row in episodes] + [("memory", row) for row in memories]
        rows.sort(key=lambda row: row[1][-2])  # stable: a message before the memory that shares its place
        places = {row[-2]: row[-1] for _, row in rows}
        links = self._links(places)
        vectors = stored(self._db, list(places.items())) if self._vectors and places else {}
        oldest = {row[-2] for row in bearers}
        lines = []
        for kind, row in rows:
            fields, entry = _fields(kind, row), row[-2]
            if kind == "memory":
                if entry in oldest:
                    fields |= {name: found[row[0]] for name, found in parts.items() if row[0] in found}
                if entry in shared:
                    fields["shares"] = shared[entry]
            if "shares" not in fields:
                before, turn = links.get(entry, (None, None))
                fields |= {"before": before} if kind == "episode" and before is not None else {}
                fields |= {"turn": turn} if kind == "memory" and turn is not None else {}
                fields |= {"vectors": vectors[entry]} if entry in vectors else {}
            lines.append((kind, fields))
        self._take(lines)

    def _oldest(self, memories: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """Of each memory the version that carries what belongs to all."""
        number = COLUMNS["memory"].index("version")
        least = dict(
            self._db.execute(
                f"""
                SELECT m.id, min(m.version) FROM {self._db.KEYS} AS k
                {self._db.THEN} memories AS m ON m.partition = k.partition AND m.id = k.id
                GROUP BY m.id
                """,
                [keys_json({row[0] for row in memories})],
            ).fetchall()
        )
        return [row for row in memories if row[number] == least[row[0]]]

    def _parts(self, ids: list[str]) -> dict[str, dict[str, list[Any]]]:
        found: dict[str, dict[str, list[Any]]] = {}
        for name, (table, columns, order) in _PARTS.items():
            query = f"""
                SELECT t.memory_id, {", ".join(f"t.{each}" for each in columns)} FROM {self._db.KEYS} AS k
                {self._db.THEN} {table} AS t ON t.partition = k.partition AND t.memory_id = k.id
                ORDER BY t.memory_id, t.{order}
            """
            found[name] = dict(_grouped(self._db, query, ids, columns))
        found["runs"] = {key: [each["run_id"] for each in runs] for key, runs in found["runs"].items()}
        if self._narrow:
            self._leave_to_others(found["unproven"])
            self._named |= {each["entity_id"] for each in chain(*found["mentions"].values())}
            for each in chain(*found["relations"].values()):
                self._named |= {each["subject_id"], each["object_id"]}
        return found

    def _leave_to_others(self, unproven: dict[str, list[Fields]]) -> None:
        """A source that a memory has no more takes no message along."""
        whose, values = scope_sql(self._scope)
        rows = self._db.execute(
            f"""
            SELECT id FROM episodes
            WHERE (partition, id) IN (SELECT k.partition, k.id FROM {self._db.KEYS} AS k) AND {whose}
            """,
            [keys_json({each["episode_id"] for each in chain(*unproven.values())}), *values],
        )
        mine = {name for (name,) in rows}
        for memory_id, taken in unproven.items():
            unproven[memory_id] = [each for each in taken if each["episode_id"] in mine]

    def _with_cited(
        self, episodes: list[tuple[Any, ...]], memories: list[tuple[Any, ...]], parts: Mapping[str, Any]
    ) -> list[tuple[Any, ...]]:
        """The evidence of a memory goes with it, whoever else heard it; so does a message that shares its place."""
        db = self._db
        cited = {each["episode_id"] for each in chain(*parts["sources"].values())} - self._beside
        which, values = db.at("entry", [row[-2] for row in memories])
        select = _select("episode", "entry", "span")
        beside = db.execute(f"{select} WHERE {which}", values).fetchall() if memories else []
        columns = ", ".join(f"e.{name}" for name in (*COLUMNS["episode"], "entry", "span"))
        beside += db.execute(
            f"""
            SELECT {columns} FROM {db.KEYS} AS k
            {db.THEN} episodes AS e ON e.partition = k.partition AND e.id = k.id
            """,
            [keys_json(cited)],
        ).fetchall()
        ids = COLUMNS["episode"]
        outside = {
            row[0]: row
            for row in beside
            if row[0] not in self._beside
            and any(row[ids.index(name)] != value for name, value in self._scope.ids.items())
        }
        self._beside |= outside.keys()
        return episodes + list(outside.values())

    def _shared(self, memories: list[tuple[Any, ...]]) -> dict[int, str]:
        """By place, the message that lies there, too."""
        if not memories:
            return {}
        which, values = self._db.at("entry", [row[-2] for row in memories])
        return dict(self._db.execute(f"SELECT entry, id FROM episodes WHERE {which}", values).fetchall())

    def _links(self, places: Iterable[int]) -> dict[int, tuple[str | None, str | None]]:
        """By place: the message before, and the one it was taken from."""
        wanted = list(places)
        if not wanted:
            return {}
        which, values = self._db.at("block", sorted({entry >> pack.BLOCK_BITS for entry in wanted}))
        blocks = dict(self._db.execute(f"SELECT block, marks FROM blocks WHERE {which}", values).fetchall())
        found = {}
        for entry in wanted:
            mark = np.frombuffer(blocks[entry >> pack.BLOCK_BITS], dtype=pack.MARK)[entry & (pack.BLOCK - 1)]
            base = entry >> pack.SEQUENCE_BITS << pack.SEQUENCE_BITS
            linked = [base + int(mark[name]) - 1 if mark[name] else None for name in ("before", "turn")]
            found[entry] = linked
        targets = {each for linked in found.values() for each in linked if each is not None}
        if not targets:
            return {}
        which, values = self._db.at("entry", sorted(targets))
        names = dict(self._db.execute(f"SELECT entry, id FROM episodes WHERE {which}", values).fetchall())
        return {entry: (names.get(before), names.get(turn)) for entry, (before, turn) in found.items()}

    def _give_entities(self) -> None:
        """Those that memories of the scope name, and what these turned out to be, where they are told outside it."""
        columns = COLUMNS["entity"]
        scope = replace(self._scope, run_id=None) if tuple(self._scope.ids) != ("run_id",) else self._scope
        wanted, seen = set(self._named), set[str]()
        while wanted:
            rows = self._db.execute(
                f"""
                SELECT {", ".join(f"e.{name}" for name in columns)} FROM {self._db.KEYS} AS k
                {self._db.THEN} entities AS e ON e.partition = k.partition AND e.id = k.id
                """,
                [keys_json(wanted)],
            ).fetchall()
            seen |= wanted
            into = columns.index("merged_into")
            wanted = {row[into] for row in rows if row[into] is not None} - seen
            outside = [
                row for row in rows if any(row[columns.index(name)] != value for name, value in scope.ids.items())
            ]
            self._take(_entities(self._db, outside))


# Taking in.


def lacks(db: Db, lines: Sequence[Line], project: str) -> list[Line]:
    """The lines that are not in the store yet, and that it would take."""
    here = _Known(db, lines)
    return [line for line in lines if here.takes(line, project)]  # of those with one id the first


def take_in(db: Db, lines: Sequence[Line], project: str, space: Space | None) -> int:
    """Add lines to a project; those that are there stay as they are. How many were added.

    Raises:
        WrongEmbedder: the store's vectors are of another space than the lines'.
        InvalidInput: a line claims the id or the place of another's record.
    """
    if space is not None:
        use_space(db, space)
    owners = Owners(db)
    scopes = {records.scope_of(fields, project) for kind, fields in lines if kind in _OWNED}
    homes = {scope.owner: scope for scope in scopes}
    number_of = {
        owner: owners.of(scope) for owner, scope in sorted(homes.items(), key=lambda home: (home[1].partition, home[0]))
    }
    db.lock_owners(f"SELECT number FROM owners WHERE number {db.IN}", [db.listed(sorted(number_of.values()))])
    new = lacks(db, lines, project)
    _Taking(db, project, owners, number_of).run(new)
    return len(new)


_OWNED = ("tombstone", "entity", "episode", "memory")


class _Known:
    """What a store has of some lines."""

    def __init__(self, db: Db, lines: Sequence[Line]) -> None:
        self._db = db
        self._here: set[tuple[Any, ...]] = set()
        self._last: dict[str, int] = {}
        """Of a memory the version that none follows: what is known of it here ends there."""
        for kind in ("change", "tombstone", "entity", "episode"):
            ids = [fields["id"] for each, fields in lines if each == kind]
            query = f"""
                SELECT t.id FROM {db.KEYS} AS k
                {db.THEN} {_TABLES[kind]} AS t ON t.partition = k.partition AND t.id = k.id
            """
            found = db.execute(query, [keys_json(ids)]) if ids else ()
            self._here |= {(kind, name, None) for (name,) in found}
        self._read_memories({fields["id"] for kind, fields in lines if kind == "memory"})

    def _read_memories(self, ids: set[str]) -> None:
        rows = self._db.execute(
            f"""
            SELECT m.id, m.version, m.current OR m.retire_reason IS NOT NULL FROM {self._db.KEYS} AS k
            {self._db.THEN} memories AS m ON m.partition = k.partition AND m.id = k.id
            """,
            [keys_json(ids)],
        )
        for name, version, last in rows if ids else ():
            self._here.add(("memory", name, version))
            if last:
                self._last[name] = version

    def takes(self, line: Line, project: str) -> bool:
        """Whether it is new here. From then on it is known."""
        new = self._is_new(line, project)
        if new:
            kind, fields = line
            self._here.add(records.key_of(line))
            if kind == "memory" and (fields["current"] or "retire_reason" in fields):
                self._last[fields["id"]] = max(fields["version"], self._last.get(fields["id"], fields["version"]))
        return new

    def _is_new(self, line: Line, project: str) -> bool:
        kind, fields = line
        if records.key_of(line) in self._here:
            return False
        if kind == "usage":
            query = "SELECT 1 FROM usage WHERE project = ? AND day = ?"
            return self._db.execute(query, [project, fields["day"]]).fetchone() is None
        if kind != "memory" or fields["id"] not in self._last:
            return True
        return not fields["current"] and fields["version"] < self._last[fields["id"]]


class _Taking:
    """Rows and places for lines that are all new."""

    def __init__(self, db: Db, project: str, owners: Owners, number_of: Mapping[tuple[str, str] | None, int]) -> None:
        self._db = db
        self._project = project
        self._owners = owners
        self._number_of = number_of
        self._index = Index(db)
        self._places: dict[tuple[int, str], tuple[int, int]] = {}
        """By owner and id, entry and span of each message that is here."""
        self._rows: dict[str, list[Fields]] = defaultdict(list)

    def run(self, lines: Sequence[Line]) -> None:
        """Write them."""
        self._find_places(lines)
        taken = self._taken(lines)
        for kind, fields in lines:
            row = {name: fields.get(name) for name in COLUMNS[kind]}
            row |= {name: to_json(row[name]) for name in _JSON if row.get(name) is not None}
            row["project"] = self._project
            if kind != "usage":
                row["partition"] = partition_of(fields["id"])
            if kind in _OWNED:
                row["owner"] = self._number_of[records.scope_of(fields, self._project).owner]
            if kind == "episode":
                self._add_episode(fields, row, taken)
            elif kind == "memory":
                self._add_memory(fields, row, taken)
            else:
                self._rows[_TABLES[kind]].append(row)
            self._add_parts(kind, fields, row)
        try:
            for table in _ORDER:
                self._insert(table, self._rows[table])
            not_told(self._db, [(row["memory_id"], row["id"]) for row in self._rows["history"]])
        except Taken as exc:
            raise InvalidInput(
                f"a record has an id or a place that another's has here ({exc}); nothing more of the export was taken"
            ) from exc
        self._index.flush()
        self._owners.flush()

    def _find_places(self, lines: Sequence[Line]) -> None:
        """Of the messages that lines name and that came before."""
        named = {fields[name] for _, fields in lines for name in ("before", "turn", "shares") if name in fields}
        rows = self._db.execute(
            f"""
            SELECT e.owner, e.id, e.entry, e.span FROM {self._db.KEYS} AS k
            {self._db.THEN} episodes AS e ON e.partition = k.partition AND e.id = k.id
            """,
            [keys_json(named)],
        )
        self._places = {(owner, name): (entry, span) for owner, name, entry, span in rows} if named else {}

    def _taken(self, lines: Sequence[Line]) -> set[tuple[str, int, str]]:
        """Keys of the owners' that others here hold already: `once` of memories, and callers' ids of messages."""
        found = set()
        for kind, table, column, current in (
            ("memory", "memories", "once", "AND r.current"),
            ("episode", "episodes", "external_id", ""),
        ):
            keys: dict[int, list[str]] = defaultdict(list)
            for each, fields in lines:
                if each == kind and column in fields:
                    keys[self._number_of[records.scope_of(fields, self._project).owner]].append(fields[column])
            for owner, words in keys.items():
                rows = self._db.execute(
                    f"SELECT r.{column} FROM {table} AS r WHERE r.owner = ? AND r.{column} {self._db.IN} {current}",
                    [owner, self._db.listed(words)],
                )
                found |= {(column, owner, word) for (word,) in rows}
        return found

    def _add_episode(self, fields: Fields, row: Fields, taken: set[tuple[str, int, str]]) -> None:
        episode = records.episode_of(fields, self._project)
        vectors = fields.get("vectors")
        entry, span = self._owners.take(row["owner"], 0 if vectors is None else len(vectors))
        self._places[row["owner"], episode.id] = (entry, span)
        if ("external_id", row["owner"], row["external_id"]) in taken:
            row["external_id"] = None
        row |= {"entry": entry, "span": span, "content_hash": text.md5(episode.content)}
        self._rows["episodes"].append(row)
        self._index.add(
            entry, episode.indexed, vectors, episode=pack.EPISODE_STATES.index(episode.state), said=episode.said_at,
            before=link(self._place(row["owner"], fields.get("before"))), person=episode.person,
        )  # fmt: skip

    def _add_memory(self, fields: Fields, row: Fields, taken: set[tuple[str, int, str]]) -> None:
        memory = records.memory_of(fields, self._project)
        mark = pack.memory_mark(current=fields["current"], reason=memory.retire_reason)
        shared = self._places.get((row["owner"], fields.get("shares", "")))
        if shared is not None:
            entry, span = shared
            self._index.set(entry, memory=mark, expires=mark_time(memory.expires_at))
        else:
            vectors = fields.get("vectors")
            entry, span = self._owners.take(row["owner"], 0 if vectors is None else len(vectors))
            self._index.add(
                entry, memory.indexed, vectors, memory=mark, said=memory.said_at or memory.created_at,
                turn=link(self._place(row["owner"], fields.get("turn"))), expires=mark_time(memory.expires_at),
                attribute=memory.attribute, person=memory.person,
            )  # fmt: skip
        key = ("once", row["owner"], row["once"])
        if fields["current"] and key in taken:
            row["once"] = None
        elif fields["current"] and row["once"] is not None:
            taken.add(key)
        row |= {"entry": entry, "span": span, "hash": text.md5(memory.text)}
        self._rows["memories"].append(row)
        self._owners.decided(row["owner"])

    def _place(self, owner: int, episode_id: str | None) -> int | None:
        found = None if episode_id is None else self._places.get((owner, episode_id))
        return None if found is None else found[0]

    def _add_parts(self, kind: str, fields: Fields, row: Fields) -> None:
        """What belongs to the record."""
        if kind == "change":
            of = {"partition": row["partition"], "change_id": row["id"]}
            self._rows["moves"] += [of | each for each in fields.get("moves", ())]
        elif kind == "entity":
            named = {"owner": row["owner"], "entity_id": row["id"]}
            self._rows["names"] += [named | each for each in fields.get("names", ())]
        elif kind == "memory":
            of = {"partition": row["partition"], "memory_id": row["id"]}
            for name, (table, columns, _) in _PARTS.items():
                if name == "runs":
                    continue
                empty = dict.fromkeys(columns) | ({"owner": row["owner"]} if name == "history" else {})
                empty |= {"project": self._project} if name == "unproven" else {}
                self._rows[table] += [of | empty | each for each in fields.get(name, ())]
            self._rows["runs"] += [
                of | {"run_id": run_id, "project": self._project, "place": place}
                for place, run_id in enumerate(fields.get("runs", ()))
            ]

    def _insert(self, table: str, rows: Sequence[Fields]) -> None:
        """Rows that are new, or of what is new. Of what has no owner, others may take in the same at this moment."""
        if rows:
            values = [tuple(row.values()) for row in rows]
            self._db.write([Insert(table=table, columns=tuple(rows[0]), rows=values, kept=table not in _OWN_ROWS)])


_ORDER = (
    "changes", "moves", "usage", "tombstones", "entities", "names", "episodes", "memories", "sources", "unproven",
    "runs", "history", "feedback", "mentions", "relations",
)  # fmt: skip
_OWN_ROWS = {_TABLES[kind] for kind in _OWNED}
