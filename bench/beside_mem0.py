"""One side of the comparison with mem0ai, in a process of its own: add every text, then ask.

    python bench/beside_mem0.py (mnemic|mem0) FOLDER TIMES OUT.json

FOLDER holds `world.npz`, with texts and one vector each; both sides look vectors up there, so what is
timed is everything but the embedder. The last TIMES texts are the ones whose adding is timed.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mem0_hybrid
import numpy as np

QUESTIONS = ["where does she play tennis on weekends", "what is the cat called", "她妹妹住在哪裡", "the trip to Kyoto"]


def main(side: str, folder: Path, times: int, out: Path) -> None:
    world = np.load(folder / "world.npz")
    vectors = dict(zip(world["texts"].tolist(), world["vectors"], strict=True))
    for index, question in enumerate(QUESTIONS):
        vectors[question] = world["vectors"][index]
    texts = world["texts"].tolist()
    add, search, version = {"mnemic": ours, "mem0": theirs}[side](folder, vectors)
    started = time.perf_counter()
    for text in texts[:-times]:
        add(text)
    filled = time.perf_counter() - started
    result = {
        "version": version,
        "fill": filled,
        "add": statistics.median(clock(add, text) for text in texts[-times:]),
        "search": statistics.median(clock(search, QUESTIONS[index % len(QUESTIONS)]) for index in range(times)),
        "peak": peak_megabytes(),
        "disk": sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.name != "world.npz")
        / 2**20,
    }
    out.write_text(json.dumps(result))


def peak_megabytes() -> float:
    """Of this process alone; what getrusage says is inherited from the one that started it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


def clock(call: Callable[[str], Any], text: str) -> float:
    start = time.perf_counter()
    call(text)
    return (time.perf_counter() - start) * 1000


def ours(folder: Path, vectors: dict[str, Any]) -> tuple[Callable[[str], Any], Callable[[str], Any], str]:
    import mnemic
    from mnemic.testing.fakes import PrecomputedEmbedder

    memory = mnemic.Memory(folder / "mnemic.db", embedder=PrecomputedEmbedder(vectors, name="bench:drawn"))
    return (
        lambda text: memory.add(text, user_id="u", infer=False),
        lambda text: memory.search(text, user_id="u", top_k=20, threshold=0),
        mnemic.__version__,
    )


def theirs(folder: Path, vectors: dict[str, Any]) -> tuple[Callable[[str], Any], Callable[[str], Any], str]:
    memory, active = mem0_hybrid.opened(
        folder, len(next(iter(vectors.values()))), lambda text, _: vectors.get(text, vectors[QUESTIONS[0]])
    )
    return (
        lambda text: memory.add(text, user_id="u", infer=False),
        lambda text: memory.search(text, filters={"user_id": "u"}, top_k=20, threshold=0.0),
        active,
    )


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))
