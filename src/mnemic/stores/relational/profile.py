"""What is foremost about a user: read in one snapshot, whole rows only of what is shown."""

from __future__ import annotations

from collections.abc import Sequence

from mnemic.protocols import MADE, Page, Where
from mnemic.stores.relational.called import called
from mnemic.stores.relational.filter import MEMORY_FIELDS, filter_sql
from mnemic.stores.relational.predicates import memories_sql
from mnemic.stores.relational.read import Reader
from mnemic.stores.relational.rows import MEMORY_COLUMNS, utc


def foremost(reader: Reader, where: Where, attributes: Sequence[str], limit: int | None) -> Page:
    """Pinned ones, then by the place of their attribute, then by id."""
    db = reader.db
    whose, values = memories_sql(db, where.scope)
    tree = called(db, where)
    passing, further = ("true", []) if tree is None else filter_sql(db, tree, MEMORY_FIELDS)
    rows = db.execute(
        f"""
        SELECT NOT pinned, attribute, id, entry FROM memories
        WHERE {whose}
        AND (subject = 'user' OR pinned)
        AND NOT (kind {db.IN})
        AND (expires_at IS NULL OR utc(expires_at) > ?)
        AND {passing}
        """,
        [*values, db.listed(MADE), utc(where.now), *further],
    ).fetchall()
    places = {name: place for place, name in enumerate(attributes)}
    rows.sort(key=lambda row: (row[0], places.get(row[1], len(places)), row[2]))
    which, placed = db.at("entry", [row[-1] for row in rows[:limit]])
    found = db.execute(f"SELECT {MEMORY_COLUMNS} FROM memories WHERE {which} AND current", placed).fetchall()
    memories = {memory.id: memory for memory in reader.memories(found)}
    return Page(memories=tuple(memories[row[2]] for row in rows[:limit]), total=len(rows), next_cursor=None)
