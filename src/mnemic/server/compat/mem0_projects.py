"""Organisations, projects, their members and their webhooks on mem0's wire. A key sees its own organisation alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic.errors import InvalidInput, describe
from mnemic.server.compat.mem0_wire import Administers, Ask, Asks
from mnemic.server.organizations import Member, Organizations, Project
from mnemic.server.problems import Refused
from mnemic.server.routes import projects as ours
from mnemic.server.service import answer
from mnemic.server.webhooks import EventType, Webhook

router = APIRouter()

_ORGS = "/api/v1/orgs/organizations/"
_ORG = _ORGS + "{org}/"
_PROJECT = _ORG + "projects/{project_id}/"
_HOOKS = "/api/v1/webhooks/"

_SETTINGS = ("custom_instructions", "agent_custom_instructions", "custom_categories", "multilingual", "decay")
_ROLES = ("OWNER", "MEMBER", "READER")

EVENTS: Mapping[str, EventType] = {
    "memory_add": "memory.added", "memory_update": "memory.updated", "memory_delete": "memory.deleted",
}  # fmt: skip
_NEVER = frozenset({
    "memory_categorize", "ingest_job_completed", "ingest_job_partially_completed", "ingest_job_failed",
    "ingest_job_cancelled",
})  # fmt: skip
"""What may be asked for and never happens here: categories come with the memory, and nothing is ingested."""


# Organisations.


@router.get(_ORGS)
async def list_organizations(ask: Asks) -> JSONResponse:
    """That of the key."""
    return answer([await _organization(ask, ask.call.caller.organization_id)])


@router.get(_ORG)
async def get_organization(ask: Asks, org: str) -> JSONResponse:
    """That of the key."""
    return answer(await _organization(ask, org))


@router.post(_ORGS)
@router.delete(_ORG)
async def refuse_organization(_: Administers) -> JSONResponse:
    """Who runs the server makes and ends them."""
    raise Refused(403, "organisations are made and ended by who runs this server")


# Projects.


@router.post(_ORG + "projects/", status_code=201)
async def create_project(ask: Administers, org: str) -> JSONResponse:
    """With memories of its own; a key of it is made with `mnemic keys` or at /v1/projects/{id}/keys."""
    admin = await _administration(ask, org)
    admin.own()
    name = ask.body.get("name")
    if not isinstance(name, str):
        raise InvalidInput(f"name must be the name of a project, not {describe(name)}")
    made = await admin.organizations.create_project(org, name, description=ask.body.get("description"))
    return answer({"message": "Project created successfully", "project_id": made.id}, 201)


@router.get(_PROJECT)
async def get_project(ask: Asks, org: str, project_id: str) -> JSONResponse:
    """What `fields` names of it, or all."""
    own = _own_organization(ask, org)
    if project_id != ask.call.caller.project_id:
        raise _no_project()
    organizations = Organizations(ask.call.service.database)
    found = await organizations.project(own, project_id)
    members = await organizations.members(own, project_id)
    role = await organizations.role(own, project_id, ask.call.caller.email)
    shown = _project(found, members) | {"user_role": role}
    wanted = ask.call.request.query_params.getlist("fields")
    return answer({name: shown.get(name) for name in ("project_id", *wanted)} if wanted else shown)


@router.patch(_PROJECT)
async def update_project(ask: Administers, org: str, project_id: str) -> JSONResponse:
    """Settings hold from the next call on. What is sent of others is named in the answer."""
    admin = await _administration(ask, org)
    organizations = await admin.of(project_id)
    changes = {name: ask.body[name] for name in _SETTINGS if name in ask.body}
    if isinstance(changes.get("custom_categories"), list):
        changes["custom_categories"] = [
            {each: each} if isinstance(each, str) else each for each in changes["custom_categories"]
        ]
    about = {name: _text(ask.body, name) for name in ("name", "description") if ask.body.get(name) is not None}
    left = sorted(ask.body.keys() - changes.keys() - about.keys() - {"org_id", "project_id", "version"})
    if not changes and not about:
        raise InvalidInput(
            f"nothing of {describe(left)} can be set here; what can be: {', '.join(_SETTINGS)}, name and description"
        )
    if changes:
        await organizations.set(org, project_id, changes)
        ask.call.service.forget_settings(project_id)
    if about:
        await organizations.update_project(org, project_id, about)
    return answer({"message": "Project updated successfully"} | ({"ignored": left} if left else {}))


@router.delete(_PROJECT)
async def delete_project(ask: Administers, org: str, project_id: str) -> JSONResponse:
    """Every byte of it. The organisation's first project stays."""
    await ours.delete_project(await _administration(ask, org), project_id)
    return answer({"message": "Project deleted successfully"})


# Members of a project, or (without one) of the organisation.


@router.get(_PROJECT + "members/")
@router.get(_ORG + "members/")
async def list_members(ask: Administers, org: str, project_id: str | None = None) -> JSONResponse:
    """Everybody who may do something there."""
    organizations, where = await _members_of(ask, org, project_id)
    return answer({"members": [_member(each) for each in await organizations.members(org, where)]})


@router.post(_PROJECT + "members/", status_code=201)
@router.post(_ORG + "members/", status_code=201)
async def add_member(ask: Administers, org: str, project_id: str | None = None) -> JSONResponse:
    """Somebody who was none."""
    organizations, where = await _members_of(ask, org, project_id)
    await organizations.set_member(org, _text(ask.body, "email"), _role(ask.body), project_id=where, new=True)
    ask.call.service.accounts.forget()
    return answer({"message": "Member added successfully"}, 201)


@router.put(_PROJECT + "members/")
@router.put(_ORG + "members/")
async def update_member(ask: Administers, org: str, project_id: str | None = None) -> JSONResponse:
    """Another role for who is one."""
    organizations, where = await _members_of(ask, org, project_id)
    await organizations.set_member(org, _text(ask.body, "email"), _role(ask.body), project_id=where, new=False)
    ask.call.service.accounts.forget()
    return answer({"message": "Member updated successfully"})


@router.delete(_PROJECT + "members/")
@router.delete(_ORG + "members/")
async def remove_member(ask: Administers, org: str, project_id: str | None = None) -> JSONResponse:
    """Their keys of the project end."""
    organizations, where = await _members_of(ask, org, project_id)
    await organizations.remove_member(org, _text(ask.query | ask.body, "email"), project_id=where)
    ask.call.service.accounts.forget()
    return answer({"message": "Member removed successfully"})


# Webhooks.


@router.get(_HOOKS + "projects/{project_id}/")
async def list_webhooks(ask: Administers, project_id: str) -> JSONResponse:
    """Those of the key's project."""
    found = await ask.call.service.webhooks.of(_own_project(ask, project_id))
    return answer([_webhook(ask, each) for each in found])


@router.post(_HOOKS + "projects/{project_id}/", status_code=201)
async def create_webhook(ask: Administers, project_id: str) -> JSONResponse:
    """What it is sent has mem0's form, and is signed beside: `secret` stands in this answer alone."""
    made = await ask.call.service.webhooks.create(
        _own_project(ask, project_id),
        name=_text(ask.body, "name"),
        url=_text(ask.body, "url"),
        event_types=_events(ask.body.get("event_types")),
        form="mem0",
    )
    return answer(_webhook(ask, made) | {"secret": made.secret}, 201)


@router.put(_HOOKS + "{webhook_id}/")
async def update_webhook(ask: Administers, webhook_id: str) -> JSONResponse:
    """What is left out stays."""
    changes: dict[str, Any] = {name: _text(ask.body, name) for name in ("name", "url") if ask.body.get(name)}
    if ask.body.get("event_types") is not None:
        changes["event_types"] = _events(ask.body["event_types"])
    if isinstance(ask.body.get("is_active"), bool):
        changes["is_active"] = ask.body["is_active"]
    await ask.call.service.webhooks.update(ask.call.caller.project_id, unquote(webhook_id), **changes)
    return answer({"message": "Webhook updated successfully"})


@router.delete(_HOOKS + "{webhook_id}/")
async def delete_webhook(ask: Administers, webhook_id: str) -> JSONResponse:
    """With what it was still to be told."""
    await ask.call.service.webhooks.delete(ask.call.caller.project_id, unquote(webhook_id))
    return answer({"message": "Webhook deleted successfully"})


# Keys are made by who runs the server, and not by whoever asks.


@router.post("/api/v1/auth/email_code/")
@router.post("/api/v1/auth/email_code/verify/")
@router.post("/api/v1/auth/agent_mode/")
@router.patch("/api/v1/auth/agent_mode/caller/")
async def refuse_sign_up() -> JSONResponse:
    """Where `mem0 init` would sign up."""
    raise Refused(403, "keys of this server are made with `mnemic keys create`; give one with --api-key")


# Who may.


def _own_organization(ask: Ask, org: str) -> str:
    if org != ask.call.caller.organization_id:
        raise Refused(404, "there is no such organisation, or the key is not of it", code="NotFound")
    return org


def _own_project(ask: Ask, project_id: str) -> str:
    if project_id != ask.call.caller.project_id:
        raise _no_project()
    return project_id


def _no_project() -> Refused:
    return Refused(404, "there is no such project, or the key is not of it", code="NotFound")


async def _administration(ask: Ask, org: str) -> ours.Administration:
    _own_organization(ask, org)
    return await ours.administration(ask.call)


async def _members_of(ask: Ask, org: str, project_id: str | None) -> tuple[Organizations, str | None]:
    admin = await _administration(ask, org)
    if project_id is None:
        admin.own()
        return admin.organizations, None
    return await admin.of(project_id), project_id


# What is shown, and what is sent.


async def _organization(ask: Ask, org: str) -> dict[str, Any]:
    found = await Organizations(ask.call.service.database).get(_own_organization(ask, org))
    return {"org_id": found["id"], "name": found["name"], "created_at": _moment(found["created_at"])}


def _project(found: Project, members: Iterable[Member]) -> dict[str, Any]:
    categories = found.settings.get("custom_categories")
    return {
        "project_id": found.id,
        "name": found.name,
        "description": found.description,
        "custom_instructions": found.settings.get("custom_instructions"),
        "agent_custom_instructions": found.settings.get("agent_custom_instructions"),
        "custom_categories": None if categories is None else [{name: what} for name, what in categories.items()],
        # Memories always stay in the language they were said in.
        "multilingual": found.settings.get("multilingual", True),
        "decay": found.settings.get("decay", True),
        "members": [_member(each) for each in members],
        "is_default": found.is_default,
        "created_at": _moment(found.created_at),
        "updated_at": _moment(found.updated_at),
    }


def _member(member: Member) -> dict[str, Any]:
    return {"username": member.email, "email": member.email, "role": member.role}


def _webhook(ask: Ask, hook: Webhook) -> dict[str, Any]:
    return {
        "webhook_id": hook.id,
        "name": hook.name,
        "url": hook.url,
        "event_types": [name for name, ours in EVENTS.items() if ours in hook.event_types],
        "owner": ask.call.caller.email,
        "project": hook.project_id,
        "is_active": hook.is_active,
        "created_at": _moment(hook.created_at),
        "updated_at": _moment(hook.updated_at),
    }


def _events(given: object) -> list[EventType]:
    known = {*EVENTS, *_NEVER}
    if not isinstance(given, list) or any(not isinstance(each, str) or each not in known for each in given):
        raise InvalidInput(f"event_types must be a list of {', '.join(EVENTS)}, not {describe(given)}")
    found = [EVENTS[each] for each in given if each in EVENTS]
    if not found:
        raise InvalidInput(f"none of {describe(given)} ever happens here; there are {', '.join(EVENTS)}")
    return found


def _text(given: Mapping[str, Any], name: str) -> str:
    found = given.get(name)
    if not isinstance(found, str) or not found.strip():
        raise InvalidInput(f"{name} must be text, not {describe(found)}")
    return found


def _role(given: Mapping[str, Any]) -> str:
    found = given.get("role", "READER")
    if found not in _ROLES:
        raise InvalidInput(f"role must be one of {', '.join(_ROLES)}, not {describe(found)}")
    return str(found)


def _moment(at: datetime) -> str:
    return at.replace(tzinfo=UTC).isoformat()
