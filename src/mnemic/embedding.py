"""Texts to window vectors of one embedding space, each text once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from mnemic import text
from mnemic.protocols import Embedder, Space, Store, Vectors

# Records embedded between two commits of a reindex: a few seconds of work that an interruption may cost.
_REINDEX_AT_ONCE = 128


class Embedding:
    """An embedder that splits long texts and knows its space once it has embedded one."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.space: Space | None = None

    async def windows(self, texts: Sequence[str]) -> list[Vectors]:
        """One array a text, shape (w, dimensions): a row for each window."""
        if not texts:
            return []
        pieces = [text.windows(each, self._embedder.max_chars) for each in texts]
        flat = list(dict.fromkeys(piece for windows in pieces for piece in windows))
        vectors = await self._embedder.embed(flat, role="passage")
        self.space = Space(name=self._embedder.name, dimensions=vectors.shape[1])
        place = {piece: index for index, piece in enumerate(flat)}
        return [np.asarray(vectors[[place[piece] for piece in windows]]) for windows in pieces]

    async def reindex(self, store: Store, progress: Callable[[int], None]) -> int:
        """Embed every record again, then have it searched so. Goes on where an earlier try stopped.

        `progress` is told how many records were embedded so far. Returns how many that were.
        """
        await self.windows(["reindex"])
        space = self.space
        assert space is not None  # noqa: S101 - known with the first vectors
        done, after, caught_up = 0, -1, False
        while True:
            pieces = await store.missing(space, _REINDEX_AT_ONCE, after=after)
            if not pieces and after >= 0:  # at the end; others may have written before it
                after = -1
                continue
            if not pieces and await store.activate(space):
                return done
            if caught_up:  # others wrote meanwhile, and may never stop: what they leave is embedded after the switch
                await store.activate(space, leaving=_REINDEX_AT_ONCE)
            caught_up = len(pieces) < _REINDEX_AT_ONCE
            if not pieces:
                continue
            after = pieces[-1].place
            vectors = await self.windows([piece.text for piece in pieces])
            fitted = [(piece.place, _fit(each, piece.span)) for piece, each in zip(pieces, vectors, strict=True)]
            await store.reembed(space, fitted)
            done += len(pieces)
            progress(done)


def _fit(vectors: Vectors, span: int) -> Vectors:
    """`span` unit vectors: windows beyond the room there is are averaged, a missing one repeats the last."""
    groups = [vectors[index * len(vectors) // span : (index + 1) * len(vectors) // span] for index in range(span)]
    means = np.stack([group.mean(axis=0) if len(group) else vectors[-1] for group in groups])
    return np.asarray(means / np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9), dtype=np.float32)
