"""Embedders over the network: OpenAI, Ollama, and any OpenAI-compatible server.

The model library (`pydantic-ai-slim`) does the talking; it is loaded with the first text and in a
thread.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mnemic.errors import InvalidConfig, ModelError
from mnemic.protocols import Vectors
from mnemic.providers import Endpoint, endpoint, model_error
from mnemic.text import scalar

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
    from pydantic_ai.embeddings.settings import EmbeddingSettings

_OPENAI_CHARS = 4_000
"""OpenAI's models take 8,191 tokens: two a character, which only rare scripts need."""

_OTHER_CHARS = 1_500
"""Models on other servers may take 512 to 2,048 tokens, and some servers cut the rest without a word."""

_BATCH_CHARS = 60_000
_BATCH_TEXTS = 128
"""A request of OpenAI's takes at most 300,000 tokens and 2,048 texts; servers of one's own, less."""


class RemoteEmbedder:
    """An embedding model by name: `openai:text-embedding-3-small`, `ollama:nomic-embed-text`.

    With `base_url`, `openai:<model>` is any server with OpenAI's `/embeddings`; then no other host is
    contacted and no key from the environment is sent. `dimensions` asks the model for shorter
    vectors, where it can. `max_chars` is the longest text to send in one piece.

    Raises:
        InvalidConfig: the name means nothing, or a key is needed and was not given.
        MissingDependency: the package of the provider is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        dimensions: int | None = None,
        max_chars: int | None = None,
        timeout: float = 60.0,
    ) -> None:
        self._endpoint = endpoint(model, base_url=base_url, api_key=api_key)
        if self._endpoint.provider == "anthropic":
            raise InvalidConfig(f"anthropic has no embedding models, so {model!r} is none; use openai: or ollama:")
        if dimensions is not None and dimensions < 1:
            raise InvalidConfig(f"dimensions must be a positive number, not {dimensions!r}")
        if max_chars is not None and max_chars < 1:
            raise InvalidConfig(f"max_chars must be a positive number, not {max_chars!r}")
        self._dimensions = dimensions
        self._max_chars = max_chars or (_OPENAI_CHARS if self._endpoint.base_url is None else _OTHER_CHARS)
        self._timeout = timeout
        self._model: _Model | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """`provider:model`, with `@dimensions` when these were asked for."""
        return self._endpoint.name if self._dimensions is None else f"{self._endpoint.name}@{self._dimensions}"

    @property
    def max_chars(self) -> int:
        """Longest text sent in one piece; the core splits longer ones."""
        return self._max_chars

    async def embed(self, texts: Sequence[str], *, role: Literal["query", "passage"]) -> Vectors:
        """Unit vectors of shape (len(texts), dimensions), in the order given.

        Raises:
            ModelError: the model could not be reached, refused, or answered with something else.
        """
        if not texts:
            return np.zeros((0, self._dimensions or 0), dtype=np.float32)
        batches = [await self._request(batch, role) for batch in _batches(texts)]
        if len({batch.shape[1] for batch in batches}) != 1:
            raise ModelError(f"{self.name} answered with vectors of different lengths")
        return np.concatenate(batches)

    async def close(self) -> None:
        """Close the connections kept for the next call. It may still be used: they open again."""
        model, self._model = self._model, None
        if model is not None and self._loop is asyncio.get_running_loop():
            await model.client.close()

    async def _connected(self) -> _Model:
        """The model with its connections, which belong to the event loop that opened them."""
        await asyncio.to_thread(importlib.import_module, "pydantic_ai.embeddings.openai")
        loop = asyncio.get_running_loop()
        if self._model is None or self._loop is not loop:
            self._model, self._loop = _build(self._endpoint), loop
        return self._model

    async def _request(self, texts: list[str], role: Literal["query", "passage"]) -> Vectors:
        model = await self._connected()
        from pydantic_ai.exceptions import AgentRunError, UserError

        settings: EmbeddingSettings = {} if self._dimensions is None else {"dimensions": self._dimensions}
        kind: Literal["query", "document"] = "query" if role == "query" else "document"
        try:
            async with asyncio.timeout(self._timeout):
                result = await model.embedding.embed(texts, input_type=kind, settings=settings)
        except TimeoutError as exc:
            raise ModelError(f"{self.name} did not answer within {self._timeout:g} s; pass a larger timeout") from exc
        except (AgentRunError, UserError) as exc:
            raise model_error(exc, self._endpoint, timeout=self._timeout) from exc
        except (AttributeError, TypeError, ValueError) as exc:  # what the client makes of a body that is something else
            raise ModelError(f"{self.name} answered with something that is no list of vectors: {exc}") from exc
        return _unit(result.embeddings, len(texts), self.name)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Model:
    embedding: OpenAIEmbeddingModel
    client: AsyncOpenAI


def _build(where: Endpoint) -> _Model:
    from pydantic_ai.embeddings.openai import OpenAIEmbeddingModel
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    provider = (
        OpenAIProvider(api_key=where.api_key)
        if where.base_url is None
        else OpenAICompatibleProvider("openai-compatible", base_url=where.base_url, api_key=where.api_key)
    )
    return _Model(embedding=OpenAIEmbeddingModel(where.model, provider=provider), client=provider.client)


def _batches(texts: Sequence[str]) -> list[list[str]]:
    """Texts in order, in requests that every server takes. An empty text, which servers refuse, is a space."""
    batches: list[list[str]] = []
    room = 0
    for text in texts:
        sent = scalar(text) or " "
        if not batches or len(batches[-1]) == _BATCH_TEXTS or room < len(sent):
            batches.append([])
            room = _BATCH_CHARS
        batches[-1].append(sent)
        room -= len(sent)
    return batches


def _unit(rows: Sequence[Sequence[float]], expected: int, name: str) -> Vectors:
    try:
        vectors = np.asarray(rows, dtype=np.float32)
    except (TypeError, ValueError) as exc:
        raise ModelError(f"{name} answered with vectors of different lengths, or not of numbers") from exc
    if vectors.ndim != 2 or len(vectors) != expected:
        raise ModelError(f"{name} answered with an array of shape {vectors.shape} for {expected} texts")
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not np.all(np.isfinite(lengths)) or not np.all(lengths > 0):
        raise ModelError(f"{name} answered with a vector that is zero or not a number")
    return np.asarray(vectors / lengths, dtype=np.float32)
