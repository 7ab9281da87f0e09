"""Names to objects: `openai:gpt-5-mini`, `bundled`, `notes.db`. What a name needs is imported then."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mnemic import config, text
from mnemic.errors import InvalidConfig, MissingDependency, describe
from mnemic.protocols import LLM, Calibration, Embedder, Extractor, Reranker, Store
from mnemic.stores import postgres_url
from mnemic.types import Finding


def make_store(path: str | os.PathLike[str] | None, *, project: str | None = None) -> Store:
    """A store from a path or a `postgresql://` URL; None is the default file.

    A database shows a project its own rows only; with None, a worker's view, all.

    Raises:
        InvalidConfig: an address of a kind that no store has.
        MissingDependency: a database's package is not installed.
    """
    if path is None:
        path = config.store_file()
    if not isinstance(path, str | os.PathLike) or not isinstance(os.fspath(path), str):
        raise InvalidConfig(f"path must be a file name or ':memory:', not {describe(path)}")
    address = os.fspath(path)
    if text.scalar(address) != address or "\x00" in address or not address.strip():
        raise InvalidConfig(f"path must be a file name or ':memory:', not {address!r}")
    if address.startswith("sqlite:///"):
        address = address.removeprefix("sqlite:///")
    if address.startswith(postgres_url.SCHEMES):
        return _postgres(address, project)
    if "://" in address:
        raise InvalidConfig(
            f"no store for {address.split('://')[0]!r} addresses; give a file path, ':memory:' or a postgresql:// URL"
        )
    from mnemic.stores.sqlite import SQLiteStore

    return SQLiteStore(Path(address).expanduser() if address != ":memory:" else address)


def _postgres(url: str, project: str | None) -> Store:
    postgres_url.without_password(url)
    try:
        from mnemic.stores.postgres_nodes import PostgresNodes
    except ImportError as exc:
        raise MissingDependency("a PostgreSQL store needs asyncpg: pip install 'mnemic[postgres]'") from exc
    return PostgresNodes(url, project=project)


def make_embedder(name: str, *, base_url: str | None = None, api_key: str | None = None) -> Embedder:
    """`bundled`, `bundled:e5`, `bundled:use`, or `provider:model` through the model library.

    Raises:
        InvalidConfig: a name that means nothing.
        MissingDependency: the provider's package is not installed.
    """
    provider, _, model = name.partition(":")
    if provider == "bundled":
        from mnemic.embedders.bundled import named

        return named(model)
    if not provider or not model:
        raise InvalidConfig(f"an embedder is 'bundled' or 'provider:model', not {name!r}")
    from mnemic.embedders.remote import RemoteEmbedder

    return RemoteEmbedder(name, base_url=base_url, api_key=api_key)


def make_extractor(llm: LLM | str | None, *, base_url: str | None = None, api_key: str | None = None) -> Extractor:
    """The model extractor when a model is given, else the rules.

    Raises:
        InvalidConfig: a name that means nothing.
        MissingDependency: the provider's package is not installed.
    """
    if llm is None:
        from mnemic.extractors.rules import RuleExtractor

        return RuleExtractor()
    model = make_llm(llm, base_url=base_url, api_key=api_key) if isinstance(llm, str) else llm  # names what is missing
    from mnemic.extractors.llm import LLMExtractor

    return LLMExtractor(model)


def make_handed(findings: Sequence[Finding]) -> Extractor:
    """What answers with facts that were handed over."""
    from mnemic.extractors.handed import HandedExtractor

    return HandedExtractor(findings)


def make_llm(name: str, *, base_url: str | None = None, api_key: str | None = None) -> LLM:
    """`provider:model` through the model library, or `local:/path/to/model.gguf` in this process."""
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise InvalidConfig(f"a model is named 'provider:model', such as 'openai:gpt-5-mini', not {name!r}")
    if provider == "local":
        from mnemic.llms.local import LocalLLM

        return LocalLLM(model)
    from mnemic.llms.models import RemoteLLM

    return RemoteLLM(name, base_url=base_url, api_key=api_key)


def make_reranker(name: str | None, *, base_url: str | None = None, api_key: str | None = None) -> Reranker | None:
    """A reranker by name, or None without one.

    `cross-encoder:model` (or a model's folder) on this machine; `cohere:`, `jina:`, `voyage:`, and `server:` or
    `tei:` with `base_url`, over the network; `llm:provider:model` asks a language model.

    Raises:
        InvalidConfig: a name that means nothing.
        MissingDependency: the package it needs is not installed.
    """
    if name is None:
        return None
    provider, _, model = name.partition(":")
    if not provider or not model:
        raise InvalidConfig(f"a reranker is named 'provider:model', such as 'cohere:rerank-v3.5', not {name!r}")
    if provider == "llm":
        llm = make_llm(model, base_url=base_url, api_key=api_key)
        from mnemic.rerankers.llm import LLMReranker

        return LLMReranker(llm)
    if provider == "cross-encoder":
        from mnemic.rerankers.cross_encoder import CrossEncoderReranker

        return CrossEncoderReranker(model)
    from mnemic.rerankers.remote import RemoteReranker

    return RemoteReranker(name, base_url=base_url, api_key=api_key)


def calibration_of(embedder: Embedder) -> Calibration:
    """What the embedder says of its space, or the general prior."""
    found = getattr(embedder, "calibration", None)
    return found if isinstance(found, Calibration) else Calibration()


def arguments(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of `Memory` from a dictionary: its own argument names, or the shape mem0's users have.

    In the latter, `llm`, `embedder` and `reranker` are `{"provider", "config"}`; a `vector_store` of theirs is
    not used, which a warning says, since memories are kept in one file of ours.

    Raises:
        InvalidConfig: an unknown key or shape.
    """
    if not isinstance(settings, Mapping):
        raise InvalidConfig(f"a configuration is a dictionary, not {settings!r}")
    found: dict[str, Any] = {}
    for key, value in settings.items():
        if key in ("llm", "embedder") and isinstance(value, Mapping):
            found |= _model(key, value)
        elif key == "reranker" and isinstance(value, Mapping):
            found |= _reranker(value)
        elif key in _ARGUMENTS:
            found[key] = value
        elif key in ("custom_instructions", "custom_fact_extraction_prompt"):
            found["instructions"] = value
        elif key == "vector_store":
            warnings.warn(
                f"vector_store {_provider(value)!r} is not used: memories are kept in one file; choose it with path",
                stacklevel=3,
            )
        elif key not in _IGNORED:
            raise InvalidConfig(f"unknown setting {key!r}; settings: {', '.join(_ARGUMENTS)}")
    return found


_ARGUMENTS = (
    "path",
    "embedder",
    "llm",
    "llm_base_url",
    "embedder_base_url",
    "reranker",
    "reranker_base_url",
    "project",
    "instructions",
    "custom_categories",
    "slots",
    "limits",
    "keep_secrets",
    "background",
    "store",
    "extractor",
)
_IGNORED = ("version", "history_db_path", "graph_store")  # theirs; here history is in the store, the graph in rows
_BASE_URLS = ("openai_base_url", "ollama_base_url", "base_url", "lmstudio_base_url", "vllm_base_url")
_BY_URL = ("lmstudio", "vllm", "deepseek", "together", "groq", "openai_structured", "azure_openai")


def _model(kind: str, given: Mapping[str, Any]) -> dict[str, Any]:
    provider, settings = _provider(given), given.get("config") or {}
    if not isinstance(settings, Mapping):
        raise InvalidConfig(f"the 'config' of {kind} must be a dictionary, not {describe(settings)}")
    model = settings.get("model")
    base_url = next((settings[name] for name in _BASE_URLS if settings.get(name)), None)
    if not isinstance(provider, str) or not isinstance(model, str):
        raise InvalidConfig(f"{kind} must be {{'provider': …, 'config': {{'model': …}}}}, not {dict(given)!r}")
    if provider in _BY_URL:
        if base_url is None:
            raise InvalidConfig(f"{kind} provider {provider!r} needs a base URL of its OpenAI-compatible endpoint")
        provider = "openai"
    if provider == "ollama" and base_url is not None and not base_url.rstrip("/").endswith("/v1"):
        base_url = base_url.rstrip("/") + "/v1"
    name, key = f"{provider}:{model}", settings.get("api_key")
    if key is None:
        return {kind: name} | ({f"{kind}_base_url": base_url} if base_url else {})
    make = make_llm if kind == "llm" else make_embedder
    return {kind: make(name, base_url=base_url, api_key=key)}


_RERANKERS = {  # their names of providers to ours
    "cohere": "cohere",
    "huggingface": "cross-encoder",
    "sentence_transformer": "cross-encoder",
    "llm_reranker": "llm",
}


def _reranker(given: Mapping[str, Any]) -> dict[str, Any]:
    """How many hits there are is for the search to say, so that `top_k` of theirs is not used."""
    provider, settings = _provider(given), given.get("config") or {}
    if not isinstance(settings, Mapping):
        raise InvalidConfig(f"the 'config' of reranker must be a dictionary, not {describe(settings)}")
    if provider not in _RERANKERS:
        raise InvalidConfig(f"no reranker of provider {provider!r}; providers: {', '.join(_RERANKERS)}")
    if provider == "llm_reranker":
        inner = settings.get("llm") or {"provider": settings.get("provider", "openai"), "config": settings}
        if not isinstance(inner, Mapping):
            raise InvalidConfig(f"the 'llm' of reranker must be a dictionary, not {describe(inner)}")
        llm = _model("llm", inner)
        named, url = llm["llm"], llm.get("llm_base_url")
        if isinstance(named, str):
            return {"reranker": f"llm:{named}"} | ({"reranker_base_url": url} if url else {})
        from mnemic.rerankers.llm import LLMReranker

        return {"reranker": LLMReranker(named)}
    model, key = settings.get("model"), settings.get("api_key")
    if not isinstance(model, str):
        raise InvalidConfig(f"reranker must be {{'provider': …, 'config': {{'model': …}}}}, not {describe(given)}")
    name = f"{_RERANKERS[provider]}:{model}"
    return {"reranker": name if key is None else make_reranker(name, api_key=key)}


def _provider(given: Any) -> Any:
    return given.get("provider") if isinstance(given, Mapping) else given
