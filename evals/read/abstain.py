"""Does a search say that it knows nothing, and does it still find what it knows? (R4)

    python evals/read/abstain.py [--embedder use] [--failures]

One person's memories (120, and another's 6), questions that paraphrase one or two of them, and questions about
matters that nobody there talked about: near ones (the person has a cat; the question is about a parrot's cage),
personal ones and general ones. Searched as a user would, with no threshold. An off-topic question is right when
nothing comes and `below_floor` counts what was held back.

Two columns look past the floor. "unfloored" is the ranking alone: recall at 10 with threshold 0. "within reach" is
the best that this score allows: the same where the best hit scores more than nine tenths of the same off-topic
questions' best hits do, and nothing where it does not. No floor does better than that.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Literal

import sets
from borrowed import Share

from mnemic.protocols import Embedder

Split = Literal["dev", "test"]


@dataclass(frozen=True, kw_only=True)
class Figures:
    """What came of one store's questions."""

    empty: Share
    """Off-topic questions that got nothing, with the count of what was held back."""
    recall: float
    """At 10, of the on-topic questions, in [0, 1]."""
    by_topic: dict[str, Share] = field(default_factory=dict)
    """`empty` by kind of question."""
    unfloored: float = 0.0
    """`recall` with threshold 0."""
    within_reach: float = 0.0
    """`unfloored`, where questions are refused whose best score is no better than nine tenths of the off-topic ones'."""
    failures: Sequence[str] = ()


async def measure(
    embedder: Embedder,
    language: Literal["en", "zh"],
    store: Literal["normal", "small"] = "normal",
    *,
    split: Split | None = None,
) -> Figures:
    """Ask the questions of a half, or all, of one store."""
    rows = [each for each in sets.lines(f"abstain-{language}.jsonl") if each["store"] == store]
    questions = [each for each in rows if each["type"] == "question" and split in (None, each["split"])]
    texts = {each["id"]: each["text"] for each in rows}
    topics: dict[str, Share] = {}
    recalls, failures = list[float](), list[str]()
    on_topic, off_topic = list[tuple[float, float]](), list[float]()
    memory = sets.new_memory(embedder)
    await sets.keep(memory, "u", (each for each in rows if each["type"] == "memory"))
    for question in questions:
        found, answer = await sets.ask(memory, "u", question["text"], top_k=10)
        ids, everything = await sets.ask(memory, "u", question["text"], top_k=10, threshold=0)
        best = max((hit["score"] for hit in everything["results"]), default=0.0)
        if gold := set(question["gold"]):
            recalls.append(len(gold & set(found)) / len(gold))
            on_topic.append((best, len(gold & set(ids)) / len(gold)))
            failures += [f"missed  {question['text']} | {texts[each]}" for each in sorted(gold - set(found))]
        else:
            right = not found and answer["below_floor"] > 0
            topics[question["topic"]] = topics.get(question["topic"], Share()) + Share(int(right), 1)
            off_topic.append(best)
            failures += [f"claimed {question['text']} | {texts[each]}" for each in found[:1]]
    await memory.close()
    return Figures(
        empty=sum(topics.values(), Share()),
        recall=fmean(recalls),
        by_topic=topics,
        unfloored=fmean(recall for _, recall in on_topic),
        within_reach=fmean(recall if best > _gate(off_topic) else 0.0 for best, recall in on_topic),
        failures=failures,
    )


def _gate(best_scores: Sequence[float]) -> float:
    """The score that nine tenths of these do not exceed."""
    return sorted(best_scores)[math.ceil(0.9 * len(best_scores)) - 1]


async def main() -> None:
    given = sets.arguments(__doc__)
    print(f"embedder {given.embedder.name}")
    head = ("store", "half", "off-topic empty", "near", "personal", "general", "R@10", "unfloored", "within reach")
    print("{:10} {:5} {:>24} {:>9} {:>9} {:>9} {:>7} {:>10} {:>13}".format(*head))
    failures = list[str]()
    for language in ("en", "zh"):
        for store, halves in (("normal", ("dev", "test")), ("small", ("dev", "test"))):
            for half in halves:
                got = await measure(given.embedder, language, store, split=half)
                kinds = (got.by_topic.get(name, Share()) for name in ("near", "personal", "general"))
                cells = " ".join(f"{f'{each.right}/{each.of}':>9}" for each in kinds)
                row = f"{language} {store:7} {half:5} {got.empty!s:>24} {cells}"
                print(f"{row} {100 * got.recall:7.1f} {100 * got.unfloored:10.1f} {100 * got.within_reach:13.1f}")
                failures += [f"{language} {store} {half} {each}" for each in got.failures]
    if given.failures:
        print("\n".join(["", *failures]))
    await given.embedder.close()


if __name__ == "__main__":
    asyncio.run(main())
