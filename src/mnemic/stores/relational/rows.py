"""How rows become values: columns in the order they are read, and what fields of a filter mean in them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mnemic.times import iso
from mnemic.types import Change, Episode, HistoryEvent, Memory, Scope, Source, Task, Tombstone

EPISODE_COLUMNS = (
    "id, project, user_id, agent_id, app_id, run_id, role, actor_id, content, said_at, received_at, metadata,"
    " state, reason, attempts, due_at, leased, task, change_id, external_id, seen"
)
MEMORY_COLUMNS = (
    "id, version, project, user_id, agent_id, app_id, run_id, kind, text, subject, attribute, categories, metadata,"
    " confidence, origin, attributed_to, actor_id, role, valid_from, valid_to, precision, known_from, known_to,"
    " retired_by, retire_reason, expires_at, pinned, proof_count, said_at, created_at, updated_at, object, slot, seen,"
    " rating"
)
MEMORY_WIDTH = MEMORY_COLUMNS.count(",") + 1


def episode_of(row: tuple[Any, ...]) -> Episode:
    """An episode from EPISODE_COLUMNS."""
    (
        record_id, project, user_id, agent_id, app_id, run_id, role, actor, content, said_at, received_at, metadata,
        state, reason, attempts, due_at, leased, task, change_id, external_id, seen,
    ) = row  # fmt: skip
    return Episode(
        id=record_id,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        role=role,
        actor=actor,
        content=content,
        said_at=datetime.fromisoformat(said_at),
        received_at=datetime.fromisoformat(received_at),
        metadata=_loads(metadata),
        state=state,
        reason=reason,
        attempts=attempts,
        due_at=moment(due_at),
        leased=bool(leased),
        task=None if task is None else task_of(task),
        change_id=change_id,
        external_id=external_id,
        seen=seen,
    )


def memory_of(row: tuple[Any, ...], sources: tuple[Source, ...], runs: tuple[str, ...] = ()) -> Memory:
    """A memory from MEMORY_COLUMNS."""
    (
        record_id, version, project, user_id, agent_id, app_id, run_id, kind, text, subject, attribute, categories,
        metadata, confidence, origin, attributed_to, actor, role, valid_from, valid_to, precision, known_from, known_to,
        retired_by, retire_reason, expires_at, pinned, proof_count, said_at, created_at, updated_at, object_, slot, seen,
        rating,
    ) = row  # fmt: skip
    return Memory(
        id=record_id,
        version=version,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        kind=kind,
        text=text,
        subject=subject,
        attribute=attribute,
        object=object_,
        slot=slot,
        categories=tuple(_loads(categories)),
        metadata=_loads(metadata),
        confidence=confidence,
        origin=origin,
        attributed_to=attributed_to,
        actor=actor,
        role=role,
        valid_from=moment(valid_from),
        valid_to=moment(valid_to),
        precision=precision,
        known_from=datetime.fromisoformat(known_from),
        known_to=moment(known_to),
        retired_by=retired_by,
        retire_reason=retire_reason,
        expires_at=moment(expires_at),
        pinned=bool(pinned),
        proof_count=proof_count,
        said_at=moment(said_at),
        created_at=datetime.fromisoformat(created_at),
        updated_at=datetime.fromisoformat(updated_at),
        seen=seen,
        rating=rating,
        runs=runs,
        sources=sources,
    )


HISTORY_COLUMNS = "id, memory_id, version, event, old_text, new_text, at, change_id, actor, reason"


def event_of(row: tuple[Any, ...]) -> HistoryEvent:
    """A line of history from HISTORY_COLUMNS."""
    event_id, memory_id, version, event, old_text, new_text, at, change_id, actor, reason = row
    return HistoryEvent(
        id=event_id, memory_id=memory_id, version=version, event=event, old_text=old_text, new_text=new_text,
        at=datetime.fromisoformat(at), change_id=change_id, actor=actor, reason=reason,
    )  # fmt: skip


CHANGE_COLUMNS = "id, project, user_id, agent_id, app_id, run_id, kind, at, undone_by"


def change_of(row: tuple[Any, ...]) -> Change:
    """A change from CHANGE_COLUMNS."""
    record_id, project, user_id, agent_id, app_id, run_id, kind, at, undone_by = row
    return Change(
        id=record_id,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        kind=kind,
        at=datetime.fromisoformat(at),
        undone_by=undone_by,
    )


TOMBSTONE_COLUMNS = "id, project, user_id, agent_id, app_id, run_id, at, change_id, slot, print"


def tombstone_of(row: tuple[Any, ...]) -> Tombstone:
    """A tombstone from TOMBSTONE_COLUMNS."""
    record_id, project, user_id, agent_id, app_id, run_id, at, change_id, slot, print_ = row
    return Tombstone(
        id=record_id,
        scope=Scope(project=project, user_id=user_id, agent_id=agent_id, app_id=app_id, run_id=run_id),
        at=datetime.fromisoformat(at),
        change_id=change_id,
        slot=slot,
        print=json.loads(print_),
    )


def task_of(stored: str) -> Task:
    """A task from what `task_json` wrote."""
    fields = json.loads(stored)
    return Task(
        expires_at=moment(fields.get("expires_at")),
        categories=tuple(fields.get("categories", ())),
        instructions=fields.get("instructions"),
        choices=fields.get("choices", {}),
    )


def task_json(task: Task | None) -> str | None:
    """A task as it is stored: what was not wished for takes no room."""
    if task is None:
        return None
    fields = {
        "expires_at": task.expires_at and iso(task.expires_at),
        "categories": list(task.categories),
        "instructions": task.instructions,
        "choices": dict(task.choices),
    }
    return to_json({name: value for name, value in fields.items() if value})


def to_json(value: Any) -> str:
    """JSON without spaces, every script as it is."""
    if not value and type(value) in _NOTHING:
        return _NOTHING[type(value)]
    return _PLAIN.encode(value)


_NOTHING: dict[type, str] = {dict: "{}", list: "[]", tuple: "[]"}
_PLAIN = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def scope_columns(scope: Scope) -> Mapping[str, str | None]:
    """The columns that say whose a row is."""
    return {
        "project": scope.project,
        "user_id": scope.user_id,
        "agent_id": scope.agent_id,
        "app_id": scope.app_id,
        "run_id": scope.run_id,
    }


_EMPTY: dict[str, Any] = {"{}": {}, "[]": []}


def _loads(stored: str) -> Any:
    """JSON, without a parser where there is nothing in it; each value is a new one."""
    return _EMPTY[stored].copy() if stored in _EMPTY else json.loads(stored)


def moment(value: str | None) -> datetime | None:
    """A stored time, or None."""
    return None if value is None else datetime.fromisoformat(value)


def stamp(at: datetime | None) -> str | None:
    """A time to be stored as it was given, or None."""
    return None if at is None else iso(at)


def utc(at: datetime | None) -> str | None:
    """A time to be stored so that its text sorts by it, or None."""
    return None if at is None else iso(at.astimezone(UTC))


def prefixed(alias: str, columns: str) -> str:
    """Columns of one table of a join."""
    return ", ".join(f"{alias}.{name.strip()}" for name in columns.split(","))
