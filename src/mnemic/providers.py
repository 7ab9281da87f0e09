"""Where a named model is served: `provider:model`, address and key; and what its failures mean.

Shared by the chat models and the remote embedders. The model library itself is imported only to
read an error that it raised.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from mnemic.errors import InvalidConfig, MissingDependency, ModelError

_SDK = {"openai": "openai", "anthropic": "anthropic", "ollama": "openai"}
_KEY = {"openai": "OPENAI_API_KEY", "anthropic": "ANTHROPIC_API_KEY"}
_OLLAMA = "http://localhost:11434/v1"
_NO_KEY = "none"
"""Sent where the server asks for no key; the client libraries refuse an empty one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """A model and the one address it is asked at."""

    provider: str
    model: str
    base_url: str | None
    """None: the provider's own address."""
    api_key: str = field(repr=False)

    @property
    def name(self) -> str:
        """`provider:model`."""
        return f"{self.provider}:{self.model}"

    @property
    def compatible(self) -> bool:
        """Whether it speaks OpenAI's protocol without being OpenAI: what it supports is not known."""
        return self.provider == "openai" and self.base_url is not None


def endpoint(
    name: str, *, base_url: str | None = None, api_key: str | None = None, environ: Mapping[str, str] = os.environ
) -> Endpoint:
    """The endpoint of `provider:model`, with everything checked that can be without a request.

    A key from the environment goes to the provider's own address only: with `base_url` given, the
    key is `api_key` or none. `OPENAI_BASE_URL` and `OPENAI_API_KEY` are read together.

    Raises:
        InvalidConfig: the name, the provider or the address means nothing, or a key is needed.
        MissingDependency: the provider's package is not installed.
    """
    provider, model = _split(name)
    _require(provider)
    if base_url is not None and not base_url.startswith(("http://", "https://")):
        raise InvalidConfig(f"base_url must start with http:// or https://, not {base_url!r}")
    if provider == "ollama":
        return Endpoint(provider=provider, model=model, base_url=base_url or _OLLAMA, api_key=api_key or _NO_KEY)
    if base_url is not None:
        return Endpoint(provider=provider, model=model, base_url=base_url, api_key=api_key or _NO_KEY)
    variable = _KEY[provider]
    address = environ.get("OPENAI_BASE_URL") or None if provider == "openai" else None
    key = api_key or environ.get(variable) or (_NO_KEY if address else None)
    if key is None:
        raise InvalidConfig(
            f"{name} needs a key: set {variable}, or pass api_key=; a server of your own needs base_url="
        )
    return Endpoint(provider=provider, model=model, base_url=address, api_key=key)


def model_error(exc: Exception, where: Endpoint, *, timeout: float) -> ModelError:
    """What went wrong and what to do next. Raise it `from exc`; texts that were sent are not repeated."""
    from pydantic_ai import exceptions as library

    asked = where.name if where.base_url is None else f"{where.name} at {where.base_url}"
    match exc:
        case library.ModelTimeoutError() | library.ModelRequestTimeout():
            said = f"did not answer within {timeout:g} s; pass a larger timeout"
        case library.ModelConnectionError():
            said = "could not be reached; check the network, and that the server runs at this address"
        case library.ModelHTTPError(status_code=401 | 403):
            said = f"refused the key (HTTP {exc.status_code}); check {_KEY.get(where.provider, 'api_key=')}"
        case library.ModelHTTPError(status_code=404):
            said = "was not found (HTTP 404); check the model's name and the address, which often ends in /v1"
        case library.ModelHTTPError(status_code=429):
            said = "is over its rate limit or quota (HTTP 429); try again later"
        case library.ModelHTTPError():
            said = f"answered HTTP {exc.status_code}{_reason(exc.body)}"
        case library.UnexpectedModelBehavior():
            said = f"gave no answer of the expected shape, also when shown the error: {exc.message[:200]}"
        case _:
            said = f"failed: {type(exc).__name__}: {str(exc)[:200]}"
    return ModelError(f"{asked} {said}")


def _split(name: str) -> tuple[str, str]:
    provider, _, model = name.partition(":")
    if provider not in _SDK or not model:
        raise InvalidConfig(
            f"expected a model as provider:model with provider one of {', '.join(_SDK)}, not {name!r}; "
            "any other OpenAI-compatible server is openai:<model> with base_url="
        )
    return provider, model


def _require(provider: str) -> None:
    missing = [module for module in ("pydantic_ai", _SDK[provider]) if importlib.util.find_spec(module) is None]
    if missing:
        raise MissingDependency(
            f'{provider} models need {" and ".join(missing)}; run: pip install "mnemic[{provider}]"', name=missing[0]
        )


def _reason(body: object) -> str:
    """The server's own words about a refused request, when it gave any."""
    inner = body.get("error", body) if isinstance(body, Mapping) else body
    message = inner.get("message") if isinstance(inner, Mapping) else inner
    return f": {message[:200]}" if isinstance(message, str) and message.strip() else ""
