"""Search of a whole project with an index of neighbours (HNSW), where that is quicker than reading every vector.

The index proposes; nothing that it says is shown. Whatever any arm proposes, and the conversation around it, is scored
with the stored vectors, as in a search that reads them all, and what was not copied into the index yet is read as
always. Words, entities, times and newness are looked for in all rows, as always. Searches of a scope that names
anybody never come here: their rows are few, and an index of all would find mostly others' rows.

`postgres_near` makes the index and keeps it up, once such a search has asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mnemic import ranking
from mnemic.protocols import Probe
from mnemic.stores import blocks as pack
from mnemic.stores.relational.cache import Index
from mnemic.stores.relational.db import Db
from mnemic.stores.relational.read import Reader
from mnemic.stores.relational.vectors import Codes, exact_of, multiplied, places, read_codes

LEAST = 50_000
"""Records that a search may find from which the index is used. By `bench/wide_search.py` both ways take as much of the
processors at 30,000 (97 and 103 ms) and at 50,000 (138 and 134); from there on every vector costs more than the index."""

MOST_DIMENSIONS = 4_000
"""What pgvector can make an index of."""

# Neighbours asked of the index for each candidate that is handed over. Its order is that of centred cosine but for
# how far the centre has moved since it was made, and that it is kept in sixteen bits.
_FOR_EACH = 4
_FEWEST = 200

# Share of the eligible rows that may not be copied yet: reading more of them is no less than reading all.
_MOST_WAITING = 0.25

# As in `vectors`: the mean of a scope is taken over so many blocks.
_MEAN_BLOCKS = 16
_TOGETHER = 4
# And the spread and what all have in common over so many times as many: 4,096 rows, which know it to one per cent.
_MORE = 4

# Turns before and after that may lend a row something, and rounds of looking at what came up.
_REACH = 8
_ROUNDS = 3

# Of what an arm hands over, so many times as much is looked at: nearness may move words, and neighbours lend.
_OTHERS = 2


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A project to make an index of, and the centres that its vectors are compared around, by script side."""

    project: str
    space: int
    centres: bytes

    def ask(self, db: Db) -> None:
        """Leave it for whoever looks after the index."""
        db.execute(
            "INSERT INTO wide (project, space, centres) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            [self.project, self.space, self.centres],
        )


def way(db: Db, project: str) -> str:
    """How a search of the whole project goes, and why, as `stats` says it."""
    space = db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
    if space is None:
        return "exact: there are no vectors"
    if space[1] > MOST_DIMENSIONS:
        return f"exact: an index takes vectors of {MOST_DIMENSIONS:,} dimensions at most, these have {space[1]:,}"
    (entries,) = db.execute(
        "SELECT coalesce(sum(next_sequence), 0) FROM owners WHERE project = ?", [project]
    ).fetchone()
    if entries < LEAST:
        return f"exact: an index is used from {LEAST:,} entries on, there are {entries:,}"
    wide = "SELECT ready FROM wide WHERE project = ? AND space = ?"
    known = db.execute(wide, [project, space[0]]).fetchone()
    if known is None:
        return f"exact: no search of all {entries:,} entries has asked for an index yet"
    if not known[0]:
        (there,) = db.execute("SELECT to_regtype('halfvec') IS NOT NULL").fetchone()
        if not there:
            return f"exact: an index of {entries:,} entries needs the extension 'vector'; run: CREATE EXTENSION vector"
        return f"exact: an index of {entries:,} entries was asked for; run: mnemic worker, which makes it"
    copied = "SELECT coalesce(sum(upto), 0) FROM widened WHERE project = ? AND space = ?"
    (there,) = db.execute(copied, [project, space[0]]).fetchone()
    if entries - there > _MOST_WAITING * entries:
        return f"exact: the index has {there:,} of {entries:,} entries only; mnemic worker brings it up"
    return f"hnsw: the index has {there:,} of {entries:,} entries; the others are read"


class WideReader(Reader):
    """A reader that knows of the index."""

    wish: Wish | None = None
    """What the last search would have been helped by."""

    def score(
        self, probe: Probe, index: Index, rows: ranking.Rows, asked: ranking.Asked, watched: Sequence[int]
    ) -> tuple[list[ranking.Scored], float | None]:
        """Of a whole project by the index, if there is one; of anything else as always."""
        if not probe.where.scope.ids and (found := self._wide(probe, index, rows, asked, watched)) is not None:
            return found
        return super().score(probe, index, rows, asked, watched)

    def _wide(
        self, probe: Probe, index: Index, rows: ranking.Rows, asked: ranking.Asked, watched: Sequence[int]
    ) -> tuple[list[ranking.Scored], float | None] | None:
        if probe.vectors is None or "vector" not in probe.arms or int(rows.eligible.sum()) < LEAST:
            return None
        space = self.db.execute("SELECT number, dimensions FROM spaces WHERE active").fetchone()
        if space is None or space[1] > MOST_DIMENSIONS:
            return None
        project = probe.where.scope.project
        known = self.db.execute(
            "SELECT ready AND to_regclass(?) IS NOT NULL FROM wide WHERE project = ? AND space = ?",
            [f"near_{space[0]:d}", project, space[0]],
        ).fetchone()
        if known is not None and not known[0]:
            return None
        search = _Search(self.db, space, probe, index.blocks, rows)
        if known is None:
            self.wish = Wish(project=project, space=space[0], centres=search.centres())
            return None
        near = search.proposed()
        return None if near is None else search.ranked(near, asked, watched)


class _Search:
    """One search of a whole project."""

    def __init__(self, db: Db, space: tuple[int, int], probe: Probe, blocks: pack.Blocks, rows: ranking.Rows) -> None:
        self._db, self._probe, self._blocks, self._rows = db, probe, blocks, rows
        self._space, self._dimensions = space
        n = len(blocks.entries)
        self._heads = np.maximum(np.arange(n) - blocks.marks["head"].astype(np.int64), 0)
        self._wanted = rows.eligible[self._heads]  # eligible records' first and further windows
        self._cjk = pack.is_cjk(blocks.marks)
        self._sample = self._sampled()
        typical = probe.calibration.typical.get(probe.side)
        assert probe.vectors is not None  # noqa: S101 - the caller asked
        self._windows = len(probe.vectors)
        self._means = self._centres()
        self._question = ranking.Centred(probe.vectors, probe.side, self._means, typical)
        self._similarity = np.full(n, -np.inf, dtype=np.float32)
        """Of windows; those that were not read yet have none."""
        self._read = np.zeros(n, dtype=np.bool_)
        self._nearest: tuple[ranking.Floats, NDArray[np.bool_]] | None = None

    # What the index proposes.

    def proposed(self) -> NDArray[np.int64] | None:
        """Rows of the nearest records by the index, and of those it does not hold yet. None: it is of no use here."""
        waiting = self._waiting()
        if int(waiting.sum()) > _MOST_WAITING * int(self._wanted.sum()):
            return None
        least = max(_FEWEST, _FOR_EACH * self._probe.limit)
        # Of what the index holds, only a part may be found: somebody else's filter, retired versions.
        amount = int(least * len(self._blocks.entries) / max(int(self._wanted.sum()), 1))
        found = np.concatenate([self._neighbours(query, amount) for query in self._queries()])
        rows = np.searchsorted(self._blocks.entries, found)
        rows = rows[rows < len(self._blocks.entries)]
        heads = np.unique(self._heads[rows[self._wanted[rows]]])
        if len(heads) < min(least // 2, int(self._rows.eligible.sum())):
            return None  # what may be found lies apart from what is near: everything has to be read
        return np.union1d(heads, self._best_of(waiting, least))

    def _waiting(self) -> NDArray[np.bool_]:
        """Windows that were not copied yet."""
        copied = self._db.execute(
            "SELECT owner, upto FROM widened WHERE project = ? AND space = ? ORDER BY owner",
            [self._probe.where.scope.project, self._space],
        ).fetchall()
        if not copied:
            return self._wanted
        owners, upto = np.array(copied, dtype=np.int64).T
        mine = self._blocks.entries >> pack.SEQUENCE_BITS
        at = np.minimum(np.searchsorted(owners, mine), len(owners) - 1)
        reached = np.where(owners[at] == mine, upto[at], 0)
        return np.asarray(self._wanted & (self._blocks.entries - (mine << pack.SEQUENCE_BITS) >= reached))

    def _queries(self) -> list[str]:
        """The question's windows around the centre of its side, as the vectors of the index are around theirs."""
        centre = self._means[self._probe.side]
        assert self._probe.vectors is not None  # noqa: S101 - see above
        centred = self._probe.vectors if centre is None else self._probe.vectors - centre
        return [f"[{','.join(f'{value:.6g}' for value in each)}]" for each in centred.tolist()]

    def _neighbours(self, query: str, amount: int) -> NDArray[np.int64]:
        self._db.execute(
            "SELECT set_config('hnsw.iterative_scan', 'relaxed_order', true), set_config('hnsw.ef_search', ?, true),"
            " set_config('hnsw.max_scan_tuples', ?, true), set_config('enable_sort', 'off', true)",
            [str(min(2 * max(amount, _FEWEST), 1000)), str(max(20_000, 10 * amount))],
        )
        rows = self._db.execute(NEAREST.format(space=self._space), [self._probe.where.scope.project, query, amount])
        return np.array([entry for (entry,) in rows], dtype=np.int64)

    def _best_of(self, windows: NDArray[np.bool_], limit: int) -> NDArray[np.int64]:
        """Heads of the best of some windows by their codes, which are all read."""
        at = np.flatnonzero(windows)
        if not len(at):
            return at
        codes = read_codes(self._db, self._space, self._dimensions, self._blocks.entries[at])
        place = places(codes, self._blocks.entries[at])
        have = codes.scale[place] > 0
        at, place = at[have], place[have]
        if not len(at):
            return at
        near = self._question.cosine(multiplied(codes, self._question.probes)[place], self._cjk[at])
        return np.unique(self._heads[at[ranking.top(near, np.ones(len(at), np.bool_), limit)]])

    # What is made of it.

    def ranked(
        self, near: NDArray[np.int64], asked: ranking.Asked, watched: Sequence[int]
    ) -> tuple[list[ranking.Scored], float | None]:
        """Rank as always, with the nearness of all that could be among the best, and of what lends to it."""
        probe, eligible = self._probe, self._rows.eligible
        if "keyword" in probe.arms:
            asked = replace(asked, counted=ranking.count_words(self._rows, asked.words))
        counted = [each for each in (asked.entities, asked.times) if each is not None]
        if asked.counted is not None:
            # The most that words can come to, and the least: what was not read counts for so much, and is not among
            # the best of these.
            counted += [asked.counted.together, asked.counted.alone]
        best = [
            self._best_of_near(near),
            *(ranking.top(met, eligible & (met > 0), _OTHERS * probe.limit) for met in counted),
        ]
        newest = ranking.top(self._rows.said.astype(np.float64), eligible, probe.limit)
        rows = np.unique(np.concatenate([*best, newest, np.asarray(watched, dtype=np.int64)]))
        spread = probe.calibration.spread
        stretch = np.float32(1.0 if spread is not None else ranking.stretch(self._typical_similarity()))
        for _ in range(_ROUNDS):
            self._look_around(rows)
            scored = ranking.rank(
                self._rows, self._of_records() * stretch, asked, probe.limit, spread=spread or 1.0, arms=probe.arms,
                watched=watched,
            )  # fmt: skip
            rows = np.array([each.row for each in scored if not self._read[each.row]], dtype=np.int64)
            if not len(rows):
                break
        return scored, self._lift()

    def _best_of_near(self, near: NDArray[np.int64]) -> NDArray[np.int64]:
        """Records of the best windows among what the index proposed, by their stored vectors."""
        windows = np.flatnonzero(np.isin(self._heads, near) & self._wanted)
        windows, vectors = exact_of(self._db, self._space, self._dimensions, self._blocks.entries, windows)
        found = self._question.cosine(vectors @ self._question.probes, self._cjk[windows])
        best = ranking.top(found, np.ones(len(windows), np.bool_), _OTHERS * self._probe.limit)
        return np.unique(self._heads[windows[best]])

    def _look_around(self, rows: NDArray[np.int64]) -> None:
        """Read the codes of some records and of the turns around them, and the vectors of the best, as `vectors` does."""
        entries, limit = self._blocks.entries, self._probe.limit
        numbers = np.unique(entries[self._around(rows)] >> pack.BLOCK_BITS)
        windows = np.flatnonzero(self._wanted & ~self._read & np.isin(entries >> pack.BLOCK_BITS, numbers))
        if not len(windows):
            return
        self._read[windows] = True
        codes = read_codes(self._db, self._space, self._dimensions, entries[windows])
        at = places(codes, entries[windows])
        have = codes.scale[at] > 0
        windows, at = windows[have], at[have]
        self._similarity[windows] = self._question.cosine(
            multiplied(codes, self._question.probes)[at], self._cjk[windows]
        )
        best = ranking.top(self._similarity, self._read & np.isfinite(self._similarity), limit)
        best, vectors = exact_of(self._db, self._space, self._dimensions, entries, np.sort(best))
        products = vectors @ self._question.probes
        self._similarity[best] = self._question.cosine(products, self._cjk[best])
        self._nearest = products, self._cjk[best]

    def _around(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Rows with the turns around their own, and what was taken from these."""
        n = len(self._rows.eligible)
        links = np.concatenate([self._rows.neighbours, np.full((3, 1), n)], axis=1)
        own = np.where(links[0][rows] < n, links[0][rows], rows)
        turns, ahead, after = [own], own, own
        for _ in range(_REACH):
            ahead, after = links[1][ahead], links[2][after]
            turns += [ahead, after]
        met = np.zeros(n + 1, dtype=np.bool_)
        met[np.concatenate(turns)] = True
        met[n] = False
        met[:n] |= met[self._rows.neighbours[0]]  # what was taken from a turn
        met[rows] = True
        return np.flatnonzero(met[:n])

    def _of_records(self) -> ranking.Floats:
        """A record of several windows scores as its nearest one; those that were not read stand apart from nothing."""
        windows = np.flatnonzero(self._wanted)
        rows, starts = np.unique(self._heads[windows], return_index=True)
        out = np.full(len(self._heads), -np.inf, dtype=np.float32)
        out[rows] = np.maximum.reduceat(np.where(self._read, self._similarity, np.float32(0.0))[windows], starts)
        return out

    # What is known of all rows from a few blocks of them.

    def _sampled(self) -> tuple[Codes, NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
        """Codes of some blocks, evenly spread, the windows in them with their places there, and which are for the mean.

        For the mean those that `vectors` takes it over, and more for what is told from the spread.
        """
        numbers = np.unique(self._blocks.entries[self._wanted] >> pack.BLOCK_BITS)
        parts = np.arange(len(numbers)) // _TOGETHER
        step = -(-(int(parts[-1]) + 1) * _TOGETHER // _MEAN_BLOCKS)
        chosen = (parts % step == 0) | (parts % max(1, step // _MORE) == 0)
        mine = self._blocks.entries >> pack.BLOCK_BITS
        windows = np.flatnonzero(self._wanted & np.isin(mine, numbers[chosen]))
        codes = read_codes(self._db, self._space, self._dimensions, self._blocks.entries[windows])
        at = places(codes, self._blocks.entries[windows])
        windows, at = windows[codes.scale[at] > 0], at[codes.scale[at] > 0]
        return codes, windows, at, np.isin(mine[windows], numbers[parts % step == 0])

    def _centres(self) -> dict[str, ranking.Floats | None]:
        """As `vectors` has them."""
        codes, windows, at, meant = self._sample
        windows, at = windows[meant], at[meant]
        rows = np.concatenate(codes.parts) if codes.parts else np.zeros(0, pack.code_type(self._dimensions))
        vectors = rows["codes"][at] * rows["scale"][at, None]
        sums = {}
        for number, name in enumerate(ranking.SIDES):
            mine = self._cjk[windows] == bool(number)
            if mine.any():
                count = int((self._cjk[self._wanted] == bool(number)).sum())
                sums[name] = (np.asarray(vectors[mine].mean(axis=0) * count, dtype=np.float32), count)
        return {name: ranking.centre(self._probe.calibration.means, sums, name) for name in ranking.SIDES}

    def centres(self) -> bytes:
        """The means, one after the other."""
        nothing = np.zeros(self._dimensions, np.float32)
        each = [mean if (mean := self._means[name]) is not None else nothing for name in ranking.SIDES]
        return np.stack(each).astype("<f4").tobytes()

    def _typical_products(self) -> tuple[ranking.Floats, NDArray[np.bool_]]:
        codes, windows, at, _ = self._sample
        return multiplied(codes, self._question.probes)[at], self._cjk[windows]

    def _typical_similarity(self) -> ranking.Floats:
        return self._question.cosine(*self._typical_products())

    def _lift(self) -> float | None:
        """How far the nearest stands out from the sample."""
        if self._nearest is None or not len(self._nearest[0]):
            return None
        rest, sides = self._typical_products()
        found, cjk = self._nearest
        top = int(found[:, : self._windows].max(axis=1).argmax())
        return self._question.lift(
            np.concatenate([found[top : top + 1], rest]), np.concatenate([cjk[top : top + 1], sides]),
            self._probe.calibration.gates,
        )  # fmt: skip


NEAREST = "SELECT entry FROM near_{space:d} WHERE project = ? ORDER BY vector <#> ?::text::halfvec LIMIT ?"
