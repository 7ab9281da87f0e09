"""A language model as judge: one structured call grades all texts. Any `LLM` will do."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mnemic.errors import ModelError
from mnemic.prompts import rerank as prompt
from mnemic.protocols import LLM
from mnemic.tokens import count_high

_INPUT_TOKENS = 12_000
"""What one call is given at most, also where the model takes more: in a long list it overlooks things."""

_LEAST_CHARS = 40
"""A text cut shorter than this can no longer be judged."""


class LLMReranker:
    """Grades texts with one call to a language model.

    Texts that together are too long for a prompt are cut, the longest first. An answer that passes
    over a text or grades it twice is shown to the model once, and then refused: half an order is none.

    `timeout` is in seconds: a search waits for the answer, and has one without it.
    """

    def __init__(self, llm: LLM, *, timeout: float = 30.0) -> None:
        self._llm = llm
        self._timeout = timeout

    @property
    def name(self) -> str:
        """`llm:` and the model, with the version of the prompt."""
        return f"llm:{self._llm.name}#rerank@{prompt.VERSION}"

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """How far each text answers the question: its grade of four, as 0, 1/3, 2/3 or 1.

        Raises:
            ModelError: the model failed, took too long, or did not grade every text.
        """
        if not texts:
            return []
        fitting = await asyncio.to_thread(self._fitting, question, texts)  # the first count reads a vocabulary
        system, user = prompt.messages(question, fitting)
        try:
            async with asyncio.timeout(self._timeout):
                answer, _ = await self._llm.answer(system, user, prompt.shape(len(texts)))
        except TimeoutError as exc:
            raise ModelError(f"{self._llm.name} did not grade {len(texts)} texts within {self._timeout:g} s") from exc
        return [grade / prompt.BEST for grade in answer.in_order]

    async def close(self) -> None:
        """Nothing to free: a model keeps no connection between calls."""

    def _fitting(self, question: str, texts: Sequence[str]) -> list[str]:
        """The texts, long ones cut so that all go into one prompt."""
        takes = getattr(self._llm, "max_input_tokens", None)
        room = min(takes, _INPUT_TOKENS) if isinstance(takes, int) else _INPUT_TOKENS
        chars = max(map(len, texts))
        while True:
            cut = [each[:chars] for each in texts]
            if sum(map(count_high, prompt.messages(question, cut))) <= room:
                return cut
            if chars <= _LEAST_CHARS:
                raise ModelError(f"{self._llm.name} takes {room} tokens, which {len(texts)} texts do not fit into")
            chars = max(chars // 2, _LEAST_CHARS)
