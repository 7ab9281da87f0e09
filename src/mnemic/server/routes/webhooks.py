"""Webhooks of a project, what they were told, and telling it again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from mnemic.server.service import Administers, answer
from mnemic.server.webhooks import EVENT_TYPES, Delivery, EventType, Webhook

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])


class NewWebhook(BaseModel):
    """A webhook to make."""

    model_config = ConfigDict(extra="forbid")

    url: str = Field(description="Where changes are sent by POST: http or https.", max_length=2000)
    name: str = Field(default="webhook", max_length=200)
    event_types: list[EventType] = Field(default=list(EVENT_TYPES), min_length=1)


class ChangedWebhook(BaseModel):
    """What to change of a webhook; what is left out stays."""

    model_config = ConfigDict(extra="forbid")

    url: str | None = Field(default=None, max_length=2000)
    name: str | None = Field(default=None, max_length=200)
    event_types: list[EventType] | None = Field(default=None, min_length=1)
    is_active: bool | None = None


class WebhookItem(BaseModel):
    """A webhook."""

    id: str
    project_id: str
    name: str
    url: str
    event_types: list[str]
    form: str
    is_active: bool
    created_at: str
    updated_at: str


class MadeWebhook(WebhookItem):
    """A webhook, and the secret that its messages are signed with, which is shown this once."""

    secret: str


class WebhookList(BaseModel):
    """The webhooks of a project."""

    results: list[WebhookItem]


class DeliveryItem(BaseModel):
    """One change for one webhook."""

    id: str
    webhook_id: str
    event_id: str
    memory_id: str
    event_type: str
    state: str
    attempts: int
    created_at: str
    due_at: str | None
    ended_at: str | None
    last_status: int | None
    last_error: str | None


class DeliveryList(BaseModel):
    """What a webhook was told or is to be told."""

    results: list[DeliveryItem]


class Replayed(BaseModel):
    """How many are sent again."""

    replayed: int


@router.get("", response_model=WebhookList, summary="Webhooks of the project")
async def list_webhooks(call: Administers) -> JSONResponse:
    """The oldest first."""
    return answer({"results": [_shown(each) for each in await call.service.webhooks.of(call.caller.project_id)]})


@router.post("", status_code=201, response_model=MadeWebhook, summary="Make a webhook")
async def make_webhook(call: Administers, body: NewWebhook) -> JSONResponse:
    """What it is sent is signed with the secret in this answer, as standard-webhooks says."""
    made = await call.service.webhooks.create(
        call.caller.project_id, name=body.name, url=body.url, event_types=body.event_types
    )
    return answer(_shown(made) | {"secret": made.secret}, 201)


@router.patch("/{webhook_id}", response_model=WebhookItem, summary="Change a webhook")
async def change_webhook(call: Administers, webhook_id: str, body: ChangedWebhook) -> JSONResponse:
    """What is left out stays."""
    given = body.model_dump(exclude_unset=True)
    return answer(_shown(await call.service.webhooks.update(call.caller.project_id, webhook_id, **given)))


@router.delete("/{webhook_id}", response_model=WebhookItem, summary="Delete a webhook")
async def delete_webhook(call: Administers, webhook_id: str) -> JSONResponse:
    """With what it was still to be told."""
    return answer(_shown(await call.service.webhooks.delete(call.caller.project_id, webhook_id)))


@router.get("/{webhook_id}/deliveries", response_model=DeliveryList, summary="What a webhook was told")
async def list_deliveries(
    call: Administers,
    webhook_id: str,
    state: Literal["pending", "delivered", "dead", "erased"] | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """The newest first. Dead ones were not taken for three days; `replay` sends them again."""
    found = await call.service.webhooks.deliveries(call.caller.project_id, webhook_id, state=state, limit=limit)
    return answer({"results": [_shown(each) for each in found]})


@router.post("/{webhook_id}/replay", response_model=Replayed, summary="Send dead deliveries again")
async def replay(call: Administers, webhook_id: str, delivery_id: str | None = None) -> JSONResponse:
    """All dead ones, or one, whatever became of it."""
    count = await call.service.webhooks.replay(call.caller.project_id, webhook_id, delivery_id)
    return answer({"replayed": count})


def _shown(each: Webhook | Delivery) -> dict[str, Any]:
    """Without the secret."""
    return {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in asdict(each).items()
        if name != "secret"
    }
