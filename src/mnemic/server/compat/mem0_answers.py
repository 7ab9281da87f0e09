"""Our results in the shapes that mem0's clients read. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from mnemic.types import AddResult, EventResult, HistoryItem, MemoryItem

_ALWAYS = frozenset({"id", "memory", "score"})
"""What is shown whatever `fields` asks for: without it the others say nothing."""


def memory(item: MemoryItem, fields: Sequence[str] = ()) -> dict[str, Any]:
    """One memory, with the run under both names that are read."""
    created = item.get("said_at") or item["created_at"]
    shown: dict[str, Any] = {
        "id": item["id"],
        "memory": item["memory"],
        "hash": item["hash"],
        "user_id": item["user_id"],
        "agent_id": item["agent_id"],
        "app_id": item["app_id"],
        "run_id": item["run_id"],
        "session_id": item["run_id"],
        "actor_id": item["actor_id"],
        "role": item["role"],
        "metadata": item["metadata"],
        "categories": item["categories"],
        "type": item["kind"],
        "structured_attributes": _calendar(created),
        "replaced_by": item.get("retired_by"),
        "synthesized": item["kind"] in ("summary", "pattern"),
        "expiration_date": item["expiration_date"],
        "created_at": created,
        "updated_at": item["updated_at"],
    }
    if "score" in item:
        shown["score"] = min(1.0, max(0.0, item["score"]))
    if fields:
        wanted = _ALWAYS.union(fields)
        return {name: value for name, value in shown.items() if name in wanted}
    return shown


def one(item: MemoryItem) -> dict[str, Any]:
    """One memory that was asked for by its id."""
    state = "superseded" if item.get("retire_reason") else "active"
    return {**memory(item), "lifecycle_state": state, "expired": _has_expired(item["expiration_date"])}


def pending(result: AddResult) -> dict[str, Any]:
    """Messages are logged; memories are made of them next."""
    return {
        "message": "Memory processing has been queued for background execution",
        "status": "PENDING",
        "event_id": result["receipt"]["change_id"],
    }


def kept(result: AddResult) -> dict[str, Any]:
    """Memories that were made at once."""
    return {
        "message": "Memories were stored",
        "status": "SUCCEEDED",
        "event_id": result["receipt"]["change_id"],
        "results": [
            {"id": each["id"], "memory": each["memory"], "data": {"memory": each["memory"]}, "event": each["event"]}
            for each in result["results"]
        ],
    }


def page(results: Sequence[Any], *, total: int, number: int, size: int, address: Any) -> dict[str, Any]:
    """One page of a list; `address` makes the URL of another page from its number."""
    return {
        "count": total,
        "next": address(number + 1) if number * size < total else None,
        "previous": address(number - 1) if number > 1 else None,
        "results": list(results),
    }


def history(lines: Iterable[HistoryItem], of: Mapping[str, Any], said: Sequence[Mapping[str, str]]) -> list[Any]:
    """The history of a memory: `of` has its ids, metadata and categories, `said` the messages it comes from."""
    return [
        {
            "id": line["id"],
            "memory_id": line["memory_id"],
            "input": list(said),
            "old_memory": line["old_memory"],
            "new_memory": line["new_memory"],
            "event": line["event"],
            "user_id": of.get("user_id"),
            "agent_id": of.get("agent_id"),
            "app_id": of.get("app_id"),
            "run_id": of.get("run_id"),
            "session_id": of.get("run_id"),
            "categories": of.get("categories") or [],
            "metadata": of.get("metadata") or {},
            "created_at": line["created_at"],
            "updated_at": line["updated_at"],
        }
        for line in lines
    ]


def event(found: EventResult) -> dict[str, Any]:
    """What became of a write."""
    ended = found["status"] != "PENDING"
    begun, done = datetime.fromisoformat(found["created_at"]), datetime.fromisoformat(found["updated_at"])
    reasons = [each["reason"] for each in found["messages"] if each["state"] == "failed" and each["reason"]]
    ids = {name: found[name] for name in ("user_id", "agent_id", "app_id", "run_id")}
    return {
        "id": found["id"],
        "event_type": found["kind"].upper(),
        "status": found["status"],
        "payload": {name: value for name, value in ids.items() if value is not None},
        "metadata": {},
        "results": [
            {"id": each["id"], "event": each["event"], "data": {"memory": each["memory"]}, **ids}
            for each in found["results"]
        ],
        "created_at": found["created_at"],
        "updated_at": found["updated_at"],
        "started_at": found["created_at"],
        "completed_at": found["updated_at"] if ended else None,
        "latency": round((done - begun).total_seconds() * 1000, 3) if ended else None,
        "graph_status": None,
        "error": "; ".join(dict.fromkeys(reasons)) or None,
    }


def _has_expired(day: str | None) -> bool:
    return day is not None and day < datetime.now(UTC).date().isoformat()


def _calendar(moment: str) -> dict[str, Any]:
    """The parts of a moment, in its own zone."""
    at = datetime.fromisoformat(moment)
    return {
        "year": at.year,
        "month": at.month,
        "day": at.day,
        "hour": at.hour,
        "minute": at.minute,
        "day_of_week": at.strftime("%A").lower(),
        "week_of_year": at.isocalendar().week,
        "day_of_year": at.timetuple().tm_yday,
        "quarter": (at.month - 1) // 3 + 1,
        "is_weekend": at.isoweekday() > 5,
    }
