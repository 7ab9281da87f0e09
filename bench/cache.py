"""Vectors of real texts, kept on disk by space and text, so that no run embeds a text twice."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from platformdirs import user_cache_path

from mnemic.protocols import Calibration, Embedder, Vectors

_BATCH = 64


class CachedEmbedder:
    """An embedder that looks texts up before it asks another one. `computed` counts what it had to ask."""

    def __init__(self, inner: Embedder, file: Path | None = None) -> None:
        self._inner = inner
        self.name, self.max_chars = inner.name, inner.max_chars
        file = file or user_cache_path("mnemic-bench", appauthor=False) / "vectors.db"
        file.parent.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(file, isolation_level=None, timeout=60)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("CREATE TABLE IF NOT EXISTS vectors (key BLOB PRIMARY KEY, vector BLOB) WITHOUT ROWID")
        self.computed = 0

    @property
    def calibration(self) -> Calibration:
        return getattr(self._inner, "calibration", Calibration())

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:
        keys = [hashlib.sha256(f"{self.name}\0{role}\0{each}".encode()).digest() for each in texts]
        found = {key: self._read(key) for key in keys}
        missing = list({key: each for key, each in zip(keys, texts, strict=True) if found[key] is None}.items())
        for start in range(0, len(missing), _BATCH):
            part = missing[start : start + _BATCH]
            vectors = await self._inner.embed([each for _, each in part], role=role)
            self.computed += len(part)
            rows = [(key, vector.tobytes()) for (key, _), vector in zip(part, vectors, strict=True)]
            self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
            found.update({key: vector for (key, _), vector in zip(part, vectors, strict=True)})
        return np.stack([found[key] for key in keys])

    def _read(self, key: bytes) -> Vectors | None:
        row = self._db.execute("SELECT vector FROM vectors WHERE key = ?", [key]).fetchone()
        return None if row is None else np.frombuffer(row[0], dtype=np.float32)

    async def close(self) -> None:
        self._db.close()
