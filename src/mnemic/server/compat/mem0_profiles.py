"""Profiles on mem0's wire. Ours are put together when they are read, so that a job is over when it is made."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from mnemic import inputs
from mnemic.errors import InvalidInput, describe
from mnemic.filling import checked_schema
from mnemic.server.compat.mem0_people import everybody
from mnemic.server.compat.mem0_wire import Administers, Ask, Asks, Writes
from mnemic.server.organizations import Organizations
from mnemic.server.problems import Refused
from mnemic.server.service import answer

router = APIRouter()

_JOBS = "/v2/profiles/jobs/"
_SETTINGS = "/v2/profiles/settings/"
_UNSET: Mapping[str, Any] = {"schema": None, "custom_instructions": None}


@router.get("/v2/entities/user/{name}/profile/")
async def get_profile(ask: Asks, name: str) -> JSONResponse:
    """What is known of a user as a whole; by the schema of the settings where there is one."""
    user_id, settings = unquote(name), await _settings(ask)
    waiting = await _know(ask, user_id)
    shown = {
        "entity_type": "user", "entity_id": user_id, "profile": None, "updated_at": None, "generation_count": 0
    }  # fmt: skip
    if not settings["enabled"]:
        return answer(shown | {"status": "not_enabled"})
    made = await ask.memory.profile(user_id=user_id)
    newest = await ask.memory.get_all(user_id=user_id, order="updated", limit=1)
    if not newest["results"]:
        return answer(shown | {"status": "pending" if waiting else "insufficient_data"})
    schema, wish = settings["entities"]["user"]["schema"], settings["entities"]["user"]["custom_instructions"]
    profile: Any = {
        "summary": made["text"],
        "facts": [each["text"] for each in made["facts"]],
        "state": [each["text"] for each in made["state"]],
        "preferences": [each["text"] for each in made["preferences"]],
    }
    if schema is not None:
        profile = (await ask.memory.fill(schema, user_id=user_id, instructions=wish))["result"]
    done = {"status": "succeeded", "profile": profile, "generation_count": 1}
    return answer(shown | done | {"updated_at": newest["results"][0]["updated_at"]})


@router.get(_SETTINGS)
async def get_settings(ask: Asks) -> JSONResponse:
    """Profiles are on unless they were switched off."""
    return answer(await _settings(ask))


@router.post(_SETTINGS)
async def update_settings(ask: Administers) -> JSONResponse:
    """What is left out stays; null clears."""
    known, body = await _settings(ask), ask.body
    if unknown := body.keys() - {"enabled", "entities"}:
        raise InvalidInput(f"Unsupported settings: {', '.join(sorted(unknown))}")
    enabled = known["enabled"] if body.get("enabled") is None else inputs.flag(body["enabled"], "enabled")
    given = body.get("entities") or {}
    user = given.get("user") if isinstance(given, dict) else None
    if given and (not isinstance(user, dict) or given.keys() != {"user"} or user.keys() - _UNSET.keys()):
        raise InvalidInput(f"entities must be {{'user': {{'schema', 'custom_instructions'}}}}, not {describe(given)}")
    merged = known["entities"]["user"] | (user or {})
    if merged["schema"] is not None:
        merged["schema"] = checked_schema(merged["schema"])
    if merged["custom_instructions"] is not None:
        merged["custom_instructions"] = inputs.text(merged["custom_instructions"], "custom_instructions")
    caller, service = ask.call.caller, ask.call.service
    kept = {"enabled": enabled, "entities": {"user": merged}}
    await Organizations(service.database).set(caller.organization_id, caller.project_id, {"profiles": kept})
    return answer(await _settings(ask))


@router.post(_JOBS)
async def make_job(ask: Writes) -> JSONResponse:
    """Make sure of one user's profile, or of a few."""
    operation, kind = ask.body.get("operation"), ask.body.get("entity_type", "user")
    if kind != "user" or operation not in ("trigger", "sample"):
        raise InvalidInput("operation must be 'trigger' or 'sample', and entity_type 'user'")
    if not (await _settings(ask))["enabled"]:
        raise InvalidInput("profiles are switched off in the settings of this project")
    if operation == "trigger":
        user_id = ask.body.get("entity_id")
        if not isinstance(user_id, str):
            raise InvalidInput(f"entity_id must be a user's id, not {describe(user_id)}")
        await _know(ask, user_id)
        users, more = [user_id], {}
    else:
        limit = inputs.count(ask.body.get("limit") or 3, "limit")
        if limit > 10:
            raise InvalidInput(f"limit must be 1 to 10, not {limit}")
        people = [each for each in await everybody(ask.memory) if each.kind == "user" and each.memories]
        users = [each.name for each in people[:limit]]
        more = {"sampled": len(users), "entity_ids": users}
    seed = ask.call.request.headers.get("idempotency-key") or uuid.uuid4().hex
    job = _signed(ask, f"{operation}-{len(users)}-{hashlib.sha256(seed.encode()).hexdigest()[:16]}")
    return answer(
        {
            "job_id": job,
            "status": "succeeded",
            "status_url": f"{_JOBS}{job}/",
            "operation": operation,
            "entity_type": "user",
            "entity_count_reserved": len(users),
            "event_id": None,
            "replayed": False,
        }
        | more
    )


@router.get(_JOBS + "{job_id}/")
async def get_job(ask: Asks, job_id: str) -> JSONResponse:
    """A job, which its id tells all about."""
    name, _, _ = job_id.rpartition("-")
    if _signed(ask, name) != job_id:
        raise Refused(404, "there is no such job", code="NotFound")
    operation, total, _ = name.split("-")
    return answer(
        {
            "job": {
                "job_id": job_id,
                "operation": operation,
                "status": "succeeded",
                "total": int(total),
                "completed": int(total),
                "succeeded": int(total),
                "failed": 0,
                "skipped": 0,
                "enumeration_complete": True,
            }
        }
    )


async def _know(ask: Ask, user_id: str) -> bool:
    """Whether messages of a user wait to be extracted from.

    Raises:
        Refused: 404, there is nothing of such a user.
    """
    ask.call.about(user_id=user_id)
    held = await ask.memory.stats(user_id=user_id)
    if not held["memories"] and not held["episodes"]:
        raise Refused(404, f"no memory is of a user {user_id!r}", code="NotFound")
    return held["pending"] > 0


async def _settings(ask: Ask) -> dict[str, Any]:
    found = (await ask.call.service.project_settings(ask.call.caller.project_id)).get("profiles") or {}
    user = _UNSET | found.get("entities", {}).get("user", {})
    return {"enabled": found.get("enabled", True), "capabilities": {"user": True}, "entities": {"user": dict(user)}}


def _signed(ask: Ask, name: str) -> str:
    """The id of a job of this project."""
    digest = hashlib.sha256(f"{ask.call.caller.project_id}/{name}".encode()).hexdigest()
    return f"{name}-{digest[:16]}"
