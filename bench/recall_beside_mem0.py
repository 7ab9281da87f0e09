"""Recall and latency on real conversations, beside mem0ai with its hybrid search, in one process.

    python bench/recall_beside_mem0.py DATA [--cases N]

DATA is a folder with LoCoMo (see evals/README.md). Every turn is one memory of both (`infer=False`), embedded by the
same bundled embedder; vectors are cached on disk, and the embedder's time is taken off. Each question is asked of
one and then of the other: 20 hits, no floor. mem0ai is given a turn as "Name: text", as many questions name who
spoke; mnemic is given the name beside the text, and puts the two together itself. `pip install --group bench` first.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import mem0_hybrid

sys.path.insert(0, str(Path(__file__).parents[1] / "evals" / "read"))
import embedders
import measures
import stores
from cases import Case
from datasets import scan

DEPTH = 20
DEPTHS = (5, 10, 20)


class Side:
    """What one of the two has shown so far."""

    def __init__(self) -> None:
        self.rows: list[measures.Row] = []
        self.asked: list[float] = []
        self.processor: list[float] = []
        self.added = 0.0

    def line(self, name: str, turns: int) -> str:
        found = measures.mean(self.rows)
        recall = "   ".join(f"R@{k} {found[f'R@{k}'] * 100:4.1f}" for k in DEPTHS)
        late = measures.percentile(self.asked, 0.95)
        return (
            f"{name:8} {recall}   hit@10 {found['hit@10'] * 100:4.1f}   search p50 {statistics.median(self.asked):6.2f} ms"
            f"   p95 {late:6.2f} ms   processor {statistics.fmean(self.processor):6.2f} ms"
            f"   adding {self.added / turns * 1000:5.1f} ms a turn"
        )


async def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("data", type=Path)
    ask.add_argument("--cases", type=int, help="only so many conversations")
    wanted = ask.parse_args()
    found, _ = scan(wanted.data)
    cases = [case for each in found if "locomo" in each.name for case in each.load()][: wanted.cases]
    if not cases:
        sys.exit(f"no LoCoMo in {wanted.data}")
    embedder = embedders.choose("bundled", None)
    sides: dict[str, Side] = defaultdict(Side)
    for number, case in enumerate(cases, 1):
        print(f"\r{case.id} {number}/{len(cases)} ", end="", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory() as folder:
            active = await one(case, Path(folder), embedder, sides)
    turns = sum(len(case.messages) for case in cases)
    questions = len(sides["mnemic"].rows)
    print(
        f"\n{len(cases)} conversations, {turns:,} turns, {questions:,} questions with known evidence; {embedder.name}"
    )
    print(f"mem0: {active}")
    for name, side in sides.items():
        print(side.line(name, turns))
    await embedder.close()


async def one(case: Case, folder: Path, embedder: embedders.Timed, sides: dict[str, Side]) -> str:
    """Fill both with a conversation, and ask both each question."""
    ours, theirs = sides["mnemic"], sides["mem0"]
    spent = embedder.seconds
    start = time.perf_counter()
    await stores.fill(case, folder / "mnemic.db", embedder)
    ours.added += time.perf_counter() - start - (embedder.seconds - spent)
    memory = stores.opened(folder / "mnemic.db", embedder)

    vectors = await looked_up(case, embedder)
    size = len(next(iter(vectors.values())))
    mem0, active = mem0_hybrid.opened(folder, size, lambda text, action: vectors[action == "search", text])
    start = time.perf_counter()
    for each in case.messages:
        said = {"role": each.role, "content": each.said} | ({"name": each.name} if each.name else {})
        mem0.add([said], user_id=case.id, infer=False, metadata={"message": each.id})
    theirs.added += time.perf_counter() - start

    asked = [each for each in case.questions if each.gold]
    for warm, each in [(True, each) for each in asked[:3]] + [(False, each) for each in asked]:
        used = time.process_time()
        ranking, milliseconds = await stores.ask(memory, case, each, DEPTH, embedder)
        used = time.process_time() - used
        start, theirs_used = time.perf_counter(), time.process_time()
        hits: Any = mem0.search(each.text, filters={"user_id": case.id}, top_k=DEPTH, threshold=0.0)["results"]
        taken, theirs_used = time.perf_counter() - start, time.process_time() - theirs_used
        if warm:
            continue
        ours.rows.append(measures.score([message.id for message, _ in ranking], each.gold, DEPTHS))
        ours.asked.append(milliseconds)
        ours.processor.append(used * 1000)
        theirs.rows.append(measures.score([hit["metadata"]["message"] for hit in hits], each.gold, DEPTHS))
        theirs.asked.append(taken * 1000)
        theirs.processor.append(theirs_used * 1000)
    await memory.close()
    mem0.vector_store.client.close()
    return active


async def looked_up(case: Case, embedder: embedders.Timed) -> dict[tuple[bool, str], Any]:
    """By whether it is a question and by text: what mem0ai will ask its embedder for."""
    mem0_hybrid.lemmas()
    from mem0.utils.entity_extraction import extract_entities

    said = list(dict.fromkeys(each.said for each in case.messages))
    asked = list(dict.fromkeys(each.text.strip() for each in case.questions))  # mem0ai strips them
    asked += sorted({name for text in asked for _, name in extract_entities(text)} - set(asked))
    found = {
        (False, text): vector for text, vector in zip(said, await embedder.embed(said, role="passage"), strict=True)
    }
    return found | {
        (True, text): each for text, each in zip(asked, await embedder.embed(asked, role="query"), strict=True)
    }


if __name__ == "__main__":
    asyncio.run(main())
