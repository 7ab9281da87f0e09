"""Recall on public retrieval data, through the public API, with the bundled embedder and no model.

    python bench/retrieval.py DATA [locomo] [longmemeval] [madial]

DATA is a folder with `locomo_dev.json.gz` (or `locomo10.json`), `longmemeval_dev.json.gz` (or
`longmemeval_s.json`) and `madial/`; docs/performance.md says where the originals come from. A message
is one memory (`infer=False`), a session is a run, searched with `threshold=0`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from cache import CachedEmbedder

from mnemic import AsyncMemory
from mnemic.embedders.bundled import bundled
from mnemic.extractors.rules import RuleExtractor
from mnemic.importers import read_export

KINDS = {1: "multi-hop", 2: "temporal", 3: "open-domain", 4: "single-hop"}
DEPTH = (1, 3, 5, 10, 20, 50)


def score(found: Sequence[str], gold: set[str]) -> dict[str, float]:
    """Recall, hit rate and completeness at each depth, and the reciprocal rank of the first gold id."""
    row: dict[str, float] = {}
    for k in DEPTH:
        have = len(gold & set(found[:k]))
        row |= {f"R@{k}": have / len(gold), f"any@{k}": float(have > 0), f"all@{k}": float(have == len(gold))}
    first = next((rank for rank, each in enumerate(found, 1) if each in gold), None)
    return row | {"MRR": 1 / first if first else 0.0}


def table(title: str, groups: dict[str, list[dict[str, float]]], columns: Sequence[str]) -> None:
    print(f"\n{title}\n{'':24}{'n':>6}" + "".join(f"{name:>9}" for name in columns))
    for name, rows in groups.items():
        means = (100 * sum(row[column] for row in rows) / len(rows) for column in columns)
        print(f"{name:24}{len(rows):>6}" + "".join(f"{mean:>9.1f}" for mean in means))


def read(folder: Path, *names: str) -> Any:
    for name in names:
        file = folder / name
        if file.exists():
            opener = gzip.open if file.suffix == ".gz" else open
            with opener(file, "rt", encoding="utf-8") as stream:
                return json.load(stream)
    raise SystemExit(f"{folder} has none of {', '.join(names)}")


def new_memory(folder: str, embedder: CachedEmbedder) -> AsyncMemory:
    return AsyncMemory(Path(folder) / f"{time.time_ns()}.db", embedder=embedder, extractor=RuleExtractor())


async def locomo(data: Path, folder: str, embedder: CachedEmbedder) -> None:
    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    samples = read(data, "locomo_dev.json.gz", "locomo10.json")
    for sample in samples:
        file = Path(folder) / "sample.json"
        file.write_text(json.dumps([sample]), encoding="utf-8")
        memory, known = new_memory(folder, embedder), set()
        for talk in read_export(file, format="locomo"):
            turns = [
                {"role": m.role, "content": m.content, "name": m.name, "at": m.at, "metadata": m.metadata}
                for m in talk.messages
            ]
            known |= {m.metadata["dia_id"] for m in talk.messages}
            await memory.add(turns, user_id=sample["sample_id"], run_id=talk.run_id, infer=False)
        for question in sample["qa"]:
            gold = set(evidence(question.get("evidence", []))) & known
            if not gold or question["category"] == 5:
                continue
            hits = await memory.search(question["question"], user_id=sample["sample_id"], top_k=50, threshold=0)
            row = score([hit["metadata"]["dia_id"] for hit in hits["results"]], gold)
            groups[KINDS[question["category"]]].append(row)
            groups["all"].append(row)
        await memory.close()
    table("LoCoMo, turns", groups, ["R@5", "R@10", "R@20", "R@50", "any@10", "MRR"])


def evidence(raw: Any) -> Iterator[str]:
    """Turn ids, some of which the data set writes oddly ("D8:6; D9:17", "D:11:26", "D30:05")."""
    for each in raw if isinstance(raw, list) else [raw]:
        for session, turn in re.findall(r"D\s*:?\s*(\d+)\s*:\s*(\d+)", str(each)):
            yield f"D{int(session)}:{int(turn)}"


async def longmemeval(data: Path, folder: str, embedder: CachedEmbedder) -> None:
    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    for case in read(data, "longmemeval_dev.json.gz", "longmemeval_s.json"):
        if case["question_id"].endswith("_abs"):
            continue
        memory = new_memory(folder, embedder)
        sessions = zip(case["haystack_session_ids"], case["haystack_dates"], case["haystack_sessions"], strict=True)
        for number, (name, date, turns) in enumerate(sessions):
            said = [{"role": t["role"], "content": t["content"]} for t in turns if t["content"].strip()]
            if said:
                await memory.add(
                    said, user_id="u", run_id=f"s{number}", at=date, infer=False, metadata={"session": name}
                )
        hits = await memory.search(case["question"], user_id="u", top_k=300, threshold=0)
        found = list(dict.fromkeys(hit["metadata"]["session"] for hit in hits["results"]))
        row = score(found, set(case["answer_session_ids"]))
        groups[case["question_type"]].append(row)
        groups["all"].append(row)
        await memory.close()
    table("LongMemEval, sessions", groups, ["any@1", "any@5", "any@10", "all@5", "all@10", "MRR"])


async def madial(data: Path, folder: str, embedder: CachedEmbedder) -> None:
    groups: dict[str, list[dict[str, float]]] = defaultdict(list)
    for language in ("zh", "en"):
        memory = new_memory(folder, embedder)
        known = set()
        for line in lines(data / f"madial/MADial-Bench-{language}-memory.json"):
            for number, each in line.items():
                words = f"{each['time']} {each['scene']} {each['emotion']} {each['event']}"
                await memory.remember(words, user_id="u", metadata={"number": number})
                known.add(number)
        for case in lines(data / f"madial/MADial-Bench-{language}-dialogue.json"):
            turn = case["test-turn"][0] if case["test-turn"] else len(case["dialogue"])
            said = [re.sub(r"<[^>]+>:?", "", each) for each in case["dialogue"][1:turn]]
            gold = {str(each) for each in case["relevant-id"]} & known
            if gold:
                hits = await memory.search(" ".join(said[-3:]), user_id="u", top_k=50, threshold=0)
                groups[language].append(score([hit["metadata"]["number"] for hit in hits["results"]], gold))
        await memory.close()
    table("MADial, memories", groups, ["R@1", "R@3", "R@5", "R@10", "any@10", "MRR"])


def lines(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]


async def main(data: Path, names: Sequence[str]) -> None:
    embedder = CachedEmbedder(bundled())
    print(f"embedder {embedder.name}")
    with tempfile.TemporaryDirectory() as folder:
        for task in (locomo, madial, longmemeval):
            if not names or task.__name__ in names:
                await task(data, folder, embedder)
    print(f"\n{embedder.computed} texts embedded, the rest came from the cache")
    await embedder.close()


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2:]))
