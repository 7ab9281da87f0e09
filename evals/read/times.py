"""Does a question with a time get the memories of that time, and does the newest state come first? (R5, R6)

    python evals/read/times.py [--embedder use] [--failures]

*Times*: eighty dated memories of two years; forty questions with a time in them ("last week", "before I moved",
"去年三月"), each asked on a day of its own, when only what was said by then is in the store. The same things happen
again and again in those two years, so that the topic alone does not tell which memory is meant.

*Recency*: twenty status updates of one project among sixty other memories, asked for the status now; and one exact
answer from long ago among fifteen newer memories on nearly the same topic, and the same sixty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import sets
from borrowed import Share

from mnemic.protocols import Embedder

Language = Literal["en", "zh"]

OTHERS = 60
"""Memories of the person of the abstention set who has the projects, too."""


@dataclass(frozen=True, kw_only=True)
class Times:
    """Of forty questions."""

    first: Share
    """The first hit is of the time (and on the topic) that the question names."""
    before: Share
    """Of all memories that a question means, those that stand before every one it does not mean."""
    ten: Share
    """Of all memories that a question means, those in the first ten."""
    failures: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Recency:
    """Of ten groups each."""

    newest: Share
    """The newest of twenty checkpoints is in the first three."""
    exact: Share
    """The exact old answer is first."""
    failures: Sequence[str] = ()


async def measure(embedder: Embedder, language: Language) -> Times:
    """Ask the questions with times, as a user would, with no threshold."""
    rows = sets.lines(f"times-{language}.jsonl")
    memories = [each for each in rows if each["type"] == "memory"]
    texts = {each["id"]: f"{each['at']} {each['text']}" for each in memories}
    first, before, ten, failures = Share(), Share(), Share(), list[str]()
    memory, filled = sets.new_memory(embedder), set[str]()
    for question in (each for each in rows if each["type"] == "question"):
        asked_on, gold = question["reference"], set(question["gold"])
        if asked_on not in filled:
            await sets.keep(memory, asked_on, (each for each in memories if each["at"] <= asked_on))
            filled.add(asked_on)
        found, _ = await sets.ask(memory, asked_on, question["text"], reference=asked_on, top_k=10)
        right = found[:1] != [] and found[0] in gold
        first += Share(int(right), 1)
        before += Share(next((at for at, each in enumerate(found) if each not in gold), len(found)), len(gold))
        ten += Share(len(gold & set(found)), len(gold))
        if not right:
            got = texts[found[0]] if found else "nothing"
            failures.append(f"{asked_on} {question['text']} | {got} | not {texts[min(gold)]}")
    await memory.close()
    return Times(first=first, before=before, ten=ten, failures=failures)


async def recency(embedder: Embedder, language: Language, *, groups: int = 10) -> Recency:
    """Ask for the state of the first `groups` projects now, and for as many old exact answers."""
    people = sets.lines(f"abstain-{language}.jsonl")
    others = [each for each in people if each["type"] == "memory" and each["store"] == "normal"][:OTHERS]
    rows = sets.lines(f"recency-{language}.jsonl")
    checkpoints = [each for each in rows if each["kind"] == "checkpoints"][:groups]
    exact = [each for each in rows if each["kind"] == "exact"][:groups]
    newest, firsts, failures = Share(), Share(), list[str]()
    memory = sets.new_memory(embedder)
    for group in [*checkpoints, *exact]:
        numbered = [{"id": str(number), **each} for number, each in enumerate(group["memories"])]
        together = sorted([*numbered, *others], key=lambda each: each["at"])
        await sets.keep(memory, group["id"], together)
        found, _ = await sets.ask(memory, group["id"], group["question"], reference=group["reference"], top_k=20)
        if group["kind"] == "checkpoints":
            wanted, right = numbered[-1], numbered[-1]["id"] in found[:3]
            newest += Share(int(right), 1)
        else:
            wanted, right = numbered[0], found[:1] == [numbered[0]["id"]]
            firsts += Share(int(right), 1)
        if not right:
            rank = found.index(wanted["id"]) + 1 if wanted["id"] in found else "-"
            failures.append(f"rank {rank} {group['question']} | {wanted['text']}")
    await memory.close()
    return Recency(newest=newest, exact=firsts, failures=failures)


async def main() -> None:
    given = sets.arguments(__doc__)
    known = "" if sets.takes_reference() else "; search takes no reference_date"
    print(f"embedder {given.embedder.name}{known}")
    head = ("", "of that time first", "before all others", "R@10", "newest in three", "old exact first")
    print("{:3} {:>22} {:>24} {:>24} {:>22} {:>22}".format(*head))
    failures = list[str]()
    for language in ("en", "zh"):
        got, now = await measure(given.embedder, language), await recency(given.embedder, language)
        row = f"{language:3} {got.first!s:>22} {got.before!s:>24} {got.ten!s:>24}"
        print(f"{row} {now.newest!s:>22} {now.exact!s:>22}")
        failures += [f"{language} {each}" for each in [*got.failures, *now.failures]]
    if given.failures:
        print("\n".join(["", *failures]))
    await given.embedder.close()


if __name__ == "__main__":
    asyncio.run(main())
