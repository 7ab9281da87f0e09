"""API keys: the first one for who has the code that the first start printed, and those of a project."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from mnemic.server import idempotency
from mnemic.server.accounts import Key
from mnemic.server.problems import Refused
from mnemic.server.routes.models import PathId
from mnemic.server.routes.route import resource
from mnemic.server.service import Administers, Call, answer

router = resource("/v1", "keys")


class Given(BaseModel):
    """A body; what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")


class Setup(Given):
    """What makes the first key."""

    code: str = Field(description="As `mnemic serve` printed it at its first start.", max_length=200)
    email: str = Field(description="Whose key it is.", max_length=320)


class NewKey(Given):
    """A key to make."""

    name: str = Field(description="So that it can be told from others.", max_length=200)
    scopes: list[Literal["read", "write", "admin"]] = Field(["read", "write"], min_length=1, max_length=3)
    email: str | None = Field(None, description="Whose key it is; the caller's own by default.", max_length=320)
    expires_at: AwareDatetime | None = None


class KeyItem(BaseModel):
    """A key, without what is secret about it."""

    id: str
    project_id: str
    email: str
    name: str
    prefix: str
    scopes: list[str]
    created_at: str
    expires_at: str | None
    revoked_at: str | None
    last_used_at: str | None


class MadeKey(KeyItem):
    """A key, and the secret itself, which is shown this once."""

    key: str
    """Empty where a request is repeated with its Idempotency-Key: the secret is shown once. Revoke the key then."""


class KeyList(BaseModel):
    """The keys of a project."""

    results: list[KeyItem]


@router.post("/setup", operation_id="set_up", status_code=201, response_model=MadeKey, summary="Make the first key")
async def set_up(request: Request, body: Setup) -> JSONResponse:
    """A key of every scope, for who has the code; the code does it once."""
    key, secret = await request.app.state.service.accounts.claim(body.code, email=body.email)
    return answer(shown(key) | {"key": secret}, 201)


@router.get("/keys", operation_id="list_keys", response_model=KeyList, summary="Keys of the project")
async def list_keys(call: Administers) -> JSONResponse:
    """All of them, revoked ones too, the newest first."""
    return answer({"results": [shown(key) for key in await call.service.accounts.keys(call.caller.project_id)]})


@router.post(
    "/keys", operation_id="make_key", status_code=201, response_model=MadeKey, summary="Make a key of the project"
)
async def make_key(call: Administers, body: NewKey) -> JSONResponse:
    """The secret is in this answer and nowhere else."""
    return await made(call, call.caller.project_id, body)


@router.delete("/keys/{key_id}", operation_id="revoke_key", response_model=KeyItem, summary="Revoke a key")
async def revoke_key(call: Administers, key_id: PathId) -> JSONResponse:
    """It ends at once in this process, within five seconds in others."""
    return answer(shown(await call.service.accounts.revoke_key(call.caller.project_id, key_id)))


async def made(call: Call, project_id: str, body: NewKey) -> JSONResponse:
    """A new key of a project, and its secret."""
    try:
        expires = None if body.expires_at is None else body.expires_at.astimezone(UTC).replace(tzinfo=None)
    except OverflowError as exc:
        raise Refused(422, "expires_at lies outside the years 1 to 9999 in UTC", code="InvalidInput") from exc
    key, secret = await call.service.accounts.create_key(
        project_id,
        email=body.email or call.caller.email,
        name=body.name,
        scopes=body.scopes,
        expires_at=expires,
        key_id=idempotency.id_of(call),
    )
    return answer(shown(key) | {"key": secret}, 201)


def shown(key: Key) -> dict[str, Any]:
    """A key as its owner sees it."""
    return {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(key).items()
    }
