"""Embedders for evaluations: cached on disk, replayed from a file, timed and recorded.

A file of vectors is an npz with `hashes` (SHA-256 of each text, hexadecimal), `vectors` (a row each) and
`space` (the name). A text has one vector there, whether asked as a question or as a passage.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from borrowed import CachedEmbedder

from mnemic.protocols import Calibration, Embedder, Vectors
from mnemic.registry import make_embedder


def choose(name: str, vectors: Path | None, *, record: bool = False) -> Timed:
    """The embedder of a run: what a file replays, or a named one behind the cache on disk."""
    return Timed(Replayed(vectors) if vectors else CachedEmbedder(make_embedder(name)), record=record)


class Timed:
    """Adds up the seconds spent in an embedder, and with `record` remembers every vector for `save`."""

    def __init__(self, inner: Embedder, *, record: bool = False) -> None:
        self._inner = inner
        self._record = record
        self.name, self.max_chars = inner.name, inner.max_chars
        self.seconds = 0.0
        self.seen: dict[str, Vectors] = {}

    @property
    def calibration(self) -> Calibration:
        return getattr(self._inner, "calibration", Calibration())

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:
        started = time.perf_counter()
        vectors = await self._inner.embed(texts, role=role)
        self.seconds += time.perf_counter() - started
        if self._record:
            self.seen.update(zip(texts, vectors, strict=True))
        return vectors

    async def close(self) -> None:
        await self._inner.close()


class Replayed:
    """Vectors of a file made by `save`. The space has the general calibration, as a remote embedder's has."""

    def __init__(self, file: Path) -> None:
        with np.load(file) as stored:
            self.name = str(stored["space"])
            self._rows = {each: row for row, each in enumerate(stored["hashes"].tolist())}
            self._vectors = stored["vectors"].astype(np.float32)
        self._vectors /= np.maximum(np.linalg.norm(self._vectors, axis=1, keepdims=True), 1e-9)
        self.max_chars = 1_000_000

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:  # noqa: ARG002 - a text has one vector
        """Unit vectors, shape (len(texts), dimensions).

        Raises:
            LookupError: a text that was not recorded. No ModelError: a search would go on without vectors.
        """
        if missing := [each for each in texts if key(each) not in self._rows]:
            raise LookupError(f"{len(missing)} texts have no vector in the file, the first: {missing[0][:80]!r}")
        return self._vectors[[self._rows[key(each)] for each in texts]]

    async def close(self) -> None:
        """Nothing to free."""


def save(file: Path, space: str, seen: dict[str, Vectors]) -> None:
    """Write vectors by text for `Replayed`."""
    np.savez_compressed(
        file, space=np.array(space), hashes=np.array([key(each) for each in seen]), vectors=np.stack([*seen.values()])
    )


def key(text: str) -> str:
    """The name of a text in a file of vectors."""
    return hashlib.sha256(text.encode()).hexdigest()
