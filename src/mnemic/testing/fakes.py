"""Deterministic stand-ins for embedders, extractors and models: for failures and speed, not for quality."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, TypeVar

import numpy as np
from pydantic import BaseModel

from mnemic import text
from mnemic.errors import ModelError
from mnemic.protocols import Vectors, Verdict
from mnemic.types import Extraction, ExtractionRequest, Fact, Usage

Answer = TypeVar("Answer", bound=BaseModel)


class FakeEmbedder:
    """Hashed words as vectors: texts that share words are near. The same text gives the same vector everywhere."""

    def __init__(self, dimensions: int = 64, *, name: str = "fake:words", max_chars: int = 2_000) -> None:
        self._dimensions = dimensions
        self.name = name
        self.max_chars = max_chars
        self.calls: list[tuple[str, ...]] = []
        """Texts of every call, in order."""

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:  # noqa: ARG002
        """Unit vectors, shape (len(texts), dimensions)."""
        self.calls.append(tuple(texts))
        out = np.zeros((len(texts), self._dimensions), dtype=np.float32)
        for row, each in enumerate(texts):
            for term in text.terms(each) or [0]:
                out[row, term % self._dimensions] += 1.0 if term >> 16 & 1 else -1.0
            if not out[row].any():
                out[row, 0] = 1.0
        return np.asarray(out / np.linalg.norm(out, axis=1, keepdims=True), np.float32)

    async def close(self) -> None:
        """Nothing to free."""


class PrecomputedEmbedder:
    """Vectors looked up in a table; for benchmarks and recorded spaces.

    Args:
        vectors: by text.
        name: of the space they come from.
        missing: asked for texts that are not in the table; None raises ModelError for them.
    """

    def __init__(
        self,
        vectors: dict[str, Vectors],
        *,
        name: str,
        max_chars: int = 1_000_000,
        missing: Callable[[str], Vectors] | None = None,
    ) -> None:
        self._vectors = vectors
        self._missing = missing
        self.name = name
        self.max_chars = max_chars

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:  # noqa: ARG002
        """Unit vectors, shape (len(texts), dimensions)."""
        return np.stack([self._one(each) for each in texts])

    def _one(self, each: str) -> Vectors:
        found = self._vectors.get(each)
        if found is None:
            if self._missing is None:
                raise ModelError(f"no recorded vector for {each[:60]!r}")
            found = self._missing(each)
        return found

    async def close(self) -> None:
        """Nothing to free."""


class FakeExtractor:
    """Every turn becomes one fact, word for word; or what `answer` returns; or the error it raises."""

    def __init__(
        self, answer: Callable[[ExtractionRequest], Extraction] | None = None, *, name: str = "fake@1"
    ) -> None:
        self._answer = answer
        self.name = name
        self.requests: list[ExtractionRequest] = []

    async def extract(self, request: ExtractionRequest) -> Extraction:
        """One fact a turn."""
        self.requests.append(request)
        if self._answer is not None:
            return self._answer(request)
        facts = tuple(
            Fact(text=turn.content, turn=index, quote=turn.content, subject="user")
            for index, turn in enumerate(request.turns)
        )
        return Extraction(facts=facts)


class FakeModelExtractor(FakeExtractor):
    """A FakeExtractor that can judge, too.

    Args:
        answer: as for FakeExtractor.
        verdicts: on a new and a known statement; or the error it raises. None: all are different.
    """

    def __init__(
        self,
        answer: Callable[[ExtractionRequest], Extraction] | None = None,
        *,
        verdicts: Callable[[str, str], Verdict] | None = None,
        name: str = "fake:model#extract@1",
    ) -> None:
        super().__init__(answer, name=name)
        self._verdicts = verdicts
        self.judged: list[tuple[tuple[str, str], ...]] = []
        """Pairs of every call, in order."""

    async def judge(self, pairs: Sequence[tuple[str, str]]) -> tuple[tuple[Verdict, ...], Usage]:
        """One verdict a pair, as by one call."""
        self.judged.append(tuple(pairs))
        verdict = self._verdicts or _all_different
        return tuple(verdict(new, known) for new, known in pairs), Usage(model_calls=1)


def _all_different(new: str, known: str) -> Verdict:  # noqa: ARG001 - as `verdicts`
    return "different"


class FakeReranker:
    """The share of the question's words that a text has; or the error it raises.

    >>> import asyncio
    >>> asyncio.run(FakeReranker().rerank("green tea", ["Drinks green tea", "Has a cat"]))
    [1.0, 0.0]
    """

    def __init__(self, failure: Exception | None = None, *, name: str = "fake:shared-words") -> None:
        self._failure = failure
        self.name = name
        self.asked: list[tuple[str, tuple[str, ...]]] = []
        """Question and texts of every call, in order."""
        self.closed = False

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """One number a text, in [0, 1]."""
        self.asked.append((question, tuple(texts)))
        if self._failure is not None:
            raise self._failure
        wanted = set(text.query_terms(question))
        return [len(wanted & set(text.terms(each))) / max(1, len(wanted)) for each in texts]

    async def close(self) -> None:
        """Remember that it was closed."""
        self.closed = True


class FakeLLM:
    """Answers with the dictionaries it was given, one a call, checked against the shape asked for."""

    def __init__(self, *answers: dict[str, Any] | Exception, name: str = "fake:model") -> None:
        self._answers = list(answers)
        self.name = name
        self.prompts: list[tuple[str, str]] = []

    async def answer(self, system: str, user: str, shape: type[Answer]) -> tuple[Answer, Usage]:
        """The next answer.

        Raises:
            ModelError: no answer is left.
        """
        self.prompts.append((system, user))
        if not self._answers:
            raise ModelError("the fake has no answer left")
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return shape.model_validate(answer), Usage(model_calls=1)
