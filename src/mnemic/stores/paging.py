"""Orders of a listing, and the cursors that lead from one page to the next: the same in every store.

A cursor says where its page ended, by the value that memories are ordered by and the id, so that memories
added or deleted meanwhile move nothing. It also carries a mark of the listing it belongs to.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime

from mnemic.errors import InvalidInput, describe
from mnemic.ids import partition_of
from mnemic.protocols import Order, Where
from mnemic.times import iso
from mnemic.types import Memory

_LONGEST = 500  # characters; ours have about 170
_REFUSAL = "cursor must be a next_cursor of an earlier page, not {}"
_NO_TIME = datetime(1, 1, 1, tzinfo=UTC)


def sort_key(memory: Memory, order: Order) -> str:
    """What a memory is ordered by before its id: "" for the orders that need nothing else, else a time in UTC."""
    match order:
        case "said":
            return _utc(memory.said_at or memory.created_at)
        case "updated":
            return _utc(memory.updated_at)
        case _:
            return ""


def cursor_after(memory: Memory, where: Where, order: Order) -> str:
    """The cursor of a page that ends with this memory."""
    said = json.dumps([order, _mark(where), sort_key(memory, order), memory.id])
    return base64.urlsafe_b64encode(said.encode()).decode().rstrip("=")


def place(cursor: str | None, where: Where, order: Order) -> tuple[str, str] | None:
    """The sort key and the id that a page ended with; None for the first page.

    Raises:
        InvalidInput: not a cursor of ours, or one of another order, scope or filter.
    """
    if cursor is None:
        return None
    its_order, mark, key, memory_id = _read(cursor)
    if its_order != order:
        raise InvalidInput(
            f"cursor belongs to a listing with order={its_order!r}, not {order!r}; pass that order, or no cursor"
        )
    if mark != _mark(where):
        raise InvalidInput("cursor belongs to a listing of other ids, filters or options; pass the same, or no cursor")
    return key, memory_id


def event_place(cursor: str) -> tuple[str, str]:
    """The time and the id of the event that a page of changes ended with.

    Raises:
        InvalidInput: not a cursor of ours.
    """
    at, _, name = cursor.partition(" ")
    if not _is_time(at) or partition_of(name) is None:
        raise InvalidInput(_REFUSAL.format(describe(cursor)))
    return at, name


def _read(cursor: str) -> tuple[str, str, str, str]:
    refusal = _REFUSAL.format(describe(cursor))
    if len(cursor) > _LONGEST:
        raise InvalidInput(refusal)
    try:
        said = json.loads(base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), b"-_", validate=True))
        order, mark, key, memory_id = (str(part) for part in said)
    except (ValueError, TypeError) as exc:
        raise InvalidInput(refusal) from exc
    if (key and not _is_time(key)) or partition_of(memory_id) is None:
        raise InvalidInput(refusal)
    return order, mark, key, memory_id


def _is_time(said: str) -> bool:
    """Whether it is a time exactly as we write one: others, such as those with a lone surrogate inside, are not ours."""
    try:
        return datetime.fromisoformat(said).isoformat() == said
    except ValueError:
        return False


def _mark(where: Where) -> str:
    """Tells listings apart; the moment at which one is asked for is no part of it."""
    said = repr(replace(where, now=_NO_TIME)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(said, digest_size=6).hexdigest()


def _utc(at: datetime) -> str:
    return iso(at.astimezone(UTC))
