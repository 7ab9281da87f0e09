"""Is everything found in every language, across languages and scripts, and are short Chinese words found? (R8)

    python evals/read/languages.py [--embedder use] [--failures]

The same forty memories in seven languages, with a question on each in the same language that shares few words with
it; the same questions on the memories of another language; and twenty Chinese words of one or two characters, each
searched alone in a store of 120 memories, which must give every memory that has it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import sets
from borrowed import Share

from mnemic.protocols import Embedder

LANGUAGES = ("en", "zh-Hant", "zh-Hans", "ja", "ko", "es", "ru")
CROSSED = (
    ("en", "zh-Hant"),
    ("en", "ja"),
    ("en", "ko"),
    ("en", "es"),
    ("en", "ru"),
    ("zh-Hant", "en"),
    ("zh-Hans", "zh-Hant"),
    ("zh-Hant", "zh-Hans"),
)
"""Language of the questions, language of the memories."""


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Of forty questions with one answer each."""

    first: Share
    """The answer is the first hit, with threshold 0."""
    five: Share
    """It is in the first five, with threshold 0."""
    ten: Share
    """It is in the first ten, searched as a user would, with no threshold."""
    failures: Sequence[str] = ()


async def measure(embedder: Embedder, asked: str, kept: str | None = None) -> Figures:
    """Ask in one language about memories in another, or in the same."""
    rows = sets.lines("languages.jsonl")
    kept = kept or asked
    memories = {each["id"]: each["memory"] for each in rows if each["language"] == kept}
    questions = {each["id"]: each["question"] for each in rows if each["language"] == asked}
    first, five, ten, failures = Share(), Share(), Share(), list[str]()
    memory = sets.new_memory(embedder)
    await sets.keep(memory, "u", ({"id": each, "text": text} for each, text in memories.items()))
    for gold, question in questions.items():
        ranked, _ = await sets.ask(memory, "u", question, top_k=10, threshold=0)
        shown, _ = await sets.ask(memory, "u", question, top_k=10)
        first += Share(int(ranked[:1] == [gold]), 1)
        five += Share(int(gold in ranked[:5]), 1)
        ten += Share(int(gold in shown), 1)
        if gold not in shown:
            rank = ranked.index(gold) + 1 if gold in ranked else "-"
            failures.append(f"rank {rank:>2}  {question} | {memories[gold]}")
    await memory.close()
    return Figures(first=first, five=five, ten=ten, failures=failures)


async def words(embedder: Embedder) -> tuple[Share, list[str]]:
    """How many of the words give all memories that have them within the first five; and those that do not."""
    memories = [
        each for each in sets.lines("abstain-zh.jsonl") if each["type"] == "memory" and each["store"] == "normal"
    ]
    found, failures = Share(), list[str]()
    memory = sets.new_memory(embedder)
    await sets.keep(memory, "u", memories)
    for each in sets.lines("words.jsonl"):
        ids, _ = await sets.ask(memory, "u", each["word"], top_k=5)
        right = set(each["gold"]) <= set(ids)
        found += Share(int(right), 1)
        failures += [] if right else [each["word"]]
    await memory.close()
    return found, failures


async def main() -> None:
    given = sets.arguments(__doc__)
    print(f"embedder {given.embedder.name}")
    print("{:22} {:>22} {:>22} {:>26}".format("question on memory", "first", "R@5", "R@10 above the floor"))
    failures = list[str]()
    for asked, kept in [*((each, each) for each in LANGUAGES), *CROSSED]:
        got = await measure(given.embedder, asked, kept)
        print(f"{f'{asked} on {kept}':22} {got.first!s:>22} {got.five!s:>22} {got.ten!s:>26}")
        failures += [f"{asked} on {kept}: {each}" for each in got.failures]
    found, missed = await words(given.embedder)
    print(f"words of one or two characters, all their memories in the first five: {found} {' '.join(missed)}")
    if given.failures:
        print("\n".join(["", *failures]))
    await given.embedder.close()


if __name__ == "__main__":
    asyncio.run(main())
