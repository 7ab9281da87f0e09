"""Embedding spaces: each has tables of its own, and a store moves from one to another piece by piece."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from mnemic.protocols import Piece, Space, Vectors
from mnemic.stores import blocks as pack
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.predicates import number_of, same_space
from mnemic.stores.relational.rows import EPISODE_COLUMNS, MEMORY_COLUMNS, episode_of, memory_of


def use_space(db: Db, space: Space) -> None:
    """Record the space and make its tables."""
    if same_space(db, space):
        return
    db.lock_partition(-1)  # of all: two first writers make the tables once
    if not same_space(db, space):
        db.execute("UPDATE spaces SET active = true WHERE number = ?", [_tables_of(db, space)])


def _tables_of(db: Db, space: Space) -> int:
    """The space's number; its row and tables are made when it is new, not yet active."""
    known = number_of(db, space)
    if known is not None:
        return known
    number = int(db.execute("SELECT coalesce(max(number), 0) + 1 FROM spaces").fetchone()[0])
    db.execute("INSERT INTO spaces VALUES (?, ?, ?, false)", [number, space.name, space.dimensions])
    db.make_space(number, space.dimensions)
    return number


def reembed(db: Db, space: Space, vectors: Sequence[tuple[int, Vectors]]) -> None:
    """Keep vectors in a space's own tables, whether it is active or not."""
    number = _tables_of(db, space)
    table, kind = f"vectors_{number:d}", pack.code_type(space.dimensions)
    blocks: dict[int, list[tuple[int, Vectors]]] = defaultdict(list)
    for place, windows in vectors:
        for offset, vector in enumerate(windows):
            blocks[(place + offset) >> pack.BLOCK_BITS].append((place + offset, vector))
    for block, placed in blocks.items():
        which, values = db.at("block", [block])
        found = db.execute(f"SELECT marks FROM blocks WHERE {which}", values).fetchone()
        marks = np.frombuffer(found[0] if found else b"", dtype=pack.MARK)
        rows = [row for row in placed if not _vacant(marks, row[0] & (pack.BLOCK - 1))]  # others were erased meanwhile
        if not rows:
            continue
        codes = np.zeros(len(marks), dtype=kind)
        known = db.execute(f"SELECT codes FROM {table} WHERE {which}", values).fetchone()
        if known is not None:
            before = np.frombuffer(known[0], dtype=kind)
            codes[: len(before)] = before
        codes[[entry & (pack.BLOCK - 1) for entry, _ in rows]] = pack.encode(np.stack([each for _, each in rows]))
        db.insert(table, ("block", "codes"), [(block, codes.tobytes())], key="block")
        exact = [(entry, vector.astype("<f2").tobytes()) for entry, vector in rows]
        db.insert(f"exact_{number:d}", ("entry", "vector"), exact, key="entry")


def _vacant(marks: NDArray[np.void], place: int) -> bool:
    return place >= len(marks) or not (marks["memory"][place] or marks["episode"][place] or marks["head"][place])


def activate(db: Db, space: Space, leaving: int) -> bool:
    """Switch to a space that has all records' vectors but a few, and drop all others."""
    db.lock_spaces()
    if len(missing(db, space, leaving + 1)) > leaving:
        return False
    kept = _tables_of(db, space)
    for (number,) in db.execute("SELECT number FROM spaces WHERE number <> ?", [kept]).fetchall():
        db.drop_space(number)
        db.execute("DELETE FROM spaces WHERE number = ?", [number])
    db.execute("UPDATE spaces SET active = true")
    db.execute("UPDATE owners SET changes = changes + 1")
    return True


def missing(db: Db, space: Space, limit: int, after: int = -1) -> list[Piece]:
    """Records behind a place without vectors in a space, in the order they lie."""
    number = number_of(db, space)
    behind, values = db.behind("r", "entry", after)
    if number is not None:
        lies = db.lies("x", "r.partition")
        behind += f" AND NOT EXISTS (SELECT 1 FROM exact_{number:d} AS x WHERE {lies} AND x.entry = r.entry)"
    order = db.in_place("r", "entry")
    episodes = db.execute(
        f"SELECT {EPISODE_COLUMNS}, entry, span FROM episodes AS r WHERE {behind} ORDER BY {order} LIMIT ?",
        [*values, limit],
    )
    found = [Piece(place=row[-2], text=episode_of(row[:-2]).indexed, span=row[-1]) for row in episodes]
    memories = db.execute(
        f"""
        SELECT {MEMORY_COLUMNS}, entry, span FROM memories AS r
        WHERE {behind} AND NOT EXISTS (SELECT 1 FROM episodes AS e WHERE {db.lies("e", "r.partition")} AND e.entry = r.entry)
        ORDER BY {order}
        LIMIT ?
        """,
        [*values, limit],
    )
    found += [Piece(place=row[-2], text=memory_of(row[:-2], ()).indexed, span=row[-1]) for row in memories]
    return sorted(found, key=lambda each: each.place)[:limit]
