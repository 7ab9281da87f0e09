"""Webhooks of a project, what they were told, and telling it again."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from mnemic.server import idempotency
from mnemic.server.routes.models import Body, PathId
from mnemic.server.routes.route import resource
from mnemic.server.service import Administers, answer
from mnemic.server.webhooks import EVENT_TYPES, Delivery, EventType, Webhook

router = resource("/v1/webhooks", "webhooks")

QueryId = Annotated[str, Query(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]


class NewWebhook(Body):
    """A webhook to make."""

    url: str = Field(description="Where changes are sent by POST: http or https.", max_length=2000)
    name: str = Field(default="webhook", max_length=200)
    event_types: list[EventType] = Field(default=list(EVENT_TYPES), min_length=1)


class ChangedWebhook(Body):
    """What to change of a webhook; what is left out stays."""

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
    """Empty where a request is repeated with its Idempotency-Key: it is shown once. Delete the webhook then."""


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


@router.get("", operation_id="list_webhooks", response_model=WebhookList, summary="Webhooks of the project")
async def list_webhooks(call: Administers) -> JSONResponse:
    """The oldest first."""
    return answer({"results": [_shown(each) for each in await call.service.webhooks.of(call.caller.project_id)]})


@router.post("", operation_id="make_webhook", status_code=201, response_model=MadeWebhook, summary="Make a webhook")
async def make_webhook(call: Administers, body: NewWebhook) -> JSONResponse:
    """What it is sent is signed with the secret in this answer, as standard-webhooks says."""
    made = await call.service.webhooks.create(
        call.caller.project_id,
        name=body.name,
        url=body.url,
        event_types=body.event_types,
        webhook_id=idempotency.id_of(call),
    )
    return answer(_shown(made) | {"secret": made.secret}, 201)


@router.patch("/{webhook_id}", operation_id="update_webhook", response_model=WebhookItem, summary="Change a webhook")
async def update_webhook(call: Administers, webhook_id: PathId, body: ChangedWebhook) -> JSONResponse:
    """What is left out stays. While it is not active, it is told nothing; what it still had to be told waits."""
    return answer(_shown(await call.service.webhooks.update(call.caller.project_id, webhook_id, **body.given())))


@router.delete("/{webhook_id}", operation_id="delete_webhook", response_model=WebhookItem, summary="Delete a webhook")
async def delete_webhook(call: Administers, webhook_id: PathId) -> JSONResponse:
    """With what it was still to be told."""
    return answer(_shown(await call.service.webhooks.delete(call.caller.project_id, webhook_id)))


@router.get(
    "/{webhook_id}/deliveries",
    operation_id="list_deliveries",
    response_model=DeliveryList,
    summary="What a webhook was told",
)
async def list_deliveries(
    call: Administers,
    webhook_id: PathId,
    state: Literal["pending", "delivered", "dead", "erased"] | None = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
) -> JSONResponse:
    """The newest first. Dead ones were not taken for three days; `replay` sends them again."""
    found = await call.service.webhooks.deliveries(call.caller.project_id, webhook_id, state=state, limit=limit)
    return answer({"results": [_shown(each) for each in found]})


@router.post(
    "/{webhook_id}/replay", operation_id="replay", response_model=Replayed, summary="Send dead deliveries again"
)
async def replay(call: Administers, webhook_id: PathId, delivery_id: QueryId | None = None) -> JSONResponse:
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
