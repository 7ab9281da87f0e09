"""Chat models over the network: OpenAI, Anthropic, Ollama, and any OpenAI-compatible server.

The model library (`pydantic-ai-slim`) does the talking. It takes seconds to import, so it is loaded
with the first question and in a thread.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Literal

from mnemic.errors import ModelError
from mnemic.llms.reading import converse
from mnemic.protocols import Answer
from mnemic.providers import Endpoint, endpoint, model_error
from mnemic.types import Usage

if TYPE_CHECKING:
    from pydantic import BaseModel
    from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

Output = Literal["native", "tool", "prompted"]

_HOSTED_TOKENS = 32_000
_OWN_TOKENS = 3_000
"""Servers of one's own often run with a context of 4,096 tokens, and some cut the rest without a word."""

_REFUSED_SCHEMA = (400, 415, 422, 501)
"""What servers answer that know no `response_format`."""


class RemoteLLM:
    """A chat model by name: `openai:gpt-5-mini`, `anthropic:claude-haiku-4-5`, `ollama:qwen3:4b`.

    With `base_url`, `openai:<model>` is any server that speaks OpenAI's chat protocol; then no other
    host is contacted and no key from the environment is sent. Answers are JSON by the provider's own
    schema mode where it has one, else by a tool call. A server given by `base_url` that refuses a
    schema is asked once more, and from then on, with the schema in the prompt.

    What is not clean JSON is read as far as it can be (see `reading`). A bad answer is shown to the
    model once for correction. Lost connections, rate limits and server
    errors are tried up to three times within `timeout` seconds each. `max_input_tokens` is the longest
    prompt to send; pass what your own server is set up for.

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
        timeout: float = 120.0,
        max_input_tokens: int | None = None,
    ) -> None:
        self._endpoint = endpoint(model, base_url=base_url, api_key=api_key)
        self._timeout = timeout
        default = _HOSTED_TOKENS if self._endpoint.base_url is None else _OWN_TOKENS
        self._max_input_tokens = default if max_input_tokens is None else max_input_tokens
        self._model: Model | None = None
        self._schema_refused = False

    @property
    def name(self) -> str:
        """`provider:model`."""
        return self._endpoint.name

    @property
    def max_input_tokens(self) -> int:
        """The longest prompt to send, system and user message together."""
        return self._max_input_tokens

    async def answer(self, system: str, user: str, shape: type[Answer]) -> tuple[Answer, Usage]:
        """One structured answer, with the calls and tokens it took.

        Raises:
            ModelError: the model could not be reached, or its answer does not fit `shape`.
        """
        if self._model is None:
            self._model = await asyncio.to_thread(_build, self._endpoint)
        mode = self._mode(self._model)
        try:
            return await self._converse(self._model, mode, system, user, shape)
        except _SchemaRefusedError:
            self._schema_refused = True
            reply, usage = await self._converse(self._model, "prompted", system, user, shape)
            return reply, usage + Usage(model_calls=1)

    def _mode(self, model: Model) -> Output:
        if self._schema_refused:
            return "prompted"
        return "native" if model.profile.get("supports_json_schema_output", False) else "tool"

    async def _converse(
        self, model: Model, mode: Output, system: str, user: str, shape: type[Answer]
    ) -> tuple[Answer, Usage]:
        from pydantic_ai.messages import ModelRequest

        talk: list[ModelMessage] = [ModelRequest.user_text_prompt(user, instructions=system)]
        wanted = self._parameters(mode, shape)

        async def ask(complaint: str | None) -> tuple[str, Usage]:
            if complaint is not None:
                talk.append(_complaint(talk[-1], complaint, system))
            response = await self._request(model, mode, talk, wanted)
            talk.append(response)
            spent = response.usage
            return _text(response), Usage(
                model_calls=1, input_tokens=spent.input_tokens, output_tokens=spent.output_tokens
            )

        return await converse(ask, shape, name=self._asked)

    def _parameters(self, mode: Output, shape: type[BaseModel]) -> ModelRequestParameters:
        """How the library is to ask for the shape."""
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.output import OutputObjectDefinition
        from pydantic_ai.tools import ToolDefinition

        schema = shape.model_json_schema()
        # Only OpenAI itself is asked for strict mode; others know the field and not what it means.
        strict = True if self._endpoint.provider == "openai" and not self._endpoint.compatible else None
        wanted = OutputObjectDefinition(json_schema=schema, name="answer", strict=strict)
        match mode:
            case "native":
                return ModelRequestParameters(output_mode="native", output_object=wanted)
            case "tool":
                tool = ToolDefinition(name="answer", parameters_json_schema=schema, kind="output")
                return ModelRequestParameters(output_mode="tool", output_tools=[tool], allow_text_output=False)
            case "prompted":
                # Where the system message shows the shape, the schema would only cost.
                template: Literal[False] | None = False if getattr(shape, "in_words", False) else None
                return ModelRequestParameters(
                    output_mode="prompted", output_object=wanted, prompted_output_template=template
                )

    async def _request(
        self, model: Model, mode: Output, talk: list[ModelMessage], wanted: ModelRequestParameters
    ) -> ModelResponse:
        from pydantic_ai.direct import model_request
        from pydantic_ai.exceptions import AgentRunError, ModelHTTPError, UserError

        try:
            # Entered for each call, so that its connections are closed with it, on the loop that made them.
            async with model:
                return await model_request(
                    model,
                    talk,
                    model_settings=_settings(model, self._timeout),
                    model_request_parameters=wanted,
                    instrument=False,
                )
        except (AgentRunError, UserError) as exc:
            refused = isinstance(exc, ModelHTTPError) and exc.status_code in _REFUSED_SCHEMA
            if refused and mode == "native" and self._endpoint.compatible:
                raise _SchemaRefusedError from exc
            raise model_error(exc, self._endpoint, timeout=self._timeout) from exc

    @property
    def _asked(self) -> str:
        where = self._endpoint
        return where.name if where.base_url is None else f"{where.name} at {where.base_url}"


def _text(response: ModelResponse) -> str:
    """What the model wrote as its answer: the arguments of its tool call, else its text."""
    from pydantic_ai.messages import TextPart, ToolCallPart

    calls = [part.args_as_json_str() for part in response.parts if isinstance(part, ToolCallPart)]
    return "\n".join(calls or [part.content for part in response.parts if isinstance(part, TextPart)])


def _complaint(answered: ModelMessage, complaint: str, system: str) -> ModelRequest:
    """What was wrong, said to the tool call where there was one: providers want each call answered."""
    from pydantic_ai.messages import ModelRequest, ModelRequestPart, ToolCallPart, ToolReturnPart, UserPromptPart

    calls = [part for part in answered.parts if isinstance(part, ToolCallPart)]
    parts: list[ModelRequestPart] = [
        ToolReturnPart(call.tool_name, complaint, call.tool_call_id, outcome="retried") for call in calls
    ]
    return ModelRequest(parts=parts or [UserPromptPart(complaint)], instructions=system)


class _SchemaRefusedError(ModelError):
    """The server does not take a schema."""


def _build(where: Endpoint) -> Model:
    """The library's model, whose provider knows one address and one key."""
    if where.provider == "anthropic":
        from pydantic_ai.models.anthropic import AnthropicModel
        from pydantic_ai.providers.anthropic import AnthropicProvider

        return AnthropicModel(where.model, provider=AnthropicProvider(api_key=where.api_key, base_url=where.base_url))
    if where.provider == "ollama":
        from pydantic_ai.models.ollama import OllamaModel
        from pydantic_ai.providers.ollama import OllamaProvider

        return OllamaModel(where.model, provider=OllamaProvider(base_url=where.base_url, api_key=where.api_key))
    from pydantic_ai.models.openai import OpenAIChatModel

    if where.base_url is not None:
        from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

        provider = OpenAICompatibleProvider("openai-compatible", base_url=where.base_url, api_key=where.api_key)
        return OpenAIChatModel(where.model, provider=provider)
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIChatModel(where.model, provider=OpenAIProvider(api_key=where.api_key))


def _settings(model: Model, timeout: float) -> ModelSettings:
    """As exact and as little thinking as the model allows, in bounded time.

    `timeout` holds for each attempt; the whole, retries and waits included, takes at most three times it.
    """
    settings: ModelSettings = {
        "thinking": False,
        "timeout": timeout,
        "max_retries": 2,
        "request_timeout": 3 * timeout,
    }
    profile: Any = model.profile
    if not (profile.get("thinking_always_enabled") or profile.get("anthropic_disallows_sampling_settings")):
        settings["temperature"] = 0.0
    return settings
