"""A language model in this process: a GGUF file run by llama.cpp through `xllamacpp`."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mnemic.errors import InvalidConfig, MissingDependency, ModelError
from mnemic.llms.reading import converse
from mnemic.protocols import Answer
from mnemic.types import Usage

_NEEDS = ("xllamacpp", "pydantic", "json_repair")


class LocalLLM:
    """A GGUF model on the processor, with answers held to a JSON schema by a grammar.

    The weights are loaded with the first question and stay in memory until the object goes. Questions
    wait for each other. `context` is the number of tokens that prompt and answer share; `answer_tokens`
    of them are kept for the answer.

    Raises:
        InvalidConfig: there is no such file.
        MissingDependency: `xllamacpp` or `pydantic` is not installed.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        threads: int = 1,
        context: int = 8192,
        answer_tokens: int = 2048,
        timeout: float = 600.0,
    ) -> None:
        self._path = Path(path).expanduser()
        if not self._path.is_file():
            raise InvalidConfig(f"expected the path of a .gguf file, and there is none at {str(self._path)!r}")
        if missing := [module for module in _NEEDS if importlib.util.find_spec(module) is None]:
            raise MissingDependency(
                f'local models need {" and ".join(missing)}; run: pip install "mnemic[local]"', name=missing[0]
            )
        self._threads = threads
        self._context = context
        self._answer_tokens = answer_tokens
        self._timeout = timeout
        self._server: Any = None
        self._turn = threading.Lock()

    @property
    def name(self) -> str:
        """`local:` and the file's name without its ending."""
        return f"local:{self._path.stem}"

    @property
    def max_input_tokens(self) -> int:
        """The longest prompt that leaves room for an answer."""
        return self._context - self._answer_tokens

    async def answer(self, system: str, user: str, shape: type[Answer]) -> tuple[Answer, Usage]:
        """One structured answer, with the calls and tokens it took. A bad one is shown to the model once.

        Cancelling stops the model at its next token.

        Raises:
            ModelError: the weights could not be loaded, the prompt is too long, or the answer does not
                fit `shape`.
        """
        messages = [{"role": "system", "content": system}, {"role": "user", "content": user}]
        schema = shape.model_json_schema()

        async def ask(complaint: str | None) -> tuple[str, Usage]:
            if complaint is not None:
                messages.append({"role": "user", "content": complaint})
            reply = await self._ask([*messages], schema)
            messages.append({"role": "assistant", "content": reply.text})
            return reply.text, reply.usage

        return await converse(ask, shape, name=self.name)

    async def _ask(self, messages: list[dict[str, str]], schema: Mapping[str, Any]) -> _Reply:
        stop = threading.Event()
        try:
            async with asyncio.timeout(self._timeout):
                return await asyncio.to_thread(self._generate, messages, schema, stop.is_set)
        except TimeoutError as exc:
            raise ModelError(
                f"{self.name} did not answer within {self._timeout:g} s; pass a larger timeout, or more threads"
            ) from exc
        finally:
            stop.set()

    def _generate(
        self, messages: list[dict[str, str]], schema: Mapping[str, Any], stopped: Callable[[], bool]
    ) -> _Reply:
        """Blocking. Ends early, with what there is, once `stopped` says so."""
        reply = _Reply()

        def receive(chunk: dict[str, Any]) -> bool:
            reply.take(chunk)
            return stopped() or reply.turns_in_a_circle

        with self._turn:
            if stopped():
                return reply
            if self._server is None:
                self._server = self._load()
            self._server.handle_chat_completions(
                {
                    "messages": messages,
                    "temperature": 0,
                    "max_tokens": self._answer_tokens,
                    "stream": True,
                    "stream_options": {"include_usage": True},
                    "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}},
                },
                receive,
            )
        if reply.error:
            raise ModelError(f"{self.name} failed: {reply.error}")
        return reply

    def _load(self) -> Any:
        xllamacpp = importlib.import_module("xllamacpp")
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = self._context
        params.n_parallel = 1
        params.cpuparams.n_threads = self._threads
        params.cpuparams_batch.n_threads = self._threads
        params.warmup = False
        params.fit_params = False
        params.verbosity = 0
        params.offline = True
        params.ui = False
        # The library always listens, on loopback and a free port. Nobody knows this key, so nobody gets in.
        params.endpoint_slots = False
        params.api_keys = [secrets.token_urlsafe(32)]
        try:
            return xllamacpp.Server(params)
        except Exception as exc:
            raise ModelError(f"{self._path} could not be loaded as a GGUF model: {exc}") from exc


_CIRCLE = 120
"""Letters that come for the fourth time: longer than what the entries of an honest list have in common."""


@dataclass(kw_only=True)
class _Reply:
    """What has come in of one answer."""

    text: str = ""
    usage: Usage = field(default_factory=lambda: Usage(model_calls=1))
    error: str | None = None

    @property
    def turns_in_a_circle(self) -> bool:
        """Small models can fall into saying the same for ever; what they write then is no answer."""
        return len(self.text) > 4 * _CIRCLE and self.text.count(self.text[-_CIRCLE:]) >= 4

    def take(self, chunk: dict[str, Any]) -> None:
        if "error" in chunk:
            problem = chunk["error"]
            self.error = str(problem.get("message", problem) if isinstance(problem, Mapping) else problem)
        for choice in chunk.get("choices", ()):
            self.text += choice.get("delta", {}).get("content") or ""
        if spent := chunk.get("usage"):
            self.usage = Usage(
                model_calls=1, input_tokens=spent["prompt_tokens"], output_tokens=spent["completion_tokens"]
            )
