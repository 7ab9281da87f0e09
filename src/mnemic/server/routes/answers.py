"""Answers that are no types of the library, and those of its methods that return plain dictionaries."""

from __future__ import annotations

from typing import Any, Literal, NotRequired

from typing_extensions import TypedDict

from mnemic.types import EventResult, HistoryItem, TimelineItem


class Updated(TypedDict):
    """A memory that was changed."""

    message: str
    id: str
    memory: str
    old_memory: str | None
    event: Literal["UPDATE"]
    version: int
    change_id: str


class Deleted(TypedDict):
    """A memory or a message that was deleted."""

    message: str
    id: str
    event: NotRequired[Literal["DELETE"]]
    deleted: NotRequired[list[str]]
    """Of a message: memories that went with it."""
    change_id: str


class AllDeleted(TypedDict):
    """What a deletion by ids took."""

    message: str
    deleted: int
    messages_hidden: int
    change_id: str


class Forgotten(TypedDict):
    """A memory that was forgotten, with what said the same."""

    message: str
    id: str
    forgotten: list[str]
    change_id: str


class Erased(TypedDict):
    """How much of what was erased."""

    message: str
    scope: dict[str, str]
    erased: Any
    at: str


class Undone(TypedDict):
    """A change that was taken back."""

    message: str
    undone: str
    kind: str
    memories: list[str]
    change_id: str


class Rated(TypedDict):
    """A memory's rating."""

    id: str
    feedback: str | None
    reason: str | None
    rating: int


class Pinned(TypedDict):
    """Whether a memory is pinned."""

    id: str
    pinned: bool


class HistoryList(TypedDict):
    """Every change of a memory, oldest first."""

    results: list[HistoryItem]


class TimelineList(TypedDict):
    """The values of an attribute, in the order in which they began to hold."""

    results: list[TimelineItem]


class EventList(TypedDict):
    """One page of writes, the newest first."""

    results: list[EventResult]
    total: int
    """How many there are, on all pages."""
    next_cursor: str | None


class Retried(TypedDict):
    """Messages that are given another chance."""

    retried: int
    episode_ids: list[str]


class Merged(TypedDict):
    """Two entities that are one."""

    id: str
    name: str
    merged: str
    change_id: str


Parted = TypedDict("Parted", {"id": str, "name": str, "from": str, "change_id": str})


class Done(TypedDict):
    """That it was done."""

    message: str


class Imported(TypedDict):
    """How much of an export was new."""

    message: str
    already_stored: int
    left_out: int
    embedded: int
    messages: int
    versions: int
    entities: int
    changes: int
    tombstones: int
