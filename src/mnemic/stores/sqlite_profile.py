"""What is foremost about a user: read in one snapshot, whole rows only of what is shown."""

from __future__ import annotations

import json
from collections.abc import Sequence

from mnemic.protocols import MADE, Page, Where
from mnemic.stores.sqlite_called import called
from mnemic.stores.sqlite_filter import MEMORY_FIELDS, filter_sql
from mnemic.stores.sqlite_read import Reader
from mnemic.stores.sqlite_rows import MEMORY_COLUMNS, utc
from mnemic.stores.sqlite_sql import memories_sql


def foremost(reader: Reader, where: Where, attributes: Sequence[str], limit: int | None) -> Page:
    """Pinned ones, then by the place of their attribute, then by id."""
    whose, values = memories_sql(where.scope)
    tree = called(reader.db, where)
    passing, further = ("true", []) if tree is None else filter_sql(tree, MEMORY_FIELDS)
    rows = reader.db.execute(
        f"""
        SELECT NOT pinned, attribute, id, entry FROM memories
        WHERE {whose}
        AND (subject = 'user' OR pinned)
        AND kind NOT IN (SELECT value FROM json_each(?))
        AND (expires_at IS NULL OR utc(expires_at) > ?)
        AND {passing}
        """,
        [*values, json.dumps(MADE), utc(where.now), *further],
    ).fetchall()
    places = {name: place for place, name in enumerate(attributes)}
    rows.sort(key=lambda row: (row[0], places.get(row[1], len(places)), row[2]))
    wanted = [row[-1] for row in rows[:limit]]
    found = reader.db.execute(
        f"SELECT {MEMORY_COLUMNS} FROM memories WHERE entry IN (SELECT value FROM json_each(?)) AND current",
        [json.dumps(wanted)],
    ).fetchall()
    memories = {memory.id: memory for memory in reader.memories(found)}
    return Page(memories=tuple(memories[row[2]] for row in rows[:limit]), total=len(rows), next_cursor=None)
