"""What the entity and the time arm need beside the index: which rows name somebody, and when memories hold."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.ids import partition_of
from mnemic.stores import blocks as pack
from mnemic.stores.sqlite_sql import keys_json


def linked(db: sqlite3.Connection, entries: NDArray[np.int64], memories: Mapping[str, float]) -> ranking.Floats | None:
    """How closely each row is linked with what is asked for, shape (n,); None when nothing is."""
    if not memories:
        return None
    rows = db.execute(
        """
        SELECT m.entry, m.id FROM json_each(?) AS k
        JOIN memories AS m ON m.partition = k.value ->> 0 AND m.id = k.value ->> 1
        """,
        [keys_json(memories)],
    ).fetchall()
    out = np.zeros(len(entries), np.float32)
    places, here = _places(entries, [entry for entry, _ in rows])
    for place, found, (_, memory_id) in zip(places, here, rows, strict=True):
        if found:
            out[place] = memories[memory_id]
    return out


def timely(
    db: sqlite3.Connection, blocks: pack.Blocks, times: Sequence[tuple[datetime, datetime]]
) -> ranking.Floats | None:
    """How well each row's time meets the times asked for, shape (n,); None when none are.

    A memory that is dated counts by its dates, everything else by when it was said.
    """
    if not times:
        return None
    start = blocks.marks["said"].astype(np.int64)
    end = start + 1
    owners = np.unique(blocks.entries >> pack.SEQUENCE_BITS)
    rows = db.execute(
        """
        SELECT entry, valid_from, valid_to, kind = 'event', precision FROM memories
        WHERE owner IN (SELECT value FROM json_each(?)) AND valid_from IS NOT NULL
        """,
        [json.dumps(owners.tolist())],
    ).fetchall()
    places, here = _places(blocks.entries, [row[0] for row in rows])
    for place, found, (_, since, until, happened, precision) in zip(places, here, rows, strict=True):
        if found:
            start[place], end[place] = ranking.lasting(
                datetime.fromisoformat(since),
                None if until is None else datetime.fromisoformat(until),
                precision,
                happened=bool(happened),
            )
    return ranking.meets(start, end, times)


def places_of(db: sqlite3.Connection, entries: NDArray[np.int64], ids: Sequence[str]) -> list[int]:
    """Rows of some records, where they are among these entries."""
    if not ids:
        return []
    found = []
    for record_id in ids:
        key = [partition_of(record_id), record_id]
        found += db.execute("SELECT entry FROM memories WHERE partition = ? AND id = ?", key).fetchall()
        found += db.execute("SELECT entry FROM episodes WHERE partition = ? AND id = ?", key).fetchall()
    places, here = _places(entries, [entry for (entry,) in found])
    return [int(place) for place, is_here in zip(places, here, strict=True) if is_here]


def _places(entries: NDArray[np.int64], wanted: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each wanted entry stands among `entries`, which ascend, and whether it does."""
    asked = np.array(wanted, dtype=np.int64)
    places = np.minimum(np.searchsorted(entries, asked), len(entries) - 1)
    return places, entries[places] == asked
