"""Settings: arguments first, then environment, then the configuration file. Read by composition roots only.

| setting | environment | meaning |
|---|---|---|
| path | MNEMIC_PATH | the store: a file, ":memory:", or `postgresql://user:password@host:port/database` |
| project | MNEMIC_PROJECT | name that keeps several uses of one store apart |
| llm | MNEMIC_LLM | model that extracts, as `provider:model`; none: rules |
| llm_base_url | MNEMIC_LLM_BASE_URL | OpenAI-compatible endpoint of that model |
| embedder | MNEMIC_EMBEDDER | `bundled`, `bundled:e5`, `bundled:use`, or `provider:model` |
| embedder_base_url | MNEMIC_EMBEDDER_BASE_URL | OpenAI-compatible endpoint of that embedder |
| reranker | MNEMIC_RERANKER | model that orders hits, as `cross-encoder:model`, `cohere:model`, `llm:provider:model`; none: no |
| reranker_base_url | MNEMIC_RERANKER_BASE_URL | endpoint of that reranker |
| server | MNEMIC_SERVER | URL of a server that the command line and `RemoteMemory` speak to |
| api_key | MNEMIC_API_KEY | the key for that server |
| user_id, agent_id, app_id, run_id | MNEMIC_USER_ID, … | ids the command line uses when none is given |

MNEMIC_HOME moves the folder of the store and of `config.toml`.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from platformdirs import user_config_path, user_data_path

from mnemic.errors import InvalidConfig


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set from outside."""

    path: str | None = None
    project: str = "default"
    llm: str | None = None
    llm_base_url: str | None = None
    embedder: str = "bundled"
    embedder_base_url: str | None = None
    reranker: str | None = None
    reranker_base_url: str | None = None
    server: str | None = None
    api_key: str | None = None
    user_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    run_id: str | None = None


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Settings of the configuration file, overridden by the environment.

    Raises:
        InvalidConfig: the file is no TOML, or names a setting that does not exist.
    """
    environment = os.environ if environment is None else environment
    names = [field.name for field in fields(Settings)]
    found: dict[str, Any] = _read(config_file(environment), names)
    for name in names:
        value = environment.get(f"MNEMIC_{name.upper()}", "").strip()
        if value:
            found[name] = value
    return Settings(**found)


def store_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where the store lives unless a path is given: the user's data directory, or MNEMIC_HOME."""
    environment = os.environ if environment is None else environment
    home = environment.get("MNEMIC_HOME")
    return (Path(home).expanduser() if home else user_data_path("mnemic", appauthor=False)) / "mnemic.db"


def config_file(environment: Mapping[str, str] | None = None) -> Path:
    """Where settings are read from; the file need not exist."""
    environment = os.environ if environment is None else environment
    home = environment.get("MNEMIC_HOME")
    return (Path(home).expanduser() if home else user_config_path("mnemic", appauthor=False)) / "config.toml"


def _read(file: Path, names: list[str]) -> dict[str, Any]:
    try:
        found = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, OSError) as exc:
        raise InvalidConfig(f"{file} cannot be read as TOML: {exc}") from exc
    for name, value in found.items():
        if name not in names or not isinstance(value, str):
            raise InvalidConfig(f"{file}: {name} = {value!r} is no setting; settings are strings: {', '.join(names)}")
    return found
