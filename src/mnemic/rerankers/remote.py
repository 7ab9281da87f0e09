"""Rerankers over the network: Cohere, Jina, Voyage, and any server with a `/rerank` address.

They all take a question with a list of texts and answer with numbers by place in the list; what the
fields are called differs. The HTTP client is loaded with the first question and in a thread.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mnemic.errors import InvalidConfig, MissingDependency, ModelError
from mnemic.rerankers import logistic
from mnemic.text import scalar

if TYPE_CHECKING:
    from httpx2 import AsyncClient, Response

_TRIES = 3
_PAUSE = 0.3
"""Seconds before the second try, doubled before the third: a search waits for it."""

_PASSING = (408, 409, 425, 429, 500, 502, 503, 504)
"""What a server answers that may answer the same question properly a moment later."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Dialect:
    """Where a provider is, and what it calls the fields of a request."""

    base_url: str | None = None
    """None: a server of one's own, whose address must be given."""
    key: str | None = None
    """The environment variable of its key."""
    texts: str = "documents"
    most: str | None = "top_n"


_DIALECTS = {
    "cohere": _Dialect(base_url="https://api.cohere.com/v2", key="COHERE_API_KEY"),
    "jina": _Dialect(base_url="https://api.jina.ai/v1", key="JINA_API_KEY"),
    "voyage": _Dialect(base_url="https://api.voyageai.com/v1", key="VOYAGE_API_KEY", most="top_k"),
    "server": _Dialect(),  # vLLM, Infinity, llama.cpp, LiteLLM, …: as Cohere
    "tei": _Dialect(texts="texts", most=None),  # Hugging Face's text-embeddings-inference
}


class RemoteReranker:
    """A reranking model by name: `cohere:rerank-v3.5`, `voyage:rerank-2`, `server:bge-reranker-v2-m3`.

    `base_url` is the address before `/rerank`; with it no other host is contacted and no key from the
    environment is sent. Lost connections, rate limits and server errors are tried up to three times, all
    within `timeout` seconds: a search waits for the answer, and has one without it. Redirects are not followed.

    Raises:
        InvalidConfig: the name means nothing, or a key or an address is needed and was not given.
        MissingDependency: the HTTP client is not installed.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 10.0,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._where = _endpoint(model, base_url=base_url, api_key=api_key, environ=environ)
        if importlib.util.find_spec("httpx2") is None:
            raise MissingDependency(
                'rerankers over the network need httpx2; run: pip install "mnemic[rerank]"', name="httpx2"
            )
        self._timeout = timeout
        self._client: AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def name(self) -> str:
        """`provider:model`."""
        return self._where.name

    async def rerank(self, question: str, texts: Sequence[str]) -> list[float]:
        """How far each text answers the question, in [0, 1], in the order given.

        Numbers beyond that, which are logits, go through a logistic, all of an answer alike.

        Raises:
            ModelError: the model could not be reached, refused, or did not answer for every text.
        """
        if not texts:
            return []
        try:
            async with asyncio.timeout(self._timeout):
                body = await self._asked(self._request(question, texts))
        except TimeoutError as exc:
            raise ModelError(
                f"{self._where.asked} did not answer within {self._timeout:g} s; pass a larger timeout"
            ) from exc
        return _relevance(body, len(texts), self._where.asked)

    async def close(self) -> None:
        """Close the connections kept for the next call. It may still be used: they open again."""
        client, self._client = self._client, None
        if client is not None and self._loop is asyncio.get_running_loop():
            await client.aclose()

    def _request(self, question: str, texts: Sequence[str]) -> dict[str, Any]:
        """The body. An empty text, which servers refuse, is a space."""
        dialect = _DIALECTS[self._where.provider]
        body: dict[str, Any] = {
            "model": self._where.model,
            "query": scalar(question) or " ",
            dialect.texts: [scalar(each) or " " for each in texts],
        }
        return body if dialect.most is None else body | {dialect.most: len(texts)}

    async def _asked(self, body: Mapping[str, Any]) -> Any:
        client = await self._connected()
        from httpx2 import HTTPError, InvalidURL

        for attempt in range(1, _TRIES + 1):
            try:
                response = await client.post(self._where.url, json=body, headers=self._where.headers)
            except InvalidURL as exc:
                raise ModelError(f"{self._where.asked} is at no address that can be asked: {exc}") from exc
            except HTTPError as exc:
                if attempt == _TRIES:
                    raise ModelError(
                        f"{self._where.asked} could not be reached; check the network, and that the server runs at"
                        f" this address ({type(exc).__name__})"
                    ) from exc
            else:
                if response.status_code == 200:
                    return _json(response, self._where.asked)
                if response.status_code not in _PASSING or attempt == _TRIES:
                    raise ModelError(f"{self._where.asked} {_refusal(response, self._where)}")
            await asyncio.sleep(_PAUSE * 2 ** (attempt - 1))
        raise AssertionError("the last try returns or raises")

    async def _connected(self) -> AsyncClient:
        """The client with its connections, which belong to the event loop that opened them."""
        library = await asyncio.to_thread(importlib.import_module, "httpx2")
        loop = asyncio.get_running_loop()
        if self._client is not None and self._loop is loop:
            return self._client
        # The whole of a question is timed, so that its parts need not be.
        client: AsyncClient = library.AsyncClient(timeout=None)
        self._client, self._loop = client, loop  # no await since the look: of several tasks one opens it
        return client


@dataclass(frozen=True, kw_only=True, slots=True)
class _Endpoint:
    """A model and the one address it is asked at."""

    provider: str
    model: str
    url: str
    own: bool
    """Whether the address was given, and is not the provider's."""
    api_key: str | None = field(repr=False)

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.model}"

    @property
    def asked(self) -> str:
        """How a message names it."""
        return f"{self.name} at {self.url}" if self.own else self.name

    @property
    def headers(self) -> dict[str, str]:
        return {} if self.api_key is None else {"Authorization": f"Bearer {self.api_key}"}


def _endpoint(name: str, *, base_url: str | None, api_key: str | None, environ: Mapping[str, str]) -> _Endpoint:
    provider, _, model = name.partition(":")
    if provider not in _DIALECTS or not model:
        raise InvalidConfig(
            f"expected a reranker as provider:model with provider one of cross-encoder, llm, {', '.join(_DIALECTS)},"
            f" not {name!r}"
        )
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise InvalidConfig(f"base_url must start with http:// or https://, not {base_url!r}")
    dialect = _DIALECTS[provider]
    address = base_url or dialect.base_url
    if address is None:
        raise InvalidConfig(f"{name} needs the address before /rerank: give reranker_base_url=")
    if base_url is None and dialect.key is not None:
        api_key = api_key or environ.get(dialect.key) or None
        if api_key is None:
            raise InvalidConfig(f"{name} needs a key: set {dialect.key}, or pass api_key=")
    if api_key is not None and not (api_key.isascii() and api_key.isprintable()):
        raise InvalidConfig(f"the key of {name} holds characters that no key has")
    url = address.rstrip("/").removesuffix("/rerank") + "/rerank"
    return _Endpoint(provider=provider, model=model, url=url, own=base_url is not None, api_key=api_key)


def _json(response: Response, asked: str) -> Any:
    try:
        return response.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise ModelError(f"{asked} answered with something that is no JSON: {response.text[:80]!r}") from exc


def _refusal(response: Response, where: _Endpoint) -> str:
    """What a status means and what to do next; texts that were sent are not repeated."""
    match response.status_code:
        case 401 | 403:
            key = _DIALECTS[where.provider].key
            return f"refused the key (HTTP {response.status_code}); check {'api_key=' if where.own else key}"
        case 404 | 405:
            return f"was not found (HTTP {response.status_code}); check the model's name and the address"
        case 429:
            return "is over its rate limit or quota (HTTP 429); try again later"
        case status if 300 <= status < 400:
            return f"redirects (HTTP {status}), which is not followed; give the address itself"
        case status:
            return f"answered HTTP {status}"


def _relevance(body: Any, expected: int, asked: str) -> list[float]:
    """One number a text, from `{"results": […]}`, `{"data": […]}` or a bare list."""
    rows = next((body[key] for key in ("results", "data") if key in body), None) if isinstance(body, dict) else body
    if not isinstance(rows, list):
        raise ModelError(f"{asked} answered with something that is no list of scores")
    found: dict[int, float] = {}
    for row in rows:
        place, score = _placed(row)
        if place is None or score is None or not 0 <= place < expected or place in found:
            raise ModelError(f"{asked} answered with a score that belongs to no text, or is no number")
        found[place] = score
    if len(found) != expected:
        raise ModelError(f"{asked} answered with {len(found)} scores for {expected} texts")
    scores = [found[place] for place in range(expected)]
    return scores if all(0 <= score <= 1 for score in scores) else [logistic(score) for score in scores]


def _placed(row: Any) -> tuple[int | None, float | None]:
    """The place and the score of one entry; None for what is no number."""
    if not isinstance(row, dict):
        return None, None
    place, score = _number(row.get("index")), _number(row.get("relevance_score", row.get("score")))
    return (place if isinstance(place, int) else None), (None if score is None else float(score))


def _number(value: Any) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if abs(value) < 1e300 else None  # neither infinite nor NaN, nor an integer that no float holds
