"""Memories: added, found, read and changed."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from mnemic.server.service import Reads, Writes, answer

router = APIRouter(prefix="/v1/memories", tags=["memories"])


class Whose(BaseModel):
    """Ids of whom something is about; at least one."""

    model_config = ConfigDict(extra="forbid")

    user_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None
    run_id: str | None = None

    def given(self) -> dict[str, Any]:
        """What was sent, as arguments of the method."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Search(Whose):
    """A question."""

    query: str
    filters: dict[str, Any] | None = None
    top_k: int | None = Field(None, ge=0, le=1000)
    threshold: float | None = Field(None, ge=0, le=1)


@router.post("/search", summary="Find memories that answer a question")
async def search(call: Reads, body: Search) -> JSONResponse:
    """Best first."""
    return answer(await call.memory.search(**body.given()))


class Add(Whose):
    """Messages to remember."""

    messages: str | dict[str, Any] | list[str | dict[str, Any]]
    metadata: dict[str, Any] | None = None
    infer: bool = True


@router.post("", status_code=201, summary="Log messages and remember what they say")
async def add(call: Writes, body: Add) -> JSONResponse:
    """Answered when the messages are stored."""
    return answer(await call.memory.add(**body.given(), wait="stored"), 201)
