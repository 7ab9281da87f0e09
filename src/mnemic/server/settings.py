"""What can be set of a server: arguments, then the environment as MNEMIC_SERVER_…, then what stands here."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServerSettings(BaseSettings):
    """Settings of `mnemic serve`; those of the memory itself (store, model, embedder) are `MNEMIC_…` as everywhere."""

    model_config = SettingsConfigDict(env_prefix="MNEMIC_SERVER_", extra="forbid", frozen=True)

    host: str = Field(default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every interface.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, le=64, description="Processes that answer requests.")
    work: bool = Field(
        default=True,
        description="Whether the server makes memories of pending messages itself; false leaves it to `mnemic worker`.",
    )
    database: SecretStr | None = Field(
        default=None,
        description="Where accounts, keys and webhooks are kept: a file, or postgresql://…; beside the store by default.",
    )
    allowed_hosts: str = Field(
        default="", description="Host names that requests may name, separated by commas, beside the loopback; * is any."
    )
    cors_origins: str = Field(
        default="",
        description="Origins whose pages may call the server from a browser, separated by commas; none by default.",
    )
    max_body_bytes: int = Field(default=10 * 2**20, ge=1024, description="Largest body of a request, in bytes.")
    max_import_bytes: int = Field(
        default=2**30, ge=1024, description="Largest export that /v1/import takes in, in bytes."
    )
    key_limit: str | None = Field(
        default="1000/second",
        description="Requests of one API key, as `100/minute`, or several such as `20/second; 50000/day`; counted in each"
        " process since its start; empty: no limit.",
    )
    project_limit: str | None = Field(default="2000/second", description="The same for all keys of a project.")
    log_format: Literal["json", "console"] = Field(default="json", description="Form of the log on standard error.")
    metrics: bool = Field(default=True, description="Whether /metrics answers, to who may reach it, without a key.")
    telemetry: bool = Field(
        default=False,
        description="Whether requests are traced by OpenTelemetry, as its own OTEL_… variables say (extra `otel`).",
    )
    webhooks_to_private: bool = Field(
        default=False, description="Whether webhooks may go to loopback and private addresses."
    )
    upstream: str | None = Field(
        default=None,
        description="OpenAI-compatible endpoint that /openai/v1 forwards to, as https://host/v1; none: switched off.",
    )
    upstream_key: SecretStr | None = Field(default=None, description="The key that the upstream is called with.")

    @property
    def hosts(self) -> list[str]:
        """Host names that are answered."""
        return [*_listed(self.allowed_hosts), "localhost", "127.0.0.1", "[::1]"]

    @property
    def origins(self) -> list[str]:
        """Origins that browsers may call from."""
        return _listed(self.cors_origins)


def _listed(names: str) -> list[str]:
    return [each.strip() for each in names.split(",") if each.strip()]
