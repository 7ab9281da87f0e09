"""API keys: the first one for who has the code that the first start printed, and those of a project."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Literal

from fastapi import APIRouter, Request
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, BaseModel, Field

from mnemic.server.accounts import Key
from mnemic.server.service import Administers, answer

router = APIRouter(prefix="/v1", tags=["keys"])


class Setup(BaseModel):
    """What makes the first key."""

    code: str = Field(description="As `mnemic serve` printed it at its first start.", max_length=200)
    email: str = Field(description="Whose key it is.", max_length=320)


class NewKey(BaseModel):
    """A key to make."""

    name: str = Field(description="So that it can be told from others.", max_length=200)
    scopes: list[Literal["read", "write", "admin"]] = Field(["read", "write"], min_length=1)
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


class KeyList(BaseModel):
    """The keys of a project."""

    results: list[KeyItem]


@router.post("/setup", status_code=201, response_model=MadeKey, summary="Make the first key")
async def set_up(request: Request, body: Setup) -> JSONResponse:
    """A key of every scope, for who has the code; the code does it once."""
    key, secret = await request.app.state.service.accounts.claim(body.code, email=body.email)
    return answer(shown(key) | {"key": secret}, 201)


@router.get("/keys", response_model=KeyList, summary="Keys of the project")
async def list_keys(call: Administers) -> JSONResponse:
    """All of them, revoked ones too, the newest first."""
    return answer({"results": [shown(key) for key in await call.service.accounts.keys(call.caller.project_id)]})


@router.post("/keys", status_code=201, response_model=MadeKey, summary="Make a key of the project")
async def make_key(call: Administers, body: NewKey) -> JSONResponse:
    """The secret is in this answer and nowhere else."""
    expires = None if body.expires_at is None else body.expires_at.astimezone(UTC).replace(tzinfo=None)
    key, secret = await call.service.accounts.create_key(
        call.caller.project_id,
        email=body.email or call.caller.email,
        name=body.name,
        scopes=body.scopes,
        expires_at=expires,
    )
    return answer(shown(key) | {"key": secret}, 201)


@router.delete("/keys/{key_id}", response_model=KeyItem, summary="Revoke a key")
async def revoke_key(call: Administers, key_id: str) -> JSONResponse:
    """It ends at once in this process, within five seconds in others."""
    return answer(shown(await call.service.accounts.revoke_key(call.caller.project_id, key_id)))


def shown(key: Key) -> dict[str, Any]:
    """A key as its owner sees it."""
    return {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(key).items()
    }
