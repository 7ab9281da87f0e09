"""A case as a memory, through the public API: a session is a run, a message one memory, nothing is extracted."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from baselines import Ranking
from cases import Case, Question
from embedders import Timed

from mnemic import AsyncMemory
from mnemic.extractors.rules import RuleExtractor


async def fill(case: Case, file: Path, embedder: Timed) -> None:
    """Write a case into a new store."""
    memory = opened(file, embedder)
    for number, turns in enumerate(case.sessions().values()):
        messages = [
            {"role": each.role, "content": each.text, "metadata": {"message": each.id}}
            | ({"name": each.name} if each.name else {})
            | ({"at": each.at} if each.at else {})
            for each in turns
        ]
        await memory.add(messages, user_id=case.id, run_id=f"s{number}", infer=False)
    await memory.close()


def opened(file: Path, embedder: Timed, arms: Sequence[str] | None = None) -> AsyncMemory:
    """A memory on a store, with all arms or with these only."""
    return AsyncMemory(file, embedder=embedder, extractor=RuleExtractor(), background=False, arms=arms)


async def ask(
    memory: AsyncMemory, case: Case, question: Question, depth: int, embedder: Timed
) -> tuple[Ranking, float]:
    """The best `depth` messages with no floor, and the milliseconds it took beyond the embedder."""
    known = {each.id: each for each in case.messages}
    embedding, started = embedder.seconds, time.perf_counter()
    found = await memory.search(question.text, user_id=case.id, top_k=depth, threshold=0, **dated(question))
    spent = time.perf_counter() - started - (embedder.seconds - embedding)
    return [(known[hit["metadata"]["message"]], hit["score"]) for hit in found["results"]], spent * 1000


def dated(question: Question) -> dict[str, Any]:
    """`reference_date=` where the data has one."""
    return {} if question.asked_on is None else {"reference_date": question.asked_on}
