"""Keys, and whom they stand for: how the first one is made, how one is checked, made and revoked."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import RowMapping, delete, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from mnemic.errors import InvalidInput, NotFound, describe
from mnemic.server.callers import KEY_SCOPES, Caller, KeyScope
from mnemic.server.database import Database, moment
from mnemic.server.tables import keys, members, organizations, projects, setup

Role = Literal["OWNER", "MEMBER", "READER"]
ROLES: tuple[Role, ...] = ("OWNER", "MEMBER", "READER")
MAY: dict[str, frozenset[KeyScope]] = {
    "OWNER": frozenset(KEY_SCOPES),
    "MEMBER": frozenset(("read", "write")),
    "READER": frozenset(("read",)),
}
"""What the keys of a member may do at most."""

TRUSTED = 5.0  # seconds for which a key that was looked up is not looked up again: so long a revoked one may still do
_MOST_TRUSTED = 10_000
_SEEN = timedelta(minutes=1)  # how exact the last use of a key is


@dataclass(frozen=True, kw_only=True)
class Key:
    """An API key, without what is secret about it."""

    id: str
    project_id: str
    email: str
    name: str
    prefix: str
    scopes: tuple[KeyScope, ...]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None


class Accounts:
    """What the tables know of callers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._trusted: dict[str, tuple[Caller, float]] = {}

    async def prepare(self, store_project: str) -> None:
        """Make the first organisation and project, whose memories lie in this project of the store."""
        with suppress(IntegrityError):  # another process was faster
            async with self._database.transaction() as db:
                if (await db.execute(select(projects.c.id).limit(1))).first() is None:
                    await _first_project(db, store_project)

    async def first_code(self) -> str | None:
        """A code that makes the first key; None where there is a key."""
        async with self._database.transaction() as db:
            if (await db.execute(select(keys.c.id).limit(1))).first() is not None:
                return None
            code = secrets.token_urlsafe(12)
            await db.execute(insert(setup).values(hash=_hash(code), created_at=moment()))
            return code

    async def claim(self, code: str, *, email: str, name: str = "first key") -> tuple[Key, str]:
        """The first key, for who has the code. Each code does it once, and none does once there is a key.

        Raises:
            InvalidInput: a code that is wrong or was used, or no address.
        """
        async with self._database.transaction() as db:
            # All of them are locked: of two that are claimed at once, the second one finds the key of the first.
            unused = select(setup).where(setup.c.used_at.is_(None)).order_by(setup.c.id).with_for_update()
            found = (await db.execute(unused)).mappings().all()
            rows = [row for row in found if hmac.compare_digest(row["hash"], _hash(code))]
            taken = (await db.execute(select(keys.c.id).limit(1))).first() is not None
            if not rows or taken:
                raise InvalidInput("this code is wrong or was used; `mnemic keys create` on the server makes a key")
            await db.execute(update(setup).where(setup.c.id == rows[0]["id"]).values(used_at=moment()))
            first = (await db.execute(select(projects).order_by(projects.c.created_at).limit(1))).mappings().one()
            return await self._make(db, first, email=email, name=name, scopes=KEY_SCOPES, expires_at=None)

    async def authenticate(self, token: str) -> Caller | None:
        """Whom a key stands for; None for a key that there is not, that expired or was revoked."""
        digest = _hash(token)
        known = self._trusted.get(digest)
        if known is not None and known[1] > time.monotonic():
            return known[0]
        self._trusted.pop(digest, None)
        async with self._database.transaction() as db:
            columns = (keys, projects.c.organization_id, projects.c.store_project)
            rows = select(*columns).join(projects, projects.c.id == keys.c.project_id).where(keys.c.hash == digest)
            row = (await db.execute(rows)).mappings().first()
            now = moment()
            if row is None or row["revoked_at"] is not None or (row["expires_at"] or now) < now:
                return None
            if row["last_used_at"] is None or now - row["last_used_at"] > _SEEN:
                await db.execute(update(keys).where(keys.c.id == row["id"]).values(last_used_at=now))
            may = await _may(db, row["organization_id"], row["project_id"], row["email"])
            if not may:
                return None
        caller = Caller(
            key_id=row["id"],
            email=row["email"],
            organization_id=row["organization_id"],
            project_id=row["project_id"],
            store_project=row["store_project"],
            scopes=frozenset(row["scopes"]) & may,
        )
        if len(self._trusted) >= _MOST_TRUSTED:
            self._trusted.clear()
        self._trusted[digest] = (caller, time.monotonic() + TRUSTED)
        return caller

    def forget(self) -> None:
        """Look every key up again with its next call: roles, or whole projects, are others."""
        self._trusted.clear()

    async def create_key(
        self,
        project_id: str,
        *,
        email: str,
        name: str,
        scopes: Iterable[str] = ("read", "write"),
        expires_at: datetime | None = None,
        key_id: str | None = None,
    ) -> tuple[Key, str]:
        """A new key of a project, and the secret itself, which is kept nowhere.

        `expires_at` is UTC without a zone. A key of the id `key_id` is put in the place of one whose secret nobody got.

        Raises:
            NotFound: no such project. InvalidInput: no address or name, or scopes that there are not.
        """
        async with self._database.transaction() as db:
            row = (await db.execute(select(projects).where(projects.c.id == project_id))).mappings().first()
            if row is None:
                raise NotFound(project_id, what="project has the id", where="GET /v1/projects lists those there are")
            if key_id is not None:
                await db.execute(delete(keys).where(keys.c.id == key_id, keys.c.project_id == project_id))
            return await self._make(
                db, row, email=email, name=name, scopes=scopes, expires_at=expires_at, key_id=key_id
            )

    async def keys(self, project_id: str) -> list[Key]:
        """Keys of a project, revoked ones too, the newest first."""
        async with self._database.transaction() as db:
            query = select(keys).where(keys.c.project_id == project_id).order_by(keys.c.created_at.desc(), keys.c.id)
            return [_key(row) for row in (await db.execute(query)).mappings()]

    async def revoke_key(self, project_id: str, key_id: str) -> Key:
        """End a key at once in this process, within five seconds in others.

        Raises:
            NotFound: the project has no such key.
        """
        async with self._database.transaction() as db:
            here = (keys.c.project_id == project_id) & (keys.c.id == key_id)
            await db.execute(update(keys).where(here, keys.c.revoked_at.is_(None)).values(revoked_at=moment()))
            row = (await db.execute(select(keys).where(here))).mappings().first()
        if row is None:
            raise NotFound(
                key_id, what="key of this project has the id", where="mnemic keys list, or GET /v1/keys, lists them"
            )
        self._trusted.pop(row["hash"], None)
        return _key(row)

    async def project_of_store(self, store_project: str) -> str:
        """Id of the project whose memories lie in this project of the store.

        Raises:
            NotFound: there is none.
        """
        async with self._database.transaction() as db:
            query = select(projects.c.id).where(projects.c.store_project == store_project)
            found = (await db.execute(query)).scalar_one_or_none()
        if found is None:
            raise NotFound(store_project, what="project of the server lies in", where="POST /v1/projects makes one")
        return str(found)

    async def _make(
        self,
        db: AsyncConnection,
        project: RowMapping,
        *,
        email: str,
        name: str,
        scopes: Iterable[str],
        expires_at: datetime | None,
        key_id: str | None = None,
    ) -> tuple[Key, str]:
        wanted = frozenset(scopes)
        if not wanted or not wanted <= set(KEY_SCOPES):
            raise InvalidInput(f"scopes must be some of {', '.join(KEY_SCOPES)}, not {describe(sorted(wanted))}")
        secret = f"mn-{secrets.token_urlsafe(32)}"
        row = {
            "id": key_id or str(uuid.uuid4()),
            "project_id": project["id"],
            "email": checked_email(email),
            "name": checked_name(name, "name"),
            "prefix": secret[:8],
            "scopes": [each for each in KEY_SCOPES if each in wanted],
            "created_at": moment(),
            "expires_at": expires_at,
            "revoked_at": None,
            "last_used_at": None,
        }
        await alone(db, project["organization_id"])
        await db.execute(insert(keys).values(hash=_hash(secret), **row))
        may = await _may(db, project["organization_id"], project["id"], row["email"])
        if may is not None and not wanted <= may:
            raise InvalidInput(
                f"the role of {row['email']} allows {', '.join(sorted(may))} only; give another role first"
            )
        if may is None:
            role = "OWNER" if "admin" in wanted else "READER" if wanted == {"read"} else "MEMBER"
            anybody = select(members.c.id).where(members.c.organization_id == project["organization_id"]).limit(1)
            first = (await db.execute(anybody)).first() is None  # who owns all projects, later ones own this one
            await db.execute(
                insert(members).values(
                    id=str(uuid.uuid4()),
                    organization_id=project["organization_id"],
                    project_id=None if first and role == "OWNER" else project["id"],
                    email=row["email"],
                    role=role,
                    created_at=row["created_at"],
                )
            )
        return _key(row), secret


async def alone(db: AsyncConnection, organization: str) -> None:
    """Have whoever else changes this organisation wait for the end of the transaction: it looks before it writes."""
    await db.execute(select(organizations.c.id).where(organizations.c.id == organization).with_for_update())


async def _may(db: AsyncConnection, organization: str, project_id: str, email: str) -> frozenset[KeyScope] | None:
    """What somebody's keys of a project may do at most; None for who is no member."""
    place = members.c.project_id.is_(None) | (members.c.project_id == project_id)
    mine = (members.c.organization_id == organization) & (members.c.email == email) & place
    roles = [MAY[role] for (role,) in await db.execute(select(members.c.role).where(mine))]
    return frozenset().union(*roles) if roles else None


async def _first_project(db: AsyncConnection, store_project: str) -> None:
    organization, at = str(uuid.uuid4()), moment()
    await db.execute(insert(organizations).values(id=organization, name="default", created_at=at))
    await db.execute(
        insert(projects).values(
            id=str(uuid.uuid4()),
            organization_id=organization,
            name="default",
            description=None,
            store_project=store_project,
            settings={},
            is_default=True,
            created_at=at,
            updated_at=at,
        )
    )


def checked_email(email: str) -> str:
    """An address, as far as one can be told from a text.

    Raises:
        InvalidInput: it is none.
    """
    name, _, host = email.strip().partition("@")
    if (
        not name
        or not host
        or any(each.isspace() or not each.isprintable() for each in email.strip())
        or len(email) > 320
    ):
        raise InvalidInput(f"email must be an address such as ann@example.com, not {describe(email)}")
    return email.strip().lower()


def checked_name(name: str, what: str) -> str:
    """A name of at most 200 characters.

    Raises:
        InvalidInput: it is empty or too long.
    """
    if not name.strip() or len(name) > 200 or "\0" in name:
        raise InvalidInput(f"{what} must be a name of 1 to 200 characters, not {describe(name)}")
    return name.strip()


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def _key(row: RowMapping | dict[str, Any]) -> Key:
    return Key(**{name: row[name] for name in Key.__dataclass_fields__} | {"scopes": tuple(row["scopes"])})
