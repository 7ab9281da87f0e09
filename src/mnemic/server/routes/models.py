"""What requests are made of. Names are those of the library's arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field, model_validator

from mnemic import inputs
from mnemic.server.problems import Refused
from mnemic.types import SCOPE_IDS, Format, Kind

_MOST_CHARS = inputs.MAX_CHARS
_MOST_IN_PAGE = 10_000

Id = Annotated[str, Field(max_length=256, examples=["alice"])]
"""Whose. The library says what an id may not hold."""
Time = Annotated[
    Annotated[str, Field(max_length=64)] | int | float,
    Field(description="ISO 8601, or seconds since 1970.", examples=["2025-03-14"]),
]
TimeText = Annotated[str, Field(max_length=64, description="ISO 8601.", examples=["2025-03-14"])]
Text = Annotated[str, Field(min_length=1, max_length=_MOST_CHARS)]
RecordId = Annotated[str, Field(min_length=1, max_length=64)]
PathId = Annotated[str, Path(max_length=64, pattern=r"^[0-9A-Za-z_-]+$")]
Cursor = Annotated[str, Field(max_length=2000)]
Filters = dict[str, Any]
Metadata = dict[str, Any]
Categories = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=100)]


class Body(BaseModel):
    """A body, or the query of a GET: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid", strict=True)

    def given(self, *but: str) -> dict[str, Any]:
        """What was sent, as arguments of the method."""
        return {name: getattr(self, name) for name in self.model_fields_set if name not in but}


class Ids(Body):
    """Whose memories: at least one id."""

    user_id: Id | None = None
    agent_id: Id | None = None
    app_id: Id | None = None
    run_id: Id | None = None

    @property
    def ids(self) -> dict[str, Any]:
        """The ids that were sent."""
        return {name: value for name in SCOPE_IDS if (value := getattr(self, name)) is not None}


class Message(BaseModel):
    """One turn, as chat interfaces have it; what else such a message holds is let be."""

    model_config = ConfigDict(extra="allow", strict=True)

    role: str = Field("user", max_length=40, examples=["user"])
    content: str | list[Any] | None = Field(None, examples=["I moved to Taipei last month."])
    name: Annotated[str, Field(max_length=256)] | None = None
    at: Time | None = Field(None, description="When it was said.")
    metadata: Metadata | None = None
    external_id: Annotated[str, Field(max_length=256)] | None = Field(
        None, description="Your own id of it: a message whose id is there already is not taken again."
    )


class Finding(Body):
    """A fact, and the words of the messages that say it."""

    text: Text = Field(examples=["Lives in Taipei"])
    quote: Text = Field(examples=["I live in Taipei."])
    subject: Annotated[str, Field(max_length=_MOST_CHARS)] = Field("", examples=["user"])
    attribute: Annotated[str, Field(max_length=_MOST_CHARS)] = Field("", examples=["lives_in"])
    object: Annotated[str, Field(max_length=_MOST_CHARS)] = Field("", examples=["Taipei"])
    kind: Literal["fact", "preference", "event", "procedure"] = "fact"
    ends: bool = Field(False, description="It says that something stopped being so.")


class Add(Ids):
    """Messages to remember."""

    messages: Text | Message | Annotated[list[Text | Message], Field(min_length=1, max_length=1000)] = Field(
        examples=[[{"role": "user", "content": "I live in Taipei."}]]
    )
    metadata: Metadata | None = None
    at: Time | None = None
    timestamp: Time | None = Field(None, description="The same as `at`.")
    infer: bool = Field(True, description="False keeps each message as one memory, word for word.")
    expiration_date: TimeText | None = None
    categories: Categories = []
    instructions: Text | None = None
    filters: Filters | None = Field(None, description="Ids only.")
    wait: Literal["stored", "extracted"] = Field(
        "stored", description="Whether the answer waits for the memories, or only until the messages are stored."
    )
    memory_type: Literal["procedural_memory"] | None = None
    facts: Annotated[list[Finding], Field(max_length=1000)] | None = Field(
        None, description="What you found in the messages yourself, in place of an extraction; waited for."
    )


class Remember(Ids):
    """A text to keep as it is."""

    text: Text = Field(examples=["Allergic to peanuts"])
    kind: Kind = "note"
    metadata: Metadata | None = None
    at: Time | None = None
    expiration_date: TimeText | None = None
    categories: Categories = []
    external_id: Annotated[str, Field(max_length=256)] | None = Field(
        None, description="Your own id of it: a text whose id is there already is not taken again."
    )


class Asking(Ids):
    """A question and what it is about."""

    query: Text = Field(examples=["Where does she live?"])
    filters: Filters | None = Field(None, examples=[{"categories": {"contains": "health"}}])
    top_k: int | None = Field(None, ge=1, le=1000)
    threshold: float | None = Field(None, ge=0, le=1)
    as_of: Time | None = None
    known_at: Time | None = None
    reference_date: Time | None = None


class Search(Asking):
    """A question."""

    limit: int | None = Field(None, ge=1, le=1000, description="The same as `top_k`.")
    include: Annotated[list[Literal["memory", "episode"]], Field(min_length=1, max_length=2)] | None = None
    show_expired: bool = False
    latest_only: bool | None = None
    explain: bool = False
    rerank: bool | None = None


class Explain(Asking):
    """A question, and a memory that is missed among the hits."""

    memory_id: RecordId | None = None
    limit: int | None = Field(None, ge=1, le=1000, description="The same as `top_k`.")
    include: Annotated[list[Literal["memory", "episode"]], Field(min_length=1, max_length=2)] | None = None
    show_expired: bool = False
    latest_only: bool | None = None
    rerank: bool | None = None


class Context(Asking):
    """A question that a block for a prompt is wanted for."""

    max_tokens: int = Field(1000, ge=1, le=1_000_000)
    top_k: int = Field(20, ge=1, le=1000)
    format: Format = "text"
    profile: bool = True


class Update(Body):
    """What a memory is to say from now on."""

    data: Text | None = Field(None, examples=["Lives in Tainan"])
    text: Text | None = Field(None, description="The same as `data`.")
    metadata: Metadata | None = None
    expiration_date: TimeText | None = Field(None, description="null removes it.")
    timestamp: Time | None = Field(None, description="When it was said.")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("data (the new text), metadata, expiration_date or timestamp is needed")
        return self


class Feedback(Body):
    """What a person thinks of a memory."""

    feedback: Literal["POSITIVE", "NEGATIVE", "VERY_NEGATIVE"] | None = Field(
        description="null takes back all that was said of it."
    )
    reason: Text | None = None


class Pin(Body):
    """Whether a memory is one to keep."""

    pinned: bool = True


class Import(Body):
    """Memories of another layer."""

    memories: list[dict[str, Any]] = Field(
        max_length=10_000, examples=[[{"id": "1", "memory": "Plays tennis", "user_id": "alice"}]]
    )
    source: str = Field("mem0", min_length=1, max_length=256)


class Retry(Ids):
    """Messages to give another chance."""

    episode_id: RecordId | None = None


class Process(Ids):
    """Messages to make memories of now."""

    limit: int | None = Field(None, ge=1, le=_MOST_IN_PAGE)


class Wait(Ids):
    """Messages to wait for."""

    seconds: float = Field(30.0, ge=0, le=60)


class Consolidate(Ids):
    """What is to be tidied up."""

    dry_run: bool = True
    only: Annotated[list[RecordId], Field(max_length=1000)] | None = None


class Merge(Ids):
    """Two entities that are one."""

    entity: Text = Field(examples=["Anna"])
    other: Text = Field(examples=["Ann"])


class Split(Ids):
    """A name that is somebody else's."""

    entity: Text = Field(examples=["Anna"])
    name: Text = Field(examples=["Annie"])


class List(Ids):
    """Memories."""

    filters: Filters | None = None
    limit: int | None = Field(None, ge=1, le=_MOST_IN_PAGE)
    top_k: int | None = Field(None, ge=1, le=_MOST_IN_PAGE, description="The same as `limit`.")
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")
    order: Literal["newest", "oldest", "said", "updated"] = "newest"
    show_expired: bool = False
    latest_only: bool | None = None
    as_of: Time | None = None
    known_at: Time | None = None


class Reset(Body):
    """That everything is meant."""

    everything: Literal[True] = Field(description="Nothing but true: all memories of the project go.")


# Queries. Their values come as text.


class Asked(BaseModel):
    """A query: what it does not know it refuses."""

    model_config = ConfigDict(extra="forbid")

    user_id: Id | None = None
    agent_id: Id | None = None
    app_id: Id | None = None
    run_id: Id | None = None

    @property
    def ids(self) -> dict[str, Any]:
        """The ids that were sent."""
        return {name: value for name in SCOPE_IDS if (value := getattr(self, name)) is not None}

    def given(self, *but: str) -> dict[str, Any]:
        """What was sent, as arguments of the method."""
        return {name: getattr(self, name) for name in self.model_fields_set if name not in but}


class Page(Asked):
    """A page of a listing."""

    limit: int = Field(100, ge=1, le=_MOST_IN_PAGE)
    cursor: Cursor | None = Field(None, description="`next_cursor` of the page before.")


class GetAll(Page):
    """Memories."""

    filters: str | None = Field(None, max_length=20_000, description="Conditions, as JSON.", examples=["{}"])
    top_k: int | None = Field(None, ge=1, le=_MOST_IN_PAGE, description="The same as `limit`.")
    order: Literal["newest", "oldest", "said", "updated"] = "newest"
    show_expired: bool = False
    latest_only: bool | None = None
    as_of: TimeText | None = None
    known_at: TimeText | None = None


class Messages(Page):
    """Messages of the log."""

    state: list[Literal["pending", "done", "empty", "refused", "failed", "hidden"]] | None = Field(None, max_length=6)


class Changes(Page):
    """What happened."""

    since: TimeText
    until: TimeText | None = None


class Events(Page):
    """Writes."""

    limit: int = Field(20, ge=1, le=100)


class Stream(Asked):
    """A stream."""

    since: TimeText | None = Field(None, description="Tell also of what happened from here on.")


class Timeline(Asked):
    """An attribute of somebody."""

    attribute: str = Field(min_length=1, max_length=200, examples=["home"])
    subject: str = Field("user", min_length=1, max_length=200)


class Related(Asked):
    """An entity."""

    entity: str = Field(min_length=1, max_length=500, examples=["Anna"])
    hops: int = Field(1, ge=1, le=4)


class Graph(Asked):
    """A graph."""

    limit: int = Field(1000, ge=1, le=_MOST_IN_PAGE)


class Get(BaseModel):
    """How a memory is shown."""

    model_config = ConfigDict(extra="forbid")

    unmasked: bool = Field(False, description="With secrets, for keys of the scope admin.")


class Export(Asked):
    """What is exported."""

    vectors: bool = True


Whose = Annotated[Asked, Query()]


def require(given: Ids | Asked, filters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The ids of a request, which must name somebody.

    Raises:
        Refused: 400, there is none, neither beside the filters nor demanded by them.
    """
    ids = given.ids
    if not ids and filters:
        ids = {name: value for name, value in inputs.split_filters(filters)[0].items() if value is not None}
    if not any(str(value).strip() for value in ids.values()):
        raise Refused(400, f"name at least one of {', '.join(SCOPE_IDS)}, such as user_id=alice", code="InvalidScope")
    return ids
