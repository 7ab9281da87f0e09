"""What the entity and the time arm need beside the index: which rows name somebody, and when memories hold."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.ids import partition_of
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import SHIFTS, Db
from mnemic.stores.relational.predicates import keys_json
from mnemic.stores.relational.rows import utc


def linked(
    db: Db, entries: NDArray[np.int64], memories: ranking.Mask, links: Mapping[str, float]
) -> ranking.Floats | None:
    """How closely each row is linked with what is asked for, shape (n,); None when nothing is.

    `memories`: which rows may be hits and are memories, shape (n,).
    """
    if not links:
        return None
    rows = db.execute(
        f"""
        SELECT m.entry, m.id FROM {db.KEYS} AS k
        JOIN memories AS m ON m.partition = k.partition AND m.id = k.id
        """,
        [keys_json(links)],
    ).fetchall()
    out = np.zeros(len(entries), np.float32)
    places, here = _places(entries, [entry for entry, _ in rows])
    for place, found, (_, memory_id) in zip(places, here, rows, strict=True):
        if found and memories[place]:
            out[place] = links[memory_id]
    return out


def timely(
    db: Db,
    blocks: pack.Blocks,
    memories: ranking.Mask,
    times: Sequence[tuple[datetime, datetime]],
    ends: Mapping[int, datetime | None] | None = None,
) -> ranking.Floats:
    """How well each row's time meets the times asked for, shape (n,).

    A memory that is dated counts by its dates. One with a slot that does not say since when holds from when it was
    said until its end. Everything else counts by when it was said.

    Args:
        db, blocks, times: the store, what is read of it, and what is asked for.
        memories: which rows may be hits and are memories, shape (n,).
        ends: by entry, until when each held as it was known at the moment asked about; None: as it is known now.
    """
    start = blocks.marks["said"].astype(np.int64)
    end = start + 1
    rows = db.execute(
        f"""
        SELECT m.entry, utc(m.valid_from), utc(m.valid_to), m.kind = 'event', m.precision
        FROM {db.RANGES} AS r
        {db.THEN} memories AS m ON {db.lies("m", "r.partition")} AND m.entry BETWEEN r.first AND r.last
        WHERE m.valid_from IS NOT NULL OR (m.slot IS NOT NULL AND m.kind <> 'event')
        """,
        [json.dumps(_ranges(blocks.entries[memories]))],
    ).fetchall()
    places, here = _places(blocks.entries, [row[0] for row in rows])
    here &= memories[places]
    places, rows = places[here], [row for row, found in zip(rows, here, strict=True) if found]
    since = _moments([row[1] for row in rows])
    until = _moments([row[2] if ends is None else utc(ends[row[0]]) for row in rows])
    begins = np.where(np.isnat(since), start[places], since.astype(np.int64))
    lasts = np.array([_lasts(bool(happened), precision) for *_, happened, precision in rows], dtype=np.int64)
    open_end = np.where(np.array([row[3] for row in rows], dtype=np.bool_), begins + lasts, lasts)
    start[places] = begins
    end[places] = np.where(np.isnat(until), open_end, np.maximum(until.astype(np.int64), begins + 1))
    return ranking.meets(start, end, times)


def _ranges(entries: NDArray[np.int64]) -> list[list[int]]:
    """The partition, the first and the last entry of each range of blocks without a gap that hold these entries, which ascend."""
    blocks = np.unique(entries >> pack.BLOCK_BITS)
    if not len(blocks):
        return []
    cuts = np.flatnonzero(np.diff(blocks) > 1) + 1
    firsts, lasts = blocks[np.r_[0, cuts]], blocks[np.r_[cuts - 1, len(blocks) - 1]]
    starts, ends = firsts << pack.BLOCK_BITS, (lasts << pack.BLOCK_BITS) + pack.BLOCK - 1
    return np.stack([starts >> SHIFTS["entry"], starts, ends], axis=1).tolist()  # type: ignore[no-any-return]


def _moments(stamps: Sequence[str | None]) -> NDArray[np.datetime64]:
    """Times, which are in UTC, by the millisecond, rounded down."""
    bare = [None if each is None else each.removesuffix("+00:00") for each in stamps]
    return np.array(bare, dtype="datetime64[us]").astype("datetime64[ms]")


@functools.cache
def _lasts(happened: bool, precision: str | None) -> int:
    """Of what says no end: how many milliseconds it takes, or where it is no event, the moment that never comes."""
    return ranking.lasting(datetime.fromtimestamp(0, UTC), None, precision, happened=happened)[1]


def places_of(db: Db, entries: NDArray[np.int64], ids: Sequence[str]) -> list[int]:
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
