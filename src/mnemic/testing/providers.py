"""Contracts of what a memory is made with: embedders, extractors and rerankers. Used as `contract.StoreContract` is.

class TestMyEmbedder(EmbedderContract):
@pytest.fixture
def embedder(self):
return MyEmbedder()
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import numpy as np
import pytest

from mnemic.protocols import Embedder, Extractor, Reranker
from mnemic.types import KINDS, Extraction, ExtractionRequest, Role, Turn

_TEXTS = (
    "I live in Taipei.",
    "我住在台北，週末打網球。",
    "Я живу в Тайбэе 😀",
    "l'été\u00a0à Paris\r\n\ttab",
    "x",
    " ",
    "!!!",
    "a" * 500,
)

_SAID = (
    "I live in Taipei and I have two cats. Thanks! What time is it?",
    "我住在台北，養了兩隻貓。你好！",
    "Hola, me llamo José-María O'Neill; vivo en México.",
    "```python\nprint('I live in Rome')\n```",
    '{"tool": "search", "result": [1, 2, 3]}',
    "no",
    "???",
    "🙂🙂🙂",
    "I do not like coffee.\r\n\r\n  I moved to Tainan on 2024-05-01 at 10:30.\n- buy milk\n",
    "word " * 2_000,
    "。" * 500,
    "(" * 300 + "I am Ann" + ")" * 300,
)


class EmbedderContract:
    """What every embedder promises. Override `embedder`; `long_text` names characters it must take at once."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def embedder(self) -> Embedder:
        """Return the embedder."""
        raise NotImplementedError("override embedder: a fixture that returns an Embedder")

    async def test_it_has_a_name_and_a_length_it_takes(self, embedder: Embedder) -> None:
        assert isinstance(embedder, Embedder)
        assert embedder.name
        assert embedder.name == embedder.name.strip()
        assert embedder.max_chars >= 1

    @pytest.mark.parametrize("role", ["query", "passage"])
    async def test_texts_become_unit_vectors_in_their_order(self, embedder: Embedder, role: str) -> None:
        vectors = await embedder.embed(_TEXTS, role=role)  # type: ignore[arg-type]
        assert vectors.dtype == np.float32
        assert vectors.shape[0] == len(_TEXTS)
        assert np.isfinite(vectors).all()
        assert np.linalg.norm(vectors, axis=1) == pytest.approx(np.ones(len(_TEXTS)), abs=1e-3)
        backwards = await embedder.embed(_TEXTS[::-1], role=role)  # type: ignore[arg-type]
        assert (vectors * backwards[::-1]).sum(axis=1) == pytest.approx(np.ones(len(_TEXTS)), abs=1e-3)

    async def test_a_text_has_the_same_vector_whatever_it_comes_with(self, embedder: Embedder) -> None:
        together = await embedder.embed(_TEXTS, role="passage")
        alone = np.concatenate([await embedder.embed([each], role="passage") for each in _TEXTS])
        assert (together * alone).sum(axis=1) == pytest.approx(np.ones(len(_TEXTS)), abs=1e-3)

    async def test_it_can_be_asked_from_several_tasks(self, embedder: Embedder) -> None:
        answers = await asyncio.gather(*(embedder.embed(_TEXTS[:3], role="passage") for _ in range(4)))
        for each in answers:
            assert each == pytest.approx(answers[0], abs=1e-4)

    async def test_the_longest_text_it_names_is_taken(self, embedder: Embedder) -> None:
        longest = ("word 台北 " * (min(embedder.max_chars, 20_000) // 8 + 1))[: embedder.max_chars]
        assert (await embedder.embed([longest], role="passage")).shape[0] == 1

    async def test_closing_twice_does_no_harm(self, embedder: Embedder) -> None:
        await embedder.close()
        await embedder.close()


class ExtractorContract:
    """What every extractor promises, whatever it is told. Override `extractor`."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def extractor(self) -> Extractor:
        """Return the extractor."""
        raise NotImplementedError("override extractor: a fixture that returns an Extractor")

    async def test_it_has_a_name(self, extractor: Extractor) -> None:
        assert isinstance(extractor, Extractor)
        assert extractor.name

    @pytest.mark.parametrize("role", ["user", "assistant", "system", "tool"])
    async def test_every_fact_quotes_its_turn(self, extractor: Extractor, role: Role) -> None:
        turns = tuple(_turn(words, role) for words in _SAID)
        _check(await extractor.extract(ExtractionRequest(turns=turns)), turns)

    async def test_what_was_said_before_is_not_extracted_again(self, extractor: Extractor) -> None:
        before, turns = (_turn("I own a boat called Zephyrine."),), (_turn("I have a dog."),)
        found = await extractor.extract(ExtractionRequest(turns=turns, before=before, metadata={"k": [1]}))
        _check(found, turns)
        assert not [fact for fact in found.facts if "Zephyrine" in fact.text]

    async def test_it_can_be_asked_from_several_tasks(self, extractor: Extractor) -> None:
        request = ExtractionRequest(turns=tuple(_turn(words) for words in _SAID[:3]))
        answers = await asyncio.gather(*(extractor.extract(request) for _ in range(4)))
        for each in answers:
            _check(each, request.turns)


class RerankerContract:
    """What every reranker promises, whatever it is shown. Override `reranker`."""

    pytestmark = pytest.mark.asyncio

    @pytest.fixture
    def reranker(self) -> Reranker:
        """Return the reranker."""
        raise NotImplementedError("override reranker: a fixture that returns a Reranker")

    async def test_it_has_a_name(self, reranker: Reranker) -> None:
        assert isinstance(reranker, Reranker)
        assert reranker.name
        assert reranker.name == reranker.name.strip()

    async def test_every_text_has_a_relevance_between_nothing_and_one(self, reranker: Reranker) -> None:
        for texts in (_TEXTS, _SAID, ("\ud800 half a character", "", "\x00"), ("same", "same")):
            told = await reranker.rerank("Where do I live? 我住哪裡？", texts)
            assert len(told) == len(texts)
            assert all(0.0 <= each <= 1.0 for each in told)

    async def test_no_texts_have_none(self, reranker: Reranker) -> None:
        assert list(await reranker.rerank("Where do I live?", [])) == []

    async def test_a_text_has_the_same_relevance_wherever_it_stands(self, reranker: Reranker) -> None:
        told = await reranker.rerank("Where do I live?", _TEXTS)
        backwards = await reranker.rerank("Where do I live?", _TEXTS[::-1])
        assert list(told) == pytest.approx(list(backwards)[::-1], abs=1e-3)

    async def test_it_can_be_asked_from_several_tasks(self, reranker: Reranker) -> None:
        answers = await asyncio.gather(*(reranker.rerank("Where do I live?", _TEXTS[:3]) for _ in range(4)))
        for each in answers:
            assert list(each) == pytest.approx(list(answers[0]), abs=1e-3)

    async def test_closing_twice_does_no_harm(self, reranker: Reranker) -> None:
        await reranker.close()
        await reranker.close()


def _turn(words: str, role: Role = "user") -> Turn:
    return Turn(role=role, content=words, said_at=datetime(2025, 3, 14, 9, 30, tzinfo=UTC))


def _check(found: Extraction, turns: tuple[Turn, ...]) -> None:
    for fact in found.facts:
        assert 0 <= fact.turn < len(turns)
        assert fact.text.strip()
        assert fact.quote.strip()
        assert fact.quote in turns[fact.turn].content
        assert fact.kind in KINDS
        assert fact.attributed_to in ("user", "assistant")
        assert 0.0 <= fact.confidence <= 1.0
        for at in (fact.valid_from, fact.valid_to):
            assert at is None or at.utcoffset() is not None
    for refusal in found.refusals:
        assert 0 <= refusal.turn < len(turns)
        assert refusal.reason.strip()
        assert refusal.quote is None or refusal.quote in turns[refusal.turn].content
    refused = {refusal.turn for refusal in found.refusals if refusal.quote is None}
    assert not refused & {fact.turn for fact in found.facts}, "a turn refused as a whole has facts"
    assert (
        min(found.usage.model_calls, found.usage.input_tokens, found.usage.output_tokens, found.usage.embeddings) >= 0
    )
