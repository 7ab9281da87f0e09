"""What a reranker makes of the best candidates. It is asked last, and a search has an answer without it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from mnemic import text
from mnemic.errors import MissingDependency, ModelError
from mnemic.protocols import Reranker

MOST = 50
"""Candidates that a reranker is shown. What answers a question is nearly always among the first 50 that vectors and
words find, and what a reranker costs, in time or money, grows with each: 50 short texts are one request everywhere,
and one prompt."""

_CHARS = 1_000
"""What is shown of a text: cross-encoders read 512 tokens of question and text, and the rest of a long one unread."""


async def rerank(
    reranker: Reranker, question: str, scored: Sequence[tuple[float, str]]
) -> tuple[list[float], str | None]:
    """New relevance in [0, 1] for candidates given as (relevance, text), in their order; and what went wrong.

    The best `MOST` get what the reranker says. The others, which it did not see, stay behind these in the order
    they had. When it fails, all relevance is as it was and the note says why; nothing is raised.

    `text` is what search sees of a record (`Record.indexed`), and `question` has its secrets masked: both are sent.
    Of a long text, the part with most of the question's words is; of a long question, its beginning and its end.
    """
    shown = sorted(range(len(scored)), key=lambda place: -scored[place][0])[:MOST]
    old = [relevance for relevance, _ in scored]
    if not shown:
        return old, None
    asked = frozenset(form for word in text.question_words(question) for form in word.forms)
    try:
        told = await reranker.rerank(_shortened(question), [_telling(asked, scored[place][1]) for place in shown])
        new = _checked(told, len(shown), reranker.name)
    except (MissingDependency, ModelError) as exc:
        return old, f"ranked without the reranker: {exc}"
    least = min(new)
    found = dict(zip(shown, new, strict=True))
    return [found.get(place, least * relevance) for place, relevance in enumerate(old)], None


# A question so long comes with a document, and is asked before or behind it.
_QUESTION = 2_000


def _shortened(question: str) -> str:
    half = _QUESTION // 2
    return question if len(question) <= _QUESTION else f"{question[:half]}\n{question[1 - half :]}"


def _telling(asked: frozenset[int], whole: str) -> str:
    """The part of a long text that has most of the question's words; the first of several."""
    if len(whole) <= _CHARS:
        return whole
    return max(text.windows(whole, _CHARS), key=lambda part: len(asked.intersection(text.terms(part))))


def _checked(told: Sequence[float], expected: int, name: str) -> list[float]:
    """What it said, held to its contract: a wrong order would be worse than the one there was."""
    numbers = [float(each) for each in told]
    if len(numbers) != expected or not all(math.isfinite(each) and 0 <= each <= 1 for each in numbers):
        raise ModelError(f"{name} answered with something that is no relevance for each text")
    return numbers
