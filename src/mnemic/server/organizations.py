"""Organisations, their projects and their members: who may do what, and how a project is set."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, RowMapping, and_, insert, or_, select
from sqlalchemy import delete as remove
from sqlalchemy import update as change
from sqlalchemy.ext.asyncio import AsyncConnection

from mnemic import inputs
from mnemic.errors import Conflict, InvalidInput, NotFound, describe
from mnemic.server.accounts import ROLES, Role, alone, checked_email, checked_name
from mnemic.server.database import Database, moment
from mnemic.server.tables import keys, members, organizations, projects

_MOST_TEXT = 20_000  # characters of a description or of instructions: ten pages
_MOST_CATEGORIES = 200  # every message pays for them


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project of an organisation."""

    id: str
    organization_id: str
    name: str
    description: str | None
    store_project: str
    settings: dict[str, Any]
    is_default: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, kw_only=True)
class Member:
    """Somebody in an organisation, or in one project of it."""

    email: str
    role: Role
    project_id: str | None
    """None: all projects."""
    created_at: datetime


class Organizations:
    """What the tables know of organisations. Every method takes the one that is asked for and sees no other."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def create(self, name: str, *, owner: str) -> tuple[str, Project]:
        """A new organisation with an owner and a first project: its id, and the project."""
        organization, at = str(uuid.uuid4()), moment()
        async with self._database.transaction() as db:
            values = {"id": organization, "name": checked_name(name, "name"), "created_at": at}
            await db.execute(insert(organizations).values(**values))
            await _join(db, organization, None, checked_email(owner), "OWNER")
            return organization, await _make(db, organization, "default", None, {}, str(uuid.uuid4()))

    async def get(self, organization: str) -> dict[str, Any]:
        """An organisation: `id`, `name` and `created_at`."""
        async with self._database.transaction() as db:
            row = (await db.execute(select(organizations).where(organizations.c.id == organization))).mappings().first()
        if row is None:
            raise NotFound(organization, what="organisation has the id", where="GET /v1/organization shows yours")
        return dict(row)

    async def rename(self, organization: str, name: str) -> dict[str, Any]:
        """Give an organisation another name."""
        async with self._database.transaction() as db:
            here = organizations.c.id == organization
            await db.execute(change(organizations).where(here).values(name=checked_name(name, "name")))
        return await self.get(organization)

    # Projects.

    async def projects(self, organization: str) -> list[Project]:
        """Those of an organisation, the oldest first."""
        async with self._database.transaction() as db:
            query = select(projects).where(projects.c.organization_id == organization)
            return [_project(row) for row in (await db.execute(query.order_by(projects.c.created_at))).mappings()]

    async def project(self, organization: str, project_id: str) -> Project:
        """One of them.

        Raises:
            NotFound: the organisation has no such project.
        """
        async with self._database.transaction() as db:
            return await _load(db, organization, project_id)

    async def create_project(
        self,
        organization: str,
        name: str,
        *,
        description: str | None = None,
        settings: Mapping[str, Any] | None = None,
        project_id: str | None = None,
    ) -> Project:
        """A new project, with a project of the store that nobody else has.

        With `project_id`, made by whoever asks so that a repeated call makes no second one, the project of that id
        is the answer where it is there.

        Raises:
            InvalidInput: a name, description or setting that cannot be used.
        """
        async with self._database.transaction() as db:
            if project_id is not None:
                here = (projects.c.organization_id == organization) & (projects.c.id == project_id)
                if row := (await db.execute(select(projects).where(here))).mappings().first():
                    return _project(row)
            made = project_id or str(uuid.uuid4())
            return await _make(db, organization, name, description, checked_settings(settings or {}), made)

    async def update_project(self, organization: str, project_id: str, changes: Mapping[str, Any]) -> Project:
        """Change `name` or `description`.

        Raises:
            NotFound: the organisation has no such project. InvalidInput: a value that cannot be used.
        """
        values: dict[str, Any] = {"updated_at": moment()}
        if "name" in changes:
            values["name"] = checked_name(changes["name"], "name")
        if "description" in changes:
            values["description"] = _text(changes["description"], "description")
        async with self._database.transaction() as db:
            await _load(db, organization, project_id)
            await db.execute(change(projects).where(projects.c.id == project_id).values(**values))
            return await _load(db, organization, project_id)

    async def set(self, organization: str, project_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Change settings of a project; None or "" takes one back to its default. All settings as they are then.

        Raises:
            NotFound: the organisation has no such project. InvalidInput: no such setting, or no such value of it.
        """
        checked = checked_settings(changes)
        async with self._database.transaction() as db:
            await alone(db, organization)
            found = await _load(db, organization, project_id)
            settings = {name: value for name, value in (found.settings | checked).items() if value is not None}
            values = {"settings": settings, "updated_at": moment()}
            await db.execute(change(projects).where(projects.c.id == project_id).values(**values))
        return settings

    async def close_project(self, organization: str, project_id: str) -> Project:
        """End the keys of a project that is to be deleted, so that nobody writes any more.

        Raises:
            NotFound: the organisation has no such project. Conflict: the server began with it.
        """
        async with self._database.transaction() as db:
            found = await _load(db, organization, project_id)
            if found.is_default:
                raise Conflict(f"{found.name!r} is the organisation's first project, which stays; empty it instead")
            ended = change(keys).where(keys.c.project_id == project_id, keys.c.revoked_at.is_(None))
            await db.execute(ended.values(revoked_at=moment()))
            return found

    async def delete_project(self, organization: str, project_id: str) -> None:
        """Remove a project with its keys and members; its memories are erased before."""
        async with self._database.transaction() as db:
            here = (projects.c.organization_id == organization) & (projects.c.id == project_id)
            await db.execute(remove(projects).where(here))

    # Members.

    async def members(self, organization: str, project_id: str | None = None) -> list[Member]:
        """Of the organisation, and with `project_id` those of that project, too."""
        async with self._database.transaction() as db:
            if project_id is not None:
                await _load(db, organization, project_id)
            query = select(members).where(_within(organization, project_id)).order_by(members.c.email, members.c.id)
            return [_member(row) for row in (await db.execute(query)).mappings()]

    async def role(self, organization: str, project_id: str | None, email: str) -> Role | None:
        """The highest role that somebody has in a project, or (None) in all of them."""
        async with self._database.transaction() as db:
            query = select(members.c.role).where(_within(organization, project_id), members.c.email == email)
            found = {cast("Role", role) for (role,) in await db.execute(query)}
        return next((role for role in ROLES if role in found), None)

    async def set_member(
        self, organization: str, email: str, role: str, *, project_id: str | None = None, new: bool | None = None
    ) -> Member:
        """Let somebody into the organisation, or into one project, or change the role there.

        `new`: whether there must be no such member yet (True), or must be one (False).

        Raises:
            InvalidInput: no address, or no role. NotFound: no such project, or member. Conflict: the member is there
                already, or is the last owner, who stays one.
        """
        email = checked_email(email)
        if role not in ROLES:
            raise InvalidInput(f"role must be one of {', '.join(ROLES)}, not {describe(role)}")
        async with self._database.transaction() as db:
            await alone(db, organization)
            if project_id is not None:
                await _load(db, organization, project_id)
            here = _exactly(organization, project_id) & (members.c.email == email)
            there = (await db.execute(select(members).where(here))).mappings().first()
            if there is None and new is False:
                raise _no_member(email)
            if there is not None and new:
                raise Conflict(f"{email} is a member already")
            if there is None:
                await _join(db, organization, project_id, email, role)
            else:
                await db.execute(change(members).where(members.c.id == there["id"]).values(role=role))
                await _keep_an_owner(db, organization)
            return _member((await db.execute(select(members).where(here))).mappings().one())

    async def remove_member(self, organization: str, email: str, *, project_id: str | None = None) -> Member:
        """Let somebody out; keys stay with whoever is a member in another way, and end otherwise.

        Raises:
            NotFound: no such member. Conflict: it is the last owner.
        """
        async with self._database.transaction() as db:
            await alone(db, organization)
            here = _exactly(organization, project_id) & (members.c.email == checked_email(email))
            row = (await db.execute(select(members).where(here))).mappings().first()
            if row is None:
                raise _no_member(email)
            await db.execute(remove(members).where(members.c.id == row["id"]))
            await _keep_an_owner(db, organization)
            return _member(row)


# Settings.


def checked_settings(given: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of a project, as they are kept.

    Raises:
        InvalidInput: no such setting, or no such value of it.
    """
    unknown = [name for name in given if name not in SETTINGS]
    if unknown:
        raise InvalidInput(f"there is no setting {describe(unknown[0])}; there are {', '.join(SETTINGS)}")
    return {name: SETTINGS[name](value, name) for name, value in given.items()}


def _text(value: object, name: str) -> str | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    found = inputs.text(value, name)
    if len(found) > _MOST_TEXT:
        raise InvalidInput(f"{name} has {len(found):,} characters; at most {_MOST_TEXT:,} fit")
    return found


def _categories(value: object, name: str) -> dict[str, str] | None:
    found = inputs.choices(value)
    if len(found) > _MOST_CATEGORIES:
        raise InvalidInput(f"{name} has {len(found)} entries; at most {_MOST_CATEGORIES} fit")
    return found or None


def _flag(value: object, name: str) -> bool | None:
    return None if value is None else inputs.flag(value, name)


def _limits(value: object, _: str) -> dict[str, int] | None:
    if not value:
        return None
    found = inputs.limits(value)
    pairs = {name: getattr(found, name) for name in found.__dataclass_fields__}
    return {name: each for name, each in pairs.items() if each is not None}


def _profiles(value: object, name: str) -> dict[str, Any] | None:
    return inputs.metadata(value, name) or None


SETTINGS = {
    "custom_instructions": _text,
    "agent_custom_instructions": _text,
    "custom_categories": _categories,
    "decay": _flag,
    "multilingual": _flag,
    "limits": _limits,
    "profiles": _profiles,
}
"""What can be set of a project, and how a value is checked."""


# Rows.


async def _make(
    db: AsyncConnection,
    organization: str,
    name: str,
    description: str | None,
    settings: dict[str, Any],
    project_id: str,
) -> Project:
    at = moment()
    row: dict[str, Any] = {
        "id": project_id,
        "organization_id": organization,
        "name": checked_name(name, "name"),
        "description": _text(description, "description"),
        # Random, and of a form that no project of the library's users has by chance.
        "store_project": f"project-{uuid.uuid4()}",
        "settings": {name: value for name, value in settings.items() if value is not None},
        "is_default": (
            await db.execute(select(projects.c.id).where(projects.c.organization_id == organization))
        ).first()
        is None,
        "created_at": at,
        "updated_at": at,
    }
    await db.execute(insert(projects).values(**row))
    return Project(**row)


async def _load(db: AsyncConnection, organization: str, project_id: str) -> Project:
    here = (projects.c.organization_id == organization) & (projects.c.id == project_id)
    row = (await db.execute(select(projects).where(here))).mappings().first()
    if row is None:
        raise NotFound(project_id, what="project has the id", where="GET /v1/projects lists those there are")
    return _project(row)


async def _join(db: AsyncConnection, organization: str, project_id: str | None, email: str, role: str) -> None:
    row = {"id": str(uuid.uuid4()), "organization_id": organization, "project_id": project_id}
    await db.execute(insert(members).values(**row, email=email, role=role, created_at=moment()))


async def _keep_an_owner(db: AsyncConnection, organization: str) -> None:
    owners = select(members.c.id).where(_exactly(organization, None), members.c.role == "OWNER")
    if (await db.execute(owners.limit(1))).first() is None:
        raise Conflict("this is the organisation's last owner, who stays; make somebody else an OWNER first")


def _exactly(organization: str, project_id: str | None) -> ColumnElement[bool]:
    place = members.c.project_id.is_(None) if project_id is None else members.c.project_id == project_id
    return and_(members.c.organization_id == organization, place)


def _within(organization: str, project_id: str | None) -> ColumnElement[bool]:
    """Members of a project are also those of the whole organisation."""
    everywhere = members.c.project_id.is_(None)
    place = everywhere if project_id is None else or_(everywhere, members.c.project_id == project_id)
    return and_(members.c.organization_id == organization, place)


def _no_member(email: str) -> NotFound:
    return NotFound(email, what="member has the address", where="GET /v1/members lists those there are")


def _project(row: RowMapping) -> Project:
    return Project(**{name: row[name] for name in Project.__dataclass_fields__})


def _member(row: RowMapping) -> Member:
    return Member(**{name: row[name] for name in Member.__dataclass_fields__})
