"""What `verify` checks: that rows, index, vectors, sources and history agree."""

from __future__ import annotations

import numpy as np

from mnemic.stores import blocks as pack
from mnemic.stores.relational.read import Reader

_SHOWN = 20  # problems of one kind that are listed one by one

# Each row of an answer is one problem.
_CHECKS = {
    "memory without history": """
        SELECT m.id FROM memories AS m WHERE m.version = 1 AND NOT EXISTS
        (SELECT 1 FROM history AS h WHERE h.partition = m.partition AND h.memory_id = m.id AND h.event = 'ADD')
    """,
    "history without memory": """
        SELECT h.memory_id FROM history AS h WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = h.partition AND m.id = h.memory_id)
    """,
    "source without memory": """
        SELECT s.memory_id FROM sources AS s WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = s.partition AND m.id = s.memory_id)
    """,
    "source without episode": """
        SELECT s.episode_id FROM sources AS s WHERE NOT EXISTS
        (SELECT 1 FROM episodes AS e WHERE e.partition = s.partition AND e.id = s.episode_id)
    """,
    "quote that its episode does not hold": """
        SELECT s.memory_id FROM sources AS s
        JOIN episodes AS e ON e.partition = s.partition AND e.id = s.episode_id
        WHERE instr(coalesce(e.seen, e.content), s.quote) = 0
    """,
    "source taken away from no memory": """
        SELECT u.memory_id FROM unproven AS u WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = u.partition AND m.id = u.memory_id)
    """,
    "source taken away without episode": """
        SELECT u.episode_id FROM unproven AS u WHERE NOT EXISTS
        (SELECT 1 FROM episodes AS e WHERE e.partition = u.partition AND e.id = u.episode_id)
    """,
    "done episode without memory": """
        SELECT e.id FROM episodes AS e WHERE e.state = 'done' AND NOT EXISTS
        (SELECT 1 FROM sources AS s WHERE s.partition = e.partition AND s.episode_id = e.id)
    """,
    "further run of no memory": """
        SELECT r.memory_id FROM runs AS r WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = r.partition AND m.id = r.memory_id)
    """,
    "feedback on no memory": """
        SELECT f.memory_id FROM feedback AS f WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = f.partition AND m.id = f.memory_id)
    """,
    "memory retired by none": """
        SELECT id FROM memories WHERE current AND (known_to IS NOT NULL OR retire_reason IS NOT NULL)
    """,
    "retired memory that does not say when": "SELECT id FROM memories WHERE NOT current AND known_to IS NULL",
    "newest version that is neither current nor retired": """
        SELECT id FROM memories AS m WHERE NOT current AND retire_reason IS NULL AND NOT EXISTS
        (SELECT 1 FROM memories AS n WHERE n.partition = m.partition AND n.id = m.id AND n.version > m.version)
    """,
    "lease or task of an episode that is done": """
        SELECT id FROM episodes WHERE leased AND state <> 'pending'
        UNION ALL
        SELECT id FROM episodes WHERE task IS NOT NULL AND state NOT IN ('pending', 'failed', 'hidden')
    """,
    "mention without memory": """
        SELECT n.memory_id FROM mentions AS n WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = n.partition AND m.id = n.memory_id)
    """,
    "mention without entity": """
        SELECT n.entity_id FROM mentions AS n WHERE NOT EXISTS
        (SELECT 1 FROM entities AS e WHERE e.partition = n.partition AND e.id = n.entity_id)
    """,
    "relation without memory": """
        SELECT r.memory_id FROM relations AS r WHERE NOT EXISTS
        (SELECT 1 FROM memories AS m WHERE m.partition = r.partition AND m.id = r.memory_id)
    """,
    "relation without entity": """
        SELECT r.memory_id FROM relations AS r
        WHERE NOT EXISTS (SELECT 1 FROM entities AS e WHERE e.partition = r.partition AND e.id = r.subject_id)
            OR NOT EXISTS (SELECT 1 FROM entities AS e WHERE e.partition = r.partition AND e.id = r.object_id)
    """,
    "name without entity": """
        SELECT n.entity_id FROM names AS n WHERE NOT EXISTS
        (SELECT 1 FROM entities AS e WHERE e.partition = n.owner >> 27 AND e.id = n.entity_id)
    """,
    "entity merged into none": """
        SELECT e.id FROM entities AS e WHERE e.merged_into IS NOT NULL AND NOT EXISTS
        (SELECT 1 FROM entities AS o WHERE o.partition = e.partition AND o.id = e.merged_into)
    """,
    "row of no owner": """
        SELECT id FROM (SELECT id, owner FROM entities UNION ALL SELECT id, owner FROM tombstones)
        WHERE NOT EXISTS (SELECT 1 FROM owners AS o WHERE o.number = owner)
    """,
    "row outside its owner": """
        SELECT id FROM (SELECT id, entry FROM episodes UNION ALL SELECT id, entry FROM memories)
        WHERE NOT EXISTS (SELECT 1 FROM owners AS o WHERE o.number = entry >> 24 AND o.next_sequence > entry & 16777215)
    """,
}


def verify(reader: Reader) -> tuple[int, tuple[str, ...]]:
    """Records checked, and the problems found."""
    db = reader.db
    problems = [f"damaged page: {damage}" for damage in db.damages()]
    for name, query in _CHECKS.items():
        problems += [f"{name}: {row[0]}" for row in db.execute(f"{query} LIMIT {_SHOWN}")]
    expected: dict[int, list[int]] = {}
    for entry, state in db.execute("SELECT entry, state FROM episodes"):
        expected[entry] = [pack.NO_MEMORY, pack.EPISODE_STATES.index(state)]
    for entry, current, reason in db.execute("SELECT entry, current, retire_reason FROM memories"):
        expected.setdefault(entry, [0, 0])[0] = pack.memory_mark(current=bool(current), reason=reason)
    problems += _compare_index(reader, expected)
    return len(expected), tuple(problems)


def _compare_index(reader: Reader, expected: dict[int, list[int]]) -> list[str]:
    db = reader.db
    rows = db.execute("SELECT block, marks, terms FROM blocks ORDER BY block").fetchall()
    problems = [f"block {b}: broken marks or terms" for b, marks, terms in rows if not _whole(marks, terms)]
    if problems:
        return problems[:_SHOWN]
    blocks = pack.flatten(rows)
    vacant = (blocks.marks["memory"] == 0) & (blocks.marks["episode"] == 0)
    heads = (blocks.marks["head"] == 0) & ~vacant
    found = {
        int(entry): [int(memory), int(episode)]
        for entry, memory, episode in zip(
            blocks.entries[heads], blocks.marks["memory"][heads], blocks.marks["episode"][heads], strict=True
        )
    }
    problems += [f"entry {e}: in the index, not in a row" for e in sorted(found.keys() - expected.keys())[:_SHOWN]]
    problems += [f"entry {e}: in a row, not in the index" for e in sorted(expected.keys() - found.keys())[:_SHOWN]]
    differing = [e for e in sorted(found.keys() & expected.keys()) if found[e] != expected[e]]
    problems += [f"entry {e}: index says {found[e]}, rows say {expected[e]}" for e in differing[:_SHOWN]]
    return problems + _compare_vectors(reader, {block: len(marks) // pack.MARK.itemsize for block, marks, _ in rows})


def _compare_vectors(reader: Reader, sizes: dict[int, int]) -> list[str]:
    db = reader.db
    space = db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
    if space is None:
        return []
    problems, coded = [], set()
    kind = pack.code_type(space[1])
    for block, codes in db.execute(f"SELECT block, codes FROM vectors_{space[0]:d}"):
        if len(codes) % kind.itemsize or len(codes) // kind.itemsize > sizes.get(block, 0):
            problems.append(f"block {block}: {len(codes)} bytes of codes for {sizes.get(block, 0)} entries")
            continue
        places = np.flatnonzero(np.frombuffer(codes, dtype=kind)["scale"] > 0)
        coded.update((places + (block << pack.BLOCK_BITS)).tolist())
    exact = {row[0] for row in db.execute(f"SELECT entry FROM exact_{space[0]:d}")}
    problems += [f"entry {entry}: exact vector and code do not match" for entry in sorted(coded ^ exact)]
    return problems[:_SHOWN]


def _whole(marks: bytes, terms: bytes) -> bool:
    if len(marks) % pack.MARK.itemsize or len(marks) > pack.BLOCK * pack.MARK.itemsize:
        return False
    return int(np.frombuffer(marks, dtype=pack.MARK)["terms"].sum()) * pack.TERM.itemsize == len(terms)
