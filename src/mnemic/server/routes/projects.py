"""The organisation of the key, its projects, their settings, members and keys, and who did what."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field
from typing_extensions import TypedDict

from mnemic.server import idempotency
from mnemic.server.accounts import TRUSTED
from mnemic.server.organizations import Organizations
from mnemic.server.problems import Refused
from mnemic.server.routes.keys import KeyItem, KeyList, MadeKey, NewKey, made, shown
from mnemic.server.routes.models import Body, PathId
from mnemic.server.routes.route import resource
from mnemic.server.service import Administers, Call, Reads, answer

router = resource("/v1", "projects")

ProjectId = PathId
Email = Annotated[str, Path(max_length=320)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Role = Literal["OWNER", "MEMBER", "READER"]


class Limits(Body):
    """What models may cost, and how many memories there may be."""

    calls_per_add: int | None = Field(None, ge=1)
    calls_per_day: int | None = Field(None, ge=1)
    tokens_per_day: int | None = Field(None, ge=1)
    memories: int | None = Field(None, ge=1)


class Settings(Body):
    """Settings of a project; null takes one back to its default."""

    custom_instructions: str | None = Field(
        None, max_length=20_000, description="What to keep and what not, for the model that extracts."
    )
    agent_custom_instructions: str | None = Field(
        None, max_length=20_000, description="The same for memories of an agent alone, added through /mem0."
    )
    custom_categories: dict[str, str] | list[dict[str, str]] | None = Field(
        None, description="Labels a model may give: name to meaning.", examples=[{"health": "Illness, allergies, diet"}]
    )
    decay: bool | None = Field(None, description="Whether what was said lately comes first of what fits equally; true.")
    multilingual: bool | None = Field(
        None, description="Kept for clients of mem0: memories always stay in the language they were said in."
    )
    limits: Limits | None = None


class NewProject(Body):
    """A project to make."""

    name: Name = Field(examples=["assistant"])
    description: str | None = Field(None, max_length=20_000)
    settings: Settings | None = None


class ProjectChanges(Body):
    """What to change of a project."""

    name: Name | None = None
    description: str | None = Field(None, max_length=20_000)


class OrganizationChanges(Body):
    """What to change of an organisation."""

    name: Name


class RoleOf(Body):
    """What a member may do."""

    role: Role


class OrganizationItem(TypedDict):
    """An organisation."""

    id: str
    name: str
    created_at: str


class ProjectItem(TypedDict):
    """A project."""

    id: str
    organization_id: str
    name: str
    description: str | None
    settings: dict[str, Any]
    is_default: bool
    created_at: str
    updated_at: str


class ProjectList(TypedDict):
    """The projects of an organisation, the oldest first."""

    results: list[ProjectItem]


class SettingsItem(TypedDict):
    """What is set of a project."""

    settings: dict[str, Any]


class MemberItem(TypedDict):
    """Somebody who may use an organisation's projects, or one of them."""

    email: str
    role: str
    project_id: str | None
    created_at: str


class MemberList(TypedDict):
    """Members."""

    results: list[MemberItem]


class AuditItem(TypedDict):
    """One call."""

    id: str
    at: str
    key_id: str
    email: str
    action: str
    route: str
    ids: dict[str, Any]
    status: int
    request_id: str


class AuditList(TypedDict):
    """One page of calls, the newest first."""

    results: list[AuditItem]
    next_cursor: str | None


@dataclass(frozen=True, kw_only=True)
class Administration:
    """A call by somebody who administers."""

    call: Call
    organizations: Organizations
    everything: bool
    """Whether all projects of the organisation are theirs to manage, or only that of the key."""

    @property
    def organization(self) -> str:
        """The key's."""
        return self.call.caller.organization_id

    def own(self) -> None:
        """Raises Refused: only an owner of the organisation may do this."""
        if not self.everything:
            raise Refused(403, "this takes a key of an owner of the whole organisation")

    async def of(self, project_id: str) -> Organizations:
        """Where to manage a project.

        Raises:
            Refused: 404, as if it was not there, it is not one the caller manages.
        """
        self.call.about(project_id=project_id)
        if not self.everything and project_id != self.call.caller.project_id:
            raise Refused(404, "there is no such project, or it is not yours to manage", code="NotFound")
        await self.organizations.project(self.organization, project_id)
        return self.organizations


async def administration(call: Administers) -> Administration:
    """What the caller administers."""
    made = Organizations(call.service.database)
    role = await made.role(call.caller.organization_id, None, call.caller.email)
    return Administration(call=call, organizations=made, everything=role == "OWNER")


Admin = Annotated[Administration, Depends(administration)]


@router.get("/organization", operation_id="get_organization", response_model=OrganizationItem, summary="Organisation")
async def get_organization(admin: Admin) -> JSONResponse:
    """That of the key."""
    return answer(plain(await admin.organizations.get(admin.organization)))


@router.patch("/organization", operation_id="update_organization", response_model=OrganizationItem, summary="Rename it")
async def update_organization(admin: Admin, body: OrganizationChanges) -> JSONResponse:
    """For an owner of the organisation."""
    admin.own()
    return answer(plain(await admin.organizations.rename(admin.organization, body.name)))


@router.get("/project", operation_id="get_own_project", response_model=ProjectItem, summary="Project of the key")
async def get_own_project(call: Reads) -> JSONResponse:
    """With its settings."""
    organizations = Organizations(call.service.database)
    return answer(_project(await organizations.project(call.caller.organization_id, call.caller.project_id)))


@router.get("/projects", operation_id="list_projects", response_model=ProjectList, summary="Projects")
async def list_projects(admin: Admin) -> JSONResponse:
    """Of the organisation; for an owner of one project only that one."""
    found = await admin.organizations.projects(admin.organization)
    mine = [each for each in found if admin.everything or each.id == admin.call.caller.project_id]
    return answer({"results": [_project(each) for each in mine]})


@router.post(
    "/projects", operation_id="create_project", status_code=201, response_model=ProjectItem, summary="Make a project"
)
async def create_project(admin: Admin, body: NewProject) -> JSONResponse:
    """With memories of its own. Make a key of it next."""
    admin.own()
    settings = {} if body.settings is None else _set(body.settings)
    made = await admin.organizations.create_project(
        admin.organization,
        body.name,
        description=body.description,
        settings=settings,
        project_id=idempotency.id_of(admin.call),
    )
    admin.call.about(project_id=made.id)
    return answer(_project(made), 201)


@router.get("/projects/{project_id}", operation_id="get_project", response_model=ProjectItem, summary="A project")
async def get_project(admin: Admin, project_id: ProjectId) -> JSONResponse:
    """With its settings."""
    organizations = await admin.of(project_id)
    return answer(_project(await organizations.project(admin.organization, project_id)))


@router.patch("/projects/{project_id}", operation_id="update_project", response_model=ProjectItem, summary="Rename it")
async def update_project(admin: Admin, project_id: ProjectId, body: ProjectChanges) -> JSONResponse:
    """Its name or its description."""
    organizations = await admin.of(project_id)
    given = body.given()
    if given.get("name", "") is None:
        raise Refused(422, "name: a project has a name", code="InvalidInput")
    return answer(_project(await organizations.update_project(admin.organization, project_id, given)))


@router.delete("/projects/{project_id}", operation_id="delete_project", response_model=ProjectItem, summary="Delete it")
async def delete_project(admin: Admin, project_id: ProjectId) -> JSONResponse:
    """Its keys end, and every byte of its memories is erased. The organisation's first project stays."""
    admin.own()
    organizations, service = await admin.of(project_id), admin.call.service
    closed = await organizations.close_project(admin.organization, project_id)
    service.accounts.forget()
    if service.settings.workers > 1 or service.database.is_shared:
        await asyncio.sleep(TRUSTED)  # other processes let go of its keys meanwhile
    await service.memory.within(closed.store_project).reset()
    await organizations.delete_project(admin.organization, project_id)
    service.forget_settings(project_id)
    return answer(_project(closed))


# Settings.


@router.get(
    "/projects/{project_id}/settings", operation_id="get_settings", response_model=SettingsItem, summary="Settings"
)
async def get_settings(admin: Admin, project_id: ProjectId) -> JSONResponse:
    """What differs from the defaults."""
    organizations = await admin.of(project_id)
    return answer({"settings": (await organizations.project(admin.organization, project_id)).settings})


@router.patch(
    "/projects/{project_id}/settings", operation_id="update_settings", response_model=SettingsItem, summary="Set it"
)
async def update_settings(admin: Admin, project_id: ProjectId, body: Settings) -> JSONResponse:
    """In effect at once in this process, within five seconds in others."""
    organizations = await admin.of(project_id)
    found = await organizations.set(admin.organization, project_id, _set(body))
    admin.call.service.forget_settings(project_id)
    return answer({"settings": found})


# Members.


@router.get("/members", operation_id="list_members", response_model=MemberList, summary="Members")
async def list_members(admin: Admin) -> JSONResponse:
    """Of the organisation, in all its projects."""
    admin.own()
    return answer({"results": [plain(asdict(each)) for each in await admin.organizations.members(admin.organization)]})


@router.put("/members/{email}", operation_id="set_member", response_model=MemberItem, summary="Let somebody in")
async def set_member(admin: Admin, email: Email, body: RoleOf) -> JSONResponse:
    """OWNER: everything; MEMBER: read and write; READER: read. Also changes the role of a member."""
    admin.own()
    found = await admin.organizations.set_member(admin.organization, email, body.role)
    admin.call.service.accounts.forget()
    return answer(plain(asdict(found)))


@router.delete("/members/{email}", operation_id="remove_member", response_model=MemberItem, summary="Let somebody out")
async def remove_member(admin: Admin, email: Email) -> JSONResponse:
    """Their keys end. The last owner stays."""
    admin.own()
    found = await admin.organizations.remove_member(admin.organization, email)
    admin.call.service.accounts.forget()
    return answer(plain(asdict(found)))


@router.get(
    "/projects/{project_id}/members",
    operation_id="list_project_members",
    response_model=MemberList,
    summary="Members of a project",
)
async def list_project_members(admin: Admin, project_id: ProjectId) -> JSONResponse:
    """Those of the organisation, too."""
    organizations = await admin.of(project_id)
    return answer(
        {"results": [plain(asdict(each)) for each in await organizations.members(admin.organization, project_id)]}
    )


@router.put(
    "/projects/{project_id}/members/{email}",
    operation_id="set_project_member",
    response_model=MemberItem,
    summary="Let somebody into a project",
)
async def set_project_member(admin: Admin, project_id: ProjectId, email: Email, body: RoleOf) -> JSONResponse:
    """Also changes the role there."""
    organizations = await admin.of(project_id)
    found = await organizations.set_member(admin.organization, email, body.role, project_id=project_id)
    admin.call.service.accounts.forget()
    return answer(plain(asdict(found)))


@router.delete(
    "/projects/{project_id}/members/{email}",
    operation_id="remove_project_member",
    response_model=MemberItem,
    summary="Let somebody out of a project",
)
async def remove_project_member(admin: Admin, project_id: ProjectId, email: Email) -> JSONResponse:
    """Their keys of the project end, unless they are members of the organisation."""
    organizations = await admin.of(project_id)
    found = await organizations.remove_member(admin.organization, email, project_id=project_id)
    admin.call.service.accounts.forget()
    return answer(plain(asdict(found)))


# Keys of any project.


@router.get(
    "/projects/{project_id}/keys", operation_id="list_project_keys", response_model=KeyList, summary="Keys of a project"
)
async def list_project_keys(admin: Admin, project_id: ProjectId) -> JSONResponse:
    """All of them, revoked ones too, the newest first."""
    await admin.of(project_id)
    return answer({"results": [shown(each) for each in await admin.call.service.accounts.keys(project_id)]})


@router.post(
    "/projects/{project_id}/keys",
    operation_id="make_project_key",
    status_code=201,
    response_model=MadeKey,
    summary="Make a key of a project",
)
async def make_project_key(admin: Admin, project_id: ProjectId, body: NewKey) -> JSONResponse:
    """The secret is in this answer and nowhere else."""
    await admin.of(project_id)
    return await made(admin.call, project_id, body)


@router.delete(
    "/projects/{project_id}/keys/{key_id}",
    operation_id="revoke_project_key",
    response_model=KeyItem,
    summary="Revoke a key of a project",
)
async def revoke_project_key(admin: Admin, project_id: ProjectId, key_id: PathId) -> JSONResponse:
    """It ends at once in this process, within five seconds in others."""
    await admin.of(project_id)
    return answer(shown(await admin.call.service.accounts.revoke_key(project_id, key_id)))


# Who did what.


@router.get("/audit", operation_id="audit", response_model=AuditList, summary="Who read, wrote, exported and erased")
async def audit(
    call: Administers,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    cursor: Annotated[str, Query(max_length=64, pattern="^[0-9a-f-]+$")] | None = None,
) -> JSONResponse:
    """Calls of this project's keys, the newest first. No words of memories stand in it."""
    rows = await call.service.audit.rows(call.caller.project_id, limit=limit + 1, before=cursor)
    shown_rows = [plain({name: each for name, each in row.items() if name != "project_id"}) for row in rows[:limit]]
    return answer({"results": shown_rows, "next_cursor": shown_rows[-1]["id"] if len(rows) > limit else None})


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """A row with its times as text."""
    return {
        name: value.replace(tzinfo=UTC).isoformat() if isinstance(value, datetime) else value
        for name, value in row.items()
    }


def _project(project: Any) -> dict[str, Any]:
    return plain({name: value for name, value in asdict(project).items() if name != "store_project"})


def _set(settings: Settings) -> dict[str, Any]:
    given = settings.given()
    if settings.limits is not None:
        given["limits"] = settings.limits.model_dump(exclude_none=True)
    return given
